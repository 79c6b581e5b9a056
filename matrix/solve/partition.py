"""Expressions over a space: from C to regions.

A `Compiler` takes the variables of a space, named expressions and tables, and gives for any
expression its partition: each value it can have, with the region where it has it. `joint` refines
the partitions of many names into one; its parts are the behaviour classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location, unknown_word_hint
from matrix.expr.evaluation import apply_binary, apply_unary, truth
from matrix.expr.nodes import (
    Binary,
    Call,
    Conditional,
    Constant,
    Expression,
    Name,
    Scalar,
    Unary,
    Value,
    spine,
)
from matrix.expr.printer import to_c
from matrix.expr.trees import children
from matrix.solve.space import Backend, FiniteVariable, Region, within_memory

# Disjoint regions, none empty, that together are everything. C's equal values are one key (true is
# 1). The key None is where C gives no value: a division by zero, the truth of a text.
Partition = Mapping[Value, Region]

# A joint partition in the making: one value per name so far, and where they hold.
Part = tuple[tuple[Value, ...], Region]


class Collector:
    """A partition in the making: empty regions are left out, those of equal values united."""

    def __init__(self) -> None:
        self.parts: dict[Value, Region] = {}

    def add(self, value: Value, region: Region) -> None:
        """Give the value to a region that has none yet."""
        if not region.is_empty():
            known = self.parts.get(value)
            self.parts[value] = region if known is None else known | region

    def add_within(self, place: Region, partition: Partition) -> None:
        """Take over a partition inside a place."""
        if not place.is_empty():
            for value, region in partition.items():
                self.add(value, region & place)


def truths(partition: Partition, nothing: Region) -> tuple[Region, Region, Region]:
    """Return where the value is true, where it is false, and where it is neither."""
    parts = {True: nothing, False: nothing, None: nothing}
    for value, region in partition.items():
        parts[truth(value)] |= region
    return parts[True], parts[False], parts[None]


def unary(operator: str, operand: Partition) -> Partition:
    """Return the partition of `!x`, `-x` or `~x`."""
    result = Collector()
    for value, region in operand.items():
        result.add(apply_unary(operator, value), region)
    return result.parts


def binary(operator: str, left: Partition, right: Partition) -> Partition:
    """Return the partition of a binary operator, `&&` and `||` among them."""
    result = Collector()
    for left_value, left_region in left.items():
        for right_value, right_region in right.items():
            both = left_region & right_region
            if not both.is_empty():
                result.add(apply_binary(operator, left_value, right_value), both)
    return result.parts


def conditional(
    condition: tuple[Region, Region, Region], then: Partition, otherwise: Partition
) -> Partition:
    """Return the partition of `?:` from the `truths` of its condition.

    Where the condition is neither true nor false, the value is what both arms agree on.
    """
    true, false, neither = condition
    result = Collector()
    result.add_within(true, then)
    result.add_within(false, otherwise)
    # Kleene's `?:`: where both arms have one value it is known whichever would be chosen.
    if not neither.is_empty():
        for value, region in then.items():
            here = region & neither
            agreed = here & otherwise[value] if value in otherwise else here - here
            result.add(value, agreed)
            result.add(None, here - agreed)
    return result.parts


def refine(parts: Iterable[Part], partition: Partition) -> Iterator[Part]:
    """Yield the parts cut by one more partition; a part inside one region is passed on whole."""
    for values, region in parts:
        # A partition covers everything, so what is taken from `rest` leaves exactly what is to be
        # placed; most parts lie in one region and end at the first.
        rest = region
        for value, where in partition.items():
            piece = rest & where
            if piece.is_empty():
                continue
            yield (*values, value), piece
            if piece == rest:
                break
            rest -= piece


# Definitions open at the same time. Profiles need about ten; the bound keeps a chain of generated
# ones off Python's recursion limit.
_MAX_DEFINITIONS_DEEP = 60


class Table(Struct, frozen=True, kw_only=True):
    """A name whose expression depends on the option of one variable; every option has an entry.

    Of options that are alike one may have the entry of all: `alike` has, by each option with an
    entry, those that it stands for. Empty, every option stands for itself.
    """

    variable: str
    entries: Mapping[str, Expression]
    alike: Mapping[str, tuple[str, ...]] = {}

    def by_option(self) -> Mapping[str, Expression]:
        """Return the entry of every option."""
        if not self.alike:
            return self.entries
        return {
            option: self.entries[one] for one, options in self.alike.items() for option in options
        }


class Compiler:
    """Partitions of expressions over one space; what a name compiles to is kept.

    A name is, in this order: a variable of the space, a table, a definition. A call that was not
    lowered is looked up as the name it prints as: `can_set_direct_map()`. What is decided
    everywhere is not compiled: after `false && …` no name is looked up.
    """

    def __init__(
        self,
        backend: Backend,
        definitions: Mapping[str, Expression] | None = None,
        tables: Mapping[str, Table] | None = None,
    ) -> None:
        self._backend = backend
        self._definitions = definitions or {}
        self._tables = tables or {}
        self._variables = {variable.name: variable for variable in backend.space.all_variables}
        self._everything = backend.everything()
        self._nothing = backend.nothing()
        self._compiled: dict[str, Partition] = {}
        self._open: list[str] = []
        self._places: dict[tuple[str, tuple[str, ...]], Region] = {}

    @property
    def backend(self) -> Backend:
        """What makes the regions of the space."""
        return self._backend

    def names(self) -> frozenset[str]:
        """Return every name an expression may use."""
        return frozenset((*self._variables, *self._tables, *self._definitions, *self._compiled))

    def alike(self, variable: str) -> dict[str, tuple[Expression, ...]]:
        """Return what each option of a variable puts into the tables: equal for options alike."""
        mine = [table.by_option() for table in self._tables.values() if table.variable == variable]
        options = self._variables[variable].options
        return {option: tuple(entries[option] for entries in mine) for option in options}

    def know(self, name: str, partition: Partition) -> None:
        """Give a name the partition it has: one that no expression makes, such as a verdict.

        ValueError for a name that has a meaning already.
        """
        if name in self.names():
            raise ValueError(f"{name} has a meaning already")
        self._compiled[name] = partition

    def partition(self, expression: Expression) -> Partition:
        """Return each value of the expression with the region where it has it.

        Raises InputError for an unknown name (MX0651), for definitions that need each other in a
        circle or too deeply (MX0652) and for a space that is too large (MX0654).
        """
        with within_memory():
            return self._partition(expression)

    def where(self, expression: Expression, within: Region | None = None) -> Region:
        """Return the part of `within` (everything) where the expression is true.

        Raises InputError MX0653 where it is neither true nor false somewhere in that part.
        """
        with within_memory():
            true, _, neither = truths(self._partition(expression), self._nothing)
            if within is None:
                within = self._everything
            self._refuse(neither & within, "neither true nor false", to_c(expression))
            return true & within

    def joint(
        self, names: Sequence[str], within: Region | None = None
    ) -> tuple[tuple[dict[str, Value], Region], ...]:
        """Return the parts of `within` on which every name has one value, with these values.

        Parts are in the order in which the values were found: stable for equal input. Raises
        InputError MX0653 where a name has no value somewhere in `within`.
        """
        start = self._everything if within is None else within
        parts: list[Part] = [] if start.is_empty() else [((), start)]
        with within_memory():
            for name in names:
                partition = self._named(name)
                if None in partition:
                    self._refuse(partition[None] & start, "without a value", name)
                parts = list(refine(parts, partition))
        return tuple((dict(zip(names, values, strict=True)), region) for values, region in parts)

    def check(
        self, expression: Expression, location: Location | None = None
    ) -> tuple[Diagnostic, ...]:
        """Return what is wrong with an expression that a user wrote, definitions not followed.

        Every unknown name (MX0651), also where it could not matter, and every comparison of an
        axis with an option it does not have (MX0655), which would be false in silence.
        """
        known = self.names()
        found: dict[str, Diagnostic] = {}
        stack = [expression]
        while stack:
            node = stack.pop()
            match node:
                # A call is a name here: its arguments are not looked up by themselves.
                case Call() | Name():
                    name = to_c(node)
                    if name not in known:
                        found.setdefault(name, self._unknown(name, location))
                    continue
                case Binary("==" | "!=", Name(axis), Constant(option)) | Binary(
                    "==" | "!=", Constant(option), Name(axis)
                ) if axis in self._variables:
                    variable = self._variables[axis]
                    if option not in (variable.values or variable.options):
                        found.setdefault(to_c(node), _no_option(variable, option, location))
            stack.extend(reversed(children(node)))
        return tuple(found.values())

    def _partition(self, expression: Expression) -> Partition:
        match expression:
            case Constant(value):
                return {value: self._everything}
            case Name(identifier):
                return self._named(identifier)
            case Call():
                return self._named(to_c(expression))
            case Unary(operator, operand):
                return unary(operator, self._partition(operand))
            case Binary():
                return self._chain(expression)
            case Conditional(condition, then, otherwise):
                parts = truths(self._partition(condition), self._nothing)
                if parts[0] == self._everything:
                    return self._partition(then)
                if parts[1] == self._everything:
                    return self._partition(otherwise)
                arms = self._partition(then), self._partition(otherwise)
                return conditional(parts, *arms)

    def _chain(self, expression: Binary) -> Partition:
        """Compile a left spine in a loop; what is decided everywhere needs no right operand."""
        first, steps = spine(expression)
        left = self._partition(first)
        for operator, right in steps:
            if operator in ("&&", "||"):
                true, false, _ = truths(left, self._nothing)
                # Only where the left side decides in every cell. Elsewhere `binary` applies
                # Kleene's tables value by value, which decide in each part by themselves.
                decided = true if operator == "||" else false
                if decided == self._everything:
                    left = {operator == "||": self._everything}
                    continue
            left = binary(operator, left, self._partition(right))
        return left

    def _named(self, name: str) -> Partition:
        found = self._compiled.get(name)
        if found is None:
            if name in self._open or len(self._open) >= _MAX_DEFINITIONS_DEEP:
                raise self._needs(name)
            # The names that are being compiled are those that need each other: a name in its own
            # chain is a circle, and the list is what the message shows.
            self._open.append(name)
            try:
                found = self._compile(name)
            finally:
                self._open.pop()
            self._compiled[name] = found
        return found

    def _compile(self, name: str) -> Partition:
        if name in self._variables:
            variable = self._variables[name]
            partition = Collector()
            for option in variable.options:
                partition.add(variable.value(option), self._everything.at({name: option}))
            return partition.parts
        if name in self._tables:
            return self._table(self._tables[name])
        if name in self._definitions:
            return self._partition(self._definitions[name])
        raise InputError(self._unknown(name, None))

    def _table(self, table: Table) -> Partition:
        """Compile a table; options with the same entry are compiled as one."""
        options: dict[Expression, list[str]] = {}
        for option in table.alike or self._variables[table.variable].options:
            options.setdefault(table.entries[option], []).append(option)
        partition = Collector()
        for expression, same in options.items():
            place = self._place(table, same)
            partition.add_within(place, self._partition(expression))
        return partition.parts

    def _place(self, table: Table, options: Sequence[str]) -> Region:
        """Return where a table's variable has some of the options, or what they stand for."""
        if not table.alike:
            return self._everything.restrict(table.variable, options)
        place = self._nothing
        for option in options:
            # Most tables of a variable have the same options stand for the same others.
            key = (table.variable, table.alike[option])
            if key not in self._places:
                self._places[key] = self._everything.restrict(*key)
            place |= self._places[key]
        return place

    def _refuse(self, region: Region, fault: str, text: str) -> None:
        """Raise MX0653 unless the region is empty."""
        cell = region.pick()
        if cell is None:
            return
        shown = ",".join(f"{axis}={option}" for axis, option in cell.items())
        raise InputError.of(
            code="MX0653",
            message=f"`{text}` is {fault} in {region.count()} cells",
            hint=f"one of them is {shown}; a text is compared with ==, not used as a truth",
        )

    def _unknown(self, name: str, location: Location | None) -> Diagnostic:
        return Diagnostic(
            code="MX0651",
            message=f"unknown name `{name}`",
            location=location,
            hint=unknown_word_hint(name, self.names(), "names"),
        )

    def _needs(self, name: str) -> InputError:
        """Return the diagnostic of a name that is needed while it, or too much, is open."""
        if name in self._open:
            path = [*self._open[self._open.index(name) :], name]
            message = f"the definition of `{name}` needs itself: {' → '.join(path)}"
        else:
            first = self._open[0]
            message = f"`{first}` needs `{name}` over {_MAX_DEFINITIONS_DEEP} other definitions"
        return InputError.of(code="MX0652", message=message, hint="remove one of these uses")


def _no_option(variable: FiniteVariable, option: Scalar, location: Location | None) -> Diagnostic:
    options = [str(known) for known in variable.values or variable.options]
    return Diagnostic(
        code="MX0655",
        message=f"`{variable.name}` has no option `{option}`",
        location=location,
        hint=unknown_word_hint(str(option), options, f"options of {variable.name}"),
    )
