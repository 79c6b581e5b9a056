"""The counter counts what it says: cases by hand."""

from __future__ import annotations

import pytest

from tests.count_code import Lines, count


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", Lines(0, 0)),
        ("x = 1\n", Lines(1, 0)),
        ("# why\n\nx = 1  # beside code\n", Lines(1, 1)),
        ('"""Of a module."""\nx = (\n    1,\n)\n', Lines(3, 0)),
        ('def f():\n    """Two\n\n    lines."""\n    return 1\n', Lines(2, 0)),
        ('class A:\n    """Said."""\n\n    text = """two\nlines"""\n', Lines(3, 0)),
        ('f("""no\n\ndocstring""")\n', Lines(3, 0)),
        ("x = [\n    # why\n    1,\n\n]\n", Lines(3, 1)),
    ],
)
def test_lines_of_code_are_counted_as_by_hand(source: str, expected: Lines) -> None:
    assert count(source) == expected
