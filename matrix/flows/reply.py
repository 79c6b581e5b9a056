"""What a command has to say: its answer, how it ends, and what goes to standard error."""

from __future__ import annotations

from msgspec import Struct

from matrix.diagnostics import ExitCode


class Reply(Struct, frozen=True, kw_only=True):
    """The answer of one command; `speech` is for the person, not for a pipe."""

    text: str
    exit_code: ExitCode = ExitCode.OK
    speech: tuple[str, ...] = ()
