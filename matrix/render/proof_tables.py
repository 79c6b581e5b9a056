"""Markdown of what the solver proves: rules, claims, predicates side by side.

Takes the values of `proofs.py`, gives `Md`.
"""

from __future__ import annotations

from matrix.render.claims import as_expected
from matrix.render.markdown import Md, code, escape, prose, table
from matrix.render.proofs import ClaimRow, ShownClaim, ShownSynthesis, VerdictRules
from matrix.render.quantities import grouped


def predicate_table(found: ShownSynthesis) -> Md:
    """Return the cells of each verdict under each predicate."""
    return table(
        ["Cells", *map(code, found.names)],
        [[word, *map(grouped, numbers)] for word, numbers in found.rows],
        "l" + "r" * len(found.names),
    )


def rule_table(group: VerdictRules) -> Md:
    """Return the rules of a verdict, numbered, with their CPUs."""
    return table(
        ["Rule", "Cells", "Where", "CPUs"],
        [[str(row.number), grouped(row.cells), code(row.text), row.cpus] for row in group.rows],
        "rr",
    )


def claim_rows(claim: ShownClaim) -> Md:
    """Return the answers to a claim as a list, the witness beneath each refuted one."""
    return Md("\n".join(line for row in claim.rows for line in _claim_lines(row)))


def _claim_lines(row: ClaimRow) -> list[str]:
    status = "proved" if row.proved else "refuted"
    expectation = as_expected("refuted" if row.proved else "proved", met=row.as_expected)
    lines = [f"- **{status}** on {escape(row.releases)}: {escape(row.extent)}{expectation}"]
    if row.nearest:
        there = f", {prose(row.there)}" if row.there else ""
        lines.append(f"  - nearest: {code(row.nearest)}{there}")
    return lines
