"""The command lines of many hosts, told apart by the words that somebody reads.

Takes a column of lines, gives one line for all that have the same such words in the same order: the
first of them, so that what is said of it is said of a host's own line. A fleet has as many lines as
hosts (`root=UUID=…`), and a few hundred that differ in what a kernel makes of them. The words are
found in the bytes of a whole batch at once; no line is looked at by itself.

A line whose words the kernel's two parsers may see otherwise than between blanks stands for itself:
one with a quote, a `--`, a byte beyond ASCII, a word or a length that is cut; and one that may be
no command line at all (`given_line`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from matrix.kernel.fleet.hosts import decode
from matrix.kernel.line.cmdline import COMMAND_LINE_BYTES, IDREG_TOKEN_BYTES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# More lines that differ in what is read are begun anew: so many take some hundred megabytes.
_MOST_KEPT = 300_000
# So many lines are looked at together: what is noted of their bytes takes ten times their room.
_PIECE = 1 << 13
# A line that says something, and nothing that is read: another thing than an empty one.
_NOTHING_READ = b" "
# What a line of a log or of a file of settings begins with, or has in its middle (`given_line`).
_OF_A_FILE = re.compile(
    r"[\[<#]|\w*(?:cmdline|kernelopts)|setenv|bootargs|options|append|linux", re.IGNORECASE
)
_OF_A_LOG = re.compile(r"command\Z", re.IGNORECASE)


# What a word's name means for its line: it is read, or the line stands for itself, or it does where
# the word is its first.
_READ, _WHOLE, _WHOLE_AT_START = 1, 2, 4


class ReadWords:
    """The lines of one fleet so far; `read` tells whether somebody reads a word of this name."""

    def __init__(self, read: Callable[[str], bool]) -> None:
        self._read = read
        self._kinds: dict[bytes, int] = {}
        self._first: dict[bytes, str] = {}
        self._classes = _classes()

    def read(self, lines: Any) -> Any:
        """Return what is read of each line, as a dictionary array; several threads may ask.

        `lines` is an Arrow array of bytes.
        """
        import pyarrow as pa

        pieces = (lines.slice(at, _PIECE) for at in range(0, len(lines), _PIECE))
        return pa.concat_arrays([self._keys(one) for one in pieces]).dictionary_encode()

    def column(self, lines: Any, encoded: Any) -> tuple[list[str], npt.NDArray[np.int64]]:
        """Return lines that differ in what is read, and which of them stands for each one.

        `encoded` is what `read` returns for them; lines are asked for in the order of the table.
        """
        import numpy as np

        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        # Keys are numbered as they come: a new one is greater than all before it.
        first = np.flatnonzero(np.diff(np.maximum.accumulate(codes), prepend=-1))
        if len(self._first) > _MOST_KEPT:
            self._first.clear()
        found = []
        for key, at in zip(encoded.dictionary.to_pylist(), first.tolist(), strict=True):
            line = self._first.get(key)
            if line is None:
                line = self._first[key] = decode(lines[at].as_py()).strip()
            found.append(line)
        return found, codes

    def _keys(self, lines: Any) -> Any:
        """Return what is read of each line, the words with a blank between them."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        lines = pa.concat_arrays([lines])  # its buffers begin with the first line
        count = len(lines)
        buffers = lines.buffers()
        offsets = np.frombuffer(buffers[1], np.int32, count + 1, lines.offset * 4)
        data = np.frombuffer(buffers[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
        offsets = offsets - offsets[0]
        if not len(data):
            return lines
        kinds = self._classes[data]
        starts, ends = _words(kinds != _BLANK, offsets)
        of_line = np.searchsorted(starts, offsets)
        whole = np.zeros(count + 1, bool)
        whole[:-1] = np.diff(offsets) > COMMAND_LINE_BYTES
        whole[np.searchsorted(offsets, np.flatnonzero(kinds == _OTHER), "right") - 1] = True
        if not len(starts):
            joined = pa.array([b""] * count, pa.binary())
            return pc.if_else(pa.array(whole[:-1]), lines, joined)
        flags = self._flags(data, starts, ends)
        flags[ends - starts > IDREG_TOKEN_BYTES] |= _WHOLE
        first = np.zeros(len(starts), bool)
        first[of_line[:-1][of_line[:-1] < of_line[1:]]] = True
        refused = (flags & _WHOLE != 0) | (first & (flags & _WHOLE_AT_START != 0))
        whole[np.searchsorted(of_line, np.flatnonzero(refused), "right") - 1] = True
        kept = flags & _READ != 0
        before = np.concatenate(([0], np.cumsum(kept)))[of_line]
        words = _slices(data, starts[kept], ends[kept])
        joined = pc.binary_join(pa.ListArray.from_arrays(before.astype(np.int32), words), b" ")
        says_nothing = (np.diff(before) == 0) & (np.diff(of_line) > 0)
        joined = pc.if_else(pa.array(says_nothing), pa.scalar(_NOTHING_READ), joined)
        return pc.if_else(pa.array(whole[:-1]), lines, joined)

    def _flags(
        self,
        data: npt.NDArray[np.uint8],
        starts: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.uint8]:
        """Return what each word's name means for its line."""
        import numpy as np

        # The first `=` ends the name, but where it is the first character.
        equals = np.append(np.flatnonzero(data == ord("=")), len(data))
        name_ends = np.minimum(equals[np.searchsorted(equals, starts + 1)], ends)
        names = _slices(data, starts, name_ends).dictionary_encode()
        kinds = np.array([self._kind(name) for name in names.dictionary.to_pylist()], np.uint8)
        found: npt.NDArray[np.uint8] = kinds[names.indices.to_numpy(zero_copy_only=False)]
        return found

    def _kind(self, name: bytes) -> int:
        kind = self._kinds.get(name)
        if kind is None:
            if len(self._kinds) > _MOST_KEPT:
                self._kinds.clear()
            text = name.decode("latin-1")
            kind = int(self._read(text) or name.startswith(b"="))
            if name == b"--" or _OF_A_LOG.match(text):
                kind |= _WHOLE
            if _OF_A_FILE.match(text):
                kind |= _WHOLE_AT_START
            self._kinds[name] = kind
        return kind


def places(lines: Any, texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return which of some texts each line is, -1 for none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = pa.array([one.encode("utf-8", "surrogateescape") for one in texts], pa.binary())
    found: npt.NDArray[np.int64] = (
        pc.index_in(lines, encoded).fill_null(-1).to_numpy(zero_copy_only=False)
    )
    return found


_BLANK, _OTHER = 1, 2


def _classes() -> npt.NDArray[np.uint8]:
    """Return by byte: of a word (0), a blank, or what may be read in more than one way."""
    import numpy as np

    found = np.full(256, _OTHER, np.uint8)
    found[0x21:0x7F] = 0
    found[ord('"')] = _OTHER
    found[[ord(" "), ord("\t")]] = _BLANK
    return found


def _words(
    inside: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where words start and end; the end of a line ends one."""
    import numpy as np

    before = np.zeros(len(inside) + 1, bool)
    before[1:] = inside
    before[offsets] = False
    after = np.zeros(len(inside) + 1, bool)
    after[:-1] = inside
    after[offsets] = False
    return np.flatnonzero(inside & ~before[:-1]), np.flatnonzero(inside & ~after[1:]) + 1


def _slices(
    data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> Any:
    """Return pieces of bytes as an Arrow array; they follow one another."""
    import numpy as np
    import pyarrow as pa

    if not len(starts):
        return pa.array([], pa.binary())
    # What is between two pieces is a value as well, and is left out.
    offsets = np.empty(2 * len(starts), np.int32)
    offsets[0::2] = starts
    offsets[1::2] = ends
    values = pa.Array.from_buffers(
        pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    return values.take(pa.array(np.arange(0, len(offsets) - 1, 2)))
