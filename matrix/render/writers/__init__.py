"""Writers: a document in one form each, chosen by the name of the form."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from matrix.render.document import Block, Document


def write(document: Document, form: str, *, colour: bool = False) -> str:
    """Return a document as `text`, `mail`, `markdown`, `html`, `rst` or `asciidoc`.

    `colour` is for a terminal: other forms have none.
    """
    writer = import_module(f"matrix.render.writers.{form}").write
    written: str = writer(document, colour=True) if colour and form == "text" else writer(document)
    return written


def fragment(blocks: Iterable[Block], form: str, *, indent: int = 0) -> str:
    """Return blocks as they stand in a document of a form, `indent` columns further in.

    The caller indents them; a text, which alone has a width, is so much narrower.
    """
    writer = import_module(f"matrix.render.writers.{form}").fragment
    written: str = writer(blocks, indent) if form == "text" else writer(blocks)
    return written
