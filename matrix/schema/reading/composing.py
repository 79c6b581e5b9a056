"""From a YAML text to nodes: one document, no key twice, nothing that lets one line say another.

Built from the events of libyaml, so that nothing is decided for us: what a plain scalar means is
`scalars.py`, keys may not repeat, and anchors, aliases, merge keys, tags and directives are
refused. The builder keeps its own stack: depth is bounded, not crashed.
"""

from __future__ import annotations

from typing import cast

import yaml
from msgspec import Struct, field
from msgspec.structs import replace
from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

from matrix.diagnostics import Location, control_character
from matrix.schema.reading.nodes import Key, Node
from matrix.schema.reading.problems import Problems
from matrix.schema.reading.scalars import Unquoted, read_plain
from matrix.schema.reading.source import SourceText

# The deepest document needs 7 levels, the largest has 600 values; the bounds keep garbage from
# running away.
MAX_DEPTH = 24
MAX_NODES = 50_000

# Where PyYAML was built without libyaml, its own parser gives the same events, ten times slower.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CHECK = "check quotes, brackets and indentation here and in the line before"


def compose(source: SourceText, problems: Problems) -> Node | None:
    """Return the root of a file with one document; None where it cannot be read (MX0206 …)."""
    builder = _Builder(source, problems)
    try:
        for event in yaml.parse(source.text, Loader=_LOADER):
            if not builder.take(event):
                return None
    except MarkedYAMLError as error:
        _add_syntax_error(source, error, problems)
        return None
    except ReaderError as error:
        _add_control_character(source, error, problems)
        return None
    except (YAMLError, ValueError, OverflowError) as error:  # e.g. an escape beyond Unicode
        problems.add(
            "MX0206", f"this is not YAML: `{error}`", source.location(builder.index), _CHECK
        )
        return None
    if builder.root is None or builder.root.data is None:
        message = f"`{source.file}` declares nothing"
        problems.add("MX0212", message, source.location(0), "see `matrix schema` for what it holds")
        return None
    return builder.root


def _add_syntax_error(source: SourceText, error: MarkedYAMLError, problems: Problems) -> None:
    mark = error.problem_mark or error.context_mark
    at = source.location(mark.index if mark else 0)
    word = (at.text or "")[at.index :].split(" ")[0][:40]
    problem = " ".join(str(error.problem or "unreadable").split())
    context = " ".join(str(error.context or "").split())
    hint = f"{context}: {_CHECK}" if context else _CHECK
    if "mapping values are not allowed" in problem:
        hint = "a text that holds `: ` must stand in quotes"
    elif "cannot start any token" in problem:
        hint = "a text that starts with this character must stand in quotes"
    shown = f"`{word}`" if word else "the end of the line"
    problems.add("MX0206", f"this is not YAML at {shown}: {problem}", at, hint)


def _add_control_character(source: SourceText, error: ReaderError, problems: Problems) -> None:
    # Its position counts bytes or characters; all that is before is of another kind.
    problems.add(
        "MX0204",
        f"the character `U+{error.character:04X}` may not stand here",
        source.location(max(0, source.text.find(chr(error.character)))),
        "remove the control character",
    )


class _Frame(Struct):
    """A collection that is being read; `key` is the pending key of a mapping, if any."""

    start: int
    mapping: bool
    children: dict[Key, Node] = field(default_factory=dict)
    keys: dict[Key, Location] = field(default_factory=dict)
    expects_value: bool = False
    key: Key | None = None  # None where the entry is dropped: its key was refused


class _Builder:
    """Takes the events of one file and builds the tree of its first document."""

    def __init__(self, source: SourceText, problems: Problems) -> None:
        self.root: Node | None = None
        self.index = 0
        self._end = 0
        self._source = source
        self._problems = problems
        self._stack: list[_Frame] = []
        self._documents = 0
        self._nodes = 0

    def take(self, event: Event) -> bool:
        """Add one event; False where reading on makes no sense."""
        self.index = cast("Mark", event.start_mark).index
        self._end = cast("Mark", event.end_mark).index
        match event:
            case DocumentStartEvent():
                return self._begin_document(event)
            case AliasEvent():
                self._refuse(f"alias `*{event.anchor}`")
                self._close(self._node(Unquoted(f"*{event.anchor}", "an alias")))
            case ScalarEvent():
                self._refuse_properties(event)
                self._close(self._scalar(event))
            case SequenceStartEvent() | MappingStartEvent():
                self._refuse_properties(event)
                mapping = isinstance(event, MappingStartEvent)
                self._stack.append(_Frame(start=self.index, mapping=mapping))
            case SequenceEndEvent() | MappingEndEvent():
                self._close(self._collection(self._stack.pop()))
            case _:
                pass
        return self._within_bounds()

    def _begin_document(self, event: DocumentStartEvent) -> bool:
        at = self._source.location(self.index, self._end)
        if event.version or event.tags:
            at = self._source.location(self._source.text.rfind("\n%", 0, self.index) + 1)
            hint = "remove the line that starts with `%`; YAML 1.2 is read"
            self._problems.add("MX0208", "a `%` directive is not allowed", at, hint)
        self._documents += 1
        if self._documents > 1:
            hint = "put the second declaration into a file of its own"
            self._problems.add("MX0209", "`---` begins a second document in this file", at, hint)
        return self._documents == 1

    def _refuse(self, what: str) -> None:
        self._problems.add(
            "MX0208",
            f"{what} is not allowed in a declaration",
            self._source.location(self.index, self._end),
            "write the value out: each line of a declaration says all that it means",
        )

    def _refuse_properties(
        self, event: ScalarEvent | SequenceStartEvent | MappingStartEvent
    ) -> None:
        if event.anchor is not None:
            self._refuse(f"anchor `&{event.anchor}`")
        elif event.tag is not None:
            self._refuse(f"tag `{event.tag}`")

    def _scalar(self, event: ScalarEvent) -> Node:
        # Pages and terminals show what is declared, and an escape may write any character.
        control = None if event.value.isprintable() else control_character(event.value)
        if control is not None:
            self._problems.add(
                "MX0204",
                f"the text holds the character `U+{ord(control):04X}`",
                self._source.location(self.index),
                "remove the control character",
            )
        plain = not event.style and event.tag is None
        return self._node(read_plain(event.value) if plain else event.value)

    def _node(self, data: object) -> Node:
        key, place = self._pending()
        return Node(
            data=data,
            source=self._source,
            start=self.index,
            end=self._end,
            key=key,
            key_location=place,
        )

    def _pending(self) -> tuple[Key, Location | None]:
        """Return the key under which the next value will stand, and its place."""
        frame = self._stack[-1] if self._stack else None
        # The root, a key itself, or the value of a key that was refused: under no key.
        if frame is None or (frame.mapping and frame.key is None):
            return "", None
        if not frame.mapping:
            return len(frame.children), None
        key = "" if frame.key is None else frame.key
        return key, frame.keys.get(key)

    def _collection(self, frame: _Frame) -> Node:
        values = {key: node.data for key, node in frame.children.items()}
        node = self._node(values if frame.mapping else tuple(values.values()))
        return replace(node, start=frame.start, children=frame.children, keys=frame.keys)

    def _close(self, node: Node) -> None:
        """Put a finished value where it belongs: a key, the value of a key, an item, the root."""
        self._nodes += 1
        if not self._stack:
            self.root = self.root or node
            return
        frame = self._stack[-1]
        if not frame.mapping:
            frame.children[len(frame.children)] = node
        # The value of a refused key is read and dropped: what is wrong below it is said all the
        # same.
        elif frame.expects_value:
            if frame.key is not None:
                frame.children[frame.key] = node
            frame.expects_value = False
        else:
            frame.key = self._key(frame, node)
            frame.expects_value = True

    def _key(self, frame: _Frame, node: Node) -> Key | None:
        """Return the key to file an entry under, None where it is refused."""
        at = node.location
        data = node.data
        if node.raw == "<<":
            self._problems.add(
                "MX0208", "merge key `<<` is not allowed in a declaration", at, "write the keys out"
            )
            return None
        if isinstance(data, dict | tuple):
            hint = "a key is a word or a number; a text that starts with `{` or `[` needs quotes"
            self._problems.add("MX0206", f"`{node.raw}` cannot be a key", at, hint)
            return None
        # `no:` and `12:30:` as keys: taken for something else by many parsers, so quotes are asked
        # for.
        if isinstance(data, bool | Unquoted | None):
            taken_for = data.taken_for if isinstance(data, Unquoted) else "something else than text"
            message = f"the key `{node.raw}` is taken for {taken_for} without quotes"
            self._problems.add("MX0211", message, at, f'write "{node.raw}"')
            data = node.raw
        key = data if isinstance(data, str | int) else str(data)
        if key in frame.keys:
            hint = f"the first is at {frame.keys[key]}; remove one of the two"
            self._problems.add("MX0207", f"the key `{key}` stands twice in this mapping", at, hint)
            return None
        frame.keys[key] = at
        return key

    def _within_bounds(self) -> bool:
        if self._problems.is_full(self._source.file):
            return False
        at = self._source.location(self.index)
        if len(self._stack) > MAX_DEPTH:
            message = f"`{self._source.text[self.index]}` opens more than {MAX_DEPTH} levels"
            self._problems.add("MX0210", message, at, "no declaration needs more than 7 levels")
            return False
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES} values in `{self._source.file}`"
            self._problems.add("MX0203", message, at, "split it into several files")
            return False
        return True
