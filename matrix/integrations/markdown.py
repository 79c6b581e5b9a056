"""The Python-Markdown extension: blocks of `matrix embed` filled while a text is converted.

    markdown.markdown(text, extensions=["tables", "matrix.integrations.markdown"])

The text itself is not changed, so that nothing in it can be stale. Tables need the extension
`tables` of Python-Markdown. The options are `file`, the name of the document (`file=` of a block is
looked up beside it), and `configs`, folders of declarations.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor

from matrix.flows.session import Session
from matrix.render.document_forms import MARKDOWN
from matrix.render.embed import filled

# pymdownx.snippets has priority 32; Python-Markdown's own begin with 30.
BEHIND_INCLUDES = 31


class MatrixPreprocessor(Preprocessor):
    """Fills the blocks of a text before anything else reads it."""

    def __init__(self, md: Markdown, file: str, configs: tuple[Path, ...]) -> None:
        super().__init__(md)
        self._file = file
        self._configs = configs

    def run(self, lines: list[str]) -> list[str]:
        """Return the lines with the blocks filled; raises `matrix.InputError`."""
        text = "\n".join(lines)
        if "matrix:" not in text:
            return lines
        return filled(text, self._file, MARKDOWN, Session(self._configs)).split("\n")


class MatrixExtension(Extension):
    """The extension `matrix`."""

    def __init__(self, **options: Any) -> None:
        self.config = {
            "file": ["document.md", "the name of the document"],
            "configs": [[], "folders of declarations"],
        }
        super().__init__(**options)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the name is Python-Markdown's
        """Register the preprocessor behind what includes files, before what reads code."""
        configs = tuple(map(Path, self.getConfig("configs")))
        md.preprocessors.register(
            MatrixPreprocessor(md, self.getConfig("file"), configs), "matrix", BEHIND_INCLUDES
        )


def makeExtension(**options: Any) -> MatrixExtension:  # noqa: N802 - likewise
    """Return the extension, for those who name this module."""
    return MatrixExtension(**options)
