"""The JSON Schema of the declarations, for editors and other validators: `matrix schema`.

Made from the same documents that the loader checks with, descriptions included.
"""

from __future__ import annotations

from pydantic import BaseModel

from matrix.schema.checking.guide import Json, JsonObject, json_schema
from matrix.schema.documents import DOCUMENTS
from matrix.schema.documents.probes import ProbesDocument
from matrix.schema.files import FOLDERS, SOURCES_FILE, Kind

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_document() -> JsonObject:
    """Return one JSON Schema with a definition per kind of file, such as `#/$defs/kernel`.

    A whole document is valid where it is valid as one of the kinds.
    """
    documents: dict[str, tuple[str, type[BaseModel]]] = {
        **{str(kind): (_files(kind), document) for kind, document in DOCUMENTS.items()},
        # Read with a tree only: no kind of what answers hang on.
        "probes": ("kernels/probes/<arch>.yaml", ProbesDocument),
    }
    found = json_schema([document for _, document in documents.values()])["$defs"]
    definitions = dict(found) if isinstance(found, dict) else {}
    for name, (files, document) in documents.items():
        definitions[name] = {
            "$ref": f"#/$defs/{document.__name__}",
            "description": f"{files}: {document.__doc__}",
        }
    kinds: list[Json] = [{"$ref": f"#/$defs/{name}"} for name in documents]
    return {
        "$schema": DIALECT,
        "title": "declarations of matrix",
        "description": "Files of a configuration folder; each kind has a definition of its own.",
        "anyOf": kinds,
        "$defs": dict(sorted(definitions.items())),
    }


def _files(kind: Kind) -> str:
    """Return which files of a configuration folder are of a kind."""
    if kind is Kind.SOURCES:
        return f"cpus/{SOURCES_FILE}"
    return next(f"{folder}/<id>.yaml" for folder, found in FOLDERS.items() if found is kind)
