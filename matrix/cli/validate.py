"""`matrix validate`: verdict, reason and fix for real `.config` files."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver, say, use_colour
from matrix.cli.options import Configs, Output, Predicate


class ValidateFormat(enum.StrEnum):
    """Formats of `validate`."""

    TEXT = "text"
    JSON = "json"


def validate(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="`.config` files (.gz, .xz, .zst too), or `-`."),
    ],
    kernel: Annotated[
        str, typer.Option(metavar="RELEASE", help="Release, or auto: from the file's header.")
    ] = "auto",
    cpu: Annotated[
        list[str] | None,
        typer.Option(metavar="SPEC", help="CPU system such as graviton3, or a group: @server."),
    ] = None,
    cmdline: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the boot loader passes.")
    ] = None,
    cmdline_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read the command line from FILE.")
    ] = None,
    capability: Annotated[
        str, typer.Option(metavar="ID", help="Capability to ask about.")
    ] = "gmem-no-direct-map",
    predicate: Predicate = None,
    vm: Annotated[
        str, typer.Option(metavar="KIND", help="default, protected, nested or mte.")
    ] = "default",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="AXIS=OPTION", help="entry=el1, gic=v2, realm=yes …"),
    ] = None,
    tree: Annotated[
        Path | None,
        typer.Option("--tree", metavar="DIR", help="Kernel source that the `.config` must fit."),
    ] = None,
    output_format: Annotated[
        ValidateFormat, typer.Option("--format", help="Format of the answer.")
    ] = ValidateFormat.TEXT,
    fail_on: Annotated[
        str, typer.Option(metavar="VERDICTS", help="Verdicts that exit 1, separated by commas.")
    ] = "unsound",
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show facts and every trace line.")
    ] = False,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Say for each `.config` whether the capability works there, why, and what would fix it."""
    from matrix.pipeline.validate import ValidateRequest
    from matrix.pipeline.validate import validate as run_validate

    request = ValidateRequest(
        files=tuple(files),
        kernel=kernel,
        cpus=tuple(cpu or ()),
        cmdline=cmdline,
        cmdline_file=cmdline_file,
        capability=capability,
        predicate=predicate,
        vm=vm,
        settings=tuple(settings or ()),
        fail_on=tuple(word for word in fail_on.split(",") if word),
        configs=tuple(configs or ()),
        tree=tree,
    )
    outcome = run_validate(request)
    for line in outcome.speech:
        say(line)
    if output_format is ValidateFormat.JSON:
        deliver(outcome.json_text(), output)
    else:
        deliver(outcome.text(colour=use_colour() and output is None, verbose=verbose), output)
    return outcome.exit_code
