"""The shipped declarations load, stay equal in compiled form, and fit the JSON Schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.schema import compiled
from matrix.schema.compiled import decode, write_compiled
from matrix.schema.files import Kind, read_folders
from matrix.schema.jsonschema import schema_document
from matrix.schema.loader import load_knowledge
from matrix.schema.location import configs_folder
from tests.unit.schema.test_jsonschema import as_editors_read


def test_the_shipped_declarations_load_and_compile(tmp_path: Path) -> None:
    knowledge = load_knowledge([configs_folder()])
    assert knowledge.kernels
    assert knowledge.cpus
    assert knowledge.studies
    assert all(item.location.file.startswith("configs/") for item in knowledge.kernels)
    target = tmp_path / "compiled.bin"
    assert write_compiled(target, "0" * 64, knowledge)
    assert compiled.read_compiled(target, "0" * 64) == knowledge
    assert decode(target.read_bytes()) is None, "the header is not part of the payload"


def test_the_shipped_declarations_fit_the_json_schema() -> None:
    library = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    document = schema_document()
    validators = {
        kind: library.Draft202012Validator({**document, "anyOf": [{"$ref": f"#/$defs/{kind}"}]})
        for kind in Kind
    }
    for file in read_folders([configs_folder()]).files:
        validators[file.kind].validate(as_editors_read(file.data.decode()))
