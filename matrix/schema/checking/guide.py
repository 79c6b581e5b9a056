"""What a document says about a place in it: the descriptions that become hints.

Works on the JSON Schema of the document, so that a hint, an editor and `matrix schema` say the
same. Only built where something is wrong, or where `matrix schema` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

Json = bool | int | float | str | None | list["Json"] | dict[str, "Json"]
JsonObject = dict[str, Json]


def json_schema(documents: Sequence[type[BaseModel]]) -> JsonObject:
    """Return `{"$defs": …}` with the JSON Schema of the documents under their class names."""
    _, found = models_json_schema(
        [(document, "validation") for document in documents], ref_template="#/$defs/{model}"
    )
    definitions = _without_unknown(_object(found["$defs"]))
    for definition in definitions.values():
        _forbid_null(_object(definition))
    used = set(_references(definitions, [document.__name__ for document in documents]))
    return {"$defs": {name: schema for name, schema in definitions.items() if name in used}}


def _references(definitions: JsonObject, names: list[str]) -> set[str]:
    """Return the names of these definitions and of all that they refer to."""
    found: set[str] = set()
    waiting: list[Json] = [{"$ref": f"#/$defs/{name}"} for name in names]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
            name = str(value.get("$ref")).rsplit("/", 1)[-1]
            if name in definitions and name not in found:
                found.add(name)
                waiting.append(definitions[name])
    return found


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _forbid_null(definition: JsonObject) -> None:
    """Take null out of the keys that may be left out: a key without value says nothing."""
    required = _list(definition.get("required"))
    for key, value in _object(definition.get("properties")).items():
        branches = _list(_object(value).get("anyOf"))
        rest = [branch for branch in branches if branch != {"type": "null"}]
        if key in required or len(rest) == len(branches):
            continue
        entry = _object(value)
        del entry["anyOf"]
        entry.pop("default", None)
        entry.update(_object(rest[0]) if len(rest) == 1 else {"anyOf": rest})


def _without_unknown(value: JsonObject) -> JsonObject:
    """Return the value without the document of an unknown axis: it is for its errors only."""

    def clean(item: Json) -> Json:
        if isinstance(item, dict):
            return {key: clean(entry) for key, entry in item.items()}
        if isinstance(item, list):
            return [clean(entry) for entry in item if entry != {"$ref": "#/$defs/UnknownAxis"}]
        return item

    return {key: clean(entry) for key, entry in value.items()}


class Guide:
    """Answers what the schema of one document says about a place of one file.

    `data` is what the file holds: of alternatives (the kinds of axes) the one that it chose counts.
    """

    def __init__(self, document: type[BaseModel], data: object) -> None:
        schema = json_schema([document])
        self._definitions = _object(schema["$defs"])
        self._root: JsonObject = {"$ref": f"#/$defs/{document.__name__}"}
        self._data = data

    def description(self, steps: Sequence[str | int]) -> str | None:
        """Return what the field at this place is for, None where the schema says nothing."""
        for entry in self._entries(steps):
            text = entry.get("description")
            if isinstance(text, str):
                return text
        return None

    def keys(self, steps: Sequence[str | int]) -> tuple[str, ...]:
        """Return the keys that the mapping at this place may have."""
        found: dict[str, None] = {}
        for entry in self._open(self._entries(steps), self._value(steps)):
            found.update(dict.fromkeys(_object(entry.get("properties"))))
        return tuple(found)

    def forbids_null(self, steps: Sequence[str | int]) -> bool:
        """Return whether null may not stand at this place; of an unknown place it is not known."""
        entries = list(self._open(self._entries(steps), None))
        return bool(entries) and all(entry.get("type") != "null" for entry in entries)

    def _value(self, steps: Sequence[str | int]) -> object:
        value = self._data
        for step in steps:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, tuple) and isinstance(step, int):
                value = value[step]
            else:
                return None
        return value

    def _entries(self, steps: Sequence[str | int]) -> list[JsonObject]:
        entries = [self._root]
        for index, step in enumerate(steps):
            # A place may be described by several alternatives until a constant of the file rules
            # some out.
            opened = self._open(entries, self._value(steps[:index]))
            entries = [child for entry in opened for child in self._children(entry, step)]
        return entries

    def _open(self, entries: Sequence[JsonObject], value: object) -> Iterator[JsonObject]:
        """Return entries with references resolved, and the alternatives that a value can be."""
        for entry in entries:
            if not self._can_be(entry, value):
                continue
            yield entry
            reference = entry.get("$ref")
            if isinstance(reference, str):
                definition = self._definitions[reference.rsplit("/", 1)[1]]
                yield from self._open([_object(definition)], value)
            for key in ("anyOf", "oneOf"):
                branches = [_object(branch) for branch in _list(entry.get(key))]
                yield from self._open(branches, value)

    @staticmethod
    def _can_be(entry: JsonObject, value: object) -> bool:
        """Return whether no constant of a mapping contradicts the value."""
        given = value if isinstance(value, dict) else {}
        return all(
            given.get(name, constant) == constant
            for name, schema in _object(entry.get("properties")).items()
            if (constant := _object(schema).get("const")) is not None
        )

    @staticmethod
    def _children(entry: JsonObject, step: str | int) -> Iterator[JsonObject]:
        if isinstance(step, int) and "items" in entry:
            yield _object(entry["items"])
        properties = _object(entry.get("properties"))
        if str(step) in properties:
            yield _object(properties[str(step)])
        elif isinstance(entry.get("additionalProperties"), dict):
            yield _object(entry["additionalProperties"])
        for pattern in _object(entry.get("patternProperties")).values():
            yield _object(pattern)
