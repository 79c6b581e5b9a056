"""Options that several commands share, with one spelling and one help text each."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

Configs = Annotated[
    list[Path] | None,
    typer.Option(
        "--configs",
        metavar="DIR",
        help="A folder of declarations that add to or override the shipped ones. May be repeated.",
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
Study = Annotated[
    str,
    typer.Argument(metavar="[MATRIX]", help="A study; see configs/matrices.", show_default=True),
]
DEFAULT_STUDY = "arm64-gmem-no-direct-map"


class TextFormat(enum.StrEnum):
    """Formats of commands that answer in text or JSON."""

    TEXT = "text"
    JSON = "json"


class DocumentFormat(enum.StrEnum):
    """Formats of commands whose answer may also stand in a document."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


Document = Annotated[DocumentFormat, typer.Option("--format", help="Format of the answer.")]
Format = Annotated[TextFormat, typer.Option("--format", help="Format of the answer.")]
