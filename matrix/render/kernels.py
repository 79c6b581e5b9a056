"""A profile against a tree, and a draft of one: what `matrix kernels verify` and `add` say."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, format_diagnostic
from matrix.flows.kernels_add import AddOutcome
from matrix.flows.kernels_verify import VerifyOutcome
from matrix.kernel.source.truth.findings import Finding
from matrix.render.json import Json, fields
from matrix.render.quantities import counted


def verify_text(outcome: VerifyOutcome) -> str:
    """Return each finding with both texts, then one line that sums up."""
    found = outcome.verification
    left = len(found.uncompared)
    notes = len(found.findings) - len(found.drift) - left
    of_them = " in what was compared" if left else ""
    parts = [
        (
            f"{outcome.profile.id} against Linux {outcome.version}: {found.compared} citations of "
            f"{found.declarations} declarations compared"
        ),
        *([f"{counted(left, 'thing')} not compared"] if left else []),
        counted(len(found.drift), "difference") if found.drift else f"no drift{of_them}",
        *([counted(notes, "note")] if notes else []),
    ]
    return "\n".join([*map(_finding_text, found.findings), ", ".join(parts)]) + "\n"


def verify_document(outcome: VerifyOutcome) -> dict[str, Json]:
    """Return the findings as one document (`matrix/verify/1`)."""
    found = outcome.verification
    return {
        "schema": "matrix/verify/1",
        "profile": outcome.profile.id,
        "version": outcome.version,
        "drift": len(found.drift),
        "compared": found.compared,
        "not_compared": len(found.uncompared),
        "findings": [
            {
                **fields(finding, "code severity what message"),
                "profile": str(finding.location),
                **fields(finding, "place declared source"),
                "concerns": list(finding.concerns or (finding.what,)),
            }
            for finding in found.findings
        ],
        "moved": dict(sorted(found.moves.items())),
    }


def verify_sentences(outcome: VerifyOutcome) -> Iterator[str]:
    """Yield what was written, and what was not."""
    file, found = outcome.recorded, outcome.verification
    if file is not None and found.drift:
        yield f"{file} was not written: the declarations do not say what the source says"
    elif file is not None:
        yield f"{file} written"
    if outcome.moved is not None:
        yield f"{outcome.moved}: {counted(len(found.moves), 'citation')} moved"


def draft_sentences(outcome: AddOutcome) -> Iterator[str]:
    """Yield what a person is told who now has to read the tree."""
    found = outcome.draft
    yield (
        f"drafted from {outcome.neighbour.id}: {found.found} citations found again, "
        f"{len(found.filled)} values read from the tree, {len(found.open)} rows left to a person"
    )
    for row in found.filled:
        yield f"filled: {row}"
    record = f"matrix kernels verify {found.id} --tree DIR --record"
    yield f"next: read the rows of `open`, then record what was read: {record}"


def _finding_text(finding: Finding) -> str:
    head = format_diagnostic(
        Diagnostic(
            code=finding.code,
            message=finding.message,
            location=replace(finding.location, text=None),
            severity=finding.severity,
        )
    )
    if not finding.is_drift:
        return head
    return (
        f"{head}\n    declared: {finding.declared}\n    source:   {finding.source}\n"
        f"    at {finding.place}"
    )
