"""A quote that is not closed is found where Python's own CSV reader runs into the next line."""

from __future__ import annotations

import csv
import io
import random

import pytest

from matrix.diagnostics import InputError
from matrix.kernel.fleet.closed_quotes import ClosedQuotes


def read_all(data: bytes, size: int) -> bytes:
    source = ClosedQuotes(io.BytesIO(data), "hosts.csv")
    return b"".join(iter(lambda: source.read(size), b""))


def stays_on_its_line(line: str) -> bool:
    return len(list(csv.reader(io.StringIO(f"{line}\nnext,1\n", newline="")))) == 2


def some_lines(seed: int, count: int) -> list[str]:
    chance = random.Random(seed)  # noqa: S311 - drawn, not secret
    return [
        "".join(chance.choice('ab",, ') for _ in range(chance.randint(1, 9))) for _ in range(count)
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_is_refused_where_a_csv_reader_reads_on(end: str) -> None:
    refused = 0
    for number, line in enumerate(some_lines(7, 3000)):
        data = f"h,k{end}{line}{end}".encode()
        size = 1 + number % 11
        if stays_on_its_line(line):
            assert read_all(data, size) == data
            continue
        refused += 1
        with pytest.raises(InputError) as caught:
            read_all(data, size)
        (problem,) = caught.value.diagnostics
        assert problem.location is not None
        assert problem.location.line == 2
        assert problem.location.text == line
        before, quote = line[: problem.location.column - 1], line[problem.location.column - 1 :]
        assert quote.startswith('"')
        assert stays_on_its_line(before)
        assert before == "" or before.endswith(",")
    assert 300 < refused < 2700


def test_the_last_line_needs_no_end() -> None:
    assert read_all(b'h,"k"\n1,"2"', 4) == b'h,"k"\n1,"2"'
    with pytest.raises(InputError):
        read_all(b'h,"k"\n1,"2', 4)
    with pytest.raises(InputError):
        read_all(b'h,"k"\n1,"2', 400)
