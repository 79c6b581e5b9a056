"""`matrix embed`: keep the marker blocks of documents up to date."""

from __future__ import annotations

import enum
import shlex
from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver, say
from matrix.cli.options import Configs
from matrix.diagnostics import ExitCode, format_diagnostic


class DocumentForm(enum.StrEnum):
    """The keys of `render.document_forms.FORMS`, which is not imported for `--help`."""

    MARKDOWN = "markdown"
    RST = "rst"
    ASCIIDOC = "asciidoc"
    HTML = "html"
    TEXT = "text"


def embed(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Documents in Markdown, reStructuredText, AsciiDoc, HTML or plain text.",
        ),
    ],
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Write nothing; exit 1 if a block is not up to date, or a file has none.",
        ),
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; show what would change.")
    ] = False,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="A file without a block is all right.")
    ] = False,
    form: Annotated[
        DocumentForm | None,
        typer.Option("--as", help="The form of the files; unless given, their suffixes tell it."),
    ] = None,
    configs: Configs = None,
) -> int:
    """Fill the blocks between `matrix:begin …` and `matrix:end` in the comments of documents."""
    from matrix.render.embed import embed as run_embed

    outcome = run_embed(
        tuple(files),
        configs=tuple(configs or ()),
        form=form,
        write=not diff,
        check=check,
        allow_empty=allow_empty,
    )
    for diagnostic in outcome.missed:
        say(format_diagnostic(diagnostic))
    if check or diff:
        deliver(outcome.diff, None)
    if check and (outcome.stale or outcome.missed):
        for diagnostic in outcome.stale:
            say(format_diagnostic(diagnostic))
        if outcome.changed:
            say(f"hint: run `{_command(outcome.changed, form, configs)}` and commit what it writes")
        return ExitCode.FINDINGS
    if not (check or diff):
        for path in outcome.changed:
            say(f"written: {path}")
    from matrix.render.quantities import counted

    blocks = counted(outcome.blocks, "block")
    say(f"{blocks} in {counted(len(files), 'file')}, {len(outcome.changed)} changed")
    return ExitCode.OK


def _command(
    changed: tuple[Path, ...], form: DocumentForm | None, configs: list[Path] | None
) -> str:
    options = [*(["--as", form] if form else [])]
    for folder in configs or ():
        options += ["--configs", str(folder)]
    return shlex.join(["matrix", "embed", *options, *map(str, changed)])
