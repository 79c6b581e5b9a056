"""`matrix review`: what to say of the check that a patch adds."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.console import answer
from matrix.cli.options import (
    DEFAULT_STUDY,
    Configs,
    Document,
    DocumentFormat,
    OnlyKernels,
    Output,
)


def review(
    patch: Annotated[
        str,
        typer.Argument(metavar="PATCH", help="A mail, an mbox, a patch, or - for standard input."),
    ],
    kernel: OnlyKernels = None,
    function: Annotated[
        str | None,
        typer.Option("--function", metavar="NAME", help="The check, where it is named otherwise."),
    ] = None,
    study: Annotated[
        str, typer.Option("--matrix", metavar="MATRIX", help="The study that is asked.")
    ] = DEFAULT_STUDY,
    output_format: Document = DocumentFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Read the check out of a patch mail, ask it everywhere, and say where it is wrong.

    Exits 1 where it says yes and must not.
    """
    from matrix.flows.review import ReviewRequest
    from matrix.flows.review import review as run_review

    reply = run_review(
        ReviewRequest(
            path=patch,
            study=study,
            kernels=tuple(kernel or ()),
            function=function,
            form=output_format,
            configs=tuple(configs or ()),
        )
    )
    return answer(reply, output)
