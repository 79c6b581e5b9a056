"""The JSON document of `validate`: schema `matrix/validate/1`, keys in a fixed order.

Takes answers with what was asked, gives one document; the contract stands in docs/json.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from matrix.analyze.cell.answer import Answer, Finding, Fix, TraceLine
from matrix.diagnostics import Diagnostic
from matrix.flows.validate_result import ValidateResult
from matrix.render.defects import defect_documents, reasons
from matrix.render.fixes import snippet

Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
VALIDATE_SCHEMA = "matrix/validate/1"
# What JSON leaves as it is and a terminal obeys: DEL, C1, separators, what turns the direction.
_CONTROLS = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]"
)


def validate_document(results: Sequence[ValidateResult]) -> dict[str, Json]:
    """Return the document of one `validate` run, its results in the order given."""
    return {"schema": VALIDATE_SCHEMA, "results": [result_document(result) for result in results]}


def dump(document: Mapping[str, object]) -> str:
    """Return a document of JSON values as text: two spaces of indent, a final newline.

    What UTF-8 cannot hold (a file name that is no text) is written as an escape of JSON, and so is
    what a terminal would obey.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return _visible(text.encode("utf-8", "backslashreplace")).decode("utf-8")


def dump_without_fractions(document: Mapping[str, object]) -> str:
    """Return what `dump` does of a document that holds no number with a fraction, in a fifth.

    msgspec writes those otherwise, and no texts that UTF-8 cannot hold, no numbers past 64 bits.
    """
    return f"{_written(document).decode()}\n"


def validate_pieces(results: Iterable[ValidateResult]) -> Iterator[bytes]:
    """Yield the document of one `validate` run piece by piece: of thousands of files it is large.

    Together they are what `dump` makes of `validate_document`.
    """
    yield b'{\n  "schema": "%s",\n  "results": [' % VALIDATE_SCHEMA.encode()
    end = b"]\n}\n"
    for number, result in enumerate(results):
        # A line break in a text is an escape: all others are the document's own.
        lines = _written(result_document(result)).replace(b"\n", b"\n    ")
        yield (b",\n    " if number else b"\n    ") + lines
        end = b"\n  ]\n}\n"
    yield end


def _written(document: Mapping[str, object]) -> bytes:
    try:
        return _visible(msgspec.json.format(msgspec.json.encode(document), indent=2))
    except (UnicodeEncodeError, OverflowError, TypeError):
        return dump(document).rstrip("\n").encode()


def _visible(text: bytes) -> bytes:
    """Return a document in which no text holds a control character: outside of texts none may."""
    return _CONTROLS.sub(lambda one: b"\\u%04x" % ord(one[0].decode()), text)


def result_document(result: ValidateResult) -> dict[str, Json]:
    """Return one result as it stands in the document."""
    answer = result.answer
    return {
        "file": result.file,
        "kernel": result.kernel,
        "version": result.version,
        "read_on": result.read_on,
        "between": list(result.between),
        "assumes_patch": result.assumes_patch,
        "cpu": list(result.cpu),
        "cmdline": result.cmdline,
        "vm": result.vm,
        "capability": result.capability,
        "predicate_version": result.predicate_version,
        "facts": dict(answer.facts),
        "predicate": answer.predicate,
        **judged_document(answer),
        "verdict": str(answer.verdict),
        "confidence": answer.confidence,
        "so_what": answer.so_what,
        "reasons": list(reasons(answer)),
        "fixes": [_fix(fix) for fix in answer.fixes],
        "diagnostics": diagnostics_document(answer),
        "standing": str(result.standing),
        "muted_because": result.muted_because,
        "defects": defect_documents(answer.defects),
    }


def judged_document(answer: Answer) -> dict[str, Json]:
    """Return what judges the predicate found, under its name; nothing where nothing does."""
    if answer.basis == "nothing":
        return {}
    return {
        answer.basis: {
            "outcome": answer.outcome,
            "violations": [violation_document(finding) for finding in answer.violations],
            "advisories": [_advisory(finding) for finding in answer.advisories],
        }
    }


def diagnostics_document(answer: Answer) -> list[Json]:
    """Return what is to be said beside an answer."""
    return [diagnostic_document(diagnostic) for diagnostic in answer.diagnostics]


def violation_document(finding: Finding) -> dict[str, Json]:
    """Return a violation with its trace and, apart, the kernel lines in it."""
    sources = dict.fromkeys(line.source for line in finding.trace if line.source)
    return {
        "invariant": finding.invariant,
        "certainty": finding.certainty,
        "trace": [_trace_line(line) for line in finding.trace],
        "source": list(sources),
    }


def _trace_line(line: TraceLine) -> str:
    done = f"{line.event}: {line.operation} {line.detail}".rstrip()
    return f"{done} [{line.source}]" if line.source else done


def _advisory(finding: Finding) -> str:
    under = "" if finding.certainty == "certain" else f" ({finding.certainty})"
    return f"{finding.invariant}{under}: {finding.message}"


def _fix(fix: Fix) -> dict[str, Json]:
    parts = snippet(fix)
    return {
        "change": dict(fix.change),
        "verdict": str(fix.verdict),
        "scripts_config": parts.scripts_config,
        "fragment": list(parts.fragment),
        "boot": parts.boot,
        "costs": [{"note": note, "source": source} for note, source in fix.costs],
    }


def diagnostic_document(diagnostic: Diagnostic) -> dict[str, Json]:
    """Return one diagnostic as it stands in a document."""
    return {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        "location": str(diagnostic.location) if diagnostic.location else None,
        "hint": diagnostic.hint,
    }
