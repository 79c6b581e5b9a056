"""Verdicts saved by `matrix report --save`, and what has moved since then (`--since`)."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

import matrix
from matrix.analyze.space.record import Moved, Record, moved, record_of
from matrix.analyze.space.result import StudyResult
from matrix.diagnostics import Diagnostic, InputError, Location, unknown_word_hint
from matrix.door.bounded import InputKind, file_name, read_bounded
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study, study_result

SCHEMA = "matrix/verdicts/1"
_FAMILY = "matrix/verdicts/"
_ANEW = (
    "save it anew: `matrix report {study} --save FILE`, with the declarations and the version of "
    "that time"
)
_SAVED = InputKind(
    limit=64 << 20,  # the largest shipped study has 0.2 MB
    unreadable="MX0821",
    too_large="MX0821",
    hint="is it the right file? `matrix report STUDY --save FILE` writes one",
)


class _Head(Struct, frozen=True):
    schema: str
    study: str = ""


class _Saved(Struct, frozen=True, kw_only=True):
    schema: str
    record: Record


class Since(Struct, frozen=True, kw_only=True):
    """What has moved in a study since a file was written; `before` is what the file holds."""

    result: StudyResult
    before: Record
    file: str
    moved: Moved


def saved_verdicts(result: StudyResult) -> str:
    """Return the verdicts of a study as the text of a file for `--since`."""
    return msgspec.json.encode(_Saved(schema=SCHEMA, record=_record(result))).decode() + "\n"


def _record(result: StudyResult) -> Record:
    record = record_of(result, matrix.__version__)
    if record is None:
        raise RuntimeError("a study that is reported has a diagram")
    return record


def since(path: Path, *, configs: tuple[Path, ...], predicate: str | None) -> Since:
    """Return what has moved since a file was written.

    Raises:
        InputError: MX0821, a file that is none; MX0822, one of another version, or of a study that
            is not known.
    """
    before = _read(path)
    library = Library(configs)
    names = [study.id for study in library.knowledge.studies]
    if before.study not in names:
        hint = unknown_word_hint(before.study, names, "studies")
        raise InputError(_other(path, f"its study `{before.study}` is not known", hint))
    prepared = prepare_study(library, before.study, predicate)
    solved = prepared.solve()
    result = study_result(prepared, solved)
    there = moved(before, _record(result), solved)
    return Since(result=result, before=before, file=path.name, moved=there)


def _read(path: Path) -> Record:
    data = read_bounded(path, _SAVED)
    try:
        # The head alone first: what another version wrote is told by its schema, and not as
        # damaged.
        head = msgspec.json.decode(data, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(_none(path, f"no JSON with a `schema`: {error}")) from error
    if not head.schema.startswith(_FAMILY):
        raise InputError(_none(path, f"its schema is `{head.schema}`"))
    if head.schema != SCHEMA:
        said = f"it is `{head.schema}`, and this version reads `{SCHEMA}`"
        raise InputError(_other(path, said, _ANEW.format(study="STUDY")))
    try:
        record = msgspec.json.decode(data, type=_Saved).record
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(_none(path, f"damaged: {error}")) from error
    if not record.is_whole():
        raise InputError(_none(path, "damaged: a number in it leads nowhere"))
    return record


def _none(path: Path, why: str) -> Diagnostic:
    return Diagnostic(
        code="MX0821",
        message=f"the file holds no verdicts of `matrix report --save`: {why}",
        location=Location(file=file_name(path)),
        hint=_ANEW.format(study="STUDY"),
    )


def _other(path: Path, why: str, hint: str | None) -> Diagnostic:
    return Diagnostic(
        code="MX0822",
        message=f"the verdicts cannot be compared: {why}",
        location=Location(file=file_name(path)),
        hint=hint,
    )
