"""What a parsed Kconfig tree says, as plain values: entries, choices, three-valued expressions.

The words are those of `Documentation/kbuild/kconfig-language.rst`. Dependencies of enclosing menus
and `if` blocks are already part of every condition, as menu_finalize() (scripts/kconfig/menu.c)
leaves them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct


class Text(Struct, frozen=True):
    """A constant: `n`, `m`, `y`, a number, a string."""

    value: str


class Ref(Struct, frozen=True):
    """The value of a symbol; one that no entry defines is `n`, and compares as its own name."""

    name: str


class Answer(Struct, frozen=True):
    """What the toolchain answers to a macro call such as `cc-option,-fsanitize=kcfi`."""

    call: str


class ChoiceMode(Struct, frozen=True):
    """The value of a choice itself, an upper bound for its members (older parsers only)."""

    index: int


class Not(Struct, frozen=True):
    """`!E`: 2 - E."""

    operand: Expression


class And(Struct, frozen=True):
    """`A && B && …`: the smallest."""

    terms: tuple[Expression, ...]


class Or(Struct, frozen=True):
    """`A || B || …`: the largest. What a symbol is selected by may have hundreds of terms."""

    terms: tuple[Expression, ...]


class Compare(Struct, frozen=True):
    """`A = B` and the like, `relation` one of = != < <= > >=; y or n, never m."""

    relation: str
    left: Operand
    right: Operand


Operand: TypeAlias = Text | Ref | Answer
Expression: TypeAlias = Operand | ChoiceMode | Not | And | Or | Compare

# What a text counts as where a value is asked for; any other text is n.
TRISTATES = {"n": 0, "m": 1, "y": 2}
NO = Text("n")
YES = Text("y")


class Place(Struct, frozen=True):
    """A line of the tree, the file relative to its root."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Entry(Struct, frozen=True, kw_only=True):
    """One symbol, all its definitions together.

    `prompts` holds the condition of each prompt; `defaults` pairs of value and condition, the first
    whose condition is not n counts; `ranges` low, high, condition. `selected` and `implied` are the
    reverse dependencies, `depends` the direct ones. `choice` is the number of the choice it is a
    member of.
    """

    name: str
    type: str
    places: tuple[Place, ...]
    prompts: tuple[Expression, ...]
    defaults: tuple[tuple[Expression, Expression], ...]
    ranges: tuple[tuple[Operand, Operand, Expression], ...]
    selected: Expression
    implied: Expression
    depends: Expression
    choice: int | None

    @property
    def given(self) -> tuple[Expression, ...]:
        """What decides its value but for what selects or implies it."""
        values = (part for default in self.defaults for part in default)
        return (*self.prompts, *values, self.depends)

    @property
    def is_logical(self) -> bool:
        """Whether its values are n, m and y."""
        return self.type in ("bool", "tristate")

    @property
    def is_answered(self) -> bool:
        """Whether the toolchain alone gives its value: no prompt, and a default that asks it."""
        return not self.prompts and any(
            isinstance(part, Answer) for value, _ in self.defaults for part in parts(value)
        )


class ChoiceEntry(Struct, frozen=True, kw_only=True):
    """One choice: its members in order, and its own prompts, dependencies and type."""

    index: int
    title: str
    type: str
    members: tuple[str, ...]
    places: tuple[Place, ...]
    prompts: tuple[Expression, ...]
    depends: Expression
    is_optional: bool


def parts(expression: Expression) -> Iterator[Expression]:
    """Yield the leaves and comparisons of an expression, left to right."""
    stack = [expression]
    while stack:
        match stack.pop():
            case Not(operand):
                stack.append(operand)
            case And(terms) | Or(terms):
                # A stack of its own: what selects a symbol may be nested as deep as the menus
                # around it.
                stack += reversed(terms)
            case leaf:
                yield leaf


def operands(expressions: Iterable[Expression]) -> Iterator[Operand | ChoiceMode]:
    """Yield what expressions read, both sides of a comparison too, with repetitions."""
    for expression in expressions:
        for part in parts(expression):
            if isinstance(part, Compare):
                yield from (part.left, part.right)
            elif isinstance(part, Operand | ChoiceMode):
                yield part


def symbols_of(expressions: Iterable[Expression]) -> Iterator[str]:
    """Yield the names of the symbols that expressions read, with repetitions."""
    return (item.name for item in operands(expressions) if isinstance(item, Ref))


def conjuncts(expression: Expression) -> tuple[Expression, ...]:
    """Return the terms of `A && B`; anything else is one."""
    return expression.terms if isinstance(expression, And) else (expression,)


def alternatives(expression: Expression) -> tuple[Expression, ...]:
    """Return the terms of `A || B`; anything else is one."""
    return expression.terms if isinstance(expression, Or) else (expression,)
