"""What is written once and read once: in memory while it is little, else in a nameless file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import BinaryIO

_MOST_IN_MEMORY = 8 << 20
_CHUNK = 1 << 18


class Spool:
    """Bytes, in the order in which they were written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._file: BinaryIO | None = None
        self._reported: Callable[[], AbstractContextManager[None]] = nullcontext
        self.size = 0

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, data: bytes) -> None:
        """Put something behind what is there.

        Raises:
            InputError: MX0801, the folder for temporary files is full.
        """
        self.size += len(data)
        if self._file is None:
            self._parts.append(data)
            if self.size <= _MOST_IN_MEMORY:
                return
            # Imported for what is large only: start-up is a feature.
            import tempfile

            from matrix.door.output import reported

            self._reported = partial(reported, Path(tempfile.gettempdir()))
            with self._reported():
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with the spool
            data = b"".join(self._parts)
            self._parts.clear()
        with self._reported():
            self._file.write(data)

    def begin(self) -> None:
        """Go back to the beginning, to be read."""
        if self._file is None:
            import io

            self._file = io.BytesIO(b"".join(self._parts))
        with self._reported():
            self._file.seek(0)

    def read(self, size: int | None = None) -> Iterator[bytes]:
        """Yield so much of what is left, all without `size`, in pieces that end where lines do."""
        left = self.size if size is None else size
        while left > 0 and self._file is not None:
            piece = self._file.read(min(left, _CHUNK))
            if len(piece) < left:
                piece += self._file.readline(left - len(piece))
            if not piece:
                return
            left -= len(piece)
            yield piece
