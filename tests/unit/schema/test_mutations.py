"""Whatever a declaration is changed into: it loads, or every error has a place, a code, a hint."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from matrix.diagnostics import InputError, format_diagnostic
from matrix.schema.files import Kind, Reading
from matrix.schema.loader import build_knowledge
from tests.unit.schema.declarations import PLACES, declared, good_text

_GOOD = {kind: good_text(kind).encode() for kind in PLACES}

# Pieces that mean something to YAML, to a C expression, or to nobody.
_YAML = rb"""*a |&a |!!str |<<: |- |? |: |[|]|{|}|"|'|#|%|`|\|,|=|+|-|[],|{},"""
_WORDS = b"~|null|on|true|6.10|010|0x"
_PIECES = (
    st.sampled_from([piece for piece in (_YAML + b"|" + _WORDS).split(b"|") if piece])
    | st.sampled_from([b"|\n", b">-\n", b"---\n", b"...\n", b"\t", b"\0", b"\r", b"\r\n", b"\xff"])
    | st.sampled_from([b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc2\x85", b"\xc3\xa9"])
    | st.sampled_from([b'"\\UFFFFFFFF"', b'"\\uD800"', b"@server", b"&&", b"9" * 5000])
    | st.sampled_from([b"[" * 40, b"(" * 300])
    | st.binary(max_size=4)
)


@st.composite
def changed(draw: st.DrawFn, good: bytes) -> bytes:
    """A file with one to four changes: bytes, lines, or words."""
    data = good
    for _ in range(draw(st.integers(min_value=1, max_value=4))):
        how = draw(st.sampled_from(["insert", "delete", "line", "word"]))
        start = draw(st.integers(min_value=0, max_value=len(data)))
        if how == "insert":
            data = data[:start] + draw(_PIECES) + data[start:]
        elif how == "delete":
            data = data[:start] + data[start + draw(st.integers(1, 30)) :]
        elif how == "line":
            data = draw(_changed_lines(data))
        else:
            data = draw(_changed_word(data))
    return data


@st.composite
def _changed_lines(draw: st.DrawFn, data: bytes) -> bytes:
    lines = data.split(b"\n")
    index = draw(st.integers(0, len(lines) - 1))
    other = draw(st.integers(0, len(lines) - 1))
    match draw(st.sampled_from(["drop", "repeat", "swap", "indent", "outdent"])):
        case "drop":
            del lines[index]
        case "repeat":
            lines.insert(other, lines[index])
        case "swap":
            lines[index], lines[other] = lines[other], lines[index]
        case "indent":
            lines[index] = b"  " + lines[index]
        case _:
            lines[index] = lines[index][2:]
    return b"\n".join(lines)


@st.composite
def _changed_word(draw: st.DrawFn, data: bytes) -> bytes:
    words = list(re.finditer(rb"[\w.-]+", data))
    if not words:
        return data
    word = words[draw(st.integers(0, len(words) - 1))]
    new = draw(_PIECES | st.sampled_from([b"x", b"12", b"-3", words[0].group(), b'"text"']))
    return data[: word.start()] + new + data[word.end() :]


@given(st.sampled_from(list(PLACES)), st.data())
def test_a_changed_declaration_loads_or_is_told_about(kind: Kind, data: st.DataObject) -> None:
    files = [
        declared(other, data.draw(changed(good)) if other is kind else good)
        for other, good in _GOOD.items()
    ]
    reading = Reading(files=tuple(files), diagnostics=(), broken=frozenset())
    try:
        knowledge = build_knowledge(reading)
    except InputError as error:
        _check(error, {file.file: file.data for file in files})
    else:
        assert len(knowledge.digest) == 64


def _check(error: InputError, files: dict[str, bytes]) -> None:
    """Every diagnostic points into its file, in order, and says what to do."""
    assert error.diagnostics
    places = []
    for item in error.diagnostics:
        at = item.location
        assert at is not None
        assert re.fullmatch(r"MX0[12]\d\d", item.code)
        assert at.line <= files[at.file].count(b"\n") + 1
        if at.line:
            assert at.text is not None
            assert 1 <= at.column <= len(at.text) + 1
            assert at.length >= 1
        assert item.hint or item.code.startswith("MX01")
        assert format_diagnostic(item).startswith(f"{at}: error[{item.code}]: ")
        places.append((at.file, at.line, at.column))
    assert places == sorted(places)
