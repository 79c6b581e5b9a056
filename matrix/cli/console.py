"""Where a command's answer goes: standard output is data, standard error is speech."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import typer


def say(message: str) -> None:
    """Say something to the person at the terminal (standard error)."""
    typer.echo(message, err=True)


def deliver(text: str, output: Path | None) -> None:
    """Write the answer to standard output, or whole to `output` (never half-written)."""
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from matrix.door.output import write_files

    write_files({output.name: text}, output.parent)


@contextlib.contextmanager
def delivery(output: Path | None) -> Iterator[BinaryIO]:
    """Open where an answer goes that is written piece by piece: as `deliver`, for large ones."""
    if output is None:
        sys.stdout.flush()
        yield getattr(sys.stdout, "buffer", None) or cast("BinaryIO", _TextOutput())
        sys.stdout.flush()
        return
    from matrix.door.output import replacing

    with replacing(output) as file:
        yield file


class _TextOutput:
    """Standard output where it takes only texts, as one that collects them does."""

    def write(self, data: bytes) -> int:
        """Write bytes that end where a row ends."""
        written = bytes(data)
        sys.stdout.write(written.decode())
        return len(written)


def use_colour() -> bool:
    """Tell whether standard output wants colour: a terminal, and NO_COLOR is not set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
