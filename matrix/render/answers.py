"""The answers of all cells of a study, for the script of its page: a diagram, written as JSON.

Takes a study's result with its diagram and its baseline view, gives one line of JSON that may stand
in a page. A node leads from each option of its axis to a node of the next layer, -1 to none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from matrix.analyze.cell.verdict import Verdict, meanings_of, wanted_of
from matrix.analyze.space.overview import Overview
from matrix.analyze.space.record import dense
from matrix.analyze.space.result import StudyResult
from matrix.analyze.space.tables import choices
from matrix.render.json import Json

# Numbers of the diagram in one page; with more of them it has the default view alone.
_MOST_NUMBERS = 300_000


def answers_json(
    result: StudyResult,
    found: Overview,
    label: Callable[[str, Sequence[str]], str],
    copied: Mapping[str, Json],
) -> str:
    """Return what the page needs to answer for any cell; empty where there is none or too much.

    `label` writes the labels of a level of the table, `copied` is what is said when it is copied.
    """
    diagram = result.diagram
    if diagram is None:
        return ""
    layers = dense(diagram)
    if sum(len(node) for layer in layers for node in layer) > _MOST_NUMBERS:
        return ""
    study = result.study
    meanings = meanings_of(result.capability.basis)
    pivot = study.pivots[0]
    usual = {**dict(study.baseline), **dict(pivot.fixed)}
    number = {
        variable.name: {option: at for at, option in enumerate(variable.options)}
        for variable in diagram.layers.variables
    }
    order = {name: at for at, name in enumerate(number)}

    def placed(cell: Mapping[str, str]) -> list[tuple[int, int]]:
        return [(order[axis], number[axis][option]) for axis, option in cell.items()]

    rows = dict(choices(study, pivot.rows))
    columns = [dict(choices(study, name)) for name in pivot.columns]
    patched = [label(level, ("",)) for level in found.table.column_levels]
    values = {
        "axes": [[name, list(options)] for name, options in number.items()],
        "usual": [options[usual[name]] for name, options in number.items()],
        "layers": layers,
        "leaves": [diagram.labels[leaf[0]] for leaf in diagram.layers.leaves],
        "rows": [
            (label(found.table.row_title, (row.label,)), placed(rows[row.label]))
            for row in sorted(found.rows, key=lambda row: list(rows).index(row.label))
        ],
        "columns": [
            (
                labels,
                [
                    place
                    for chosen, name in zip(columns, labels, strict=True)
                    for place in placed(chosen[name])
                ],
            )
            for labels in found.table.columns
        ],
        "suffixes": patched,
        "counted": found.counted,
        "cpus": found.of_cpus,
        "alarm": Verdict.UNSOUND if Verdict.UNSOUND in meanings else None,
        "wanted": wanted_of(result.capability.basis),
        "meanings": dict(meanings),
        "causes": [cause.statement.replace("`", "") for cause in result.causes],
        "check": result.predicate,
        "copied": copied,
    }
    # The text stands in an element that only `</script` or `<!--` would end.
    return json.dumps(values, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
