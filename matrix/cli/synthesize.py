"""`matrix synthesize`: the weakest sound predicate, as a C function."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.options import (
    DEFAULT_STUDY,
    AnswerFormat,
    Configs,
    OnlyKernels,
    Output,
    Study,
    StudyFormat,
)
from matrix.cli.study_command import show


def synthesize(
    study: Study = DEFAULT_STUDY,
    kernel: OnlyKernels = None,
    vm: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Only this kind of VM. May be repeated; all by default."),
    ] = None,
    output_format: AnswerFormat = StudyFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Find the weakest sound predicate over what the kernel can test, and compare it."""
    from matrix.flows.synthesize import synthesize as run_synthesize
    from matrix.render.synthesis import synthesis_document, synthesis_values

    found = run_synthesize(
        study,
        kernels=tuple(kernel or ()),
        vms=tuple(vm or ()),
        configs=tuple(configs or ()),
    )
    return show(found, output_format, output, synthesis_document, synthesis_values)
