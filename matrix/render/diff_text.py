"""Changes of verdict as text and JSON (`matrix/diff/1`)."""

from __future__ import annotations

from collections.abc import Sequence

from matrix.analyze.difference import Difference
from matrix.analyze.rules import FeatureRule
from matrix.render.columns import align
from matrix.render.json import Json
from matrix.render.solver_text import LabelRules, rule_lines

DIFF_SCHEMA = "matrix/diff/1"


def diff_document(
    between: tuple[str, str], difference: Difference, groups: Sequence[LabelRules]
) -> dict[str, Json]:
    """Return the JSON document; `changes` holds only verdicts that differ."""
    by_label = {group.label: group for group in groups}
    return {
        "schema": DIFF_SCHEMA,
        "from": between[0],
        "to": between[1],
        "cells": difference.compared.count(),
        "only_from": difference.only_one,
        "only_to": difference.only_other,
        "changes": [
            {
                "from": str(old),
                "to": str(new),
                "cells": region.count(),
                "rules": [_rule(rule) for rule, _ in by_label[f"{old} → {new}"].rules],
            }
            for old, new, region in difference.changed
        ],
    }


def _rule(rule: FeatureRule) -> dict[str, Json]:
    return {"when": {name: list(options) for name, options in rule.when}, "cells": rule.cells}


def diff_text(title: str, difference: Difference, groups: Sequence[LabelRules]) -> str:
    """Return the changes for the terminal."""
    cells = difference.compared.count()
    changed = [
        (str(old), str(new), f"{region.count():,}") for old, new, region in difference.changed
    ]
    lines = [title, ""]
    if difference.only_one or difference.only_other:
        before, after = difference.only_one, difference.only_other
        lines.append(f"{before:,} cells exist only before, {after:,} only after")
    if not changed:
        return "\n".join([*lines, f"no verdict changes in {cells:,} cells"]) + "\n"
    table = align(("before", "after", "cells"), changed)
    return "\n".join([*lines, f"of {cells:,} cells compared:", table, *rule_lines(groups)]) + "\n"
