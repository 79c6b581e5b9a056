"""`matrix schema`: the JSON Schema of the declarations, or of a JSON document that is written."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.console import deliver
from matrix.cli.options import Output


def _contracts(incomplete: str) -> list[str]:
    from matrix.flows.contracts import contracts

    return [name for name in contracts() if name.startswith(incomplete)]


def schema(
    contract: Annotated[
        str | None,
        typer.Option(
            "--contract",
            metavar="NAME",
            help="Of what --format json writes instead: matrix/validate/1, as its key `schema` "
            "has it.",
            autocompletion=_contracts,
        ),
    ] = None,
    output: Output = None,
) -> None:
    """Print the JSON Schema of all declarations (kernels, CPUs, capabilities, studies)."""
    from matrix.render.json import dump

    if contract is not None:
        from matrix.flows.contracts import contract_schema

        deliver(dump(contract_schema(contract)), output)
        return
    from matrix.schema.jsonschema import schema_document

    deliver(dump(schema_document()), output)
