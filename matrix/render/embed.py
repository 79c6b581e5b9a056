"""Documents with marker blocks in, the same documents with fresh blocks out."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.space.result import StudyResult
from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.door.output import Rewrite, check_writable, rewrite
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import run_study
from matrix.render.blocks import (
    Block,
    find_blocks,
    render_architectures,
    render_block,
    splice,
    stale_blocks,
)
from matrix.render.markers import foreign_markers, is_markdown, missed_blocks


class EmbedOutcome(Struct, frozen=True, kw_only=True):
    """How many blocks were found, the documents that changed (or would), each stale block.

    `missed` is said of documents without a block and comments that are no markers: warnings, and
    errors where the blocks are only compared.
    """

    blocks: int
    missed: tuple[Diagnostic, ...]
    changed: tuple[Path, ...]
    stale: tuple[Diagnostic, ...]


def embed(
    files: tuple[Path, ...],
    *,
    configs: tuple[Path, ...] = (),
    check: bool = False,
    allow_empty: bool = False,
) -> EmbedOutcome:
    """Fill the blocks of documents; with `check` only compare.

    Raises:
        InputError: unreadable documents, malformed blocks, blocks that are not filled, unknown
            studies: all at once, and before anything is written; MX0813, a document that was
            edited meanwhile.
    """
    read, texts, problems = _read(files)
    found = {}
    for path, text in texts.items():
        problems.extend(foreign_markers(text, str(path)))
        try:
            found[path] = find_blocks(text, str(path)) if is_markdown(text, str(path)) else ()
        except InputError as error:
            problems.extend(error.diagnostics)
    library = Library(configs)
    fresh: dict[Path, list[tuple[Block, str]]] = {}
    results: dict[str, StudyResult] = {}
    for path, blocks in found.items():
        fresh[path] = []
        for block in blocks:
            try:
                fresh[path].append((block, _fresh(block, library, results)))
            except InputError as error:
                problems.extend(_placed(item, block) for item in error.diagnostics)
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))
    stale = tuple(item for contents in fresh.values() for item in stale_blocks(contents))
    changed = {
        path: text
        for path, contents in fresh.items()
        if (text := splice(texts[path], contents)) != texts[path]
    }
    if not check:
        check_writable(list(changed))
        rewrite(Rewrite(path=path, read=read[path], new=new) for path, new in changed.items())
    missed = tuple(
        replace(item, severity=Severity.ERROR) if check else item
        for path, blocks in found.items()
        for item in missed_blocks(texts[path], str(path), expected=not blocks and not allow_empty)
    )
    blocks_in_all = sum(len(blocks) for blocks in found.values())
    return EmbedOutcome(blocks=blocks_in_all, missed=missed, changed=tuple(changed), stale=stale)


def _placed(item: Diagnostic, block: Block) -> Diagnostic:
    """Return a diagnostic with a place: a study that no file declares is named by the block."""
    return item if item.location is not None else replace(item, location=block.location)


def _fresh(block: Block, library: Library, results: dict[str, StudyResult]) -> str:
    """Return what a block should hold; a study is run once, and only for a block that needs it.

    Raises:
        InputError: an unknown study, or a part of it that does not exist.
    """
    name = block.study or DEFAULT_STUDY
    if block.shows == "architectures":
        library.study(name)  # a wrong name is told, whatever the block shows
        return render_architectures(block, library.knowledge.direct_maps)
    if name not in results:
        results[name] = run_study(library, name)
    return render_block(block, results[name])


def _read(
    files: tuple[Path, ...],
) -> tuple[dict[Path, bytes], dict[Path, str], list[Diagnostic]]:
    """Return what each document holds, its text, and what cannot be read."""
    read: dict[Path, bytes] = {}
    texts: dict[Path, str] = {}
    problems: list[Diagnostic] = []
    for path in files:
        try:
            read[path] = path.read_bytes()
            texts[path] = read[path].decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            problems.append(
                Diagnostic(
                    code="MX0917",
                    location=Location(file=str(path)),
                    message=f"cannot read the document: {why}",
                    hint="give Markdown files",
                )
            )
    return read, texts, problems
