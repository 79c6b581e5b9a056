"""Declared Kconfig constraints against those that the tree's own Kconfig was projected to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from matrix.diagnostics import InputError, Severity
from matrix.expr.printer import to_c
from matrix.kernel.source.truth.findings import Finding
from matrix.schema.values import KconfigConstraint, KernelProfile

# A prompt, which is only read by people; of another release's sentence, where it was read.
_SHOWN = re.compile(r'"[^"]*"| \([^()]* of [0-9.]+\)$')


class TreeConstraint(Struct, frozen=True, kw_only=True):
    """A condition that the tree's Kconfig implies, why, and the lines that say so."""

    text: str
    because: str
    source: str


def compare_constraints(
    profile: KernelProfile, found: Iterable[TreeConstraint]
) -> Iterator[Finding]:
    """Yield MX1119 where the tree implies another constraint, or the same for another reason."""
    rows = {row.text: row for row in found}
    for constraint in profile.constraints:
        declared = constraint.condition
        row = rows.pop(declared.text, None)
        if row is None:
            yield _finding(constraint, f"{declared.text} ({declared.because})", "it does not hold")
        elif constraint.grounded != "hand" and not _same_reason(declared.because or "", row):
            yield _finding(constraint, declared.because or "", row.because, row.source)
    for row in rows.values():
        yield Finding(
            code="MX1119",
            what=f"constraint {row.text}",
            message="the tree's Kconfig implies a constraint that is not declared",
            location=profile.location,
            place=row.source,
            declared="nothing of it",
            source=f"{row.text} ({row.because})",
        )


def compare_prompts(profile: KernelProfile, same: Collection[str]) -> Iterator[Finding]:
    """Yield MX1119 for the symbols whose type or prompt the tree has otherwise (not `same`)."""
    for symbol in profile.symbols:
        if symbol.name not in same:
            shown = to_c(symbol.prompt.expression) if symbol.prompt else "no prompt"
            yield Finding(
                code="MX1119",
                what=f"symbol {symbol.name}",
                message=f"the type or prompt of {symbol.name} is not what the tree's Kconfig says",
                location=symbol.location,
                place=symbol.source.partition("; ")[0],
                declared=f"{symbol.type}, its prompt shown if {shown}",
                source="another type or condition",
            )


def unprojected(profile: KernelProfile, error: InputError) -> Finding:
    """Return that the constraints were compared at their lines only, or not at all (MX1120)."""
    why = error.diagnostics[0]
    at_lines = all(item.grounded == "tree" for item in profile.constraints)
    how = "compared at the cited lines only" if at_lines else "not compared"
    return Finding(
        code="MX1120",
        what="constraints",
        message=f"the constraints of Kconfig were {how}: {why.message}",
        location=profile.location,
        place=str(why.location.file) if why.location else "Kconfig",
        severity=Severity.NOTE if at_lines else Severity.WARNING,
    )


def _same_reason(declared: str, found: TreeConstraint) -> bool:
    return _SHOWN.sub("", declared) == _SHOWN.sub("", found.because)


def _finding(constraint: KconfigConstraint, declared: str, source: str, place: str = "") -> Finding:
    condition = constraint.condition
    return Finding(
        code="MX1119",
        what=f"constraint {condition.text}",
        message="a declared constraint is not what the tree's Kconfig implies",
        location=condition.location,
        place=place or condition.source or "Kconfig",
        declared=declared,
        source=source,
    )
