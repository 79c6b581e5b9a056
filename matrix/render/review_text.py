"""A review as a reply to the patch: plain text that a mailer leaves alone, or Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from matrix.flows.review_result import ReviewResult
from matrix.render.columns import align
from matrix.render.defects import study_sentences
from matrix.render.markdown import plain
from matrix.render.review_questions import Question, questions
from matrix.render.review_sections import (
    Block,
    Code,
    Item,
    Table,
    introduction,
    sections,
)

# What the kernel's mailing lists wrap at, less a few levels of quotation.
_WIDTH = 72


def review_text(result: ReviewResult) -> str:
    """Return the review as a plain reply, the function quoted in front."""
    lines = [f"Subject: {_subject(result)}", ""]
    lines.extend(_text_blocks(study_sentences(result.defects)))
    lines.extend(f"> +{text}".rstrip() for text in result.check.lines)
    lines.append("")
    lines.extend(_text_blocks(tuple(introduction(result))))
    for section in sections(result):
        lines.extend([section.title, "-" * len(section.title), ""])
        for question in section.questions:
            lines.extend(_quoted(question))
        lines.extend(_text_blocks(section.blocks))
    lines.extend(_open_questions(result))
    return "\n".join(lines).rstrip("\n") + "\n"


def _subject(result: ReviewResult) -> str:
    subject = plain(result.check.patch.subject or f"[PATCH] {result.check.name}()")
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _quoted(question: Question) -> Iterator[str]:
    yield from textwrap.wrap(
        plain(question.text), _WIDTH, initial_indent="> ", subsequent_indent="> "
    )
    yield ""


def _text_blocks(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Code():
                yield from (f"    {line}".rstrip() for line in block.lines)
            case Table():
                header, *rows = _right(block)
                yield from align(header, rows).rstrip("\n").split("\n")
            case Item():
                head = f"{block.number}. "
                yield from _wrapped(block.text, head, " " * len(head))
                for note in block.notes:
                    yield from _wrapped(note, " " * len(head), " " * len(head))
            case _:
                yield from _wrapped(block, "", "")
        yield ""


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        plain(text),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _right(table: Table) -> list[list[str]]:
    """Return header and rows with the columns of numbers flush right."""
    lines = [table.header, *table.rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(table.header))]
    numbers = [_is_number_column(table, index) for index in range(len(table.header))]
    return [
        [
            text.rjust(width) if number else text
            for text, width, number in zip(line, widths, numbers, strict=True)
        ]
        for line in lines
    ]


def _is_number_column(table: Table, index: int) -> bool:
    return all(row[index].replace(",", "").isdigit() for row in table.rows)


def _open_questions(result: ReviewResult) -> Iterator[str]:
    shown = {section.name for section in sections(result)}
    left = [item for item in questions(result.check.patch.comments) if item.section not in shown]
    if left:
        title = "Not answered here"
        yield from (title, "-" * len(title), "")
        for question in left:
            yield from _quoted(question)


def review_markdown(result: ReviewResult) -> str:
    """Return the review as Markdown."""
    lines = [f"## {_subject(result)}", ""]
    lines.extend(_markdown_blocks(study_sentences(result.defects)))
    lines.extend(_markdown_code(Code(lines=result.check.lines, language="c")))
    lines.extend(_markdown_blocks(tuple(introduction(result))))
    for section in sections(result):
        lines.extend([f"### {section.title}", ""])
        for question in section.questions:
            lines.extend([f"> {plain(question.text)}", ""])
        lines.extend(_markdown_blocks(section.blocks))
    left = list(_open_questions(result))
    if left:
        lines.extend([f"### {left[0]}", "", *left[3:]])
    return "\n".join(lines).rstrip("\n") + "\n"


def _markdown_blocks(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Code():
                yield from _markdown_code(block)
            case Table():
                yield from _markdown_table(block)
            case Item():
                yield f"{block.number}. {block.text}"
                indent = " " * len(f"{block.number}. ")
                for note in block.notes:
                    yield from ("", f"{indent}{note}")
                yield ""
            case _:
                yield from (block, "")


def _markdown_code(code: Code) -> Iterator[str]:
    yield f"```{code.language}"
    yield from code.lines
    yield from ("```", "")


def _markdown_table(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(table.header)} |"
    columns = range(len(table.header))
    yield f"|{'|'.join('---:' if _is_number_column(table, index) else '---' for index in columns)}|"
    for row in table.rows:
        yield f"| {' | '.join(row)} |"
    yield ""
