"""What a command has to say: its answer, how it ends, and what goes to standard error."""

from __future__ import annotations

from dataclasses import dataclass

from matrix.diagnostics import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer of one command; `speech` is for the person, not for a pipe."""

    text: str
    exit_code: ExitCode = ExitCode.OK
    speech: tuple[str, ...] = ()
