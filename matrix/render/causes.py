"""Causes in words: what is violated, and the CPUs under the condition that each needs.

Takes `Cause` and `Place` values, gives sentences for every form: what stands in backticks is code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from matrix.analyze.cell.answer import Finding
from matrix.analyze.space.cause import Cause, Place
from matrix.analyze.space.cell_text import cell_text, option_text
from matrix.render.findings import certainty
from matrix.render.json import Json, fields
from matrix.render.quantities import counted, first_names, listing, release_label
from matrix.solve.nearest import Changes

ONE_WAY = "how it goes there hangs on what nobody recorded, and the trace is one of the ways"
ORDINARY = "the ordinary cell"
# So many CPUs are named in a sentence, and so many options of one axis.
_NAMED_CPUS = 8
_NAMED_OPTIONS = 4
# So many are listed under one condition of a cause.
_LISTED_CPUS = 300


class ShownCause(Struct, frozen=True, kw_only=True):
    """A cause with its number, and its text as a report shows it.

    `brief` says where it is met, `traces` are the findings with a trace, the shortest first.
    """

    number: int
    cause: Cause
    label: str
    violated: str
    cell: str
    brief: str
    rows: tuple[tuple[str, str], ...]

    @property
    def traces(self) -> tuple[Finding, ...]:
        """The findings of the example that have a trace, each trace once."""
        # Reversed twice: of findings with one trace the first stays.
        by_trace = {finding.trace: finding for finding in reversed(self.cause.findings)}
        return tuple(finding for finding in reversed(by_trace.values()) if finding.trace)

    @property
    def works(self) -> str:
        """What is otherwise in the cell that works, as a cell is written."""
        works = self.cause.works
        return "" if works is None else cell_text(dict(works.change), {})

    @property
    def reservation(self) -> str:
        """What is said behind the example where its trace is one of several; or nothing."""
        return "" if self.cause.settled else f"; {ONE_WAY}"


def shown_causes(causes: Sequence[Cause], patch: str | None) -> tuple[ShownCause, ...]:
    """Return the causes as a report shows them; each row is a condition and its CPUs."""
    return tuple(
        ShownCause(
            number=number,
            cause=cause,
            label=release_label(cause.kernels, patch),
            violated=violated(cause, assumed=True),
            cell=cell_text(dict(cause.example), {}),
            brief=_brief(cause.places),
            rows=tuple(
                (
                    condition(place.change) or ORDINARY,
                    first_names(list(map(option_text, place.cpus)), _LISTED_CPUS),
                )
                for place in cause.places
            ),
        )
        for number, cause in enumerate(causes, start=1)
    )


def _brief(places: Sequence[Place]) -> str:
    """Return where a cause is met first and on how many CPUs, and on how many more elsewhere."""
    if not places:
        return ""
    first, *rest = places
    where = f"with {condition(first.change)}" if first.change else f"in {ORDINARY}"
    told = f"{counted(len(first.cpus), 'CPU')} {where}" if first.cpus else where
    more = sum(len(place.cpus) for place in rest)
    return told + (f", {counted(more, 'CPU')} with other options" if more else "")


def violated(cause: Cause, *, assumed: bool = False) -> str:
    """Return the invariants of a cause, with what each assumes where that is wanted."""
    if assumed:
        return "; ".join(f"`{name}`, {certainty(needs)}" for name, needs in cause.broken)
    return listing([f"`{name}`" for name in dict.fromkeys(name for name, _ in cause.broken)])


def condition(change: Changes) -> str:
    """Return what must depart from the baseline: `host=l1` and `vm=protected`; empty for nothing.

    Any of the options listed of one axis will do.
    """
    return listing([one_of(axis, options) for axis, options in change])


def one_of(axis: str, options: Sequence[str]) -> str:
    """Return an axis that has one of some options: `page_size=16k` or `64k`."""
    names = list(map(option_text, options))
    if len(names) > _NAMED_OPTIONS:
        return f"`{axis}` one of {first_names(names, _NAMED_OPTIONS - 1)}"
    return " or ".join([f"`{axis}={names[0]}`", *(f"`{name}`" for name in names[1:])])


def first_sentence(predicate: str, causes: Sequence[Cause], *, unknown: bool) -> str:
    """Return whether a check is unsound in the ordinary cell, on which CPUs and why.

    Where some cells are `unknown`, what is unsound nowhere is not said to be sound.
    """
    ordinary = [cause for cause in causes if cause.is_ordinary]
    if not ordinary:
        known = "not known to be unsound on any CPU" if unknown else "sound on every CPU"
        return (
            f"`{predicate}` is unsound where options depart from the study's baseline; in "
            f"{ORDINARY} it is {known}."
        )
    told = [
        f"{_on(place)}{cause.statement} ({violated(cause)})"
        for cause in ordinary
        for place in cause.places
        if not place.change
    ]
    return f"`{predicate}` is unsound in {ORDINARY} (the study's baseline){'; and '.join(told)}."


def _on(place: Place) -> str:
    count = counted(len(place.cpus), "CPU")
    return f" on {count} ({named(place.cpus)}): " if place.cpus else ": "


def other_sentences(causes: Sequence[Cause]) -> Iterator[str]:
    """Yield for each cause where else than in the ordinary cell it is met."""
    for cause in causes:
        elsewhere = [place for place in cause.places if place.change]
        if not elsewhere:
            continue
        told = f"ith {'; with '.join(map(_condition_and_cpus, elsewhere))}"
        why = f"{cause.statement} ({violated(cause)})"
        yield f"{why}, also w{told}." if cause.is_ordinary else f"W{told}: {why}."


def _condition_and_cpus(place: Place) -> str:
    return condition(place.change) + (f" on {named(place.cpus)}" if place.cpus else "")


def named(cpus: Sequence[str], most: int = _NAMED_CPUS) -> str:
    """Return all of a few CPUs by name, else the first ones and how many more."""
    more = len(cpus) - most
    if more <= 0:
        return listing(list(map(option_text, cpus)))
    return f"{', '.join(map(option_text, cpus[:most]))} and {counted(more, 'more CPU')}"


def place_lines(places: Sequence[Place], most: int) -> tuple[str, ...]:
    """Return a line for each condition: `7 CPUs: a, b`, `with host=x: 12 CPUs: c, d and 10 more`.

    CPUs in the ordinary cell need no condition and stand first.
    """
    lines = []
    for place in places:
        if not place.cpus:
            continue
        head = f"with {condition(place.change)}: ".replace("`", "") if place.change else ""
        count = "1 CPU" if len(place.cpus) == 1 else f"{len(place.cpus)} CPUs"
        names = first_names(list(map(option_text, place.cpus)), most)
        lines.append(f"{head}{count}: {names}")
    return tuple(lines)


def cause_document(cause: Cause) -> dict[str, Json]:
    """Return a cause as JSON; `where` begins with the ordinary cell, which departs in nothing."""
    return {
        **fields(cause, "statement operation source"),
        "violates": [{"invariant": name, "certainty": needs} for name, needs in cause.broken],
        "conditions": dict(cause.conditions),
        "kernels": list(cause.kernels),
        "cells": cause.cells,
        "where": place_documents(cause.places),
        "example": dict(cause.example),
    }


def place_documents(places: Sequence[Place]) -> list[Json]:
    """Return CPUs by condition as JSON: any of the options listed of an axis will do."""
    return [
        {
            "with": {axis: list(options) for axis, options in place.change},
            "cpus": list(place.cpus),
        }
        for place in places
    ]
