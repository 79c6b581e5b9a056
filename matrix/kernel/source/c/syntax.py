"""Statements and expressions as tree-sitter reads them; the only module that imports it.

tree-sitter parses what it can and marks the rest (`has_error`), so that a fragment of a patch gives
what is whole in it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_BEFORE = "void f(void)"


class Statements(Struct, frozen=True, kw_only=True):
    """The statements of a body; `first_line` is the line of its first row in the file.

    `exact`: a value is only what C makes of it, types and scopes included. Who compares two sources
    needs less: there a cast or the type of a variable is the same on both sides.
    """

    nodes: tuple[Node, ...]
    first_line: int
    exact: bool = False
    has_error: bool = False

    def line(self, node: Node) -> int:
        """Return the line of the file on which a node begins."""
        return self.first_line + node.start_point[0]

    def last_line(self, node: Node) -> int:
        """Return the line of the file on which a node ends."""
        return self.first_line + node.end_point[0]


def parse_statements(body: str, first_line: int, *, exact: bool = False) -> Statements:
    """Return the statements of `{ … }`."""
    # Only as a function's body are they statements to the grammar. `_BEFORE` has no line of its
    # own, so rows stay those of the body.
    tree = _parser().parse((_BEFORE + body).encode())
    for node in tree.root_node.children:
        block = node.child_by_field_name("body")
        if node.type == "function_definition" and block is not None:
            return Statements(
                nodes=tuple(block.named_children),
                first_line=first_line,
                exact=exact,
                has_error=tree.root_node.has_error,
            )
    return Statements(nodes=(), first_line=first_line, exact=exact, has_error=True)


def first_error(statements: Statements) -> int | None:
    """Return the line of the first statement that does not parse whole, None where all do.

    `parse_statements` is lenient: what it could not read is in none of its statements.
    """
    for node in statements.nodes:
        if node.has_error or node.is_error or node.is_missing:
            return statements.line(node)
    return None


def parse_expression(text: str, first_line: int, *, exact: bool = False) -> Statements:
    """Return the one statement `return (text);`, or nothing where it is no expression."""
    found = parse_statements("{return (" + text + ");}", first_line, exact=exact)
    whole = len(found.nodes) == 1 and found.nodes[0].type == "return_statement"
    return found if whole else Statements(nodes=(), first_line=first_line)


def holds_any(node: Node, types: frozenset[str]) -> bool:
    """Return whether a node is or holds one of some types."""
    return node.type in types or any(holds_any(child, types) for child in node.named_children)


def text_of(node: Node) -> str:
    """Return the source text of a node on one line."""
    return " ".join((node.text or b"").decode("utf-8", "replace").split())


@cache
def _parser() -> Parser:
    # Most commands read no C and do not wait for the grammar.
    import tree_sitter
    import tree_sitter_c

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))


def declared_names(statements: Statements) -> frozenset[str]:
    """Return the local variables and labels of a body, those of inner blocks included."""
    found: set[str] = set()
    pending = list(statements.nodes)
    while pending:
        node = pending.pop()
        if node.type == "declaration":
            # Names of externs are not the function's own.
            own = not any(text_of(child) == "extern" for child in node.children)
            declared = node.children_by_field_name("declarator") if own else ()
            found.update(declared_name(declarator) for declarator in declared)
        elif node.type in ("labeled_statement", "goto_statement"):
            label = node.child_by_field_name("label")
            found.update({text_of(label)} if label is not None else ())
        pending.extend(node.named_children)
    return frozenset(found)


def declared_name(node: Node) -> str:
    """Return the name in a declarator: `*p`, `a[3]`, `x = 1`."""
    while (inner := node.child_by_field_name("declarator")) is not None:
        node = inner
    return text_of(node)
