"""What a fleet answers: hosts with one answer together, what is wrong with rows apart."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from matrix.analyze.cell.answer import Fix
from matrix.analyze.cell.verdict import Verdict, meanings_of
from matrix.diagnostics import Diagnostic
from matrix.flows.fleet_row import HostRow
from matrix.schema.values import Basis


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
