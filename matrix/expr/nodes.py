"""The C subset in which the kernel's conditions are written, as immutable trees.

A tree is a value: equal text gives equal trees, trees can be dictionary keys, and they carry no
position (the declaration that holds a tree carries its location). `None` is the third truth value,
unknown, everywhere in this package.

C's binary operators associate to the left, so a long `a && b && c && …` is a deep left spine. Trees
are compared, hashed and pickled along that spine in a loop: its length is bounded by memory only.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

Scalar = bool | int | str

# Functions of calls that stand for memory, which the parser does not read: `.b` of `f(x)->b`, what
# a pointer points to, an element of an array.
MEMBER = "."
FOLLOWED = "*"
ELEMENT = "[]"
Value = Scalar | None


class Constant(Struct, frozen=True, tag=True, array_like=True):
    """A literal: `true`, `12`, `0x1f`, or a quoted option such as `"el2"`.

    `true` and `1` are different trees, although C gives them the same value.
    """

    value: Scalar

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Constant):
            return NotImplemented
        return type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


class Name(Struct, frozen=True, tag=True, array_like=True):
    """A variable, an enumerator, an axis or an atom: `rodata_full`, `CONFIG_KVM`, `boot.rodata`."""

    identifier: str


class Call(Struct, frozen=True, tag=True, array_like=True):
    """A call: `can_set_direct_map()`, `cpus_have_final_cap(ARM64_HAS_STAGE2_FWB)`."""

    function: str
    arguments: tuple[Expression, ...]


class Unary(Struct, frozen=True, tag=True, array_like=True):
    """`!x`, `-x` or `~x`."""

    operator: str
    operand: Expression


class Binary(Struct, frozen=True, tag=True, array_like=True):
    """A C binary operator: `&& || == != < <= > >= + - * / % & | ^ << >>`; left associative."""

    operator: str
    left: Expression
    right: Expression

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Binary):
            return NotImplemented
        here: Expression = self
        there: Expression = other
        # Down the left spine; right operands recurse, whose depth the parser bounds.
        while isinstance(here, Binary) and isinstance(there, Binary):
            # Rewritten trees share what was not changed: the rest of the spine is often the same
            # object.
            if here is there:
                return True
            if here.operator != there.operator or here.right != there.right:
                return False
            here, there = here.left, there.left
        return here == there

    def __hash__(self) -> int:
        first, steps = spine(self)
        return hash((first, steps))

    # The pickler would recurse along the spine.
    def __reduce__(self) -> tuple[_FromSpine, tuple[Expression, Steps]]:
        return from_spine, spine(self)


class Conditional(Struct, frozen=True, tag=True, array_like=True):
    """`condition ? then : otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression


Expression = Constant | Name | Call | Unary | Binary | Conditional
Steps = tuple[tuple[str, Expression], ...]
_FromSpine = Callable[[Expression, Steps], Expression]


def is_memory(call: Call) -> bool:
    """Return whether a call stands for what is in memory: `f(x)->b`, `*p`, `a[i]`."""
    return call.function.startswith((MEMBER, FOLLOWED, ELEMENT))


def plain(value: Value) -> str:
    """Return a value as people write it: `true`, `16384`, `vhe`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def told(value: Value) -> str:
    """Return a value as `plain`, and `unknown` for what is not known."""
    return "unknown" if value is None else plain(value)


def spine(expression: Expression) -> tuple[Expression, Steps]:
    """Return the leftmost operand and the (operator, right operand) steps applied to it."""
    steps: list[tuple[str, Expression]] = []
    while isinstance(expression, Binary):
        steps.append((expression.operator, expression.right))
        expression = expression.left
    return expression, tuple(reversed(steps))


def from_spine(first: Expression, steps: Steps) -> Expression:
    """Return the left-nested tree of `spine`; no steps give `first` itself."""
    for operator, right in steps:
        first = Binary(operator, first, right)
    return first
