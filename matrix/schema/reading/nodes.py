"""A value of a YAML text that knows where it stands: data for pydantic, places for diagnostics."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from matrix.diagnostics import Location
from matrix.schema.reading.source import SourceText

Key = str | int


class Node(Struct, frozen=True, kw_only=True):
    """A value of the file. `data` is what pydantic is given: mappings are dict, lists are tuple.

    `key` is the key or index under which it stands ("" for the root), `key_location` the place of
    the key; an item of a list has none. `keys` are the places of the keys of a mapping, also of
    those whose value was refused. `start` and `end` are the indices of the value in `source`.
    """

    data: object
    source: SourceText
    start: int
    end: int
    key: Key = ""
    key_location: Location | None = None
    children: Mapping[Key, Node] = field(default_factory=dict)
    keys: Mapping[Key, Location] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The key as text."""
        return str(self.key)

    @property
    def place(self) -> Location:
        """Where the thing is declared: its key, or the value itself in a list."""
        return self.key_location or self.location

    @property
    def location(self) -> Location:
        """Where the value stands; of a text the characters between its quotes."""
        start = self._text_start()
        quoted = start > self.start and self.source.text[self.start] in "'\""
        return self.source.location(start, self.end - 1 if quoted else self.end)

    @property
    def raw(self) -> str:
        """The value as it is written, one line, shortened."""
        lines = self.source.text[self.start : self.end].split("\n")
        shown = lines[0].rstrip()
        return shown if len(lines) == 1 and len(shown) <= 60 else f"{shown[:60]}…"

    def __getitem__(self, key: Key) -> Node:
        return self.children[key]

    def get(self, key: Key) -> Node | None:
        """Return the value of a key that may be absent."""
        return self.children.get(key)

    def rows(self, key: Key) -> tuple[Node, ...]:
        """Return the items of a list or mapping that may be absent, in the order of the file."""
        found = self.children.get(key)
        return tuple(found.children.values()) if found else ()

    def spot(self, offset: int, length: int = 1) -> Location:
        r"""Return where characters of this text stand in the file, behind quotes and escapes.

        Folding and escapes make text and file differ, so the characters are looked up one after
        the other; where one is written as a code (`\x41`), the place of the whole text is given.
        """
        text = self.data if isinstance(self.data, str) else ""
        at = self._text_start()
        found = at
        for character in text[: offset + 1]:
            if character.isspace():
                continue
            found = self.source.text.find(character, at, self.end)
            if found < 0:
                return self.location
            at = found + 1
        start = at if offset >= len(text) else found
        return self.source.location(start, start + length)

    def _text_start(self) -> int:
        text = self.source.text
        first = text[self.start : self.start + 1]
        if not isinstance(self.data, str) or not first:
            return self.start
        # A block text begins on the line after its mark, behind the indentation.
        if first in "|>":
            at = text.find("\n", self.start, self.end) + 1
            return at + len(text[at : self.end]) - len(text[at : self.end].lstrip())
        return self.start + 1 if first in "'\"" else self.start
