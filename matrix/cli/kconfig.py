"""`matrix kconfig`: what a real Kconfig tree says."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver, say
from matrix.cli.options import AllowOutside, Configs, Output

app = typer.Typer(help="What a real Kconfig tree says.", no_args_is_help=True)


class ProjectFormat(enum.StrEnum):
    """Formats of `kconfig project`."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


@app.callback()
def root() -> None:
    """Keep `project` a sub-command while it is the only one."""


@app.command("project")
def project(
    tree: Annotated[
        Path, typer.Option("--tree", metavar="DIR", help="A kernel source tree (parts suffice).")
    ],
    kernel: Annotated[
        str, typer.Option("--kernel", metavar="RELEASE", help="The profile it is for.")
    ],
    symbols: Annotated[
        list[str] | None,
        typer.Option("--symbols", metavar="NAME[,NAME]", help="Instead of the profile's symbols."),
    ] = None,
    toolchain: Annotated[
        str | None,
        typer.Option("--toolchain", metavar="ID", help="Whose recorded answers to replay."),
    ] = None,
    live_toolchain: Annotated[
        bool,
        typer.Option("--live-toolchain", help="Run what the tree asks the toolchain (its shell!)."),
    ] = False,
    borrow: Annotated[
        bool, typer.Option("--borrow", help="Take a tree of another release, and mark it so.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the constraints into the profile.")
    ] = False,
    output_format: Annotated[
        ProjectFormat, typer.Option("--format", help="Format of the answer.")
    ] = ProjectFormat.TEXT,
    output: Output = None,
    _outside: AllowOutside = False,
    configs: Configs = None,
) -> int:
    """Project a tree onto the symbols the model reads: which combinations can be built."""
    from matrix.flows.kconfig import ProjectRequest, project_tree
    from matrix.flows.kconfig_profile import project_into_profile
    from matrix.render.json import dump
    from matrix.render.kconfig import (
        kconfig_document,
        kconfig_sentences,
        kconfig_text,
        kconfig_yaml,
    )

    request = ProjectRequest(
        tree=tree,
        kernel=kernel,
        symbols=tuple(name for text in symbols or () for name in text.split(",") if name),
        toolchain=toolchain,
        live=live_toolchain,
        borrow=borrow,
        configs=tuple(configs or ()),
    )
    outcome = project_into_profile(request) if write else project_tree(request)
    for line in kconfig_sentences(outcome):
        say(line)
    match output_format:
        case ProjectFormat.TEXT:
            text = kconfig_text(outcome)
        case ProjectFormat.JSON:
            text = dump(kconfig_document(outcome))
        case ProjectFormat.YAML:
            text = kconfig_yaml(outcome)
    deliver(text, output)
    return outcome.exit_code
