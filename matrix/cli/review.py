"""`matrix review`: what to say of the check that a patch adds."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matrix.cli.console import deliver, say
from matrix.cli.options import DEFAULT_STUDY, AllowOutside, Configs, OnlyKernels, Output
from matrix.diagnostics import InputError, format_diagnostic

if TYPE_CHECKING:
    from matrix.flows.review_result import ReviewResult
    from matrix.flows.review_tree import KernelsCompared


class ReviewFormat(enum.StrEnum):
    """Forms of a review: the reply's text, a mail to be sent, a document, or everything as JSON."""

    TEXT = "text"
    MBOX = "mbox"
    MARKDOWN = "markdown"
    HTML = "html"
    RST = "rst"
    ASCIIDOC = "asciidoc"
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
        str | None,
        typer.Option(
            "--matrix",
            metavar="MATRIX",
            help="The study that is asked; arm64-gmem-no-direct-map by default.",
        ),
    ] = None,
    tree: Annotated[
        Path | None,
        typer.Option(
            "--tree",
            metavar="DIR",
            help="Apply the patch to this kernel source; what it changes below a check is answered "
            "by comparing two kernels; a proposed check is a diff of this tree.",
        ),
    ] = None,
    traces: Annotated[
        bool, typer.Option("--traces", help="Add the shortest trace of each rule.")
    ] = False,
    output_format: Annotated[
        ReviewFormat,
        typer.Option("--format", help="The reply's text, or an mbox for `git send-email`."),
    ] = ReviewFormat.TEXT,
    output: Output = None,
    _outside: AllowOutside = False,
    configs: Configs = None,
) -> int:
    """Read the check out of a patch mail, ask it everywhere, and write the reply.

    Exits 1 where the check says yes and must not.
    """
    if tree is not None:
        from matrix.flows.review_tree import review_in_tree

        in_tree = review_in_tree(patch, tree, study, tuple(configs or ()))
        if in_tree is not None:
            deliver(_compared(in_tree, output_format), output)
            return in_tree.exit_code
    asked, study = study, study or DEFAULT_STUDY
    from matrix.flows.review import ReviewRequest
    from matrix.flows.review import review as run_review

    request = ReviewRequest(
        path=patch,
        study=study,
        kernels=tuple(kernel or ()),
        function=function,
        tree=tree,
        configs=tuple(configs or ()),
    )
    try:
        result = run_review(request)
    except InputError as error:
        codes = {item.code for item in error.diagnostics}
        if function is not None or codes not in ({"MX1219"}, {"MX1216"}):
            raise
        from matrix.flows.review_tree import review_of_profile

        refused = len(error.diagnostics) if codes == {"MX1219"} else None
        of_profile = review_of_profile(patch, asked, request.kernels, request.configs, refused)
        if of_profile is None:
            raise
        deliver(_compared(of_profile, output_format), output)
        return of_profile.exit_code
    text, said = _written(result, output_format, None if study == DEFAULT_STUDY else study, traces)
    for line in (*map(format_diagnostic, result.diagnostics), *said):
        say(line)
    deliver(text, output)
    return result.exit_code


def _compared(found: KernelsCompared, form: ReviewFormat) -> str:
    """Return two kernels compared in a form."""
    from matrix.render.diff import compared_document
    from matrix.render.writers import write

    if form in (ReviewFormat.MBOX, ReviewFormat.JSON):
        raise typer.BadParameter(f"two kernels compared are no {form}: text, markdown, html or rst")
    for change in found.changes:
        for line in map(format_diagnostic, change.diagnostics):
            say(line)
    return write(compared_document(found), form)


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
