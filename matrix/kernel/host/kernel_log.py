"""The lines of the kernel log that tell what the kernel found: picked, and what they show.

Takes the declared lines of an architecture (`log:` of its file) and a log, gives only lines that
match one of them in full, without their time stamps: everything else in a log is private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from matrix.expr.nodes import Scalar
from matrix.schema.values import Architecture, LogLine

# "<6>[    0.000000] " of the log's buffer, "[    0.000000] [    T1] " with CONFIG_PRINTK_CALLER.
_STAMP = re.compile(r"^(?:<\d+>)?(?:\[\s*\d+\.\d+\]\s?)?(?:\[\s*[TC]\d+\]\s?)?")
# Groups of a declared line that are read and not kept: texts of the user, or of no use later.
_NOT_KEPT = frozenset({"version", "machine", "cmdline", "product", "size", "order"})

_NAMED_GROUP = re.compile(r"\(\?P<\w+>")

ShownKind = Literal["fact", "axis", "field"]


class Shown(Struct, frozen=True, kw_only=True):
    """A declared name as the log shows it: a fact, an environment axis, or a field of every CPU.

    `value` is None where the log shows nothing, and `why_not` says so; `inferred` is what follows
    from a line that a whole log lacks.
    """

    name: str
    kind: ShownKind
    value: Scalar | None
    source: str
    inferred: bool = False
    why_not: str | None = None


def architecture_of(machine: str, architectures: Sequence[Architecture]) -> Architecture | None:
    """Return the architecture of a machine by its name in uname(2); None: nobody declared it."""
    return next((one for one in architectures if machine in one.machines), None)


@lru_cache(maxsize=64)
def log_lines(architecture: Architecture | None) -> LogLines:
    """Return the lines to look for, made once an architecture."""
    return LogLines(architecture)


class LogLines:
    """The declared lines of one architecture, ready to be looked for; of an unknown one, none."""

    def __init__(self, architecture: Architecture | None) -> None:
        log = () if architecture is None else architecture.log
        self.rows = tuple((re.compile(row.line), row) for row in log)
        # One expression finds out in one go that a message is none of them, as most are.
        # Without the names of groups: one expression may have each name once, and two rows may
        # share one.
        joined = "|".join(f"(?:{_NAMED_GROUP.sub('(?:', row.line)})" for row in log)
        self._any = re.compile(joined or r"(?!)")
        kinds: dict[str, ShownKind] = {}
        if architecture is not None:
            kinds.update((item.name, "field") for item in architecture.fields)
            kinds.update((item.name, "axis") for item in architecture.environment)
            kinds.update((item.name, "fact") for item in architecture.facts)
        names = (name for _, row in self.rows for name, _ in (*row.shows, *row.absent))
        self._kinds = {name: kinds[name] for name in names}

    def matches(self, line: str) -> Iterator[tuple[LogLine, re.Match[str]]]:
        """Yield the declared lines that a whole message is."""
        if self._any.fullmatch(line) is None:
            return
        for expression, row in self.rows:
            found = expression.fullmatch(line)
            if found is not None:
                yield row, found

    def known(self, log: str) -> tuple[str, ...]:
        """Return the lines that tell something and may be kept, in order, without time stamps."""
        stripped = (_STAMP.sub("", line, count=1).rstrip() for line in log.splitlines())
        return tuple(line for line in stripped if self.is_known(line))

    def is_known(self, line: str) -> bool:
        """Tell whether a line is one that `known` gives."""
        return any(
            expression.fullmatch(line)
            for expression, row in self.rows
            if not _NOT_KEPT.intersection(expression.groupindex)
            and (row.shows or row.mark != "ends")
        )

    def holds_whole_boot(self, lines: Sequence[str]) -> bool:
        """Tell whether the log still has the boot's first line: the buffer loses its oldest."""
        return any(row.mark == "begins" for line in lines for row, _ in self.matches(line))

    def shown(
        self,
        lines: Sequence[str],
        source: str,
        *,
        complete: bool,
        why_not: str | None = None,
        places: Sequence[str] = (),
    ) -> tuple[Shown, ...]:
        """Return each declared name once, with what the lines show of it.

        `complete` lets a missing line mean something; `places` are the lines' own sources.
        """
        seen: dict[str, tuple[Scalar, str]] = {}
        for index, line in enumerate(lines):
            for row, _ in self.matches(line):
                place = places[index] if places else source
                seen.update((name, (value, place)) for name, value in row.shows)
        inferred = dict(self._inferred(lines)) if complete else {}
        why = why_not or (
            "no line of the log says it"
            if complete
            else "the log has lost the beginning of the boot"
        )

        def of(name: str) -> Shown:
            kind = self._kinds[name]
            if name in seen:
                value, place = seen[name]
                return Shown(name=name, kind=kind, value=value, source=place)
            if name in inferred:
                value = inferred[name]
                return Shown(name=name, kind=kind, value=value, source=source, inferred=True)
            return Shown(name=name, kind=kind, value=None, source=source, why_not=why)

        return tuple(map(of, self._kinds))

    def _inferred(self, lines: Sequence[str]) -> Iterator[tuple[str, Scalar]]:
        """Yield what follows from lines that are missing, where one like their witness is there."""
        for expression, row in self.rows:
            if row.absent and not any(map(expression.fullmatch, lines)):
                witness = re.compile(row.witness or "")
                if row.witness is None or any(map(witness.fullmatch, lines)):
                    yield from row.absent
