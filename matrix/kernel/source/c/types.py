"""What storing a value does to it: C's integer types, as far as a check has them.

A `bool` makes every value 0 or 1; an `int` keeps what is one; a `u8` or `u16` keeps the low bits;
an unsigned type keeps what is not negative, and its arithmetic has no negative numbers: such values
are marked as `UNSIGNED(…)` until `without_marks` has seen that nothing depends on it. What may be
negative in 64 bits without a sign is marked as `WRAPPED(…)`: it can only be handed on to a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from matrix.expr.nodes import Binary, Call, Conditional, Constant, Expression, Name, Unary
from matrix.expr.trees import BOOLEAN_OPERATORS, children, fold, rewrite, walk

UNSIGNED = "unsigned"
WRAPPED = "unsigned long"
_MARKS = (UNSIGNED, WRAPPED)
# LP64, as on every 64-bit architecture of the kernel: int has 32 bits, long and pointers 64.
_MAX_INT = 2**31 - 1

_BOOL = frozenset({"bool", "_Bool"})
_SIGNED = frozenset({"int", "long", "s32", "s64", "signed", "ssize_t", "__s32", "__s64", "int32_t"})
_UNSIGNED = frozenset(
    {"unsigned", "u32", "u64", "__u32", "__u64", "size_t", "uint", "ulong", "uint32_t", "uint64_t"}
    # Each is a u64 or an unsigned long on arm64.
    | {"gfn_t", "gpa_t", "hva_t", "hpa_t", "hfn_t", "kvm_pfn_t", "pgoff_t", "phys_addr_t"}
    | {"dma_addr_t", "kvm_pte_t", "pteval_t", "pmdval_t", "pudval_t", "pgdval_t", "ptval_t"}
)
_NARROW_UNSIGNED = frozenset({"u32", "__u32", "uint", "uint32_t"})
# Structures of one member: they hold what they are given.
_STRUCTURES = frozenset({"pte_t", "pmd_t", "pud_t", "p4d_t", "pgd_t", "pgprot_t", "union"})
_NARROW = {"u8": 255, "__u8": 255, "u16": 65535, "__u16": 65535, "s8": 127, "s16": 32767}
_NO_TYPE = frozenset({"const", "volatile", "static", "register", "auto", "inline", "extern"})

# The kernel's own words for a type, so that `(u8)x` is a cast and `(x) & y` is none.
TYPE_WORDS = frozenset(
    {*_BOOL, *_SIGNED, *_UNSIGNED, *_NARROW, *_STRUCTURES, "char", "short", "void", "float"}
    | {"double", "struct", "enum", "const", "volatile"}
)
_TYPE = re.compile(r"\w+_t")


def is_type_word(word: str) -> bool:
    """Return whether a word is that of a type, by the kernel's conventions."""
    return word in TYPE_WORDS or _TYPE.fullmatch(word) is not None


def stored(type_text: str, value: Expression) -> Expression | None:
    """Return a value as a variable of the type holds it; None where that cannot be said."""
    words = [word for word in re.findall(r"\w+|\*", type_text) if word not in _NO_TYPE]
    kinds = frozenset(words)
    # Pointers, enumerators and structures of one member lose nothing.
    if kinds & {"*", "enum", "struct", *_STRUCTURES} or not words:
        return value
    if kinds <= _BOOL:
        return as_truth(value)
    # 0 and 1 fit into every type.
    if is_truth(value):
        return Call(UNSIGNED, (value,)) if kinds & _UNSIGNED else value
    # A negative one would wrap around; marked, for arithmetic with it has no sign.
    if kinds & _UNSIGNED and kinds <= {*_UNSIGNED, "int", "long"}:
        if is_not_negative(value):
            return Call(UNSIGNED, (value,))
        narrow = kinds & _NARROW_UNSIGNED or kinds <= {"unsigned", "int"}
        # What a negative value becomes hangs on the width, which is written out nowhere in an
        # expression of ours; in 64 bits it can at least be handed on.
        return None if narrow else Call(WRAPPED, (value,))
    if kinds <= _SIGNED:
        return value
    # 127 fits into every integer type, with a sign or without (`char` has one or none).
    limit = _NARROW.get(words[0], 127)
    match value:
        case Constant(bool() | int() as number) if 0 <= number <= limit:
            return value
    # Only unsigned ones: what a signed one makes of a value that does not fit is the compiler's.
    if len(words) == 1 and words[0] in _NARROW and "s" not in words[0]:
        return Binary("&", value, Constant(limit))
    # A type of its own, such as `enum`'s or a pointer's: kept as it is where it is one word.
    if len(words) == 1 and not is_type_word(words[0]):
        return value
    return None


def as_truth(value: Expression) -> Expression:
    """Return `!!value`, or the value where it is 0 or 1 already."""
    return value if is_truth(value) else fold(Unary("!", Unary("!", value)))


def is_truth(value: Expression) -> bool:
    """Return whether a value can only be 0 or 1."""
    match value:
        case Constant(content):
            return isinstance(content, bool) or content in (0, 1)
        case Call("IS_ENABLED" | "defined", _):
            return True
        case Unary(operator, _):
            return operator == "!"
        case Binary(operator, _, _):
            return operator in BOOLEAN_OPERATORS
        case Conditional(_, then, otherwise):
            return is_truth(then) and is_truth(otherwise)
    return False


def is_not_negative(value: Expression) -> bool:
    """Return whether nothing negative can come out, if names and calls hold nothing negative."""
    match value:
        case Constant(content):
            return not isinstance(content, str) and content >= 0
        case Name():
            return True
        case Call(function, _):
            return function != WRAPPED
        case Conditional(_, then, otherwise):
            return is_not_negative(then) and is_not_negative(otherwise)
        case Binary("&", left, right):
            # One side without the sign bit is enough to clear it.
            return is_not_negative(left) or is_not_negative(right)
        case Binary(operator, left, right):
            return is_truth(value) or (
                operator != "-" and is_not_negative(left) and is_not_negative(right)
            )
    return is_truth(value)


def _is_int(value: Expression) -> bool:
    """Return whether a value is an `int` to C, made of numbers and truths alone."""
    match value:
        case Constant(content):
            return not isinstance(content, str)
        case Name() | Call():
            return is_truth(value)
        case Conditional(_, then, otherwise):
            return _is_int(then) and _is_int(otherwise)
        case Binary(_, left, right):
            return is_truth(value) or (_is_int(left) and _is_int(right))
        case Unary(operator, operand):
            return operator == "!" or _is_int(operand)
    return False


def depends_on_sign(expression: Expression) -> bool:
    """Return whether a value may hang on what C computes without a sign, or beyond an `int`."""
    return any(_hangs(node) for node in _weighed(expression))


def _weighed(expression: Expression) -> Iterator[Expression]:
    """Yield the nodes of which C computes a value that decides something here.

    What a call is given is C's own text as long as no conversion was left out of it: the value is
    the call's to weigh, and nobody here knows it. Handed to a parameter, 64 bits without a sign are
    those of the value itself.
    """
    pending = [expression]
    while pending:
        node = pending.pop()
        yield node
        match node:
            case Call(function, arguments) if function not in (UNSIGNED, WRAPPED):
                given = [_unwrapped(argument) for argument in arguments]
                pending.extend(argument for argument in given if _is_marked(argument))
            case _:
                pending.extend(children(node))


def _unwrapped(argument: Expression) -> Expression:
    match argument:
        case Call(function, (value,)) if function == WRAPPED:
            return value
    return argument


def _hangs(node: Expression) -> bool:
    # C11 6.3.1.8: where one side has no sign the other loses its own, so that -1 compares as the
    # largest number. Bits and truth are the same either way.
    match node:
        case Call(function, _):
            return function == WRAPPED
        case Binary("==" | "!=", left, right):
            return any(
                not _is_int(side) and not is_not_negative(side) for side in (left, right)
            ) or (_is_marked(left) != _is_marked(right) and not _both_small(left, right))
        case Binary("&" | "|" | "^" | "&&" | "||", _, _):
            return False
        case Binary("-", left, right):
            return not (_is_int(left) and _is_int(right))
        case Binary(operator, left, right):
            if _is_int(left) and _is_int(right):
                return operator not in BOOLEAN_OPERATORS and _is_large(node)
            return not (is_not_negative(left) and is_not_negative(right))
        case Unary("-" | "~", operand):
            return not _is_int(operand)
    return False


def _is_marked(value: Expression) -> bool:
    return any(isinstance(node, Call) and node.function in _MARKS for node in walk(value))


def _both_small(left: Expression, right: Expression) -> bool:
    return is_not_negative(left) and is_not_negative(right)


def _is_large(node: Expression) -> bool:
    match fold(node):
        case Constant(bool() | int() as number):
            return not -_MAX_INT - 1 <= number <= _MAX_INT
    return False


def without_marks(expression: Expression) -> Expression:
    """Return an expression without the marks of unsigned values."""

    def unmark(node: Expression) -> Expression:
        match node:
            case Call(name, (value,)) if name in _MARKS:
                return value
        return node

    return rewrite(expression, unmark)


def number(text: str, value: int) -> Expression:
    """Return a literal: marked where C takes it as unsigned, by its suffix or its size."""
    # No hexadecimal digit is a `u`. A decimal beyond an int is a long to C: marked all the same,
    # which only refuses more.
    unsigned = "u" in text.lower().removeprefix("0x") or value > _MAX_INT
    return Call(UNSIGNED, (Constant(value),)) if unsigned else Constant(value)
