"""Changes of verdict as text, Markdown and JSON (`matrix/diff/1`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from matrix.analyze.proof.rules import FeatureRule, LabelRules
from matrix.analyze.space.difference import Difference
from matrix.analyze.space.result import StudyDefect
from matrix.render.columns import align
from matrix.render.defects import compared_documents, compared_sentences, paragraphs
from matrix.render.json import Json
from matrix.render.solver_text import rule_lines, rule_tables
from matrix.render.text import first_lines

DIFF_SCHEMA = "matrix/diff/1"


class ShownDifference(Struct, frozen=True, kw_only=True):
    """A difference with its title and the two words it is between.

    `notes` are sentences on what could not be compared, `document` the same for JSON. `defects`
    are those of each side.
    """

    title: str
    between: tuple[str, str]
    difference: Difference
    notes: tuple[str, ...] = ()
    document: Mapping[str, Json] = field(default_factory=dict)
    defects: tuple[Sequence[StudyDefect], Sequence[StudyDefect]] = ((), ())


def diff_document(shown: ShownDifference, groups: Sequence[LabelRules]) -> dict[str, Json]:
    """Return the JSON document; `changes` holds only verdicts that differ."""
    by_label = {group.label: group for group in groups}
    difference = shown.difference
    return {
        "schema": DIFF_SCHEMA,
        "from": shown.between[0],
        "to": shown.between[1],
        "cells": difference.compared.count(),
        "only_from": difference.only_one,
        "only_to": difference.only_other,
        **shown.document,
        "changes": [
            {
                "from": str(old),
                "to": str(new),
                "cells": region.count(),
                "rules": [_rule(rule) for rule, _ in by_label[f"{old} → {new}"].rules],
            }
            for old, new, region in difference.changed
        ],
        "defects": compared_documents(shown.between, *shown.defects),
    }


def _rule(rule: FeatureRule) -> dict[str, Json]:
    return {"when": {name: list(options) for name, options in rule.when}, "cells": rule.cells}


def diff_text(shown: ShownDifference, groups: Sequence[LabelRules]) -> str:
    """Return the changes for the terminal."""
    said = first_lines(compared_sentences(shown.between, *shown.defects))
    lines = [said + _title(shown), "", *_notes(shown)]
    changed = _changes(shown)
    cells = shown.difference.compared.count()
    if not changed:
        return "\n".join([*lines, f"no verdict changes in {cells:,} cells"]) + "\n"
    table = align(("before", "after", "cells"), changed)
    return "\n".join([*lines, f"of {cells:,} cells compared:", table, *rule_lines(groups)]) + "\n"


def diff_markdown(shown: ShownDifference, groups: Sequence[LabelRules]) -> str:
    """Return the changes as Markdown: a table of them, then one table of rules for each."""
    said = paragraphs(compared_sentences(shown.between, *shown.defects))
    lines = [f"{said}## {_title(shown)}", "", *(f"- {note}" for note in _notes(shown))]
    changed = _changes(shown)
    cells = shown.difference.compared.count()
    if not changed:
        return "\n".join([*lines, f"- no verdict changes in {cells:,} cells"]) + "\n"
    lines.extend(
        [f"- {cells:,} cells compared", "", "| before | after | cells |", "|---|---|---:|"]
    )
    lines.extend(f"| {' | '.join(row)} |" for row in changed)
    return "\n".join([*lines, "", *rule_tables(groups)]).rstrip("\n") + "\n"


def _title(shown: ShownDifference) -> str:
    return f"{shown.title}: {shown.between[0]} → {shown.between[1]}"


def _notes(shown: ShownDifference) -> list[str]:
    before, after = shown.difference.only_one, shown.difference.only_other
    only = f"{before:,} cells exist only before, {after:,} only after"
    return [*shown.notes, *([only] if before or after else [])]


def _changes(shown: ShownDifference) -> list[tuple[str, str, str]]:
    return [
        (str(old), str(new), f"{region.count():,}") for old, new, region in shown.difference.changed
    ]
