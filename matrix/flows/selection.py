"""Why nothing is selected: the smallest contradiction as a walk through the declarations.

Takes a prepared study and what was asked of it, gives the error to raise: a head that says what
does not exist and what would, and one line for each member of the core with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from matrix.analyze.cell.answering import exists
from matrix.analyze.cell.change_costs import WEIGHTS
from matrix.analyze.cell.derivation import CPU, Derivation, Derivations
from matrix.analyze.cell.question import conjuncts
from matrix.analyze.cell.settings import study_settings
from matrix.analyze.facts.evaluation import Evaluation
from matrix.analyze.space.cell_text import option_text
from matrix.analyze.space.contradiction import Contradiction, Member, SelectionSpace
from matrix.analyze.space.selection import Selection, select
from matrix.analyze.space.study import SolvedStudy
from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.expr.parser import parse
from matrix.expr.printer import to_c
from matrix.expr.trees import names
from matrix.schema.values import Condition
from matrix.solve.nearest import nearest_changes

if TYPE_CHECKING:
    from matrix.flows.study import PreparedStudy  # which asks here why it is empty

# Options of one axis, or symbols, that a note shows.
_MOST_SHOWN = 3


def no_such_cell(prepared: PreparedStudy, chosen: Mapping[str, str]) -> InputError:
    """Return the error of a cell that cannot exist (MX0607): which choices and constraints clash.

    `chosen` are the options asked for; the others are the baseline's.
    """
    study = prepared.study
    asked = dict(chosen)
    baseline = {axis: option for axis, option in study.baseline if axis not in asked}
    found = _space(prepared).contradiction(asked, baseline)
    # The concrete flow found no cell and the diagram does: one of the two is wrong.
    if found is None:
        raise RuntimeError(f"the diagram says that the cell exists: {dict(chosen)}")
    evidence = _cpu_evidence(prepared, chosen, found)
    options = [member.text for member in found.members if member.kind == "option"]
    head = Diagnostic(
        code="MX0607",
        location=study.location,
        message=f"study `{study.id}` has no cell with {' and '.join(options) or 'these options'}",
        hint=_nearest_hint(prepared, found, asked, baseline),
    )
    return InputError([head, *(_said(member, evidence) for member in found.members)])


def where_condition(text: str | None) -> Condition | None:
    """Return the expression of --where; raises InputError (MX01xx) where it is not C."""
    if text is None:
        return None
    location = Location(file="--where", line=1, column=1, length=len(text) or 1, text=text)
    return Condition(expression=parse(text, location), text=text, location=location)


def chosen_cells(
    prepared: PreparedStudy, solved: SolvedStudy, condition: Condition | None
) -> Selection | None:
    """Return what a condition that a user wrote chooses; None without one.

    Raises:
        InputError: as `select`; MX0662, constraints that leave none of the cells it asks for.
    """
    if condition is None:
        return None
    found = select(solved, condition)
    if found.region.is_empty() and not found.undecided:
        nothing = nothing_selected(prepared, {}, tuple(_operands(condition)))
        if nothing is not None:
            raise nothing
    return found


def _operands(condition: Condition) -> Iterator[Condition]:
    """Yield the operands of the outermost `&&`: a contradiction names those it needs."""
    for operand in conjuncts(condition.expression):
        is_whole = operand is condition.expression
        yield condition if is_whole else replace(condition, expression=operand, text=to_c(operand))


def nothing_selected(
    prepared: PreparedStudy, asked: Mapping[str, str], where: Sequence[Condition] = ()
) -> InputError | None:
    """Return the error of a selection that has no cell (MX0662), None where it has one.

    `asked` fixes axes, the others are free; `where` are conditions that a user wrote.
    """
    found = _space(prepared).contradiction(asked, {}, where)
    if found is None:
        return None
    if all(member.kind in ("study", "Kconfig") for member in found.members):
        return contradictory_study(prepared)
    message = f"study `{prepared.study.id}` has no cell that is asked for"
    return _no_cell("MX0662", message, prepared, found)


def contradictory_study(prepared: PreparedStudy) -> InputError:
    """Return the error of a study whose constraints leave no cell (MX0661)."""
    found = _space(prepared).contradiction({}, {})
    if found is None:
        raise RuntimeError("a study without a cell has constraints that can be kept")
    message = f"the constraints of study `{prepared.study.id}` leave no cell"
    return _no_cell("MX0661", message, prepared, found)


def _no_cell(code: str, message: str, prepared: PreparedStudy, found: Contradiction) -> InputError:
    """Return the error of a selection without any cell: its members, and no other cell instead."""
    head = Diagnostic(
        code=code,
        location=prepared.study.location,
        message=message,
        hint="what follows cannot all be; without any one of them the rest can",
    )
    members = [_said(member, {}) for member in found.members]
    return InputError([head, *members, *_guilty_options(prepared, found)])


def check_not_empty(prepared: PreparedStudy) -> None:
    """Check that a study has a cell: in most, the baseline is one, so that nothing is solved.

    Raises:
        InputError: MX0661, it has none.
    """
    question, cell, _ = prepared.cell({})
    if exists(question, cell, prepared.behaviours):
        return
    if _space(prepared).contradiction({}, {}) is not None:
        raise contradictory_study(prepared)


def without_cells(prepared: PreparedStudy) -> Iterator[Diagnostic]:
    """Yield warnings: a baseline that is no cell (MX0255), options that have none (MX0256).

    Options that stand at one place, as those of `all` do, are one warning.
    """
    study = prepared.study
    space = _space(prepared)
    baseline = dict(study.baseline)
    found = space.contradiction({}, baseline)
    if found is not None:
        yield Diagnostic.warning(
            code="MX0255",
            location=study.baseline_location,
            message=f"the baseline of study `{study.id}` is no cell: {_why(found)}",
            # The second half of the hint announces the list of a core, which a warning does not
            # have.
            hint=_nearest_hint(prepared, found, {}, baseline).partition(";")[0],
        )
    for axis in study.axes:
        empty: dict[Location, list[str]] = {}
        for option in axis.options:
            if space.valid.restrict(axis.name, (option.name,)).is_empty():
                empty.setdefault(option.location, []).append(option.name)
        for location, names_ in empty.items():
            # One reason for all that stand at one place: `all` names options that have little else
            # in common.
            core = space.contradiction({axis.name: names_[0]}, {})
            more = "have" if len(names_) > 1 else "has"
            yield Diagnostic.warning(
                code="MX0256",
                location=location,
                message=f"{_quoted(names_)} of axis `{axis.name}` {more} no cell"
                + (f": {_why(core)}" if core is not None else ""),
                hint="remove it, or add what it needs to an axis of the study",
            )


def _quoted(texts: Sequence[str]) -> str:
    return _listed([f"`{text}`" for text in texts])


def _why(found: Contradiction) -> str:
    """Return what contradicts the choice, in a sentence."""
    bounds = [member for member in found.members if member.kind != "option"]
    return "; ".join(map(_sentence, bounds)) or "its options exclude each other"


def _guilty_options(prepared: PreparedStudy, found: Contradiction) -> Iterator[Diagnostic]:
    """Yield the axes that set what the Kconfig constraints of a core read, and what none sets.

    A kernel's Kconfig alone can be kept: what it contradicts are the options of the study.
    """
    read: frozenset[str] = frozenset().union(
        *(
            names(member.condition.expression)
            for member in found.members
            if member.kind == "Kconfig" and member.condition is not None
        )
    )
    sets = {
        f"CONFIG_{key}"
        for axis in prepared.study.axes
        for option in axis.options
        for key, _ in option.kconfig
    }
    sets = sets.union(*(item.program.always_set for item in prepared.questions.values()))
    unset = sorted(name for name in read - sets if name.startswith("CONFIG_"))
    if unset:
        yield Diagnostic.note(
            code="MX0660",
            location=_one_line(prepared.study.location),
            message=f"no axis of the study sets {_listed(unset)}: off",
        )
    for axis in prepared.study.axes:
        setting = [
            f"`{option.name}`: {', '.join(values)}"
            for option in axis.options
            if (values := [f"{key}={to}" for key, to in option.kconfig if f"CONFIG_{key}" in read])
        ]
        if setting:
            alone = len(axis.options) == 1
            yield Diagnostic.note(
                code="MX0660",
                location=_one_line(axis.options[0].location if alone else axis.location),
                message=f"axis `{axis.name}` has {'only ' if alone else ''}"
                f"{_listed(setting, '; ')}",
            )


def _listed(items: Sequence[str], separator: str = ", ") -> str:
    return separator.join([*items[:_MOST_SHOWN], *(["…"] if len(items) > _MOST_SHOWN else [])])


def _space(prepared: PreparedStudy) -> SelectionSpace:
    pairs = [(profile, prepared.questions[profile.id]) for profile in prepared.kernels]
    return SelectionSpace(prepared.study, pairs, prepared.architecture, prepared.systems)


def _said(member: Member, evidence: Mapping[str, str]) -> Diagnostic:
    """Return one member of a core as one line."""
    return Diagnostic.note(
        code="MX0660",
        location=_one_line(member.location),
        message=_sentence(member) + evidence.get(member.axis or "", ""),
    )


def _sentence(member: Member) -> str:
    if member.kind == "option":
        how = "is asked for" if member.because == "asked" else "is the baseline's"
        return f"`{member.text}` {how}"
    if member.kind == "where":
        return f"`{member.text}` is asked for"
    who = "the study" if member.kind == "study" else f"the Kconfig of Linux {member.release}"
    because = f": {member.because}" if member.because else ""
    source = f" ({member.source})" if member.source else ""
    return f"{who} demands `{member.text}`{because}{source}"


def _one_line(location: Location | None) -> Location | None:
    """Return a place without the text of its line: a core is read as a list."""
    return None if location is None else replace(location, text=None)


def _nearest_hint(
    prepared: PreparedStudy,
    found: Contradiction,
    asked: Mapping[str, str],
    baseline: Mapping[str, str],
) -> str:
    """Return which cell there is instead: one that keeps what was asked for, if any does."""
    weights = {axis.name: WEIGHTS[axis.kind] for axis in prepared.study.axes}
    kept = found.valid.at(asked)
    origin = {**baseline, **asked}
    near = nearest_changes(found.valid if kept.is_empty() else kept, origin, weights, 1)
    if near is None:
        return "the study has no cell at all; what follows cannot all be"
    axes = ",".join(f"{axis}={option_text(options[0])}" for axis, options in near.changes[0])
    how = "the nearest cell that exists has" if kept.is_empty() else "such a cell exists with"
    return f"{how} {axes}; what follows cannot all be"


def _cpu_evidence(
    prepared: PreparedStudy, chosen: Mapping[str, str], found: Contradiction
) -> dict[str, str]:
    """Return, for the CPU's axis, the fields that the constraints of the core read."""
    question, cell, options = prepared.cell(chosen)
    axis = next((name for name, option in options.items() if option.cpu), None)
    if axis is None:
        return {}
    profile = prepared.kernel_of(options)
    settings = study_settings(
        question.program, profile, prepared.architecture, options, prepared.system(options)
    )
    evaluation = Evaluation(question.program.definitions, cell.variables, cell.atoms)
    derivations = Derivations(
        question.program, profile, prepared.architecture, evaluation, settings
    )
    fields = [
        text
        for member in found.members
        if member.condition is not None
        for text in _fields(derivations.derive(member.condition.expression))
    ]
    return {axis: f": {', '.join(dict.fromkeys(fields))}"} if fields else {}


def _fields(tree: Derivation) -> list[str]:
    own = [
        f"{tree.text} is {str(tree.value).lower()} ({tree.source}, {origin.confidence})"
        for origin in tree.origins
        if origin.kind == CPU
    ]
    return [*own, *(text for part in tree.parts for text in _fields(part))]
