"""Mutations of real inputs: of their bytes, their lines, and the words of their language.

Deterministic: the same seed makes the same inputs, so that a finding is its parser and a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

_NUMBER = re.compile(rb"\d+")
_WORD = re.compile(rb"\w+")
_NUMBERS = (b"0", b"-1", b"1", b"255", b"65536", b"2147483648", b"18446744073709551616", b"9" * 400)
# Bytes that end something, or are none of a text.
_ODD = (b"\0", b"\r", b"\n", b"\r\n", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x1b[")
_MOST_BYTES = 60_000


def mutated(random: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Return a seed after one to six changes; `words` are those of the language."""
    data = random.choice(seeds)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        data = random.choice(_CHANGES)(random, data, seeds, words)[:_MOST_BYTES]
    return data


def _place(random: Random, data: bytes) -> int:
    return random.randint(0, len(data))


def _flip(random: Random, data: bytes, _seeds: Sequence[bytes], _words: Sequence[bytes]) -> bytes:
    if not data:
        return b"\0"
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def _insert(random: Random, data: bytes, _seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    at = _place(random, data)
    return data[:at] + random.choice((*words, *words, *_ODD)) + data[at:]


def _put(random: Random, data: bytes, _seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Put one word of the language where another stands."""
    at = _place(random, data)
    found = _WORD.search(data, at)
    if found is None:
        return data
    return data[: found.start()] + random.choice(words) + data[found.end() :]


def _number(random: Random, data: bytes, _seeds: Sequence[bytes], _words: Sequence[bytes]) -> bytes:
    found = _NUMBER.search(data, _place(random, data)) or _NUMBER.search(data)
    if found is None:
        return data
    return data[: found.start()] + random.choice(_NUMBERS) + data[found.end() :]


def _lines(random: Random, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    rows = data.split(b"\n")
    at = random.randrange(len(rows))
    other = random.choice(seeds).split(b"\n")
    match random.randrange(7):
        case 0:
            del rows[at]
        case 1:
            rows.insert(at, rows[at])
        case 2:
            to = random.randrange(len(rows))
            rows[at], rows[to] = rows[to], rows[at]
        case 3:
            rows[at : at + 2] = [b" ".join(rows[at : at + 2])]
        case 4:
            start = random.randrange(len(other))
            rows[at:at] = other[start : start + random.randint(1, 8)]
        case 5:
            rows[at] = random.choice(words) + rows[at]
        case _:
            rows[at] = rows[at][: random.randint(0, len(rows[at]))]
    return b"\n".join(rows)


def _repeat(random: Random, data: bytes, _seeds: Sequence[bytes], _words: Sequence[bytes]) -> bytes:
    start = _place(random, data)
    piece = data[start : start + random.randint(1, 40)]
    return data[:start] + piece * random.choice((2, 3, 20, 200)) + data[start:]


def _cut(random: Random, data: bytes, _seeds: Sequence[bytes], _words: Sequence[bytes]) -> bytes:
    start, end = sorted((_place(random, data), _place(random, data)))
    return random.choice((data[:start], data[start:], data[:start] + data[end:]))


_CHANGES: tuple[Callable[[Random, bytes, Sequence[bytes], Sequence[bytes]], bytes], ...] = (
    *(_flip, _insert, _insert, _put, _put, _put, _number, _lines, _lines, _lines, _repeat, _cut),
)
