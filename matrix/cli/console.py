"""Where a command's answer goes: standard output is data, standard error is speech.

On a terminal an answer has colours, one that is longer than the screen is shown by a pager, and
work that takes longer than a second says that it goes on. A pipe or a file has none of these.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Literal, cast

from matrix.diagnostics.width import laid_out, speech_width
from matrix.door.streams import commands_allowed

When = Literal["auto", "always", "never"]

# For how long nothing is said of the work, and how often then, in seconds.
_PATIENCE, _BEAT = 1.0, 0.5
# As git sets it: stay for nothing that fits the screen, keep colours, leave the text on it.
_LESS = "FRX"


class Progress:
    """A line on standard error, if that is a terminal, while work takes longer than a second."""

    def __init__(self) -> None:
        self._what = ""
        self._begun = 0.0
        self._is_shown = False
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def of(self, what: str) -> Iterator[None]:
        """Watch over the work that is done meanwhile."""
        self._what, self._begun = what, time.monotonic()
        if sys.stderr.isatty():
            self._start()
        try:
            yield
        finally:
            self.stop()

    def _start(self) -> None:
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(self._done,), daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Let no thread of it run meanwhile: no process can be made of one that has any."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._done.set()
            thread.join()
        yield
        if thread is not None:
            self._start()

    def note(self, what: str) -> None:
        """Say from now on that this is done."""
        self._what = what

    @contextlib.contextmanager
    def cleared(self) -> Iterator[None]:
        """Take the line away, and write none meanwhile."""
        with self._lock:
            if self._is_shown:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
                self._is_shown = False
            yield

    def stop(self) -> None:
        """Leave no line, and write no more."""
        with self.cleared():
            self._done.set()

    def _watch(self, done: threading.Event) -> None:
        import shutil

        pause = _PATIENCE
        while not done.wait(pause):
            with self.cleared():
                if not done.is_set():
                    line = f"{self._what}: {time.monotonic() - self._begun:.0f} s"
                    sys.stderr.write(line[: shutil.get_terminal_size().columns - 1])
                    sys.stderr.flush()
                    self._is_shown = True
            pause = _BEAT


PROGRESS = Progress()


class Colour:
    """When answers are coloured."""

    when: When = "auto"


def use_colour(output: Path | None = None) -> bool:
    """Tell whether an answer is coloured: never one for a file, else as `--color` says.

    Without it, where standard output is a terminal and NO_COLOR is not set (https://no-color.org).
    """
    if output is not None or Colour.when == "never":
        return False
    return Colour.when == "always" or (sys.stdout.isatty() and not os.environ.get("NO_COLOR"))


def say(message: str) -> None:
    """Say something to the person at the terminal (standard error)."""
    width = speech_width()
    if width is not None:
        message = laid_out(message, width)
    with PROGRESS.cleared():
        if "\x1b" in message:  # colours are taken off where nobody sees them
            import typer

            typer.echo(message, err=True)
            return
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()


def screen_lines() -> int | None:
    """Return how many lines the terminal has that the answer is for; None where it is for none."""
    if not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().lines


def deliver(text: str, output: Path | None, *, commands: bool = False) -> None:
    """Write the answer to standard output, or whole to `output` (never half-written).

    `commands` says that lines which begin with `::` are meant for what runs the job.
    """
    if output is None:
        PROGRESS.stop()
        lines = screen_lines()
        if not commands and lines is not None and text.count("\n") >= lines and _paged(text):
            return
        with commands_allowed() if commands else contextlib.nullcontext():
            sys.stdout.write(text)
            sys.stdout.flush()
        return
    from matrix.door.output import write_files

    write_files({output.name: text}, output.parent)


def _paged(text: str) -> bool:
    """Show a text with the pager of the environment, else less; tell whether there is one.

    PAGER says another one with its arguments, and with `cat` or nothing that none is wanted.
    """
    import shlex
    import subprocess

    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:
        return False
    if not command or command == ["cat"]:
        return False
    try:
        # The program is the user's own choice.
        subprocess.run(  # noqa: S603
            command,
            input=text.encode("utf-8", "replace"),
            env={"LESS": _LESS, **os.environ},
            check=False,
        )
    except OSError:
        return False
    return True


def deliver_pieces(
    pieces: Iterator[bytes], output: Path | None, *, commands: bool, is_text: bool
) -> None:
    """Write an answer that comes in pieces, each of whole lines: as `deliver`, if it is a text.

    What is no text is written as it is.
    """
    if not is_text:
        with delivery(output) as file:
            for piece in pieces:
                file.write(piece)
        return
    texts = (piece.decode("utf-8", "surrogatepass") for piece in pieces)
    first = "".join(islice(texts, _MOST_WHOLE))
    behind = next(texts, None)
    if behind is None or (output is None and screen_lines() is not None):
        deliver("".join((first, behind or "", *texts)), output, commands=commands)
    elif output is None:
        PROGRESS.stop()
        with commands_allowed() if commands else contextlib.nullcontext():
            for text in chain((first, behind), texts):
                sys.stdout.write(text)
            sys.stdout.flush()
    else:
        with delivery(output) as file:
            for text in chain((first, behind), texts):
                file.write(text.encode("utf-8", "backslashreplace"))


# Pieces of an answer that are delivered as one text: some MiB.
_MOST_WHOLE = 32


@contextlib.contextmanager
def delivery(output: Path | None) -> Iterator[BinaryIO]:
    """Open where an answer goes that is written piece by piece: as `deliver`, for large ones."""
    if output is None:
        PROGRESS.stop()
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
