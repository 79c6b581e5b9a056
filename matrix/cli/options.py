"""Options that several commands share, with one spelling and one help text each."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from matrix.door.processes import Workers


def names_of(kind: str) -> Callable[[str], list[str]]:
    """Return what completes the name of a shipped declaration: an attribute of `Knowledge`."""

    def complete(incomplete: str) -> list[str]:
        from matrix.flows.knowledge import Library

        known = [item.id for item in getattr(Library().knowledge, kind, ())]
        return [name for name in known if name.startswith(incomplete)]

    return complete


Configs = Annotated[
    list[Path] | None,
    typer.Option(
        "--configs",
        metavar="DIR",
        help="A folder of declarations that add to or override the shipped ones. May be repeated.",
    ),
]


def _allow_outside(value: bool) -> None:
    if value:
        from matrix.door.folders import allow_outside

        allow_outside()


AllowOutside = Annotated[
    bool,
    typer.Option(
        "--allow-outside",
        callback=_allow_outside,
        help="Read what links and names lead to outside of the folder, tree or table's folder.",
    ),
]
Predicate = Annotated[
    str | None,
    typer.Option("--predicate", metavar="VERSION", help="Version of the predicate, such as v12."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write to FILE instead of standard output."),
]
Capability = Annotated[
    str,
    typer.Option(
        "--capability",
        metavar="ID",
        help="Capability to ask about.",
        autocompletion=names_of("capabilities"),
    ),
]
Surroundings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="AXIS=OPTION", help="entry=el1, gic=v2, realm=yes … May be repeated."
    ),
]
Vm = Annotated[
    str | None, typer.Option("--vm", metavar="KIND", help="default, protected, nested or mte.")
]
FailOn = Annotated[
    str,
    typer.Option(
        "--fail-on", metavar="VERDICTS", help="Verdicts that exit 1, separated by commas, or none."
    ),
]
OnlyKernels = Annotated[
    list[str] | None,
    typer.Option(
        "--kernel",
        metavar="RELEASE",
        help="Only this release. May be repeated; all by default.",
    ),
]

Study = Annotated[
    str,
    typer.Argument(
        metavar="[MATRIX]",
        help="A study; see configs/matrices.",
        show_default=True,
        autocompletion=names_of("studies"),
    ),
]
DEFAULT_CAPABILITY = "gmem-no-direct-map"
DEFAULT_STUDY = "arm64-gmem-no-direct-map"


class ValidateFormat(enum.StrEnum):
    """Formats of `validate`."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    JUNIT = "junit"
    SARIF = "sarif"


class TextFormat(enum.StrEnum):
    """Formats of commands that answer in text or JSON."""

    TEXT = "text"
    JSON = "json"


Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="EXPR",
        help="Only cells in which a C expression over axes, facts and `verdict` is true, as in "
        'claims: \'verdict == "unsound" && kernel == "7.3"\'.',
    ),
]


class StudyFormat(enum.StrEnum):
    """Formats of answers about whole studies: JSON, and those that a document is written in."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    RST = "rst"
    ASCIIDOC = "asciidoc"


class Engine(enum.StrEnum):
    """Who does the work of a command that several processes can do."""

    LOCAL = "local"
    DASK = "dask"


EngineOption = Annotated[
    Engine | None,
    typer.Option(
        "--engine",
        help="Who writes the parts: processes of this machine, or the workers of a dask cluster.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Of --engine dask: tcp://HOST:8786. Unless given, a cluster on this machine.",
    ),
]


def workers_of(engine: Engine | None, scheduler: str | None, jobs: int | None) -> Workers | None:
    """Return who is to do the work; None where this process alone does it.

    Raises:
        InputError: MX0635, options that do not go together.
    """
    from matrix.diagnostics import InputError
    from matrix.door.processes import Processes
    from matrix.door.workers import cores

    if scheduler is not None and (engine is not Engine.DASK or jobs is not None):
        raise InputError.of(
            code="MX0635",
            message="--scheduler does nothing without --engine dask"
            if engine is not Engine.DASK
            else "--jobs and --scheduler both say who does the work",
            hint="add --engine dask, or leave --scheduler out"
            if engine is not Engine.DASK
            else "leave one of them out: how many workers there are is said where they start",
        )
    if engine is Engine.DASK:
        from matrix.door.cluster import Cluster
        from matrix.schema.installed import installed

        return Cluster(scheduler=scheduler, jobs=jobs or cores(), versions=installed)
    if engine is Engine.LOCAL or jobs is not None:
        return Processes(jobs=jobs or cores())
    return None


Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        help="Show all reasons and the shortest trace; twice: the facts and every trace, too.",
    ),
]
AnswerFormat = Annotated[StudyFormat, typer.Option("--format", help="Format of the answer.")]
Format = Annotated[TextFormat, typer.Option("--format", help="Format of the answer.")]
