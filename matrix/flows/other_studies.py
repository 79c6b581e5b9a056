"""The other studies of a capability: whether a check that one study proposes is sound there too.

A check is proposed for the kernel, not for a study. What is weakest and sound over a few CPUs and
kinds of VM may be unsound where more of them are.
"""

from __future__ import annotations

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.proof.synthesis import Elsewhere, Synthesis, declared_synthesis, synthesise
from matrix.analyze.space.difference import asked_again
from matrix.analyze.space.study import SolvedStudy
from matrix.diagnostics import InputError, UndecidedError
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from matrix.schema.values import PredicateVersion


class OtherStudies:
    """The studies of a library, each solved at most once."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._solved: dict[str, SolvedStudy | None] = {}
        self._found: dict[str, Synthesis | None] = {}

    def remember(self, solved: SolvedStudy) -> None:
        """Take a study that is solved already."""
        self._solved[solved.study.id] = solved

    def synthesis(self, name: str) -> Synthesis | None:
        """Return the check that is weakest over a study, None where there is none."""
        if name not in self._found:
            solved = self._solve(name)
            self._found[name] = None if solved is None else self._synthesise(solved)
        return self._found[name]

    def refuting(self, study: str, predicate: PredicateVersion) -> tuple[Elsewhere, ...]:
        """Return the other studies of a study's capability with cells in which a check is unsound.

        The one with the most cells comes first. A study that has something wrong with it has no
        say, nor one whose kernels lack what the check tests.
        """
        capability = self._library.study(study).capability
        found = []
        for other in self._library.knowledge.studies:
            if other.id == study or other.capability != capability:
                continue
            solved = self._solve(other.id)
            unsound = 0 if solved is None else _unsound(solved, predicate)
            if solved is not None and unsound:
                cells = solved.valid.count()
                found.append(Elsewhere(study=other, cells=cells, unsound=unsound))
        return tuple(sorted(found, key=lambda item: -item.cells))

    def _solve(self, name: str) -> SolvedStudy | None:
        if name not in self._solved:
            try:
                self._solved[name] = prepare_study(self._library, name).solve()
            except (InputError, UndecidedError):
                self._solved[name] = None
        return self._solved[name]

    def _synthesise(self, solved: SolvedStudy) -> Synthesis | None:
        capability = self._library.capability(solved.study.capability)
        try:
            return synthesise(solved, declared_synthesis(capability), solved.valid)
        except InputError:
            return None


def _unsound(solved: SolvedStudy, predicate: PredicateVersion) -> int:
    try:
        return asked_again(solved, predicate).count(Verdict.UNSOUND)
    except InputError:
        return 0
