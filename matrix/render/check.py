"""What `matrix check` understood and found: sentences for a person, a document for a program."""

from __future__ import annotations

from collections.abc import Iterator

from matrix.diagnostics import Severity, format_diagnostic
from matrix.flows.check import Checked
from matrix.render.json import Json, diagnostic_document


def check_sentences(checked: Checked) -> Iterator[str]:
    """Yield what a person is told: warnings first, findings last."""
    errors = [item for item in checked.diagnostics if item.severity is Severity.ERROR]
    for item in checked.diagnostics:
        if item not in errors:
            yield format_diagnostic(item)
    if checked.counts is not None:
        yield (
            "{kernels} kernels, {cpus} CPUs, {capabilities} capabilities, {studies} studies with "
            "{claims} claims: no errors"
        ).format_map(checked.counts)
    for study, (answers, expected) in (checked.decided or {}).items():
        yield f"{study}: {expected} of {answers} answers to claims as expected"
    yield from map(format_diagnostic, errors)


def check_document(checked: Checked) -> dict[str, Json]:
    """Return the JSON document (`matrix/check/1`)."""
    decided = checked.decided
    return {
        "schema": "matrix/check/1",
        "understood": None if checked.counts is None else dict(checked.counts),
        "decided": None
        if decided is None
        else [
            {"study": study, "answers": answers, "as_expected": expected}
            for study, (answers, expected) in decided.items()
        ],
        "diagnostics": [diagnostic_document(item) for item in checked.diagnostics],
    }
