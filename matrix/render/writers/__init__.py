"""Writers: a document in one form each, chosen by the name of the form."""

from __future__ import annotations

from importlib import import_module

from matrix.render.document import Document


def write(document: Document, form: str) -> str:
    """Return a document as `text`, `markdown`, `html` or `rst`."""
    written: str = import_module(f"matrix.render.writers.{form}").write(document)
    return written
