"""Pages of docs/ that answers are read from; a wheel brings them."""

from __future__ import annotations

from pathlib import Path

from matrix.door.files import read_regular

_PACKAGE = Path(__file__).resolve().parent.parent
_MOST = 1 << 20


def shipped_page(name: str) -> str:
    """Return the text of a page: of the installed package, else of the checkout."""
    places = (_PACKAGE / "_docs" / name, _PACKAGE.parent / "docs" / name)
    file = next((place for place in places if place.is_file()), places[0])
    return read_regular(file, _MOST).decode("utf-8")
