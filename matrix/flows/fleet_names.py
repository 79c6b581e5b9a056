"""What the command lines of a fleet say that means nothing to their kernels.

Takes what each host's line means, gives every such word once a kernel with the number of hosts.
What is said of a word is what `validate` says (`analyze/facts/staleness.py`). Hosts that say the
same in vain share one count, so that one host more costs an addition.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from matrix.analyze.facts.line_memory import LineMeaning
from matrix.analyze.facts.staleness import NameHistory
from matrix.diagnostics import Diagnostic
from matrix.flows.fleet_summary import IdleWord, in_order_of_hosts
from matrix.kernel.line.cmdline import Parameter
from matrix.schema.values import KernelProfile


class IdleWords(Struct, kw_only=True):
    """What some lines say in vain to one kernel, and the hosts with such a line so far."""

    release: str
    said: frozenset[Diagnostic]
    hosts: int = 0
    first_row: int = 0
    first_host: str = ""


class FleetNames:
    """The words of one fleet that mean nothing to their kernels."""

    def __init__(self, history: NameHistory) -> None:
        self._history = history
        self._by_line: dict[tuple[str, int], IdleWords | None] = {}
        self._words: dict[tuple[str, frozenset[Diagnostic]], IdleWords] = {}

    def of(self, profile: KernelProfile, line: LineMeaning) -> IdleWords | None:
        """Return what a line says in vain to a kernel; equal ones are one object."""
        key = (profile.id, line.number)
        if key not in self._by_line:
            said = frozenset(self._said(profile, line.named))
            found = None
            if said:
                found = IdleWords(release=profile.release, said=said)
                found = self._words.setdefault((profile.id, said), found)
            self._by_line[key] = found
        return self._by_line[key]

    def found(self) -> tuple[IdleWord, ...]:
        """Return each word once a kernel, those of most hosts first."""
        users: dict[tuple[str, Diagnostic], list[IdleWords]] = {}
        for words in self._words.values():
            for said in sorted(words.said, key=str) if words.hosts else ():
                users.setdefault((words.release, said), []).append(words)
        found = []
        for (release, said), those in users.items():
            first = min(those, key=lambda words: words.first_row)
            found.append(
                IdleWord(
                    release=release,
                    said=said,
                    hosts=sum(words.hosts for words in those),
                    first_row=first.first_row,
                    first_host=first.first_host,
                )
            )
        return in_order_of_hosts(found)

    def _said(self, profile: KernelProfile, named: tuple[Parameter, ...]) -> Iterator[Diagnostic]:
        for parameter in named:
            said = self._history.parameter(profile, parameter, None)
            if said is not None:
                yield said
