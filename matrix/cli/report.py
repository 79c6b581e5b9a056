"""`matrix report`: the main job, reports of studies in HTML and Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import say
from matrix.cli.options import Configs, Predicate
from matrix.diagnostics import ExitCode


def report(
    study: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MATRIX]...", help="Studies; all shipped ones if none is given."),
    ] = None,
    folder: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the reports.")
    ] = Path("reports"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a report is not up to date.")
    ] = False,
    predicate: Predicate = None,
    configs: Configs = None,
) -> int:
    """Write the support matrices of studies to a folder, as HTML and Markdown."""
    from matrix.flows.report import report as run_report

    outcome = run_report(
        tuple(study or ()),
        folder,
        configs=tuple(configs or ()),
        predicate=predicate,
        check=check,
        say=say,
    )
    if check:
        for path in outcome.stale:
            say(f"stale: {path}")
        if outcome.stale:
            say("hint: run `matrix report` and commit what it writes")
            return ExitCode.FINDINGS
        say(f"{len(outcome.paths)} files up to date in {folder}")
        return ExitCode.OK
    for path in outcome.paths:
        typer.echo(path)
    return ExitCode.OK
