"""The JSON Schema says what the loader says, as another validator understands it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Protocol

import pytest
from ruamel.yaml import YAML

from matrix.schema.documents import DOCUMENTS
from matrix.schema.files import Kind
from matrix.schema.jsonschema import schema_document
from tests.unit.schema.declarations import BAD, good_text

# What another validator must refuse as well: the errors that are about the shape of a file.
_SHAPE = (
    "MX0213-unknown-key",
    "MX0214-missing-key",
    "MX0215-wrong-type",
    "MX0216-unknown-word",
    "MX0217-wrong-form",
)


class Validator(Protocol):
    """What is used of jsonschema's validators."""

    def is_valid(self, instance: object) -> bool: ...


@pytest.fixture
def validators() -> Mapping[Kind, Validator]:
    """A validator of another library for each kind."""
    library = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    document = schema_document()
    library.Draft202012Validator.check_schema(document)
    return {
        kind: library.Draft202012Validator({**document, "anyOf": [{"$ref": f"#/$defs/{kind}"}]})
        for kind in Kind
    }


def as_editors_read(text: str) -> object:
    """Return a declaration as an editor reads it: keys are text."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))


def test_good_declarations_are_valid_as_their_kind_alone(
    validators: Mapping[Kind, Validator],
) -> None:
    for kind in Kind:
        valid = [
            other for other in Kind if validators[other].is_valid(as_editors_read(good_text(kind)))
        ]
        assert valid == [kind]


@pytest.mark.parametrize("case", _SHAPE)
def test_bad_declarations_are_invalid(validators: Mapping[Kind, Validator], case: str) -> None:
    text = (BAD / f"{case}.yaml").read_text(encoding="utf-8")
    assert not validators[Kind.CPU].is_valid(as_editors_read(text))


def _mappings(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _mappings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _mappings(item)


def test_every_key_is_described() -> None:
    for mapping in _mappings(schema_document()["$defs"]):
        properties = mapping.get("properties")
        if isinstance(properties, dict) and mapping.get("type") == "object":
            for key, schema in properties.items():
                assert schema.get("description"), f"{mapping.get('title')}.{key}"


def test_each_kind_has_a_definition_and_every_reference_leads_to_one() -> None:
    document = schema_document()
    definitions = document["$defs"]
    assert isinstance(definitions, dict)
    assert {str(kind) for kind in Kind} <= set(definitions)
    assert set(DOCUMENTS) == set(Kind)
    references = {str(mapping["$ref"]) for mapping in _mappings(document) if "$ref" in mapping}
    assert references <= {f"#/$defs/{name}" for name in definitions}
    assert json.loads(json.dumps(document)) == document


def test_a_key_that_may_be_left_out_does_not_take_null() -> None:
    definitions = schema_document()["$defs"]
    assert isinstance(definitions, dict)
    capability = definitions["CapabilityDocument"]
    assert isinstance(capability, dict)
    nullable = [
        key
        for mapping in _mappings(definitions)
        for key, schema in _properties(mapping)
        if {"type": "null"} in list(_mappings(schema))
    ]
    assert nullable == ["assumes_patch"]


def _properties(mapping: dict[str, object]) -> Iterator[tuple[str, object]]:
    properties = mapping.get("properties")
    if isinstance(properties, dict):
        yield from properties.items()
