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
    Steps,
    Table,
)
from matrix.render.text import hanging


def write(document: Document) -> str:
    """Return a document as text: what leads, the title, and the blocks a blank line apart."""
    lines = [line for text in document.lead for line in _wrapped(text, "", "  ")]
    lines += [*_wrapped(document.title, "", "  "), ""]
    for block in document.blocks:
        lines += [*_lines(block), ""]
    return "\n".join(lines[:-1]) + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text=text, indent=indent):
            yield from _wrapped(text, " " * indent, " " * indent)
        case Code(text=text, indent=indent):
            yield from (f"{' ' * indent}{line}".rstrip() for line in text.rstrip("\n").split("\n"))
        case Table():
            yield from _table(block)
        case List(items=items, indent=indent):
            for item in items:
                yield from _wrapped(item, " " * indent, " " * (indent + 2))
        case Definitions():
            yield from _definitions(block)
        case Steps(steps=steps):
            yield from _steps(steps)
        case Section(title=title, blocks=blocks):
            yield from _wrapped(title, "", "") if title else ()
            for inner in blocks:
                yield from _lines(inner)


def _definitions(block: Definitions) -> Iterator[str]:
    width = max([block.width, *(len(item.term) for item in block.items)])
    for item in block.items:
        term = item.term.rjust(width) if block.align == "r" else item.term.ljust(width)
        head = f"{' ' * block.indent}{term}  "
        beneath = " " * len(head)
        yield from _wrapped(item.text, head, beneath)
        for note in item.notes:
            yield from _wrapped(note, beneath, beneath)


def _steps(steps: tuple[tuple[Inline, tuple[Inline, ...]], ...]) -> Iterator[str]:
    for number, (step, done) in enumerate(steps, start=1):
        yield from _wrapped(step, f"{number}. ", "   ")
        for line in done:
            yield from _wrapped(line, "   ", "     ")


def _table(table: Table) -> list[str]:
    """Return a table in columns, those of numbers flush right."""
    shown = [[inline_text(cell) for cell in row] for row in (table.header, *table.rows)]
    right = [index for index, side in enumerate(table.align) if side == "r"]
    widths = {index: max(len(row[index]) for row in shown) for index in right}
    header, *rows = (
        [cell.rjust(widths.get(index, 0)) for index, cell in enumerate(row)] for row in shown
    )
    return align(header, rows).splitlines()


def _wrapped(text: Inline, first: str, rest: str) -> list[str]:
    lines = hanging(inline_text(text), first, rest)
    return [line.replace(NO_BREAK, " ") for line in lines]


def inline_text(text: Inline) -> str:
    """Return a text without its styles; a sentence keeps its backticks."""
    return text if isinstance(text, str) else "".join(run.text for run in text)
