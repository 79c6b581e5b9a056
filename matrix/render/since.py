"""What has moved in a study since its verdicts were saved: a document, by verdict and cause."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matrix.analyze.space.cell_text import option_text
from matrix.analyze.space.record import Axes, Move
from matrix.flows.since import Since
from matrix.render.document import (
    Block,
    Document,
    Inline,
    List,
    Paragraph,
    Run,
    Section,
    Table,
    joined,
    plain,
    verdict_word,
)
from matrix.render.quantities import counted, first_names
from matrix.render.writers import write

# So many options or CPUs are named; of more their number is said.
_MAX_NAMED = 12


def since_document(found: Since) -> Document:
    """Return what has moved: in a sentence, as a table, then each way with its cause and CPUs."""
    moves = found.moved.moves
    cells = sum(move.cells for move in moves)
    compared = counted(found.moved.compared, "cell")
    head = (
        f"{counted(cells, 'verdict')} of {compared} moved since `{found.file}` was saved by matrix "
        f"{found.before.program}."
        if moves
        else f"No verdict of {compared} moved since `{found.file}` was saved by matrix "
        f"{found.before.program}."
    )
    blocks: list[Block] = [Paragraph(text=head), *_different(found)]
    if moves:
        blocks.append(
            Table(
                header=("before", "after", "cells", "cause"),
                rows=tuple(
                    (
                        verdict_word(move.before),
                        verdict_word(move.after),
                        f"{move.cells:,}",
                        _cause(move),
                    )
                    for move in moves
                ),
                align="llrl",
            )
        )
    blocks += map(_section, moves)
    study = found.result.study
    return Document(title=plain(f"{study.title}: what changed"), blocks=tuple(blocks))


def since_files(found: Since) -> dict[Path, str]:
    """Return the page of what has moved, in HTML and Markdown, by the names of its files."""
    document = since_document(found)
    name = f"{found.result.study.id}-changes"
    return {
        Path(f"{name}.html"): write(document, "html"),
        Path(f"{name}.md"): write(document, "markdown"),
    }


def _different(found: Since) -> Iterator[Block]:
    """Yield what else is not as it was."""
    items: list[Inline] = []
    if found.before.predicate != found.result.predicate:
        items.append(
            joined(
                ("predicate before and after:", plain(found.before.predicate), "and",
                 plain(found.result.predicate)), " "
            )
        )  # fmt: skip
    for words, axes in (("before", found.moved.only_before), ("now", found.moved.only_after)):
        if axes:
            items.append(plain(f"only {words}, and not compared: {_axes(axes)}"))
    if items:
        yield List(items=tuple(items))


def _axes(axes: Axes) -> str:
    return "; ".join(
        f"{axis}: {first_names(list(map(option_text, names)), _MAX_NAMED)}"
        if names
        else f"the axis {axis} (held at its baseline)"
        for axis, names in axes
    )


def _cause(move: Move) -> Inline:
    return joined(move.by, "; ") if move.by else "–"


def _section(move: Move) -> Section:
    changes = ", ".join(f"{axis}={option_text(options[0])}" for axis, options in move.example)
    items: list[Inline] = []
    if move.by:
        items.append(joined(("cause:", joined(move.by, "; ")), " "))
    if move.cpus:
        items.append(plain(f"CPUs: {', '.join(move.cpus)}"))
    example = (Run("example: "), Run(changes, "code")) if changes else "example: the baseline cell"
    return Section(
        title=f"{move.before} → {move.after}: {counted(move.cells, 'cell')}",
        blocks=(List(items=(*items, example)),),
    )
