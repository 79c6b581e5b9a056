"""Documents with marker blocks in, the same documents with fresh blocks out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.space.result import StudyResult, Table
from matrix.diagnostics import (
    Diagnostic,
    InputError,
    Location,
    Severity,
    refuse,
    unknown_word_hint,
)
from matrix.door.bounded import InputKind, read_bounded
from matrix.door.folders import listed
from matrix.door.output import Rewrite, check_writable, rewrite
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.session import Session
from matrix.flows.view import Asked
from matrix.kernel.cpu.resolve import canonical_system, expand_group
from matrix.render.block_content import (
    Members,
    Shown,
    cell_content,
    file_content,
    shown_grid,
    study_content,
    written,
)
from matrix.render.block_request import Block
from matrix.render.blocks import find_blocks, splice, stale_blocks
from matrix.render.document_forms import FORMS, TEXT, Form, form_of
from matrix.render.json import Json, fields
from matrix.render.markers import foreign_markers, missed_blocks
from matrix.render.writers import fragment

_DOCUMENT = InputKind(
    limit=16 << 20,  # a book has 1 MB
    unreadable="MX0917",
    too_large="MX0917",
    hint="give documents in UTF-8",
)


class EmbedOutcome(Struct, frozen=True, kw_only=True):
    """How many blocks were found, the documents that changed (or would), each stale block.

    `missed` is said of documents without a block and comments that are no markers: warnings, and
    errors where the blocks are only compared. `diff` is the change of all documents.
    """

    blocks: int
    missed: tuple[Diagnostic, ...]
    changed: tuple[Path, ...]
    stale: tuple[Diagnostic, ...]
    diff: str


class _Document(Struct, frozen=True, kw_only=True):
    """A document as it was read; `form` is None where nothing tells it."""

    path: Path
    read: bytes
    text: str
    form: Form | None

    @property
    def name(self) -> str:
        return str(self.path)


def embed(
    files: tuple[Path, ...],
    *,
    configs: tuple[Path, ...] = (),
    form: str | None = None,
    write: bool = True,
    check: bool = False,
    allow_empty: bool = False,
) -> EmbedOutcome:
    """Fill the blocks of documents; with `check`, or without `write`, only compare.

    `form` is that of every document (a key of `FORMS`); None takes what each suffix tells.

    Raises:
        InputError: unreadable documents, malformed blocks, blocks that are not filled, unknown
            studies: all at once, and before anything is written; MX0813, a document that was
            edited meanwhile.
    """
    documents, problems = _read(files, form)
    found: dict[Path, tuple[Block, ...]] = {}
    for item in documents:
        problems.extend(foreign_markers(item.text, item.name, item.form))
        try:
            found[item.path] = find_blocks(item.text, item.name, item.form) if item.form else ()
        except InputError as error:
            problems.extend(error.diagnostics)
    session = Session(configs)
    fresh: dict[Path, list[tuple[Block, str]]] = {}
    for path, blocks in found.items():
        fresh[path] = []
        for block in blocks:
            try:
                fresh[path].append((block, _fresh(block, session)))
            except InputError as error:
                problems.extend(_placed(item, block) for item in error.diagnostics)
    refuse(dict.fromkeys(problems))
    new = {item.path: splice(item.text, fresh[item.path]) for item in documents}
    changed = [item for item in documents if new[item.path] != item.text]
    if write and not check:
        check_writable([item.path for item in changed])
        rewrite(Rewrite(path=item.path, read=item.read, new=new[item.path]) for item in changed)
    return EmbedOutcome(
        blocks=sum(len(blocks) for blocks in found.values()),
        missed=tuple(_missed(documents, found, check=check, allow_empty=allow_empty)),
        changed=tuple(item.path for item in changed),
        stale=tuple(item for contents in fresh.values() for item in stale_blocks(contents)),
        diff="".join(_diff(item.name, item.text, new[item.path]) for item in changed),
    )


def _missed(
    documents: Iterable[_Document],
    found: dict[Path, tuple[Block, ...]],
    *,
    check: bool,
    allow_empty: bool,
) -> Iterator[Diagnostic]:
    for document in documents:
        expected = not found[document.path] and not allow_empty
        for item in missed_blocks(document.text, document.name, document.form, expected=expected):
            yield replace(item, severity=Severity.ERROR) if check else item


def _diff(name: str, old: str, new: str) -> str:
    """Return the change of a document as `patch` reads it, whatever ends its lines."""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _placed(item: Diagnostic, block: Block) -> Diagnostic:
    """Return a diagnostic with a place in the document: who reads it has no other file open."""
    place = item.location
    # `<cpu>` and its like are no files: what was typed as an argument stands in the marker here.
    is_placed = place is not None and place.line > 0 and not place.file.startswith("<")
    return item if is_placed else replace(item, location=block.location)


def _fresh(block: Block, session: Session) -> str:
    """Return what a block should hold.

    Raises:
        InputError: an unknown study, or a part of it that does not exist.
    """
    return written(block, content(block, session))


def content(block: Block, session: Session) -> Shown:
    """Return what a block shows; a study is solved once, and only for a block that needs it.

    Raises:
        InputError: an unknown study, or a part of it that does not exist.
    """
    name = block.study or DEFAULT_STUDY
    if block.shows == "cell":
        return cell_content(block, session.cell(name, block.value("cell") or ""))
    if block.shows == "file":
        return _file_content(block, session, name)
    result = _result(block, session)
    return study_content(block, result, _members(session.library, result.study.arch))


def shown_table(block: Block, session: Session) -> Table:
    """Return the part of a table that a block asks for; raises as `content`."""
    result = _result(block, session)
    table, _ = shown_grid(block, result, _members(session.library, result.study.arch))
    return table


def _result(block: Block, session: Session) -> StudyResult:
    """Return what is known of the study of a block, with the table of its view."""
    name = block.study or DEFAULT_STUDY
    view, where = block.value("view") or "", block.option("where")
    if block.shows != "table" or not (view or where):
        place = where.location if where else None
        return session.result(name, where.value if where else "", place)
    # `view=axis=option` fixes options of a table; without `=` it is the id of a declared view.
    asked = Asked(
        view=block.value("table") if "=" in view else view or block.value("table"),
        fixed=(view,) if "=" in view else (),
        where=where.value if where else None,
    )
    found = session.view(name, asked)
    return replace(session.result(name), tables=(found.table,), defects=found.defects)


class OneBlock(Struct, frozen=True, kw_only=True):
    """What one block shows in a form, and the files whose change can change it."""

    form: str
    text: str
    declared_in: tuple[str, ...]


def one_block(
    request: str, form: str, *, document: Path | None, configs: tuple[Path, ...]
) -> OneBlock:
    """Return what a block shows that is asked for as behind `matrix:begin`.

    Raises:
        InputError: as `embed`, of a block in the first line of `document`.
    """
    file = str(document) if document else "request"
    (asked,) = find_blocks(f"{TEXT.opening} matrix:begin {request}\n{TEXT.end}\n", file, TEXT)
    session = Session(configs)
    try:
        text = fragment(content(replace(asked, form=FORMS[form]), session), form)
    except InputError as error:
        raise InputError([_placed(item, asked) for item in error.diagnostics]) from None
    files = [*session.declared_in(asked.study or DEFAULT_STUDY)]
    if config := asked.value("file"):
        files.append(str((Path(file).parent / config).absolute()))
    return OneBlock(
        form=form,
        text=text.rstrip("\n") + "\n",
        declared_in=tuple(files),
    )


def one_block_values(found: OneBlock) -> dict[str, Json]:
    """Return the values of `matrix/block/1`."""
    return {
        "schema": "matrix/block/1",
        **fields(found, "form text declared_in"),
    }


def filled(text: str, file: str, form: Form, session: Session) -> str:
    """Return a document with its blocks filled; nothing is read or written.

    Raises:
        InputError: as `embed`.
    """
    problems = list(foreign_markers(text, file, form))
    fresh = []
    for block in find_blocks(text, file, form):
        try:
            fresh.append((block, _fresh(block, session)))
        except InputError as error:
            problems += [_placed(item, block) for item in error.diagnostics]
    refuse(problems)
    return splice(text, fresh)


def _file_content(block: Block, session: Session, name: str) -> Shown:
    """Return what is shown of a file; its name is relative to the document's folder."""
    path = Path(block.file).parent / (block.value("file") or "")
    rows = block.value("rows") or ""
    # A SPEC may itself hold commas, before a field: `neoverse-n2,dic=0`.
    cpus = tuple(filter(None, map(str.strip, re.split(r",(?![^,=]*=)", rows))))
    return file_content(
        block, session.file(str(path), session.library.study(name).capability, cpus)
    )


def _members(library: Library, arch: str) -> Members:
    """Return what finds the CPUs of a group among the labels of a table."""
    knowledge = library.knowledge_of(arch)

    def members(group: str, labels: Sequence[str]) -> list[str]:
        wanted = {canonical_system(spec, knowledge) for spec in expand_group(group, knowledge)}
        return [label for label in labels if canonical_system(label, knowledge) in wanted]

    return members


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> Diagnostic:
    if isinstance(error, UnicodeDecodeError):
        line = error.object.count(b"\n", 0, error.start) + 1
        column = error.start - error.object.rfind(b"\n", 0, error.start)
        place = Location(file=str(path), line=line, column=column)
        why, hint = "not UTF-8 text", "save it as UTF-8, or convert it: `iconv -f latin1 -t utf-8`"
    elif isinstance(error, IsADirectoryError):
        place, why = Location(file=str(path)), "it is a folder"
        hint = f"name its documents: `matrix embed {path}/*.md`"
    else:
        place, why = Location(file=str(path)), str(error.strerror)
        hint = unknown_word_hint(path.name, _neighbours(path), f"documents in `{path.parent}`")
    return Diagnostic(
        code="MX0917", location=place, message=f"cannot read the document: {why}", hint=hint
    )


def _neighbours(path: Path) -> list[str]:
    """Return the documents beside one that cannot be read."""
    try:
        names = [beside.name for beside in listed(path.parent) if beside.is_file()]
    except OSError:
        return []
    return [name for name in names if PurePath(name).suffix and form_of(name)]


def _read(files: tuple[Path, ...], form: str | None) -> tuple[list[_Document], list[Diagnostic]]:
    """Return the documents, and what cannot be read."""
    documents: list[_Document] = []
    problems: list[Diagnostic] = []
    for path in files:
        try:
            read = read_bounded(path, _DOCUMENT)
            text = read.decode("utf-8")
        except InputError as error:
            cause = error.__cause__
            problems += (
                [_unreadable(path, cause)] if isinstance(cause, OSError) else error.diagnostics
            )
            continue
        except UnicodeDecodeError as error:
            problems.append(_unreadable(path, error))
            continue
        chosen = FORMS[form] if form else form_of(str(path), text)
        documents.append(_Document(path=path, read=read, text=text, form=chosen))
    return documents, problems
