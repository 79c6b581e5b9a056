"""The shapes of JSON documents as JSON Schemas: `matrix schema --contract matrix/validate/1`.

Made of the tables of docs/json.md, which the tests hold to what is written, in both directions.
"""

from __future__ import annotations

import re
from functools import cache

from matrix.diagnostics import InputError, unknown_word_hint
from matrix.flows.pages import shipped_page

Schema = dict[str, object]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OPTIONAL = ", optional"
_SCALARS: dict[str, Schema] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
    "value": {"type": ["boolean", "integer", "string", "null"]},
}


def contracts() -> tuple[str, ...]:
    """Return the names of all shapes that a document can have, as its key `schema` has them."""
    return tuple(name for name in _tables() if name.startswith("matrix/"))


def contract_schema(name: str) -> Schema:
    """Return the JSON Schema of a shape; keys that it does not name are allowed.

    Raises:
        InputError: MX0832, no document has the shape.
    """
    if name not in contracts():
        raise InputError.of(
            code="MX0832",
            message=f"no JSON document is a `{name}`",
            hint=unknown_word_hint(name, contracts(), "contracts"),
        )
    used: dict[str, Schema] = {}
    whole = _object(name, "", used)
    # A shape may refer to others, and to itself.
    while missing := [shape for shape, found in used.items() if not found]:
        for shape in missing:
            used[shape] = _object(shape, "", used)
    definitions = {_anchor(shape): used[shape] for shape in sorted(used)}
    return {"$schema": DIALECT, "title": name, **whole, "$defs": definitions}


@cache
def _tables() -> dict[str, dict[str, tuple[str, str]]]:
    """Return of each shape its keys, with type and meaning as the page has them."""
    shapes: dict[str, dict[str, tuple[str, str]]] = {}
    rows: dict[str, tuple[str, str]] = {}
    for line in shipped_page("json.md").splitlines():
        if heading := re.fullmatch(r"###? (\S+)", line):
            rows = shapes.setdefault(heading[1], {})
        elif (row := re.fullmatch(r"\| (\S+) \| (.+?) \| (.*)\|", line)) and row[1] != "key":
            rows[row[1]] = (row[2], row[3].strip())
    return {name: found for name, found in shapes.items() if found}


def _object(shape: str, path: str, used: dict[str, Schema]) -> Schema:
    """Return the schema of the object at a path of a shape."""
    head = f"{path}." if path else ""
    properties: dict[str, object] = {}
    required = []
    for key, (kind, meaning) in _tables()[shape].items():
        name = key.removeprefix(head)
        # Keys of objects further below have a path of their own.
        if not key.startswith(head) or re.search(r"[.\[]", name):
            continue
        found = _either(kind.removesuffix(_OPTIONAL), shape, key, used)
        if key == "schema":
            found = {"const": shape}
        properties[name] = {**found, "description": meaning} if meaning else found
        if not kind.endswith(_OPTIONAL):
            required.append(name)
    return {"type": "object", "properties": properties, "required": required}


def _either(kind: str, shape: str, path: str, used: dict[str, Schema]) -> Schema:
    found = [_type(one, shape, path, used) for one in kind.split(" or ")]
    return found[0] if len(found) == 1 else {"anyOf": found}


def _type(kind: str, shape: str, path: str, used: dict[str, Schema]) -> Schema:
    if kind.startswith("list of "):
        inner = _type(kind.removeprefix("list of "), shape, f"{path}[]", used)
        return {"type": "array", "items": inner}
    if kind.startswith("map of "):
        inner = _type(kind.removeprefix("map of "), shape, f"{path}.*", used)
        return {"type": "object", "additionalProperties": inner}
    if kind == "object":
        return _object(shape, path, used)
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    used.setdefault(kind, {})
    return {"$ref": f"#/$defs/{_anchor(kind)}"}


def _anchor(shape: str) -> str:
    """Return the name of a shape without what would part a JSON pointer."""
    return shape.replace("/", "-")
