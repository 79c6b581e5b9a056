"""`matrix schema`: the JSON Schema of the declarations, for editors."""

from __future__ import annotations

from matrix.cli.console import deliver
from matrix.cli.options import Output


def schema(output: Output = None) -> None:
    """Print the JSON Schema of all declarations (kernels, CPUs, capabilities, studies)."""
    from matrix.render.json import dump
    from matrix.schema.jsonschema import schema_document

    deliver(dump(schema_document()), output)
