"""Line and column of a key in a TOML file.

tomllib gives values without places. tomlkit keeps every character of the file but no places
either; the length of what stands before a key gives it. Only diagnostics need this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matrix.diagnostics import Location

if TYPE_CHECKING:
    from tomlkit.container import Container

Place = tuple[str | int, ...]


def location_of(text: str, place: Place, file: str) -> Location:
    """Return where the key of a place stands; a place that is not in the text: the whole file.

    A place is the keys that lead to it; a number is the table of that index in a list of tables.
    """
    from tomlkit.exceptions import TOMLKitError

    try:
        offsets = _offsets(text)
    except (TOMLKitError, ValueError, RecursionError):
        # What tomllib reads and tomlkit does not; the message stands without a place.
        offsets = {}
    while place and place not in offsets:
        place = place[:-1]
    if not place:
        return Location(file=file)
    start, length = offsets[place]
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    return Location(
        file=file,
        line=text.count("\n", 0, start) + 1,
        column=start - line_start + 1,
        length=length,
        text=text[line_start : line_end if line_end >= 0 else len(text)],
    )


def _offsets(text: str) -> dict[Place, tuple[int, int]]:
    """Return the offset and the length of every key and table header, by place."""
    from tomlkit import parse

    walk = _Walk(text)
    walk.container((), parse(text))
    return walk.found


class _Walk:
    """Goes through a parsed document in the order of its text, with a cursor in the text."""

    def __init__(self, text: str) -> None:
        self.found: dict[Place, tuple[int, int]] = {}
        self._text = text
        self._cursor = 0

    def container(self, place: Place, container: Container) -> None:
        """Go through the keys of a document or a table."""
        from tomlkit.items import AoT, Table

        for key, value in container.body:
            if key is None:
                self._cursor += len(value.as_string())
                continue
            inner = (*place, key.key)
            if isinstance(value, AoT):
                for number, table in enumerate(value.body):
                    self._header((*inner, number))
                    self.container((*inner, number), table.value)
            elif isinstance(value, Table):
                if not value.is_super_table():
                    self._header(inner)
                self.container(inner, value.value)
            else:
                self._value(inner, key.as_string().rstrip(), value.as_string())

    def _header(self, place: Place) -> None:
        start = self._text.index("[", self._cursor)
        end = self._text.index("]", start)
        closing = 2 if self._text.startswith("[[", start) else 1
        self.found.setdefault(place, (start, end + closing - start))
        self._next_line(end)

    def _value(self, place: Place, key: str, value: str) -> None:
        start = self._text.index(key, self._cursor)
        self.found.setdefault(place, (start, len(key)))
        self._next_line(self._text.index(value, start + len(key)) + len(value))

    def _next_line(self, offset: int) -> None:
        newline = self._text.find("\n", offset)
        self._cursor = newline + 1 if newline >= 0 else len(self._text)
