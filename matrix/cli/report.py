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
    from matrix.door.output import stale, write_files
    from matrix.flows.report import study_reports
    from matrix.render.report import report_files, understood

    files: dict[Path, str] = {}
    for found in study_reports(
        tuple(study or ()),
        configs=tuple(configs or ()),
        predicate=predicate,
        folder=None if check else folder,
    ):
        say(understood(found.result))
        files |= report_files(found)
    if check:
        old = stale(files, folder)
        for path in old:
            say(f"stale: {path}")
        if old:
            say("hint: run `matrix report` and commit what it writes")
            return ExitCode.FINDINGS
        say(f"{len(files)} files up to date in {folder}")
        return ExitCode.OK
    write_files(files, folder)
    for path in files:
        typer.echo(folder / path)
    return ExitCode.OK
