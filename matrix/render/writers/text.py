"""A document as plain text for the terminal, wrapped to its width."""

from __future__ import annotations

from collections.abc import Iterator

from matrix.render.columns import align
from matrix.render.document import (
    NO_BREAK,
    Block,
    Code,
    Definitions,
    Document,
    Inline,
    List,
    Paragraph,
    Section,
    Table,
)
from matrix.render.markdown import visible
from matrix.render.text import hanging


def write(document: Document) -> str:
    """Return a document as text: what leads, the title, and the blocks a blank line apart."""
    page = Page()
    lines = [line for text in document.lead for line in page.wrapped(text, "", "  ")]
    lines += [*page.wrapped(document.title, "", "  "), ""]
    for block in document.blocks:
        lines += [*page.lines(block), ""]
    return "\n".join(lines[:-1]) + "\n"


class Page:
    """Blocks as lines of a width, None for the terminal's; `bullet` begins the items of a list."""

    bullet = ""

    def __init__(self, width: int | None = None) -> None:
        self._width = width

    def lines(self, block: Block) -> Iterator[str]:
        """Yield the lines of a block."""
        match block:
            case Paragraph(text=text, indent=indent):
                yield from self.wrapped(text, " " * indent, " " * indent)
            case Code():
                yield from _code(block)
            case Table():
                yield from _table(block)
            case List(items=items, indent=indent):
                for item in items:
                    yield from self.wrapped(item, " " * indent + self.bullet, " " * (indent + 2))
            case Definitions():
                yield from self._definitions(block)
            case Section(title=title, blocks=blocks):
                yield from self.wrapped(title, "", "") if title else ()
                for inner in blocks:
                    yield from self.lines(inner)

    def _definitions(self, block: Definitions) -> Iterator[str]:
        width = max([block.width, *(len(item.term) for item in block.items)])
        for item in block.items:
            term = item.term.rjust(width) if block.align == "r" else item.term.ljust(width)
            head = f"{' ' * block.indent}{term}  "
            beneath = " " * len(head)
            yield from self.wrapped(item.text, head, beneath)
            for note in item.notes:
                yield from self.wrapped(note, beneath, beneath)

    def wrapped(self, text: Inline, first: str, rest: str) -> list[str]:
        """Return a text cut at its spaces, with what stands before its first and other lines."""
        lines = hanging(self.inline(text), first, rest, width=self._width)
        return [line.replace(NO_BREAK, " ") for line in lines]

    def inline(self, text: Inline) -> str:
        """Return a text without its styles; a sentence keeps its backticks."""
        return inline_text(text)


def _code(block: Code) -> Iterator[str]:
    mark = "> " if block.quoted else " " * block.indent
    for line in block.text.rstrip("\n").split("\n"):
        # An empty line has no mark's space; a blank one may be the context of a diff.
        yield f"{mark}{visible(line)}" if line else mark.rstrip()


def _table(table: Table) -> list[str]:
    """Return a table in columns, those of numbers flush right."""
    shown = [[inline_text(cell) for cell in row] for row in (table.header, *table.rows)]
    right = [index for index, side in enumerate(table.align) if side == "r"]
    widths = {index: max(len(row[index]) for row in shown) for index in right}
    header, *rows = (
        [cell.rjust(widths.get(index, 0)) for index, cell in enumerate(row)] for row in shown
    )
    return align(header, rows).splitlines()


def inline_text(text: Inline) -> str:
    """Return a text without its styles; a sentence keeps its backticks."""
    return text if isinstance(text, str) else "".join(run.text for run in text)
