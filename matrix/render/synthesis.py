"""A synthesised predicate as a C function in kernel style, with its comparison; also as JSON.

The JSON document is that of `matrix synthesize` (`matrix/synthesize/1`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from matrix.analyze.proof.synthesis import (
    ComparedPredicate,
    Elsewhere,
    Synthesis,
)
from matrix.expr.printer import to_c
from matrix.flows.synthesize import SynthesizedCheck
from matrix.render.document import (
    NO_BREAK,
    Block,
    Code,
    Definition,
    Definitions,
    Document,
    List,
    Paragraph,
    Section,
    Table,
    plain,
)
from matrix.render.json import Json
from matrix.render.proposed_check import c_function, exactness, pair_texts
from matrix.render.study_answer import answer_document, answer_values

SYNTHESIZE_SCHEMA = "matrix/synthesize/1"


def synthesis_values(found: SynthesizedCheck) -> dict[str, Json]:
    """Return the values of the JSON document."""
    check = synthesize_document(found.synthesis, found.compared, found.elsewhere)
    return answer_values(found, check)


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


def synthesis_document(found: SynthesizedCheck) -> Document:
    """Return the check, whether it is exact, the studies that refute it, and the comparison."""
    asked = "; ".join(f"{axis}: {', '.join(options)}" for axis, options in found.asked)
    title = f"{found.study.title}{f' ({asked})' if asked else ''}: {found.cells:,} cells"
    return answer_document(found, _blocks(found), title)


def _blocks(found: SynthesizedCheck) -> Iterator[Block]:
    check = found.synthesis
    yield Code(text=c_function(check.expression, check.function), language="c")
    yield Paragraph(text="As one expression:")
    yield Paragraph(text=plain(to_c(check.expression)), indent=4)
    yield Section(blocks=tuple(_exactness(check, dict(found.study.baseline))))
    if found.elsewhere:
        yield _warning(found.elsewhere)
    names = tuple(item.name for item in found.compared)
    rows = [
        (str(verdict), *(f"{item.verdicts[verdict]:,}" for item in found.compared))
        for verdict in found.compared[0].verdicts
    ]
    rows.append(("gained", *(f"{item.gained:,}" for item in found.compared)))
    rows.append(("lost", *(f"{item.lost:,}" for item in found.compared)))
    table = Table(header=("cells", *names), rows=tuple(rows))
    note = Paragraph(text=f"gained and lost: supported cells, against {names[0]}")
    yield Section(blocks=(table, note))


def _warning(elsewhere: Sequence[Elsewhere]) -> Section:
    unsound = (f"{item.study.id}: {item.unsound:,} of {item.cells:,} cells" for item in elsewhere)
    title = "It is the weakest over this study alone, and unsound in cells of others:"
    proposed = f"For a check to propose: matrix synthesize {elsewhere[0].study.id}"
    return Section(
        blocks=(
            Paragraph(text=title),
            List(items=tuple(unsound), indent=4),
            Paragraph(text=proposed),
        )
    )


def _exactness(found: Synthesis, baseline: Mapping[str, str]) -> Iterator[Block]:
    yield Paragraph(text=exactness(found))
    if found.indistinguishable is not None:
        yield Definitions(
            items=tuple(
                # The cells are copied whole.
                Definition(
                    term=f"{name}:",
                    text=plain(text if name == "atoms" else text.replace(" ", NO_BREAK)),
                )
                for name, text in pair_texts(found.indistinguishable, baseline)
            ),
            header=("", "", ""),
            indent=4,
        )
