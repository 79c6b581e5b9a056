"""What a rule may speak of: axes and facts as functions of a study's cells.

Takes a solved study, gives `Feature` values: each option with the region where it holds. Hundreds
of CPUs are a handful of facts, so a space of features (`rules.py`) is small enough to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.analyze.space.cause import varied
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.symbolic import KernelRegions, of_kernel
from matrix.expr.nodes import Expression, Name, Value, told
from matrix.expr.trees import names
from matrix.schema.values import KernelProfile
from matrix.solve.space import Region, in_several

# The fact differs with a CPU property that nobody recorded; the release has no such fact.
UNKNOWN = "unknown"
NOT_IN_RELEASE = "n/a"
_LAST = (UNKNOWN, NOT_IN_RELEASE)

_CALLS = {"cap.": "cpus_have_final_cap", "boot_cap.": "boot_cpu_has_cap"}


class Feature(Struct, frozen=True, kw_only=True):
    """An axis or a fact: the cells of each option. The regions are disjoint and cover the study."""

    name: str
    parts: Mapping[str, Region]
    axis: bool

    def where(self, options: Sequence[str]) -> Region:
        """Return the cells that have one of the options, at least one."""
        region = self.parts[options[0]]
        for option in options[1:]:
            region = region | self.parts[option]
        return region

    def option_of(self, cell: Mapping[str, str]) -> str:
        """Return the option of one cell of the study."""
        if self.axis:
            return cell[self.name]
        return next(name for name, part in self.parts.items() if not part.at(cell).is_empty())


class Candidates:
    """The features of a study from the most to the least readable, each made when asked for.

    The kernel; what predicate and requirements read; public facts, those that decide a simulation
    first; the other axes but the CPU; what else the kernel's code reads; the CPU.
    """

    def __init__(self, solved: SolvedStudy, within: Region | None = None) -> None:
        self.solved = solved
        self.valid = solved.valid if within is None else solved.valid & within
        self._kernels = [
            (profile, part)
            for profile, part in solved.kernels
            if not (part.valid & self.valid).is_empty()
        ]
        self._expressions = _Expressions(solved, self._kernels)
        self._order = self._ranked()
        self._made: dict[str, Feature] = {}

    def telling_apart(self, one: Mapping[str, str], other: Mapping[str, str]) -> Feature:
        """Return the most readable feature in which two cells differ; one axis always does."""
        found = (self.feature(name) for name in self._order)
        return next(item for item in found if item.option_of(one) != item.option_of(other))

    def rank(self, feature: Feature) -> int:
        """Return how far back a feature stands in the order of readability."""
        return self._order.index(feature.name)

    def _ranked(self) -> list[str]:
        axes = {axis.name: axis.kind for axis in self.solved.study.axes}
        order = [name for name, kind in axes.items() if kind == "kernel"]
        order.extend(self._expressions.asked)
        order.extend(self._expressions.simulated)
        order.extend(self._expressions.public)
        for wanted in ("environment", "kconfig", "boot"):
            order.extend(name for name, kind in axes.items() if kind == wanted)
        order.extend(self._expressions.others)
        # Every axis once more at the end: together they tell any two cells apart, so
        # `telling_apart` always finds one; `dict.fromkeys` keeps the earlier place of those that
        # have one.
        order.extend(axes)
        return list(dict.fromkeys(order))

    def feature(self, name: str) -> Feature:
        """Return a feature by name: an axis before a fact."""
        if name not in self._made:
            axis = any(axis.name == name for axis in self.solved.study.axes)
            self._made[name] = self._axis(name) if axis else self._fact(name)
        return self._made[name]

    def _axis(self, name: str) -> Feature:
        everything = self.solved.backend.everything()
        options = self.valid.options(name)
        return Feature(
            name=name,
            parts={option: everything.restrict(name, (option,)) for option in options},
            axis=True,
        )

    def _fact(self, name: str) -> Feature:
        """Return a fact over all kernels; a cell in which two values remain has it unknown."""
        once: dict[str, Region] = {}
        nothing = self.solved.backend.nothing()
        for profile, part in self._kernels:
            mine = of_kernel(self.solved.backend.everything(), self.solved.study, profile)
            expression = self._expressions.of(name, profile)
            if expression is None:
                once[NOT_IN_RELEASE] = once.get(NOT_IN_RELEASE, nothing) | mine
                continue
            named = _enumerators(profile, expression)
            for value, region in part.compiler.partition(expression).items():
                text = named.get(value) or told(value)
                once[text] = once.get(text, nothing) | (region & mine).project_hidden()
        # With hidden variables forgotten a cell can have two values: nobody knows which.
        twice = in_several(self.solved.backend, once.values())
        parts = {text: region - twice for text, region in once.items()}
        parts[UNKNOWN] = parts.get(UNKNOWN, nothing) | twice
        kept = {text: part for text, part in parts.items() if not (part & self.valid).is_empty()}
        ordered = sorted(kept, key=lambda text: (text in _LAST, text == "false", text))
        return Feature(name=name, parts={text: kept[text] for text in ordered}, axis=False)


def _enumerators(profile: KernelProfile, expression: Expression) -> Mapping[Value, str]:
    """Return the names of the values of an enum variable; of other expressions none."""
    return {
        number: name
        for variable in profile.variables
        if expression == Name(variable.name)
        for name, number in variable.enumerators
    }


class _Expressions:
    """Every fact and name that the kernels' questions read, per kernel, by how much it matters.

    `asked` are read by predicate and requirements, `simulated` are public facts that make a
    difference to a simulation, `public` the rest of them but those that make none; `others` are
    names that only the simulation reads, and public facts that it ignores.
    """

    def __init__(
        self, solved: SolvedStudy, kernels: Sequence[tuple[KernelProfile, KernelRegions]]
    ) -> None:
        self._found: dict[str, dict[str, Expression]] = {}
        groups: dict[str, dict[str, None]] = {"asked": {}, "simulated": {}, "ignored": {}}
        public: dict[str, None] = {}
        others: dict[str, None] = {}
        deciding = _deciding_inputs(solved)
        for profile, part in kernels:
            facts = part.question.program.facts
            for fact, expression in facts.items():
                public[fact] = None
                self._found.setdefault(fact, {})[profile.id] = expression
            # What is all that a fact says is shown as the fact.
            by_expression = {expression: fact for fact, expression in facts.items()}
            required = [item.expression for item in part.question.requirements]
            for root in (part.question.predicate, *required):
                for name in self._names(root, by_expression, profile):
                    groups["asked"][name] = None
            for field, root in part.question.rows:
                if root in by_expression:
                    # An input that is equal in all classes tells no two cells apart.
                    kind = "simulated" if field in deciding else "ignored"
                    groups[kind][by_expression[root]] = None
                for name in self._names(root, by_expression, profile):
                    others[name] = None
        self.asked = tuple(groups["asked"])
        self.simulated = tuple(groups["simulated"])
        self.public = tuple(fact for fact in public if fact not in groups["ignored"])
        self.others = tuple(dict.fromkeys((*others, *public)))

    def of(self, name: str, profile: KernelProfile) -> Expression | None:
        """Return what a name is in a kernel, None where it has no such name."""
        return self._found[name].get(profile.id)

    def _names(
        self,
        root: Expression | None,
        by_expression: Mapping[Expression, str],
        profile: KernelProfile,
    ) -> Iterator[str]:
        """Yield the names in an expression: of the public fact it is, or as the kernel writes it.

        A kernel variable that shares its name with a fact, and Kconfig symbols, have no name here.
        """
        for name in sorted(names(root)) if root is not None else ():
            if Name(name) in by_expression:
                yield by_expression[Name(name)]
            elif name not in by_expression.values() and not name.startswith("CONFIG_"):
                self._found.setdefault(in_c(name), {})[profile.id] = Name(name)
                yield in_c(name)


def _deciding_inputs(solved: SolvedStudy) -> frozenset[str]:
    """Return the simulation inputs in which behaviour classes of the study differ."""
    return frozenset(varied(item.inputs for item in solved.classes))


def in_c(name: str) -> str:
    """Return a lowered name as the kernel writes it."""
    for prefix, function in _CALLS.items():
        if name.startswith(prefix):
            return f"{function}({name.removeprefix(prefix)})"
    return name
