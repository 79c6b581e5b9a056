"""A synthesised check in words: its C function in kernel style, and whether it is exact."""

from __future__ import annotations

from collections.abc import Mapping

from matrix.analyze.proof.synthesis import Indistinguishable, Synthesis
from matrix.analyze.space.cell_text import named_cell
from matrix.expr.nodes import Binary, Expression
from matrix.expr.printer import to_c

# Documentation/process/coding-style.rst: 80 columns, tabs of 8.
_WIDTH, _TAB = 80, 8


def exactness(found: Synthesis) -> str:
    """Return in a sentence whether the predicate says yes to every safe cell."""
    if found.exact:
        return "It is exact: it says yes to every safe cell and to no other."
    return (
        "It is not exact: these two cells have the same atoms, one is safe and one is not, so it "
        "says no to both."
    )


def pair_texts(pair: Indistinguishable, baseline: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return two cells that no condition tells apart, and what holds in both, by name."""
    atoms = ", ".join(name if value else f"!{name}" for name, value in pair.atoms)
    safe, unsafe = (named_cell(cell, baseline) for cell in (pair.safe, pair.unsafe))
    return ("safe", safe), ("unsafe", unsafe), ("atoms", atoms)


def pair_lines(pair: Indistinguishable, baseline: Mapping[str, str]) -> list[str]:
    """Return `pair_texts` as lines that are not broken."""
    return [f"    {f'{name}:':9}{text}" for name, text in pair_texts(pair, baseline)]


def c_function(
    expression: Expression, declaration: str, storage: str = "static ", *, filled: bool = False
) -> str:
    """Return a function in kernel style that returns the expression; `storage` begins it.

    `filled` lines have as many operands as they take.
    """
    text = wrapped_c(expression, _TAB + len("return "), filled=filled)
    return f"{storage}{declaration}\n{{\n\treturn {text};\n}}\n"


def wrapped_c(expression: Expression, column: int, *, filled: bool = False) -> str:
    """Return an expression from a column on, broken after its operators where it is too long."""
    whole = to_c(expression)
    if column + len(whole) < _WIDTH or not isinstance(expression, Binary):
        return whole
    operator = expression.operator
    texts = []
    for operand in _operands(expression, operator):
        bare = to_c(operand)
        # Where C needs parentheses `to_c` has put them.
        if isinstance(operand, Binary) and f"({bare})" in whole:
            texts.append(f"({wrapped_c(operand, column + 1, filled=filled)})")
        else:
            texts.append(wrapped_c(operand, column, filled=filled))
    lines = [texts[0]]
    for text in texts[1:]:
        if filled and "\n" not in text and len(lines[-1]) + len(text) + column < _WIDTH - 8:
            lines[-1] += f" {operator} {text}"
        else:
            lines.append(text)
    return f" {operator}\n{_indent(column)}".join(lines)


def _operands(expression: Expression, operator: str) -> list[Expression]:
    """Return the operands that one operator joins, in reading order."""
    operands: list[Expression] = []
    while isinstance(expression, Binary) and expression.operator == operator:
        operands.append(expression.right)
        expression = expression.left
    return [expression, *reversed(operands)]


def _indent(column: int) -> str:
    return "\t" * (column // _TAB) + " " * (column % _TAB)
