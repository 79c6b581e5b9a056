"""The JSON document of `validate`: schema `matrix/validate/1`, keys in a fixed order.

Takes answers with what was asked, gives one document; the contract stands in docs/json.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from matrix.analyze.cell.answer import Answer, Finding, Fix, TraceLine
from matrix.diagnostics import Diagnostic
from matrix.door.spool import Spool
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


def fields(value: object, names: str) -> dict[str, Json]:
    """Return fields of a value under their own names, given as those of a named tuple."""
    found: dict[str, Json] = msgspec.to_builtins(
        {name: getattr(value, name) for name in names.split()}
    )
    return found


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
    return f"{written(document).decode()}\n"


class JsonWriter:
    """The document of one `validate` run, written part by part: of thousands of files it is large.

    Together they are what `dump` makes of `validate_document`.
    """

    def __init__(self) -> None:
        self._written = WrittenResults()
        self._spool = Spool()

    def part(self, results: Sequence[ValidateResult]) -> bytes:
        """Return some results as they stand in the document."""
        return b",\n    ".join(map(self._written.of, results))

    def add(self, part: bytes) -> None:
        """Add results."""
        if part:
            self._spool.write((b",\n    " if self._spool.size else b"\n    ") + part)

    def pieces(self, outcome: object) -> Iterator[bytes]:
        """Yield the document."""
        del outcome
        self._spool.begin()
        yield b'{\n  "schema": "%s",\n  "results": [' % VALIDATE_SCHEMA.encode()
        yield from self._spool.read()
        yield b"\n  ]\n}\n" if self._spool.size else b"]\n}\n"


class WrittenResults:
    """Results as they stand in the document; what is of the answer alone is written once."""

    def __init__(self) -> None:
        # By the identity of what is written, which the value holds.
        self._facts: dict[int, tuple[object, bytes]] = {}
        self._answers: dict[tuple[object, ...], tuple[Answer, bytes, bytes]] = {}

    def of(self, result: ValidateResult) -> bytes:
        """Return a result, its lines as far in as they stand in the document."""
        answer = result.answer
        if max(len(self._facts), len(self._answers)) >= _MOST_WRITTEN:
            self._facts.clear()
            self._answers.clear()
        facts = self._facts.get(id(answer.facts))
        if facts is None:
            written = _members({"facts": dict(answer.facts)})
            facts = self._facts[id(answer.facts)] = answer.facts, written
        tuples = (answer.violations, answer.advisories, answer.reasons, answer.fixes)
        plain = (answer.basis, answer.predicate, answer.outcome, answer.verdict, answer.confidence)
        key = (*map(id, tuples), id(answer.defects), *plain, answer.so_what)
        found = self._answers.get(key)
        if found is None:
            defects = _members({"defects": defect_documents(answer.defects)})
            found = self._answers[key] = answer, _members(_answer_document(answer)), defects
        parts = (
            _members(_asked_document(result)),
            facts[1],
            found[1],
            _members(_beside_document(result)),
            found[2],
        )
        return b"{\n      " + b",\n      ".join(parts) + b"\n    }"


# Distinct answers that are kept written, each of some kB.
_MOST_WRITTEN = 1024


def _members(document: Mapping[str, object]) -> bytes:
    """Return the members of an object that is one of the results."""
    # A line break in a text is an escape: all others are the document's own.
    return written(document)[4:-2].replace(b"\n", b"\n    ")


def written(document: Mapping[str, object]) -> bytes:
    """Return a document, or a part of one, as bytes: what `dump_without_fractions` ends."""
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
        **_asked_document(result),
        "facts": dict(answer.facts),
        **_answer_document(answer),
        **_beside_document(result),
        "defects": defect_documents(answer.defects),
    }


def _asked_document(result: ValidateResult) -> dict[str, Json]:
    """Return what was asked."""
    return fields(
        result,
        "file kernel version read_on between assumes_patch cpu cmdline vm capability "
        "predicate_version",
    )


def _answer_document(answer: Answer) -> dict[str, Json]:
    """Return what the answer is, but for the facts."""
    return {
        "predicate": answer.predicate,
        **judged_document(answer),
        **fields(answer, "verdict confidence so_what"),
        "reasons": list(reasons(answer)),
        "fixes": [_fix(fix) for fix in answer.fixes],
    }


def _beside_document(result: ValidateResult) -> dict[str, Json]:
    """Return what is said beside the answer."""
    return {
        "diagnostics": diagnostics_document(result.answer),
        "standing": str(result.standing),
        "muted_because": result.muted_because,
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
        **fields(parts, "scripts_config fragment boot"),
        "costs": [{"note": note, "source": source} for note, source in fix.costs],
    }


def diagnostic_document(diagnostic: Diagnostic) -> dict[str, Json]:
    """Return one diagnostic as it stands in a document."""
    return {
        **fields(diagnostic, "code severity message"),
        "location": str(diagnostic.location) if diagnostic.location else None,
        "hint": diagnostic.hint,
    }
