"""What `matrix probe` found: the answer, and the model beside the machine, as text and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matrix.analyze.cell.comparison import Agreement, Line
from matrix.expr.nodes import told
from matrix.flows.probe import ProbeOutcome
from matrix.kernel.host.readings import HostReadings
from matrix.render.json import Json, diagnostic_document, dump, fields, result_document
from matrix.render.markdown import plain
from matrix.render.text import Detail, render_answer

PROBE_SCHEMA = "matrix/probe/1"

_WORDS = {
    Agreement.AGREE: "agree",
    Agreement.DISAGREE: "DISAGREE",
    Agreement.NOT_OBSERVABLE: "not observable",
    Agreement.MODEL_UNKNOWN: "not in the model",
}
_WIDTH = 100


def probe_json(outcome: ProbeOutcome) -> str:
    """Return the document of schema `matrix/probe/1` (docs/probe.md)."""
    readings: list[Json] = [
        {"name": name, "source": reading.source, "why_not": reading.why_not}
        for name, reading in outcome.host.readings()
    ]
    return dump(
        {
            "schema": PROBE_SCHEMA,
            **fields(outcome.host, "machine version"),
            "readings": readings,
            "answer": outcome.result and result_document(outcome.result),
            "comparison": [
                fields(line, "fact model observed source agreement because")
                for line in outcome.lines
            ],
            "counts": {str(word): count for word, count in _counts(outcome.lines)},
            "diagnostics": [diagnostic_document(item) for item in outcome.diagnostics],
        }
    )


def probe_text(outcome: ProbeOutcome, *, colour: bool, detail: Detail) -> str:
    """Return the answer, what could not be read, the table of the comparison and its sum."""
    parts = []
    result = outcome.result
    if result is not None:
        title = f"{result.title}, {' + '.join(result.cpu)}"
        parts.append(render_answer(title, result.answer, colour=colour, detail=detail))
    parts.append("\n".join(_table(outcome.lines)) + "\n")
    parts.append(_unread(outcome.host))
    parts.append(_summary(outcome.lines, known=result is not None))
    return "\n".join(part for part in parts if part)


def _table(lines: Sequence[Line]) -> list[str]:
    rows = [("fact", "model", "observed", "", "source")]
    rows += [
        (
            line.fact,
            told(line.model),
            "-" if line.agreement is Agreement.NOT_OBSERVABLE else told(line.observed),
            _WORDS[line.agreement],
            line.source or line.because or "-",
        )
        for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    shown = []
    reasons = (None, *(line.because if line.source else None for line in lines))
    for row, because in zip(rows, reasons, strict=True):
        cells = [plain(cell).ljust(width) for cell, width in zip(row[:4], widths, strict=True)]
        shown.append("  ".join((*cells, plain(row[4]))))
        if because:
            shown += textwrap.wrap(
                plain(because), _WIDTH, initial_indent="    ", subsequent_indent="    "
            )
    return shown


def _unread(host: HostReadings) -> str:
    return "".join(
        f"not read: {name} ({plain(reading.source)}): {plain(reading.why_not)}\n"
        for name, reading in host.readings()
        if reading.why_not is not None
    )


def _summary(lines: Sequence[Line], *, known: bool) -> str:
    if not known:
        return "The model does not know this machine: nothing was compared.\n"
    counts = ", ".join(f"{count} {_WORDS[word]}" for word, count in _counts(lines) if count)
    differing = dict.fromkeys(line.fact for line in lines if line.agreement is Agreement.DISAGREE)
    if not differing:
        return f"{counts}: the model agrees with all that can be observed here.\n"
    return f"{counts}: the model is wrong here about {', '.join(differing)}.\n"


def _counts(lines: Sequence[Line]) -> list[tuple[Agreement, int]]:
    return [(word, sum(line.agreement is word for line in lines)) for word in Agreement]
