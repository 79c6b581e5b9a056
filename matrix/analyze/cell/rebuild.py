"""What becomes of a `.config` in which a person sets symbols: `make olddefconfig` of the model.

A person sets what has a prompt, where the prompt is shown. The other symbols follow: one without a
prompt has the value that the release's Kconfig leaves it, and one that is asked for the first time
has a default that no profile records, so that its value is unknown until the person says it, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from matrix.analyze.cell.answering import Cell
from matrix.analyze.cell.question import Question, conjuncts
from matrix.analyze.facts.evaluation import Evaluation
from matrix.expr.evaluation import kconfig_truth, truth
from matrix.expr.nodes import Call, Expression, Name, Value
from matrix.expr.trees import names
from matrix.kernel.config.dotconfig import DotConfig
from matrix.schema.values import KernelProfile

_PREFIX = "CONFIG_"


class Rebuild(Struct, frozen=True, dict=True, kw_only=True):
    """A `.config` of a release, to be changed."""

    question: Question
    profile: KernelProfile
    config: DotConfig

    @cached_property
    def _prompts(self) -> dict[str, Expression]:
        return {
            f"{_PREFIX}{symbol.name}": symbol.prompt.expression
            for symbol in self.profile.symbols
            if symbol.prompt is not None
        }

    @cached_property
    def followers(self) -> frozenset[str]:
        """The atoms without a prompt."""
        mine = {f"{_PREFIX}{symbol}" for symbol in self.question.program.symbols}
        return frozenset(mine - self._prompts.keys())

    def is_written(self, atom: str) -> bool:
        """Tell whether the file has a line for a symbol; what a fragment lacks may have one."""
        return not self.config.complete or self.config.states(atom)

    def openings(self, atom: str) -> tuple[str, ...] | None:
        """Return the symbols to switch on before a person is asked for a symbol.

        Those of the model are left out: the release's constraints speak of them. None where there
        is no prompt, or a choice between several symbols would open it.
        """
        prompt = self._prompts.get(atom)
        if prompt is None:
            return None
        found = []
        for part in conjuncts(prompt):
            # By the file alone: what is already on need not be switched on.
            if self._shown(part, {}) is True:
                continue
            match part:
                case Call("IS_ENABLED", (Name(gate),)):
                    if gate.removeprefix(_PREFIX) not in self.question.program.symbols:
                        found.append(gate.removeprefix(_PREFIX))
                case _:
                    return None
        return tuple(found)

    def moved_by(self, atom: str) -> frozenset[str]:
        """Return the atoms that setting a symbol may give another value, itself among them."""
        reached = {atom}
        waiting = [atom]
        # A symbol without a prompt moves others in its turn; one with a prompt stays as it was set.
        while waiting:
            near = self._near(waiting.pop()) - reached
            reached |= near
            waiting += near & self.followers
        return frozenset(reached)

    def _near(self, atom: str) -> set[str]:
        """Return the followers that share a constraint with a symbol, and what it opens."""
        found: set[str] = set()
        for constraint in self.question.constraints:
            together = names(constraint)
            if atom in together:
                found |= together & self.followers
        opened = (
            other
            for other, prompt in self._prompts.items()
            if atom in names(prompt) and not self.is_written(other)
        )
        return found.union(opened)

    def cell(self, cell: Cell, changed: Mapping[str, Value]) -> Cell:
        """Return the cell of the `.config` with some atoms set by a person."""
        atoms = {**cell.atoms, **changed}
        for atom, prompt in self._prompts.items():
            asked = atom not in changed and not self.is_written(atom)
            if asked and self._shown(prompt, atoms) is not False:
                atoms[atom] = None
        # A follower whose old value contradicts is unknown from here on: Kconfig gives it another
        # one. It ends, for each round makes at least one more unknown.
        while stale := self._stale(cell, atoms):
            atoms.update(dict.fromkeys(stale))
        return Cell(variables=cell.variables, atoms=atoms, detections=cell.detections)

    def _stale(self, cell: Cell, atoms: Mapping[str, Value]) -> frozenset[str]:
        """Return followers with a value that cannot all keep it."""
        known = Evaluation(self.question.program.definitions, cell.variables, atoms)
        for constraint in self.question.constraints:
            mine = {
                name for name in self.followers & names(constraint) if atoms.get(name) is not None
            }
            if mine and truth(known.of(constraint)) is False:
                return frozenset(mine)
        return frozenset()

    def _shown(self, prompt: Expression, atoms: Mapping[str, Value]) -> bool | None:
        """Tell whether a prompt is shown: by the atoms, and by the file for other symbols."""

        def value(name: str) -> Value:
            return atoms[name] if name in atoms else self.config.value(name)

        return kconfig_truth(prompt, value)

    def gates(self) -> Iterator[tuple[str, Value]]:
        """Yield what of the file beside the model's symbols a rebuild of it rests on."""
        for atom, prompt in self._prompts.items():
            yield atom, self.is_written(atom)
            yield from ((gate, self.config.value(gate)) for gate in sorted(names(prompt)))
