"""`matrix count`: the exact number of cells of each verdict, in all or by the options of axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.selection import Selection
from matrix.analyze.space.study import SolvedStudy
from matrix.analyze.space.study_advice import study_defects
from matrix.diagnostics import Diagnostic, Gathered, InputError, UndecidedError
from matrix.flows.cell_argument import unknown_axis
from matrix.flows.knowledge import Library
from matrix.flows.selection import chosen_cells, where_condition
from matrix.flows.study import PreparedStudy, prepare_study
from matrix.flows.study_answer import StudyAnswer
from matrix.schema.values import Condition, MatrixStudy
from matrix.solve.space import Region
from matrix.solve.tally import combinations, tally

# More groups than a table has: past them the cells themselves are the answer.
MAX_GROUPS = 1_000_000

# An option of each axis asked about, with the cells of the verdicts that there are.
Group = tuple[tuple[str, ...], Mapping[Verdict, int]]


class Count(StudyAnswer, frozen=True, kw_only=True):
    """The cells of a study in all and per verdict, and how many classes of behaviour they have.

    `by` are the axes of whose options `groups` has each combination with a cell, in their order.
    `where` chose the cells, `selection` is what it left out.
    """

    cells: int
    behaviour_classes: int
    verdicts: Mapping[Verdict, int]
    by: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    where: Condition | None = None
    selection: Selection | None = None


def count(
    name: str,
    *,
    configs: tuple[Path, ...],
    predicate: str | None,
    where: str | None = None,
    by: Sequence[str] = (),
) -> Count:
    """Return the exact counts of a study, of all its cells or of those that `where` chooses.

    Raises:
        InputError: MX0605, axes that the study lacks; MX0642, an axis named twice; what is wrong
            with the expression; MX0643 or MX0662, it chooses no cell.
        UndecidedError: MX0644, more than `MAX_GROUPS` groups.
    """
    prepared = prepare_study(Library(configs), name, predicate)
    wrong = Gathered(_wrong_axes(prepared.study, by))
    condition = wrong.of(lambda: where_condition(where))
    wrong.refuse()
    solved = prepared.solve()
    selection = chosen_cells(prepared, solved, condition)
    if condition and selection and selection.region.is_empty() and not selection.undecided:
        raise InputError(_without_cell(prepared, condition))
    kept = selection.region if selection else solved.valid
    groups = combinations(kept, by)
    if groups > MAX_GROUPS:
        raise UndecidedError(_too_many(groups))
    chosen = {verdict: region & kept for verdict, region in solved.verdicts.items()}
    return Count(
        study=prepared.study,
        predicate=prepared.predicate,
        defects=study_defects(solved, kept),
        cells=kept.count(),
        verdicts={verdict: region.count() for verdict, region in chosen.items()},
        behaviour_classes=_classes(solved, kept),
        by=tuple(by),
        groups=tuple(tally(chosen, by).items()) if by else (),
        where=condition,
        selection=selection,
    )


def _classes(solved: SolvedStudy, kept: Region) -> int:
    """Return how many simulations differ that some of the cells may be in."""
    met = (item.inputs for item in solved.classes if not (item.region & kept).is_empty())
    return len(frozenset(met))


def _wrong_axes(study: MatrixStudy, by: Sequence[str]) -> list[Diagnostic]:
    known = {axis.name for axis in study.axes}
    return [
        *(unknown_axis(study, name) for name in dict.fromkeys(by) if name not in known),
        *(
            Diagnostic(
                code="MX0642",
                message=f"axis `{name}` is named {by.count(name)} times",
                hint="name each axis of --by once",
            )
            for name in dict.fromkeys(by)
            if name in known and by.count(name) > 1
        ),
    ]


def _without_cell(prepared: PreparedStudy, condition: Condition) -> Diagnostic:
    return Diagnostic(
        code="MX0643",
        location=condition.location,
        message=f"study `{prepared.study.id}` has no cell in which `{condition.text}` is true",
        hint=f"`matrix count {prepared.study.id}` says which verdicts there are; --by counts them "
        "by the options of axes",
    )


def _too_many(groups: int) -> Diagnostic:
    return Diagnostic(
        code="MX0644",
        message=f"{groups:,} groups are more than {MAX_GROUPS:,}; nothing was counted",
        hint="name fewer axes, or choose cells with --where; `matrix cells --columns A,B` writes "
        "distinct combinations",
    )
