"""`matrix review`: what to say of the check that a patch adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from matrix.cli.console import deliver, say
from matrix.cli.options import (
    DEFAULT_STUDY,
    Configs,
    Document,
    DocumentFormat,
    OnlyKernels,
    Output,
)
from matrix.diagnostics import format_diagnostic

if TYPE_CHECKING:
    from matrix.flows.review_result import ReviewResult


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
    from matrix.render.json import dump
    from matrix.render.review_document import review_document
    from matrix.render.review_text import review_markdown, review_text

    result = run_review(
        ReviewRequest(
            path=patch,
            study=study,
            kernels=tuple(kernel or ()),
            function=function,
            configs=tuple(configs or ()),
        )
    )
    forms: dict[DocumentFormat, Callable[[ReviewResult], str]] = {
        DocumentFormat.TEXT: review_text,
        DocumentFormat.MARKDOWN: review_markdown,
        DocumentFormat.JSON: lambda found: dump(review_document(found)),
    }
    text = forms[output_format](result)
    for diagnostic in result.diagnostics:
        say(format_diagnostic(diagnostic))
    deliver(text, output)
    return result.exit_code
