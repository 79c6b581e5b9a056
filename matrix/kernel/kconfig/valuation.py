"""A `.config` as values of symbols: the concrete algebra of `matrix.kernel.kconfig.rules`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from matrix.kernel.kconfig.comparing import holds
from matrix.kernel.kconfig.model import TRISTATES, Answer, Compare, Entry, Operand, Ref, Text
from matrix.kernel.kconfig.reading import ParsedTree

_VALUES = ((False, False), (True, False), (True, True))


class Valuation:
    """A `.config` as values of symbols: the concrete `Algebra` of the rules."""

    def __init__(
        self, tree: ParsedTree, settings: Mapping[str, str], answers: Mapping[str, str]
    ) -> None:
        self._tree = tree
        self._settings = settings
        self._answers = answers
        self._modes: dict[int, tuple[bool, bool]] = {}

    def text(self, operand: Operand) -> tuple[str, str]:
        """Return the text of an operand and the type it is compared as."""
        if isinstance(operand, Text):
            return operand.value, "tristate" if operand.value in TRISTATES else "unknown"
        if isinstance(operand, Answer):
            return self._answers.get(operand.call, "n"), "unknown"
        entry = self._tree.entry(operand.name)
        if entry is None:
            return operand.name, "unknown"
        return self.setting(entry), entry.type

    def setting(self, entry: Entry) -> str:
        """Return what the `.config` says of a symbol; what it leaves out has the empty value."""
        without = "n" if entry.is_logical else ""
        if entry.type in ("int", "hex"):
            without = self._tree.tree.rules.number_without_value
            without = "0x0" if without and entry.type == "hex" else without
        return self._settings.get(entry.name, without)

    def set_mode(self, choice: int, value: tuple[bool, bool]) -> None:
        """Take another value for a choice: where no member is set, n and m are both possible."""
        self._modes[choice] = value

    def operand(self, operand: Operand) -> tuple[bool, bool]:
        """Return the value of a symbol or of an answer."""
        text, kind = self.text(operand)
        if isinstance(operand, Ref) and kind not in ("bool", "tristate"):
            return _VALUES[0]
        return _VALUES[TRISTATES.get(text, 0)]

    def mode(self, choice: int) -> tuple[bool, bool]:
        """Return a choice's value: the `.config` has no line for it, so what its members need."""
        if choice not in self._modes:
            found = self._tree.choice(choice)
            values = (self.operand(Ref(name)) for name in found.members)
            self._modes[choice] = max(values, default=_VALUES[0])
        return self._modes[choice]

    def compare(self, comparison: Compare) -> bool:
        """Return whether a comparison holds."""
        left, right = self.text(comparison.left), self.text(comparison.right)
        return holds(comparison.relation, left, right)

    def not_(self, bit: bool) -> bool:  # noqa: FBT001
        """Return the negation."""
        return not bit

    def all_(self, bits: Iterable[bool]) -> bool:
        """Return the conjunction."""
        return all(bits)

    def any_(self, bits: Iterable[bool]) -> bool:
        """Return the disjunction."""
        return any(bits)
