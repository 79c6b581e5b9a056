"""The excerpt of a line in a diagnostic: within the width, the caret under what is marked.

Characters are told apart by their place, so the one above a caret says where in the line it is.
"""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from matrix.diagnostics import Diagnostic, Location, format_diagnostic

# No character of a line occurs twice: the one above the caret is that of the column.
FIRST = 0x4E00


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Return characters of a line, column (also one behind the last), length, and width."""
    characters = draw(st.integers(1, 3000))
    column = draw(st.integers(1, characters + 1))
    length = draw(st.integers(1, max(1, characters - column + 1)))
    return characters, column, length, draw(st.integers(40, 100))


@given(places())
@example((72, 72, 1, 80))
@example((73, 73, 1, 80))
@example((72, 73, 1, 80))
@example((5000, 1, 5000, 80))
@example((5000, 5001, 1, 80))
def test_an_excerpt_keeps_to_the_width_and_the_caret_to_its_place(
    place: tuple[int, int, int, int],
) -> None:
    characters, column, length, width = place
    text = "".join(chr(FIRST + index) for index in range(characters))
    location = Location(file="f", line=7, column=column, length=length, text=text)
    said = format_diagnostic(Diagnostic(code="MX0104", message="m", location=location), width)
    _, line, carets = said.splitlines()
    assert len(line) <= width
    assert len(carets) <= width
    assert line[:8] == "    7 | "
    assert carets[:8] == "      | "
    first = carets.index("^")
    marked = line[first : len(carets)]
    if column <= characters:
        assert marked[0] == text[column - 1]
    else:
        assert marked == ""
    quoted = line[8:]
    if characters <= width - 8 and column <= width - 8:
        assert quoted == text
    # A mark stands for what is left out, and nothing is left out without one.
    start = text.index(quoted.strip("…")) if quoted.strip("…") else 0
    assert (start > 0) == quoted.startswith("…")
    assert (start + len(quoted.strip("…")) < characters) == quoted.endswith("…")
    whole = text[column - 1 : column - 1 + length]
    assert marked == whole or (marked.endswith("…") and whole.startswith(marked[:-1]))
