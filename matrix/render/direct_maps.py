"""Other architectures' direct maps: the rows of a table, Markdown, plain text, JSON.

Takes `DirectMap` values, gives the same rows to every form. Nothing here was simulated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.render.markdown import Md, code, joined, prose, table
from matrix.render.quantities import NOTHING
from matrix.schema.direct_maps import (
    QUESTIONS,
    UNKNOWN,
    DirectMap,
    DirectMapCell,
    DirectMapRelease,
    Evidence,
)

SHOWN = (
    "Architecture",
    "Release",
    "ARCH_HAS_SET_DIRECT_MAP",
    "can_set_direct_map()",
    "set_direct_map_invalid_noflush()",
    "memfd_secret(2)",
    "KVM_GUEST_MEMFD",
)
# The questions of each column behind the first two; those of one column make one sentence.
_COLUMNS = (
    ("set_direct_map",),
    ("predicate",),
    ("effect", "splits", "flushes", "fails", "sleeps"),
    ("secretmem", "syscall"),
    ("guest_memfd",),
)
# What is said of a function behind what it does, and only where it does it.
_FACETS = ("splits", "flushes", "fails", "sleeps")
# Shorter words for a terminal.
_SHORT = {
    ("effect", "unmaps"): "unmaps",
    ("effect", "unmaps-lowmem"): "unmaps lowmem",
    ("effect", "nothing"): "nothing",
    ("effect", "stub"): "stub",
    ("splits", "yes"): "splits",
    ("flushes", "yes"): "flushes",
    ("flushes", "on-split"): "flushes on split",
    ("flushes", "by-instruction"): "purges by instruction",
    ("fails", "yes"): "-ENOMEM",
    ("sleeps", "yes"): "sleeps",
    ("sleeps", UNKNOWN): "sleeps?",
    ("syscall", "wired"): "syscall",
    ("syscall", UNKNOWN): "syscall?",
}
# How an unknown answer is put that stands behind another one.
_OPEN = {
    "splits": "whether it splits: unknown",
    "flushes": "whether it flushes: unknown",
    "fails": "whether it can fail: unknown",
    "sleeps": "whether it sleeps: unknown",
    "syscall": "syscall table: unknown",
}
CONTRADICTION = "says yes, does nothing"
INTRODUCTION = (
    "Check and Kconfig only, read from the source: no other architecture is simulated. "
    "“unknown” is what nobody read, or what the trees given do not show. The lines are those of "
    "the last release in a row; `matrix architectures show NAME` has those of each."
)


class ArchitectureCell(Struct, frozen=True, kw_only=True):
    """A cell of the table: what is said, and the places in the tree it was read from."""

    text: str
    sources: tuple[str, ...]


class ArchitectureRow(Struct, frozen=True, kw_only=True):
    """Releases of an architecture of which all the same is said; `sources` are of the last one."""

    title: str
    releases: tuple[str, ...]
    cells: tuple[ArchitectureCell, ...]

    @property
    def label(self) -> str:
        """The releases in one line."""
        return ", ".join(self.releases)

    @property
    def plain(self) -> tuple[str, ...]:
        """The row as text, without the sources."""
        return (self.title, self.label, *(cell.text for cell in self.cells))


def direct_map_rows(
    direct_maps: Sequence[DirectMap], release: str | None = None, *, short: bool = False
) -> tuple[ArchitectureRow, ...]:
    """Return the rows of every architecture, oldest release first; of one release, if given.

    `short` leaves out the notes, for a terminal.
    """
    rows: dict[tuple[str, ...], ArchitectureRow] = {}
    for direct_map in direct_maps:
        for item in direct_map.releases:
            if release in (None, item.release):
                row = _row(direct_map, item, short=short)
                key = (row.title, *row.plain[2:])
                before = rows[key].releases if key in rows else ()
                rows[key] = replace(row, releases=(*before, *row.releases))
    return tuple(rows.values())


def _row(direct_map: DirectMap, item: DirectMapRelease, *, short: bool) -> ArchitectureRow:
    if item.absent:
        nothing = ArchitectureCell(text=NOTHING, sources=())
        first = ArchitectureCell(text="no such architecture", sources=_places(item.absent))
        cells: tuple[ArchitectureCell, ...] = (first, *[nothing] * (len(_COLUMNS) - 1))
    else:
        cells = tuple(_cell(item, questions, short=short) for questions in _COLUMNS)
    if item.says_yes_does_nothing:
        marked = next(index for index, column in enumerate(_COLUMNS) if column[0] == "effect")
        said = CONTRADICTION if short else f"{CONTRADICTION}: {cells[marked].text}"
        cell = replace(cells[marked], text=said)
        cells = (*cells[:marked], cell, *cells[marked + 1 :])
    return ArchitectureRow(
        title=direct_map.title,
        releases=(item.release,),
        cells=cells,
    )


def _cell(item: DirectMapRelease, questions: Sequence[str], *, short: bool) -> ArchitectureCell:
    answers = [cell for question in questions if (cell := item.cell(question))]
    said = _parts(answers, short=short)
    sources = [evidence for cell in answers for evidence in cell.sources]
    return ArchitectureCell(text=(", " if short else "; ").join(said), sources=_places(sources))


def _parts(answers: Sequence[DirectMapCell], *, short: bool) -> Iterator[str]:
    """Return what the answers of one column say; what follows from the first is not repeated."""
    head, *rest = answers
    yield _phrase(head, short=short)
    if head.answer in ("nothing", "stub", "no-option", "not-selectable"):
        return
    for cell in rest:
        if head.answer == cell.answer == UNKNOWN or (head.note and head.note == cell.note):
            continue
        if cell.question in _FACETS and cell.answer == "no":
            continue
        yield _phrase(cell, short=short)


def _phrase(cell: DirectMapCell, *, short: bool) -> str:
    """Return one answer in words, with its condition and its note."""
    if short and (cell.question, cell.answer) in _SHORT:
        return _SHORT[cell.question, cell.answer]
    words = f"if {cell.condition}" if cell.condition else cell.meaning
    if cell.answer == UNKNOWN:
        words = _OPEN.get(cell.question, UNKNOWN)
    return f"{words} ({cell.note})" if cell.note and not short else words


def _place(evidence: Evidence) -> str:
    """Return where an evidence stands, and that it is about what is not there."""
    if evidence.missing:
        return f"{evidence.path} (no such file)"
    if evidence.lacks is not None:
        return f"{evidence.path} (no `{evidence.lacks}`)"
    if evidence.read is not None:
        return f"{evidence.place} (read by hand)"
    return evidence.place


def _places(sources: Sequence[Evidence]) -> tuple[str, ...]:
    """Return the places, each once and those of one file together."""
    by_path: dict[str, list[str]] = {}
    for evidence in sources:
        place = _place(evidence).removeprefix(evidence.path)
        if place not in by_path.setdefault(evidence.path, []):
            by_path[evidence.path].append(place)
    return tuple(f"{path}{','.join(places)}" for path, places in by_path.items())


def architecture_table(rows: Sequence[ArchitectureRow]) -> Md:
    """Return the table in Markdown, the places that were read behind each answer."""
    header = [SHOWN[0], SHOWN[1], *(code(name) for name in SHOWN[2:])]
    return table(
        header,
        [[row.title, row.label, *(_markdown_cell(cell) for cell in row.cells)] for row in rows],
    )


def _markdown_cell(cell: ArchitectureCell) -> Md:
    said = prose(cell.text)
    if cell.text.startswith(CONTRADICTION):
        said = Md(f"**{CONTRADICTION}**{prose(cell.text.removeprefix(CONTRADICTION))}")
    if not cell.sources:
        return said
    return joined([said, Md(f"<sub>{joined(map(prose, cell.sources), ', ')}</sub>")], " ")


def direct_map_text(direct_map: DirectMap, release: str | None = None) -> str:
    """Return every answer of an architecture with its sources, one release after the other."""
    lines = []
    for item in direct_map.releases:
        if release not in (None, item.release):
            continue
        read = "compared with a tree" if item.grounded == "tree" else "read by hand"
        lines += [f"{direct_map.title}, Linux {item.release} ({item.version}; {read})"]
        if item.absent:
            lines += ["  no such architecture", *_source_lines(item.absent)]
        if item.says_yes_does_nothing:
            lines += [f"  {CONTRADICTION}"]
        for cell in item.cells:
            condition = f" if {cell.condition}" if cell.condition else ""
            lines.append(f"  {QUESTIONS[cell.question][0]}: {cell.meaning}{condition}")
            if cell.note:
                lines.append(f"      {cell.note}")
            lines += _source_lines(cell.sources)
        lines.append("")
    return "\n".join(lines)


def _source_lines(sources: Sequence[Evidence]) -> list[str]:
    lines = []
    for evidence in sources:
        said = evidence.text or evidence.read or ""
        shown = " ".join(said.split())
        where = f" in {evidence.within}" if evidence.within else ""
        lines.append(f"      {_place(evidence)}{where}" + (f": {shown}" if shown else ""))
    return lines


def direct_map_document(
    direct_map: DirectMap, release: str | None = None, *, short: bool
) -> dict[str, object]:
    """Return an architecture for JSON; `short` leaves the texts of the sources out."""
    return {
        "id": direct_map.id,
        "title": direct_map.title,
        "releases": [
            {
                "release": item.release,
                "version": item.version,
                "grounded": item.grounded,
                "exists": not item.absent,
                "says_yes_does_nothing": item.says_yes_does_nothing,
                "cells": {cell.question: _cell_document(cell, short=short) for cell in item.cells},
                "absent": [_place(evidence) for evidence in item.absent],
            }
            for item in direct_map.releases
            if release in (None, item.release)
        ],
    }


def _cell_document(cell: DirectMapCell, *, short: bool) -> dict[str, object]:
    sources: list[object] = [
        evidence.place
        if short
        else {
            "at": evidence.place,
            "within": evidence.within,
            "text": evidence.text,
            "lacks": evidence.lacks,
            "missing": evidence.missing,
            "read": evidence.read,
        }
        for evidence in cell.sources
    ]
    return {
        "answer": cell.answer,
        "condition": cell.condition,
        "note": cell.note,
        "sources": sources,
    }
