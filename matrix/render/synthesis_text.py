"""A synthesised predicate as a C function in kernel style, with its comparison; text and JSON.

Takes a `Synthesis` and the verdicts under each predicate, gives the answer of `matrix synthesize`
(`matrix/synthesize/1`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matrix.analyze.proof.synthesis import (
    ComparedPredicate,
    Elsewhere,
    Indistinguishable,
    Synthesis,
)
from matrix.analyze.space.cell_text import named_cell
from matrix.expr.nodes import Binary, Expression
from matrix.expr.printer import to_c
from matrix.render.columns import align
from matrix.render.json import Json
from matrix.render.text import hanging, wrapped

SYNTHESIZE_SCHEMA = "matrix/synthesize/1"

# Documentation/process/coding-style.rst: 80 columns, tabs of 8.
_WIDTH, _TAB = 80, 8
_ATOMS = "    atoms:   "


def synthesize_document(
    found: Synthesis,
    compared: Sequence[ComparedPredicate],
    elsewhere: Sequence[Elsewhere] = (),
) -> dict[str, Json]:
    """Return the JSON document; the cells of `indistinguishable` name every axis.

    `unsound_in` are the other studies in which the check is unsound; it is there only if some are.
    """
    pair = found.indistinguishable
    document: dict[str, Json] = {
        "schema": SYNTHESIZE_SCHEMA,
        "predicate": to_c(found.expression),
        "function": c_function(found.expression, found.function),
        "exact": found.exact,
        "atoms": [atom.c for atom in found.atoms],
        "indistinguishable": None
        if pair is None
        else {"safe": dict(pair.safe), "unsafe": dict(pair.unsafe), "atoms": dict(pair.atoms)},
        "comparison": [
            {
                "predicate": item.name,
                "verdicts": {str(verdict): cells for verdict, cells in item.verdicts.items()},
                "gained": item.gained,
                "lost": item.lost,
            }
            for item in compared
        ],
    }
    if elsewhere:
        document["unsound_in"] = [
            {"study": item.study.id, "cells": item.cells, "unsound": item.unsound}
            for item in elsewhere
        ]
    return document


def synthesize_text(
    title: str,
    found: Synthesis,
    compared: Sequence[ComparedPredicate],
    baseline: Mapping[str, str],
    elsewhere: Sequence[Elsewhere] = (),
) -> str:
    """Return the answer for the terminal; `elsewhere` are the studies that refute the check."""
    one = hanging(to_c(found.expression), "    ", "    ")
    lines = [*hanging(title, "", "  "), "", c_function(found.expression, found.function)]
    lines += ["As one expression:", "", *one, "", *_exactness(found, baseline), ""]
    if elsewhere:
        lines.extend([*_warning(elsewhere), ""])
    names = [item.name for item in compared]
    rows = [
        [str(verdict), *(f"{item.verdicts[verdict]:,}" for item in compared)]
        for verdict in compared[0].verdicts
    ]
    rows.append(["gained", *(f"{item.gained:,}" for item in compared)])
    rows.append(["lost", *(f"{item.lost:,}" for item in compared)])
    note = f"gained and lost: supported cells, against {names[0]}\n"
    return "\n".join(lines) + "\n" + align(["cells", *names], rows) + note


def _warning(elsewhere: Sequence[Elsewhere]) -> list[str]:
    return [
        "It is the weakest over this study alone, and unsound in cells of others:",
        *(f"    {item.study.id}: {item.unsound:,} of {item.cells:,} cells" for item in elsewhere),
        f"For a check to propose: matrix synthesize {elsewhere[0].study.id}",
    ]


def exactness(found: Synthesis) -> str:
    """Return in a sentence whether the predicate says yes to every safe cell."""
    if found.exact:
        return "It is exact: it says yes to every safe cell and to no other."
    return (
        "It is not exact: these two cells have the same atoms, one is safe and one is not, so it "
        "says no to both."
    )


def _exactness(found: Synthesis, baseline: Mapping[str, str]) -> list[str]:
    lines = hanging(exactness(found), "", "")
    if found.indistinguishable is not None:
        *cells, atoms = pair_lines(found.indistinguishable, baseline)
        # The cells are copied whole.
        lines += [*cells, *wrapped(atoms.removeprefix(_ATOMS), _ATOMS)]
    return lines


def pair_lines(pair: Indistinguishable, baseline: Mapping[str, str]) -> list[str]:
    """Return two cells that no condition tells apart, and what holds in both."""
    atoms = ", ".join(name if value else f"!{name}" for name, value in pair.atoms)
    return [
        f"    safe:    {named_cell(pair.safe, baseline)}",
        f"    unsafe:  {named_cell(pair.unsafe, baseline)}",
        f"{_ATOMS}{atoms}",
    ]


def c_function(expression: Expression, declaration: str, storage: str = "static ") -> str:
    """Return a function in kernel style that returns the expression; `storage` begins it."""
    text = wrapped_c(expression, _TAB + len("return "))
    return f"{storage}{declaration}\n{{\n\treturn {text};\n}}\n"


def wrapped_c(expression: Expression, column: int) -> str:
    """Return an expression from a column on, broken after its operators where it is too long."""
    whole = to_c(expression)
    if column + len(whole) < _WIDTH or not isinstance(expression, Binary):
        return whole
    operator = expression.operator
    texts = []
    for operand in _operands(expression, operator):
        bare = to_c(operand)
        if isinstance(operand, Binary) and f"({bare})" in whole:
            texts.append(f"({wrapped_c(operand, column + 1)})")
        else:
            texts.append(wrapped_c(operand, column))
    return f" {operator}\n{_indent(column)}".join(texts)


def _operands(expression: Expression, operator: str) -> list[Expression]:
    """Return the operands that one operator joins, in reading order."""
    operands: list[Expression] = []
    while isinstance(expression, Binary) and expression.operator == operator:
        operands.append(expression.right)
        expression = expression.left
    return [expression, *reversed(operands)]


def _indent(column: int) -> str:
    return "\t" * (column // _TAB) + " " * (column % _TAB)
