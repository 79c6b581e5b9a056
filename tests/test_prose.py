"""The pages that people write have short sentences: README.md, CONTRIBUTING.md and docs/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
AVERAGE, LONGEST = 25, 45

_FENCED = re.compile(r"^( *)(`{3,}|~{3,}|:{3,}).*?^\1\2\s*?$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ASIDE = re.compile(r"^(?:#.*|\s*\|.*|\(.*\)=)$", re.MULTILINE)  # headings, tables, targets
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)]) +", re.MULTILINE)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_END = re.compile(r"(?<=[.?!])[)\"*_]*\s+(?=[(\"*_]*[A-Z0-9`])")


def sentences(text: str) -> Iterator[str]:
    """The sentences of a page; an item of a list ends one, what stands in backticks is a word."""
    prose = _ASIDE.sub("\n", _COMMENT.sub("", _FENCED.sub("\n", text)))
    prose = _LINK.sub(r"\1", _CODE.sub("Code", _ITEM.sub("\n\n", prose)))
    for paragraph in re.split(r"\n\s*\n", prose):
        yield from filter(words, _END.split(" ".join(paragraph.split())))


def words(sentence: str) -> int:
    return sum(bool(re.search(r"\w", word)) for word in sentence.split())


def test_sentences_are_found() -> None:
    page = "# T\n\nOne `a b`. Two (e.g. x)?\n\n| a. b |\n\n```\nno. No.\n```\n- item\n- [it](x.y)\n"
    assert list(sentences(page)) == ["One Code.", "Two (e.g. x)?", "item", "it"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sentences_are_short(page: Path) -> None:
    found = list(sentences(page.read_text()))
    assert found
    assert sum(map(words, found)) / len(found) <= AVERAGE
    assert [sentence for sentence in found if words(sentence) > LONGEST] == []
