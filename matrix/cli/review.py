"""`matrix review`: what to say of the check that a patch adds."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from matrix.cli.console import deliver, say
from matrix.cli.options import DEFAULT_STUDY, Configs, OnlyKernels, Output
from matrix.diagnostics import format_diagnostic

if TYPE_CHECKING:
    from matrix.flows.review_result import ReviewResult


class ReviewFormat(enum.StrEnum):
    """Forms of a review: the reply's text, a mail to be sent, a document, or everything as JSON."""

    TEXT = "text"
    MBOX = "mbox"
    MARKDOWN = "markdown"
    HTML = "html"
    RST = "rst"
    JSON = "json"


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
    traces: Annotated[
        bool, typer.Option("--traces", help="Add the shortest trace of each rule.")
    ] = False,
    output_format: Annotated[
        ReviewFormat,
        typer.Option("--format", help="The reply's text, or an mbox for `git send-email`."),
    ] = ReviewFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Read the check out of a patch mail, ask it everywhere, and write the reply.

    Exits 1 where the check says yes and must not.
    """
    from matrix.flows.review import ReviewRequest
    from matrix.flows.review import review as run_review

    result = run_review(
        ReviewRequest(
            path=patch,
            study=study,
            kernels=tuple(kernel or ()),
            function=function,
            configs=tuple(configs or ()),
        )
    )
    text, said = _written(result, output_format, None if study == DEFAULT_STUDY else study, traces)
    for line in (*map(format_diagnostic, result.diagnostics), *said):
        say(line)
    deliver(text, output)
    return result.exit_code


def _written(
    result: ReviewResult, form: ReviewFormat, study: str | None, traces: bool
) -> tuple[str, list[str]]:
    """Return the review in a form, and what is said besides to who sends it as a mail."""
    if form is ReviewFormat.JSON:
        from matrix.render.json import dump
        from matrix.render.review_values import review_values

        return dump(review_values(result)), []
    from matrix.render.review import reply, reply_headers, unsaid
    from matrix.render.text import hanging
    from matrix.render.writers import mail, write

    document = reply(result, study, traces=traces)
    if form not in (ReviewFormat.TEXT, ReviewFormat.MBOX):
        return write(document, form), []
    said = [line for text in document.lead for line in hanging(str(text), "", "  ")]
    said += map(format_diagnostic, unsaid(result))
    if form is ReviewFormat.MBOX:
        return mail.mbox(document, reply_headers(result)), said
    return mail.body(document), said
