"""Commands that ask something of whole studies: how an answer is chosen a form and delivered."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from matrix.cli.console import deliver, say, use_colour
from matrix.diagnostics import Diagnostic, ExitCode, format_diagnostic

if TYPE_CHECKING:
    from matrix.render.document import Document
    from matrix.render.json import Json


class Answered(Protocol):
    """What a flow found: how the command ends, and what is to be said besides."""

    @property
    def exit_code(self) -> ExitCode:
        """How the command ends."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What the person is told besides."""


Found = TypeVar("Found", bound=Answered)


def show(
    found: Found,
    form: StrEnum,
    output: Path | None,
    document: Callable[[Found], Document],
    values: Callable[[Found], dict[str, Json]],
    *,
    rows: Callable[[Found], str] | None = None,
) -> int:
    """Deliver an answer in the form that was asked for; return the exit code.

    `document`, `values` and `rows` give it as a document, as values of JSON and as CSV.
    """
    if form == "json":
        from matrix.render.json import dump

        text = dump(values(found))
    elif form == "csv" and rows is not None:
        text = rows(found)
    else:
        from matrix.render.writers import write

        text = write(document(found), form, colour=use_colour(output))
    for diagnostic in found.diagnostics:
        say(format_diagnostic(diagnostic))
    deliver(text, output)
    return found.exit_code
