"""The standard streams: what is written to them is whole, harmless, or an error.

What a command prints holds names that others chose (files, hosts, CPUs). A line that begins with
`::` is a command to whatever runs the job in continuous integration: a backslash goes before it,
but where annotations are meant. Who renders a text makes its control characters visible in the
form's own way; one that comes here all the same is U+FFFD. A character that the stream's encoding
lacks is `?`. A full disk or a closed stream is an error of the output, with a code of its own.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

from matrix.diagnostics import Diagnostic, InputError

# A runner takes a command behind blanks, too, and a carriage return for the end of a line.
_COMMAND = re.compile(r"((?:\A|[\r\n])[^\S\r\n]*)(?=::)")
# What a terminal obeys or what turns the direction of a text; colours and the progress are ours.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
    r"|\x1b(?!\[[\d;]*[mK])"
)


class _Writes:
    """A stream whose failing is an error of the output; all else is the stream's."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream = stream
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._stream, attribute)

    def write(self, data: Any) -> int:
        return cast("int", self._tried("write", data))

    def flush(self) -> None:
        self._tried("flush")

    def _tried(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._stream, method)(*arguments)
        except BrokenPipeError:
            raise  # the reader has what it wanted
        except (OSError, ValueError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or "it is closed"
            raise OutputError(
                Diagnostic(
                    code="MX0850",
                    message=f"{self._name} cannot be written: {reason}",
                    hint="the answer is not whole: make room, or give a file with --output",
                )
            ) from None


class StandardStream(_Writes):
    """A text stream on which no line begins with a command, unless `commands` is set."""

    commands = False

    def __init__(self, stream: TextIO | None, name: str) -> None:
        super().__init__(stream, name)
        self._begins = True  # a line, with what is written next
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")

    def isatty(self) -> bool:
        """Tell whether a person looks at it; a closed stream has no reader."""
        try:
            return bool(self._stream.isatty())
        except (AttributeError, ValueError):
            return False

    @property
    def buffer(self) -> Any:
        """The stream of bytes beneath; whoever takes it has written what went before."""
        beneath = getattr(self._stream, "buffer", None)
        return None if beneath is None else _Writes(beneath, self._name)

    def write(self, text: str) -> int:
        """Write a text.

        Raises:
            OutputError: MX0850.
        """
        shown = _CONTROL.sub("\ufffd", text)
        whole = shown if self._begins else f"-{shown}"
        if not self.commands and "::" in shown:
            whole = _COMMAND.sub(r"\1\\", whole)
        super().write(whole if self._begins else whole[1:])
        if text:
            self._begins = text.endswith(("\n", "\r"))
        return len(text)


class OutputError(InputError):
    """Standard output or error failed; nothing more can be said there."""


@contextlib.contextmanager
def standard_streams() -> Iterator[None]:
    """Put the standard streams behind the door while a command runs."""
    before = sys.stdout, sys.stderr
    sys.stdout = cast("TextIO", StandardStream(before[0], "standard output"))
    sys.stderr = cast("TextIO", StandardStream(before[1], "standard error"))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextlib.contextmanager
def commands_allowed() -> Iterator[None]:
    """Write to standard output what a runner is to take as commands."""
    stream = sys.stdout
    if not isinstance(stream, StandardStream):
        yield
        return
    stream.commands = True
    try:
        yield
    finally:
        stream.commands = False


def discard_output() -> None:
    """Send what is still to be written nowhere, so that Python does not complain at its end."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OutputError, OSError):
            stream.flush()
            continue
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
