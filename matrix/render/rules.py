"""Rules as a document and as JSON (`matrix/rules/1`): a conjunction each, CPUs beneath.

Under the condition that each needs. A document leaves out options that no cell of the rule has;
JSON has every option that could stand there, so that none can be added.
"""

from __future__ import annotations

from collections.abc import Sequence

from matrix.analyze.proof.rules import FeatureRule, LabelRules
from matrix.flows.rules import Rules, left_out
from matrix.render.causes import place_lines
from matrix.render.conjunction import MAX_NAMED, conjunction
from matrix.render.document import (
    Block,
    Definition,
    Definitions,
    Document,
    Paragraph,
    Section,
    plain,
)
from matrix.render.json import Json
from matrix.render.study_answer import answer_document, answer_values

RULES_SCHEMA = "matrix/rules/1"

# The largest study has 15,610,780,800 cells; what stands beneath a rule begins where it does.
_NUMBER = len("999,999,999,999") + 2


def rules_values(found: Rules) -> dict[str, Json]:
    """Return the values of the JSON document; `left_out` is there only where rules are."""
    document: dict[str, Json] = {
        "schema": RULES_SCHEMA,
        "rules": [
            {"verdict": group.label, **rule_values(rule)}
            for group in found.groups
            for rule, _ in group.rules
        ],
    }
    if number := left_out(found.groups):
        document["left_out"] = number
    return answer_values(found, document)


def rule_values(rule: FeatureRule) -> dict[str, Json]:
    """Return a rule without its label as JSON values."""
    return {"when": {name: list(options) for name, options in rule.when}, "cells": rule.cells}


def rules_document(found: Rules) -> Document:
    """Return the rules of each verdict."""
    return answer_document(found, rule_sections(found.groups))


def rule_sections(groups: Sequence[LabelRules]) -> tuple[Block, ...]:
    """Return a section for each label."""
    return tuple(map(_section, groups))


def _section(group: LabelRules) -> Section:
    blocks: list[Block] = []
    if group.rules:
        items = (
            Definition(
                term=f"{rule.cells:,}",
                text=plain(conjunction(rule)),
                notes=place_lines(places, MAX_NAMED),
            )
            for rule, places in group.rules
        )
        header = ("cells", "rule", "CPUs")
        blocks.append(Definitions(items=tuple(items), header=header, align="r", width=_NUMBER))
    if group.left_out:
        more = f"… and {group.left_out} more rules"
        blocks.append(Paragraph(text=more, indent=_NUMBER + 4))
    title = f"{group.label}: {group.cells:,} cells{'' if group.rules else ', no rules'}"
    return Section(title=title, blocks=tuple(blocks))
