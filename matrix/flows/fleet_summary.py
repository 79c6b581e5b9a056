"""What a fleet answers: hosts with one answer together, what is wrong with rows apart.

A part of a table is a value: another process or a later run may have made it. Joined in the order
of the table, parts say what one process says that reads all of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from matrix.analyze.cell.answer import Fix
from matrix.analyze.cell.verdict import Verdict, meanings_of
from matrix.diagnostics import Diagnostic, InputError
from matrix.kernel.line.given_line import given_line
from matrix.schema.values import Basis

_BETWEEN_MIDRS = re.compile(r"[;,+\s]+")


class HostRow(NamedTuple):
    """What a row says of its host, as text; empty where it says nothing."""

    kernel: str
    config: str
    cpu: str
    midrs: str
    cmdline: str
    vm: str
    # A path to what shows the machine; and the surroundings that it shows, as --set has them.
    evidence: str = ""
    settings: tuple[str, ...] = ()


def spec_of(row: HostRow) -> str:
    """Return the CPU system of a row as a SPEC; equal MIDRs are one CPU type."""
    if row.cpu or not row.midrs:
        return row.cpu
    midrs = (text for text in _BETWEEN_MIDRS.split(row.midrs) if text)
    return "+".join(f"midr={midr}" for midr in dict.fromkeys(midrs))


def check_line(text: str) -> None:
    """Check that a row's command line is one; the table has no place for it but the row.

    Raises:
        InputError: MX0920, MX0921.
    """
    try:
        given_line(text)
    except InputError as error:
        raise InputError([replace(item, location=None) for item in error.diagnostics]) from None


class HostAnswer(Struct, frozen=True, kw_only=True):
    """The answer of one host; `verdict` is None where the row is wrong, and `problems` says how.

    `defects` are sentences about what its kernel breaks by itself. `read_on` is the version that
    the profile of `release` was read on; `warnings` are about the answer itself: a `.config` that
    no build of the release makes.
    """

    release: str = ""
    read_on: str | None = None
    verdict: Verdict | None = None
    predicate: bool | None = None
    outcome: str = ""
    reasons: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


class HostGroup(Struct, kw_only=True):
    """Hosts with one answer, as far as the table was read; `row` is the first of them."""

    answer: HostAnswer
    row: HostRow
    first_row: int
    first_host: str
    hosts: int = 0
    cpus: dict[str, int] = field(default_factory=dict)
    fixes: tuple[Fix, ...] = ()

    def add(self, cpu: str, hosts: int) -> None:
        """Count more hosts on a CPU system."""
        self.hosts += hosts
        self.cpus[cpu] = self.cpus.get(cpu, 0) + hosts


class IdleWord(Struct, frozen=True, kw_only=True):
    """A word of command lines that means nothing to a kernel; `said` is what `validate` says."""

    release: str
    said: Diagnostic
    hosts: int
    first_row: int
    first_host: str


class FleetSummary(Struct, frozen=True, kw_only=True):
    """All of a fleet: `groups` in order of verdict and size, those of wrong rows apart.

    `broken_rows` could not be read as rows at all; `hosts` counts every row. `idle` are words of
    command lines that mean nothing to the kernel of their hosts, those of most hosts first;
    `surroundings` the options that hold for all hosts, but for the VM of those that name one.
    """

    file: str
    capability: str
    assumes_patch: str | None
    predicate_version: str
    hosts: int
    groups: tuple[HostGroup, ...]
    wrong: tuple[HostGroup, ...]
    broken_rows: int
    idle: tuple[IdleWord, ...] = ()
    surroundings: tuple[tuple[str, str], ...] = ()
    basis: Basis = "simulation"

    @property
    def verdicts(self) -> dict[str, int]:
        """The number of hosts of each verdict that occurs, in the order of the verdicts."""
        counted = {
            str(verdict): sum(item.hosts for item in self.groups if item.answer.verdict is verdict)
            for verdict in meanings_of(self.basis)
        }
        return {verdict: hosts for verdict, hosts in counted.items() if hosts}

    @property
    def defects(self) -> tuple[str, ...]:
        """What kernels break by themselves, with the number of hosts, a sentence each."""
        met: dict[str, int] = {}
        for group in self.groups:
            for text in group.answer.defects:
                met[text] = met.get(text, 0) + group.hosts
        return tuple(
            f"{hosts:,} {'host' if hosts == 1 else 'hosts'} of {self.hosts:,}: {text}"
            for text, hosts in met.items()
        )

    @property
    def wrong_rows(self) -> int:
        """The number of rows that have no answer."""
        return self.broken_rows + sum(group.hosts for group in self.wrong)


def in_order_of_hosts(words: Iterable[IdleWord]) -> tuple[IdleWord, ...]:
    """Return words that are said in vain, those of most hosts first."""
    return tuple(sorted(words, key=lambda one: (-one.hosts, one.first_row, one.said.message)))


class FleetPart(Struct, frozen=True, kw_only=True):
    """Rows that stand together: groups and remarks in the order in which they came first.

    `without_fixes` are situations of hosts in which nobody looked for a fix.
    """

    hosts: int
    groups: tuple[HostGroup, ...]
    idle: tuple[IdleWord, ...] = ()
    remarks: tuple[Diagnostic, ...] = ()
    surroundings: tuple[tuple[str, str], ...] = ()
    without_fixes: int = 0


def joined(parts: Iterable[FleetPart], options: Sequence[tuple[str, str]]) -> FleetPart:
    """Return what parts say together, which come in the order of the table.

    `options` are the surroundings in the order in which they are said.
    """
    hosts = without_fixes = 0
    groups: dict[HostAnswer, HostGroup] = {}
    idle: dict[tuple[str, Diagnostic], IdleWord] = {}
    remarks: dict[Diagnostic, None] = {}
    surroundings: set[tuple[str, str]] = set()
    for part in parts:
        hosts += part.hosts
        without_fixes += part.without_fixes
        remarks.update(dict.fromkeys(part.remarks))
        surroundings.update(part.surroundings)
        for one in part.groups:
            group = groups.setdefault(one.answer, replace(one, hosts=0, cpus={}))
            for cpu, count in one.cpus.items():
                group.add(cpu, count)
        for word in part.idle:
            before = idle.get((word.release, word.said))
            more = before.hosts if before else 0
            idle[word.release, word.said] = replace(before or word, hosts=word.hosts + more)
    return FleetPart(
        hosts=hosts,
        groups=tuple(groups.values()),
        idle=in_order_of_hosts(idle.values()),
        remarks=tuple(remarks),
        surroundings=tuple(one for one in options if one in surroundings),
        without_fixes=without_fixes,
    )


def written(part: FleetPart) -> bytes:
    """Return a part as JSON; what is no UTF-8 in it stays what it is."""
    return json.dumps(msgspec.to_builtins(part), separators=(",", ":")).encode("ascii")


def read(data: bytes) -> FleetPart | None:
    """Return a part that was `written`, None where the bytes are none."""
    try:
        return msgspec.convert(json.loads(data), FleetPart)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None
