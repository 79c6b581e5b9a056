"""`matrix embed`: keep the marker blocks of documents up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import say
from matrix.cli.options import Configs
from matrix.diagnostics import ExitCode, format_diagnostic


def embed(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Markdown documents.")],
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Write nothing; exit 1 if a block is not up to date, or a file has none.",
        ),
    ] = False,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="A file without a block is all right.")
    ] = False,
    configs: Configs = None,
) -> int:
    """Fill the blocks between `<!-- matrix:begin … -->` and `<!-- matrix:end -->`."""
    from matrix.render.embed import embed as run_embed

    outcome = run_embed(
        tuple(files), configs=tuple(configs or ()), check=check, allow_empty=allow_empty
    )
    for diagnostic in outcome.missed:
        say(format_diagnostic(diagnostic))
    if check and (outcome.stale or outcome.missed):
        for diagnostic in outcome.stale:
            say(format_diagnostic(diagnostic))
        return ExitCode.FINDINGS
    for path in outcome.changed:
        say(f"written: {path}")
    from matrix.render.quantities import counted

    blocks = counted(outcome.blocks, "block")
    say(f"{blocks} in {counted(len(files), 'file')}, {len(outcome.changed)} changed")
    return ExitCode.OK
