"""Markdown tables of what an answer rests on: requirements, axes, rules, profiles, facts, CPUs.

Takes declarations and the rows of `basis.py`, gives `Md`.
"""

from __future__ import annotations

from collections.abc import Sequence

from matrix.render.basis import AxisRow, ConstraintRow, CpuTable, KernelRow
from matrix.render.markdown import Md, code, joined, prose, table
from matrix.render.page import InfluenceRow
from matrix.render.quantities import NOTHING, grouped, percent
from matrix.schema.values import (
    ArchitectureRule,
    Condition,
    FactDeclaration,
    FieldValue,
    Requirement,
)


def requirement_table(requirements: Sequence[Requirement]) -> Md:
    """Return what the capability needs before its check is asked."""
    return table(
        ["Condition in C", "Otherwise absent"],
        [[code(need.condition.text), prose(need.otherwise)] for need in requirements],
    )


def axis_table(axes: Sequence[AxisRow]) -> Md:
    """Return the axes with their options and the baseline."""
    return table(
        ["Axis", "Name", "Options", "Baseline"],
        [[axis.title, code(axis.name), axis.options, code(axis.baseline or "")] for axis in axes],
    )


def condition_table(conditions: Sequence[Condition]) -> Md:
    """Return the constraints of a study."""
    return table(
        ["Condition in C", "Because", "Source"],
        [
            [code(item.text), prose(item.because or ""), code(item.source or "")]
            for item in conditions
        ],
    )


def rule_table(rules: Sequence[ArchitectureRule]) -> Md:
    """Return the rules of the architecture with their sources."""
    return table(
        ["Rule", "Condition in C", "Because", "Source"],
        [
            [
                rule.id,
                code(rule.condition.text),
                prose(rule.condition.because or ""),
                rule.condition.source or "",
            ]
            for rule in rules
        ],
    )


def kernel_table(kernels: Sequence[KernelRow]) -> Md:
    """Return the kernel profiles: on what each was verified, and what is still read by hand."""
    return table(
        [
            "Release",
            "Verified on",
            "How",
            "Kconfig constraints from the tree",
            "borrowed",
            "by hand",
        ],
        [
            [
                kernel.label,
                kernel.profile.verified_on.version,
                prose(kernel.profile.verified_on.how),
                grouped(kernel.from_tree),
                grouped(kernel.borrowed),
                grouped(kernel.by_hand),
            ]
            for kernel in kernels
        ],
        "lllrrr",
    )


def constraint_table(constraints: Sequence[ConstraintRow]) -> Md:
    """Return the Kconfig constraints with the releases that have them."""
    return table(
        ["Condition in C", "Because", "Releases", "Grounded", "Source"],
        [
            [
                code(item.text),
                prose(item.because),
                item.releases,
                item.grounded,
                code(f"{item.source} ({item.release})" if item.source else ""),
            ]
            for item in constraints
        ],
    )


def fact_table(facts: Sequence[FactDeclaration]) -> Md:
    """Return the facts with the expressions that give them."""
    return table(
        ["Fact", "In C", "Meaning"],
        [[code(fact.name), code(fact.condition.text), prose(fact.description)] for fact in facts],
    )


def cpu_table(cpus: CpuTable) -> Md:
    """Return the CPUs by field, each value with its confidence."""
    return table(
        ["CPU", "SPEC", *(code(name) for name in cpus.fields)],
        [[row.cpu.name, code(row.cpu.id), *map(_value, row.values)] for row in cpus.rows],
    )


def _value(value: FieldValue | None) -> str:
    if value is None:
        return NOTHING
    if value.value is None:
        return f"? ({value.why_unknown or 'unknown'})"
    return f"{value.value} ({value.confidence})"


def reason_table(reasons: Sequence[tuple[str, int]], total: int) -> Md:
    """Return why cells are absent, with their numbers and their share of the absent cells."""
    return table(
        ["Reason", "Cells", "Of the absent"],
        [[prose(reason), grouped(number), percent(number, total)] for reason, number in reasons],
        "lrr",
    )


def influence_table(influences: Sequence[InfluenceRow]) -> Md:
    """Return a pair of cells for each axis that differ in nothing else, and what changes."""
    return table(
        ["Axis", "Changes", "From", "In", "With", "To"],
        [
            [row.title, prose(row.what), row.before, code(row.cell), code(row.change), row.after]
            for row in influences
        ],
    )


def names(words: Sequence[str]) -> Md:
    """Return plain words separated by commas."""
    return joined(words, ", ")
