"""Rules as text, Markdown and JSON (`matrix/rules/1`): a conjunction each, CPUs beneath.

Takes rules per label with the CPUs they hold for, under the condition that each needs. Text leaves
out options that no cell of the rule has; JSON has every option that could stand there, so that none
can be added.
"""

from __future__ import annotations

from collections.abc import Sequence

from matrix.analyze.proof.rules import FeatureRule, LabelRules
from matrix.render.causes import place_lines
from matrix.render.json import Json
from matrix.render.text import wrapped

RULES_SCHEMA = "matrix/rules/1"

# So many CPUs are named beneath a rule in text; the rest is a number.
MAX_NAMED = 12


def rules_document(groups: Sequence[LabelRules], key: str = "verdict") -> dict[str, Json]:
    """Return the JSON document; `left_out` is there only where rules are left out."""
    document: dict[str, Json] = {
        "schema": RULES_SCHEMA,
        "rules": [
            {
                key: rule.label,
                "when": {name: list(options) for name, options in rule.when},
                "cells": rule.cells,
            }
            for group in groups
            for rule, _ in group.rules
        ],
    }
    left_out = sum(group.left_out for group in groups)
    return {**document, "left_out": left_out} if left_out else document


def rules_text(title: str, groups: Sequence[LabelRules]) -> str:
    """Return the rules for the terminal."""
    return "\n".join([title, "", *_lines(groups)]) + "\n"


def _lines(groups: Sequence[LabelRules]) -> list[str]:
    lines: list[str] = []
    for group in groups:
        lines.append(f"{group.label}: {group.cells:,} cells{'' if group.rules else ', no rules'}")
        for rule, places in group.rules:
            lines.extend(wrapped(conjunction(rule), f"  {rule.cells:>17,}  "))
            for line in place_lines(places, MAX_NAMED):
                lines.extend(wrapped(line, " " * 21))
        if group.left_out:
            lines.append(f"{'':21}… and {group.left_out} more rules")
        lines.append("")
    return lines[:-1]


def rule_lines(groups: Sequence[LabelRules]) -> list[str]:
    """Return the lines of `rules_text` without a title, for a longer text."""
    return _lines(groups)


def rules_markdown(title: str, groups: Sequence[LabelRules]) -> str:
    """Return the rules as Markdown, one table a label."""
    return "\n".join([f"## {title}", "", *rule_tables(groups)]).rstrip("\n") + "\n"


def rule_tables(groups: Sequence[LabelRules]) -> list[str]:
    """Return the lines of `rules_markdown` without a title, for a longer document."""
    lines: list[str] = []
    for group in groups:
        lines.extend([f"### {group.label}: {group.cells:,} cells", ""])
        if group.rules:
            lines.extend(["| cells | rule | CPUs |", "|---:|---|---|"])
        for rule, places in group.rules:
            text = conjunction(rule).replace("|", "\\|")
            cpus = "; ".join(place_lines(places, MAX_NAMED)).replace("|", "\\|")
            lines.append(f"| {rule.cells:,} | {text} | {cpus} |")
        if group.left_out:
            lines.extend(["", f"… and {group.left_out} more rules"])
        if group.rules:
            lines.append("")
    return lines


def conjunction(rule: FeatureRule) -> str:
    """Return a rule as `has_stage2_fwb ∧ ¬has_cache_dic ∧ kvm_mode ∈ {nvhe, vhe}`."""
    literals = [literal(*item) for item in rule.shown]
    return " ∧ ".join(item for item in literals if item) or "always"


def literal(name: str, options: tuple[str, ...], known: tuple[str, ...]) -> str:
    """Return one literal, the shorter of `∈` and `∉`; empty where every option is in.

    An option with a comma stands in double quotes, as in a cell.

    >>> literal("has_cache_dic", ("false",), ("true", "false", "unknown"))
    '¬has_cache_dic'
    >>> literal("kernel", ("6.12", "7.2", "7.3"), ("6.1", "6.12", "7.2", "7.3"))
    'kernel ≠ 6.1'
    >>> literal("mode", ("nested", "nvhe,nested"), ("absent", "nested", "nvhe", "nvhe,nested", "x"))
    'mode ∈ {nested, "nvhe,nested"}'
    """
    options, known = _quoted(options), _quoted(known)
    others = tuple(option for option in known if option not in options)
    if not others:
        return ""
    if options == ("true",):
        return name
    if options == ("false",):
        return f"¬{name}"
    if len(options) == 1:
        return f"{name} = {options[0]}"
    if len(others) == 1:
        return f"{name} ≠ {others[0]}"
    if len(others) < len(options):
        return f"{name} ∉ {{{', '.join(others)}}}"
    return f"{name} ∈ {{{', '.join(options)}}}"


def _quoted(options: Sequence[str]) -> tuple[str, ...]:
    return tuple(f'"{option}"' if "," in option else option for option in options)
