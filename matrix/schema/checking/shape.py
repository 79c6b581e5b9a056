"""Checks one file against its document and words what pydantic finds, with place and hint.

Takes the root node of a file, gives the checked document, or None with diagnostics MX0211 to
MX0217 (and the parser's own for C expressions). Two traps of pydantic's `loc`: the tag of a union
is a step that no file has (tags are written `<tag>` in `documents`), and the place of a missing
or surplus key is not the place of a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from matrix.diagnostics import Diagnostic, InputError, Location, unknown_word_hint
from matrix.expr.parser import parse
from matrix.schema.checking.guide import Guide
from matrix.schema.documents.fields import FORMS, Declaration
from matrix.schema.reading.nodes import Key, Node
from matrix.schema.reading.problems import Problems
from matrix.schema.reading.scalars import Unquoted
from matrix.schema.retired import gone_or_unknown

DocumentT = TypeVar("DocumentT", bound=Declaration)

# pydantic's error type: what is wanted, in words of YAML.
_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "scalar_type": "true, false, a whole number or text",
    "union_tag_invalid": "another form",
}
# pydantic's error type: the key of its context that holds the bound, and what is said about it.
_BOUNDS = {
    "greater_than_equal": ("ge", "at least {bound}"),
    "less_than_equal": ("le", "at most {bound}"),
    "too_short": ("min_length", "at least {bound} entry"),
    "string_too_short": ("min_length", "not empty"),
}


def check_shape(node: Node, document: type[DocumentT], problems: Problems) -> DocumentT | None:
    """Return the document that the file holds, None where its shape is wrong."""
    checker = _Checker(node, document, problems)
    has_values = checker.has_values()
    try:
        checked = document.model_validate(node.data)
    except ValidationError as error:
        checker.add_all(error.errors(include_url=False))
        return None
    return checked if has_values else None


def _nulls(node: Node, steps: tuple[Key, ...] = ()) -> Iterator[tuple[Key, ...]]:
    """Return the places without value below a node."""
    if node.data is None:
        yield steps
    for key, child in node.children.items():
        yield from _nulls(child, (*steps, key))


class _Place(Struct, frozen=True, kw_only=True):
    """Where an error is: the steps that exist in the file, and the node they lead to."""

    steps: tuple[Key, ...]
    node: Node


class _Checker:
    """Words the errors of one file."""

    def __init__(self, root: Node, document: type[Declaration], problems: Problems) -> None:
        self._root = root
        self._document = document
        self._problems = problems
        self._guide: Guide | None = None

    @property
    def guide(self) -> Guide:
        """The descriptions of the document; built when the first error asks for them."""
        if self._guide is None:
            self._guide = Guide(self._document, self._root.data)
        return self._guide

    def has_values(self) -> bool:
        """Return whether every key that needs a value has one; add MX0215 where it has not."""
        right = True
        for steps in _nulls(self._root):
            if self._problems.is_full(self._root.source.file):
                return False
            right &= self._null_is_allowed(steps)
        return right

    def _null_is_allowed(self, steps: tuple[Key, ...]) -> bool:
        if not self.guide.forbids_null(steps):
            return True
        place = self._place(steps)
        key = place.node.name
        message = f"`{key}` has no value" if place.node.key_location else "an item has no value"
        hint = f"give it a value or leave it out; {self._hint(steps)}"
        self._problems.add("MX0215", message, place.node.place, hint)
        return False

    def add_all(self, errors: list[ErrorDetails]) -> None:
        """Add what the errors of pydantic mean; all keys missing in one place are one of them."""
        missing: dict[tuple[Key, ...], list[Key]] = {}
        for error in errors:
            if self._problems.is_full(self._root.source.file):
                return
            # Tags of unions are steps that no file has.
            loc = tuple(step for step in error["loc"] if not _is_tag(step))
            if error["type"] == "missing":
                missing.setdefault(loc[:-1], []).append(loc[-1])
            else:
                self._add(loc, error)
        for parent, keys in missing.items():
            self._add_missing(parent, keys)

    def _add(self, loc: tuple[Key, ...], error: ErrorDetails) -> None:
        match error["type"]:
            case "extra_forbidden":
                self._add_extra(loc)
            case "contradiction":
                self._add_contradiction(loc, error)
            case "c_expression":
                place = self._place(loc)
                self._problems.extend(expression_errors(place.node))
            case "literal_error":
                self._add_word(loc, error)
            case _ if self._place(loc).node.data is None:
                pass  # `has_values` has said so
            case "too_short" if self._place(loc).node.children:
                pass  # it has entries, but they are wrong, and pydantic counts the right ones
            case _ if loc and loc[-1] == "[key]":
                self._add_key(loc[:-1], error)
            case _:
                self._add_value(self._place(loc), error)

    def _place(self, loc: tuple[Key, ...]) -> _Place:
        node = self._root
        steps: list[Key] = []
        for step in loc:
            # As far as the steps exist: of a missing key the place is the mapping that lacks it.
            child = node.get(step)
            if child is None:
                break
            node = child
            steps.append(step)
        return _Place(steps=tuple(steps), node=node)

    def _hint(self, steps: tuple[Key, ...]) -> str:
        """Return what the place, or what it is a part of, is for."""
        # A place without a description of its own is a part of one that has it.
        for end in range(len(steps), 0, -1):
            text = self.guide.description(steps[:end])
            if text:
                return f"`{steps[end - 1]}`: {text}"
        return f"{self._document.__doc__}"

    def _add_missing(self, parent: tuple[Key, ...], keys: list[Key]) -> None:
        node = self._place(parent).node
        where = f" in `{node.name}`" if node.key_location else ""
        named = ", ".join(f"`{key}`" for key in keys)
        message = f"missing key{'s' if len(keys) > 1 else ''} {named}{where}"
        hint = "; ".join(self._hint((*parent, key)) for key in keys)
        self._problems.add("MX0214", message, node.place, hint)

    def _add_extra(self, loc: tuple[Key, ...]) -> None:
        parent = self._place(loc[:-1])
        at = parent.node.keys.get(loc[-1], parent.node.place)
        hint = gone_or_unknown(str(loc[-1]), self.guide.keys(parent.steps), "keys")
        self._problems.add("MX0213", f"unknown key `{loc[-1]}`", at, hint)

    def _add_contradiction(self, loc: tuple[Key, ...], error: ErrorDetails) -> None:
        place = self._place(loc)
        context = error.get("ctx", {})
        marked = place.node.get(str(context.get("key")))
        if marked is not None and marked.data is None:
            return  # `has_values` has said so
        steps = (*place.steps, marked.key) if marked else place.steps
        hint = str(context.get("hint") or self._hint(steps))
        self._problems.add(
            str(context.get("code")), error["msg"], (marked or place.node).place, hint
        )

    def _add_word(self, loc: tuple[Key, ...], error: ErrorDetails) -> None:
        place = self._place(loc)
        if not isinstance(place.node.data, str):
            self._add_value(place, error)
            return
        known = [word.strip(" '") for word in _or_list(str(error.get("ctx", {}).get("expected")))]
        hint = unknown_word_hint(place.node.data, known, "words")
        message = f"`{place.node.raw}` is not a word for `{_label(place)}`"
        self._problems.add("MX0216", message, place.node.location, hint)

    def _add_key(self, loc: tuple[Key, ...], error: ErrorDetails) -> None:
        parent = self._place(loc[:-1])
        at = parent.node.keys.get(loc[-1], parent.node.place)
        if isinstance(loc[-1], int):
            message = f"the key `{loc[-1]}` is a number, and text is wanted"
            self._problems.add("MX0211", message, at, f'write "{loc[-1]}"')
            return
        message = f"`{loc[-1]}` cannot be a key here"
        self._problems.add("MX0217", message, at, _form(error) or self._hint(parent.steps))

    def _add_value(self, place: _Place, error: ErrorDetails) -> None:
        node, kind = place.node, error["type"]
        hint = self._hint(place.steps)
        if isinstance(node.data, Unquoted):
            self._add_unquoted(node, node.data, hint, kind)
        elif kind == "string_type" and isinstance(node.data, bool | int):
            what = "a truth value" if isinstance(node.data, bool) else "a number"
            message = f"`{node.raw}` is {what}, and text is wanted"
            self._problems.add("MX0211", message, node.location, f'write "{node.raw}"')
        elif kind in _BOUNDS:
            key, words = _BOUNDS[kind]
            wanted = words.format(bound=error.get("ctx", {}).get(key))
            message = f"`{node.raw}` is out of bounds: it must be {wanted}"
            self._problems.add("MX0217", message, node.location, hint)
        elif kind == "string_pattern_mismatch":
            message = f"`{node.raw}` has the wrong form"
            self._problems.add("MX0217", message, node.location, _form(error) or hint)
        else:
            wanted = _WANTED.get(kind, f"something else ({kind})")
            if kind == "literal_error":
                wanted = str(error.get("ctx", {}).get("expected"))
            message = f"`{node.raw}` stands where {wanted} is wanted"
            self._problems.add("MX0215", message, node.location, hint)

    def _add_unquoted(self, node: Node, value: Unquoted, hint: str, kind: str) -> None:
        message = f"`{value.text}` without quotes is {value.taken_for} to some readers of YAML"
        advice = "write true or false" if kind == "bool_type" else f'write "{value.text}"'
        if kind == "int_type":
            advice = "write a decimal or 0x number"
        self._problems.add("MX0211", message, node.location, f"{advice}; {hint}")


def expression_errors(node: Node) -> list[Diagnostic]:
    """Return why a text is not a C expression, each with its place in the file."""
    text = node.data if isinstance(node.data, str) else ""
    try:
        parse(text)
    except InputError as error:
        return [_moved(diagnostic, node, text) for diagnostic in error.diagnostics]
    return []


def _moved(diagnostic: Diagnostic, node: Node, text: str) -> Diagnostic:
    """Return a diagnostic of the expression alone with its place in the file."""
    at = diagnostic.location
    where: Location = node.location
    if at is not None and at.line:
        lines = text.split("\n")
        # The parser counts in the text of the scalar alone; the node knows where each of its
        # characters stands in the file, quotes and escapes considered.
        offset = sum(len(line) + 1 for line in lines[: at.line - 1]) + at.column - 1
        where = node.spot(offset, at.length)
    return replace(diagnostic, location=where)


def _is_tag(step: Key) -> bool:
    return isinstance(step, str) and step.startswith("<") and step.endswith(">")


def _label(place: _Place) -> Key:
    """Return the last step that is a word."""
    return next((step for step in reversed(place.steps) if isinstance(step, str)), "the file")


def _or_list(text: str) -> list[str]:
    """Return the words of pydantic's "'a', 'b' or 'c'"."""
    return text.replace(" or ", ", ").split(",")


def _form(error: ErrorDetails) -> str | None:
    pattern = str(error.get("ctx", {}).get("pattern"))
    return f"wanted: {FORMS[pattern]}" if pattern in FORMS else None
