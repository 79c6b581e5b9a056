"""`matrix synthesize`: the weakest sound predicate, as a C function."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.console import answer
from matrix.cli.options import (
    DEFAULT_STUDY,
    Configs,
    Format,
    OnlyKernels,
    Output,
    Study,
    TextFormat,
)


def synthesize(
    study: Study = DEFAULT_STUDY,
    kernel: OnlyKernels = None,
    vm: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Only this kind of VM. May be repeated; all by default."),
    ] = None,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Find the weakest sound predicate over what the kernel can test, and compare it."""
    from matrix.flows.synthesize import synthesize as run_synthesize

    reply = run_synthesize(
        study,
        kernels=tuple(kernel or ()),
        vms=tuple(vm or ()),
        configs=tuple(configs or ()),
        as_json=output_format is TextFormat.JSON,
    )
    return answer(reply, output)
