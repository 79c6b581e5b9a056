"""C expressions to the trees of `matrix.expr`, as far as those reach.

`a->b` and `a.b` become the dotted name `a.b`, `&x` the name `x`, a cast its operand; `likely(x)`,
`unlikely(x)`, `WARN_ON(x)` and `WARN_ON_ONCE(x)` are `x`, whose value they have
(include/linux/compiler.h, include/asm-generic/bug.h). What stands in memory that no name says,
`f(x)->b`, `*p` and `a[i]`, becomes a call of `MEMBER`, `FOLLOWED` and `ELEMENT` where types and
scopes are C's: like any other call it has one value for the same arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from matrix.expr.lexer import read_integer, read_string
from matrix.expr.nodes import (
    ELEMENT,
    FOLLOWED,
    MEMBER,
    Binary,
    Call,
    Conditional,
    Constant,
    Expression,
    Name,
    Unary,
)
from matrix.expr.parser import PRECEDENCE
from matrix.kernel.source.c.errno import ERRNO
from matrix.kernel.source.c.syntax import Statements, declared_names, text_of
from matrix.kernel.source.c.types import as_truth, is_type_word, number, stored

if TYPE_CHECKING:
    from tree_sitter import Node

Values = Mapping[str, Expression | None]

# GCC's binary constants, with C's suffixes.
_BINARY = re.compile(r"0[bB]([01]{1,64})([uUlL]{0,3})")

_TRANSPARENT = ("likely", "unlikely", "WARN_ON", "WARN_ON_ONCE", "READ_ONCE", "READ_ONCE_NOCHECK")


class NotAnExpression(Struct, frozen=True, kw_only=True):
    """Why C cannot be said as one expression: the sentence goes on after "because".

    `line` is the line of the file, `text` what stands there.
    """

    reason: str
    line: int
    text: str


class StopReadingError(Exception):
    """Raised inside of this package only; carries the answer."""

    def __init__(self, reason: str, line: int, text: str) -> None:
        super().__init__(reason)
        self.answer = NotAnExpression(reason=reason, line=line, text=text)


def convert(node: Node, where: Statements, local: Values) -> Expression:
    """Return a C expression as a tree; `local` are the values of local variables.

    Raises StopReadingError at the first part that has no tree.
    """
    if node.has_error or node.is_missing:
        raise stop("it cannot be parsed", node, where)
    reader = _READERS.get(node.type)
    if reader is None:
        raise stop(f"{_WORDS.get(node.type, 'this')} has no place in an expression", node, where)
    return reader(node, where, local)


def too_deep(line: int, name: str) -> NotAnExpression:
    """Return the answer for what Python's stack does not hold: thousands of brackets."""
    return NotAnExpression(reason="it is too long or nested too deep", line=line, text=name)


def stop(reason: str, node: Node, where: Statements) -> StopReadingError:
    """Return the error for a node."""
    return StopReadingError(reason, where.line(node), text_of(node))


_WORDS = {
    "assignment_expression": "an assignment",
    "update_expression": "`++` or `--`",
    "sizeof_expression": "`sizeof`",
    "comma_expression": "a comma",
    "char_literal": "a character",
    "compound_statement": "a statement",
    "compound_literal_expression": "a compound literal",
}


def _number(node: Node, where: Statements, _local: Values) -> Expression:
    digits = text_of(node).removeprefix("-")  # the grammar takes a sign for a part of the number
    value = read_integer(digits)
    if value is None and where.exact and (bits := _BINARY.fullmatch(digits)) is not None:
        value = read_integer(f"{int(bits[1], 2)}{bits[2]}")
    if value is None:
        raise stop("a number that is no 64-bit integer has no place in an expression", node, where)
    negative = digits != text_of(node)
    if not where.exact:
        return Constant(-value if negative else value)
    read = number(digits, value)
    return Unary("-", read) if negative else read


def _inner(node: Node, where: Statements, local: Values) -> Expression:
    return convert(node.child_by_field_name("value") or _only_child(node, where), where, local)


def _cast(node: Node, where: Statements, local: Values) -> Expression:
    value = _inner(node, where, local)
    named = node.child_by_field_name("type")
    if not where.exact or named is None:
        return value
    text = text_of(named)
    return _as_type(text, value, node, where)


def _as_type(text: str, value: Expression, node: Node, where: Statements) -> Expression:
    base = text.replace("*", " ").split()
    found = stored(text, value) if base and all(map(_is_known_type, base)) else None
    if found is None:
        raise stop(f"what `({text})` makes of a value is not read here", node, where)
    return found


def _is_known_type(word: str) -> bool:
    return is_type_word(word) or word in ("kvm", "kvm_vcpu", "kvm_arch", "folio", "page", "inode")


def _conditional(node: Node, where: Statements, local: Values) -> Expression:
    parts = [node.child_by_field_name(name) for name in ("condition", "consequence", "alternative")]
    converted = [convert(part, where, local) for part in parts if part is not None]
    if len(converted) != 3:  # `a ?: b`, an extension of GCC
        raise stop("`?:` without a middle has no place in an expression", node, where)
    return Conditional(converted[0], converted[1], converted[2])


def _only_child(node: Node, where: Statements) -> Node:
    children = [child for child in node.named_children if child.type != "comment"]
    if len(children) != 1:
        raise stop("it cannot be parsed", node, where)
    return children[0]


def _name(node: Node, where: Statements, local: Values) -> Expression:
    if node.type in ("true", "false"):
        return Constant(node.type == "true")
    if node.type == "field_expression":
        argument = node.child_by_field_name("argument")
        field = node.child_by_field_name("field")
        base = convert(argument, where, local) if argument is not None else None
        if isinstance(base, Name) and field is not None:
            return Name(f"{base.identifier}.{text_of(field)}")
        if where.exact and isinstance(base, Call) and field is not None:
            return Call(f"{MEMBER}{text_of(field)}", (base,))
        raise stop("a member of what is no name has no place in an expression", node, where)
    name = text_of(node)
    if where.exact and name == "NULL":
        return Constant(0)
    if name not in local:
        return Name(name)
    value = local[name]
    if value is None:
        raise stop(f"nothing says what the local variable `{name}` holds here", node, where)
    return value


def _string(node: Node, where: Statements, _local: Values) -> Expression:
    parts = node.named_children if node.type == "concatenated_string" else [node]
    if where.exact and any(part.type != "string_literal" for part in parts):
        raise stop("a text that a macro begins has no place in an expression", node, where)
    return Constant(
        "".join(read_string(text_of(part)) for part in parts if part.type == "string_literal")
    )


def _call(node: Node, where: Statements, local: Values) -> Expression:
    function = node.child_by_field_name("function")
    arguments = node.child_by_field_name("arguments")
    if where.exact and function is not None and arguments is not None:
        # `(u8)(x)`: to a parser that does not know the types this is a call.
        kind = text_of(function).strip("( )")
        if function.type == "parenthesized_expression" and is_type_word(kind):
            return _as_type(kind, convert(_only_child(arguments, where), where, local), node, where)
    if function is None or arguments is None or function.type != "identifier":
        raise stop("a call through a pointer has no place in an expression", node, where)
    name = text_of(function)
    converted = tuple(convert(child, where, local) for child in arguments.named_children)
    if name in _TRANSPARENT and len(converted) == 1:
        # likely(x) and WARN_ON(x) are `!!(x)`; READ_ONCE(x) is x.
        truth = where.exact and not name.startswith("READ_ONCE")
        return as_truth(converted[0]) if truth else converted[0]
    return Call(name, converted)


def _unary(node: Node, where: Statements, local: Values) -> Expression:
    operator = node.child_by_field_name("operator")
    argument = node.child_by_field_name("argument")
    if operator is not None and argument is not None:
        word = text_of(operator)
        if word in ("!", "-", "~"):
            operand = convert(argument, where, local)
            if word == "-" and where.exact and isinstance(operand, Name):
                known = ERRNO.get(operand.identifier)
                # `-EINVAL` is a number: what a caller compares with 0.
                operand = operand if known is None else Constant(known)
            if word == "-" and isinstance(operand, Constant) and isinstance(operand.value, int):
                return Constant(-operand.value)
            return Unary(word, operand)
        if word == "+":
            return convert(argument, where, local)
        if word == "&" and (not where.exact or _is_handed_on(node)):
            # Of a local variable only the address matters: its value is not read here.
            name = text_of(argument)
            if where.exact and name in local:
                raise stop(f"`{name}` may be changed through its address", node, where)
            return Name(name) if name in local else convert(argument, where, local)
        if word == "*" and where.exact:
            pointer = convert(argument, where, local)
            if isinstance(pointer, Name | Call):
                return Call(FOLLOWED, (pointer,))
    raise stop("a pointer that is followed has no place in an expression", node, where)


def _subscript(node: Node, where: Statements, local: Values) -> Expression:
    array, index = node.child_by_field_name("argument"), node.child_by_field_name("index")
    if where.exact and array is not None and index is not None:
        base = convert(array, where, local)
        # What an array of the function's own holds is not followed.
        own = isinstance(base, Name) and base.identifier.partition(".")[0] in declared_names(where)
        if isinstance(base, Name | Call) and not own:
            return Call(ELEMENT, (base, convert(index, where, local)))
    raise stop("a subscript has no place in an expression", node, where)


def _is_handed_on(node: Node) -> bool:
    """Return whether an address is only given to someone: by itself it is always true."""
    return node.parent is not None and node.parent.type in (
        *("argument_list", "init_declarator", "assignment_expression", "field_expression"),
        "parenthesized_expression",
    )


def _binary(node: Node, where: Statements, local: Values) -> Expression:
    operator = node.child_by_field_name("operator")
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    word = text_of(operator) if operator is not None else ""
    if left is None or right is None or word not in PRECEDENCE:
        raise stop(f"the operator `{word}` has no place in an expression", node, where)
    return Binary(word, convert(left, where, local), convert(right, where, local))


_READERS: dict[str, Callable[[Node, Statements, Values], Expression]] = {
    "identifier": _name,
    "true": _name,
    "false": _name,
    "null": _name,
    "field_expression": _name,
    "subscript_expression": _subscript,
    "number_literal": _number,
    "string_literal": _string,
    "concatenated_string": _string,
    "parenthesized_expression": _inner,
    "cast_expression": _cast,
    "call_expression": _call,
    "unary_expression": _unary,
    "pointer_expression": _unary,
    "binary_expression": _binary,
    "conditional_expression": _conditional,
}
