"""Places in YAML texts, and the texts that are refused before any document looks at them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.diagnostics import Diagnostic, InputError, format_diagnostic
from matrix.schema.reading.composing import MAX_DEPTH, MAX_NODES, compose
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import MAX_PER_FILE, Problems, plural
from matrix.schema.reading.source import decode


def read(text: str | bytes) -> tuple[Node | None, list[str]]:
    """Return the root, and place and code of what is wrong."""
    problems = Problems()
    data = text.encode() if isinstance(text, str) else text
    source = decode("f", data, problems)
    node = compose(source, problems) if source else None
    try:
        problems.raise_if_any()
    except InputError as error:
        return node, [f"{item.location} {item.code}" for item in error.diagnostics]
    return node, []


def root(text: str) -> Node:
    node, found = read(text)
    assert found == []
    assert node is not None
    return node


def test_values_keep_their_types_and_order() -> None:
    node = root('b: 0x10\na: [true, ~, text, "7", 7]\n0: {}\n')
    assert node.data == {"b": 16, "a": (True, None, "text", "7", 7), 0: {}}
    assert list(node.children) == ["b", "a", 0]


def test_places_of_keys_and_values() -> None:
    node = root('first: 1\nlist:\n  - {name: "two words", c: x}\n')
    item = node["list"][0]
    assert str(node["first"].location) == "f:1:8"
    assert str(node["list"].place) == "f:2:1"
    assert str(item.place) == "f:3:5"
    assert str(item["name"].location) == "f:3:13"
    assert item["name"].location.length == len("two words")
    assert item["name"].location.text == '  - {name: "two words", c: x}'
    assert (item["c"].name, str(item["c"].place)) == ("c", "f:3:25")


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("c: abc", 2, "f:1:6"),
        ('c: "abc"', 2, "f:1:7"),
        ("c: 'it''s x'", 5, "f:1:11"),
        ('c: "a \\"b\\" c"', 6, "f:1:13"),
        ('c: "a \\"b\\" c"', 7, "f:1:14"),
        ("c: |\n  one\n  two", 4, "f:3:3"),
        ("c: >- # folded\n  one\n  two", 5, "f:3:4"),
        ('c: "one\n  two"', 4, "f:2:3"),
        ("c: one\n  two", 6, "f:2:5"),
        ('c: "\\x41bc"', 0, "f:1:5"),  # written as a code: the place of the whole text
    ],
)
def test_spot_finds_a_character_of_a_text(text: str, offset: int, place: str) -> None:
    assert str(root(text)["c"].spot(offset)) == place


@given(st.text(alphabet="ab &|()!\"'\\", min_size=1, max_size=20), st.sampled_from(['"', "'"]))
def test_spot_of_every_character_is_that_character(text: str, quote: str) -> None:
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"') if quote == '"' else text.replace("'", "''")
    )
    node = root(f"key: {quote}{escaped}{quote}\n")["key"]
    assert node.data == text
    for offset, character in enumerate(text):
        at = node.spot(offset)
        if not character.isspace():
            assert (at.text or "")[at.column - 1] == character


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\na: 2\n", ["f:2:1 MX0207"]),
        ("a: {b: 1, c: 2, b: 3}\n", ["f:1:17 MX0207"]),
        ("0: a\n0x0: b\n", ["f:2:1 MX0207"]),
        ("a: &x 1\n", ["f:1:4 MX0208"]),
        ("a: !!str 1\n", ["f:1:4 MX0208"]),
        ("<<: {a: 1}\n", ["f:1:1 MX0208"]),
        ("%YAML 1.1\n---\na: 1\n", ["f:1:1 MX0208"]),
        ("no: 1\n", ["f:1:1 MX0211"]),
        ("true: 1\n", ["f:1:1 MX0211"]),
        ("? [a]\n: 1\n", ["f:1:3 MX0206"]),
        ("{a: 1}: 2\n", ["f:1:1 MX0206"]),
        ("a: 1\n---\nb: 2\n", ["f:2:1 MX0209"]),
        ("a: [1\n", ["f:2:1 MX0206"]),
        ("a: @b\n", ["f:1:4 MX0206"]),
        ('a: "\\UFFFFFFFF"\n', ["f:1:7 MX0206"]),
        ("a: b\x07\n", ["f:1:5 MX0204"]),
        ('a: "b\\x1b[31m"\n', ["f:1:4 MX0204"]),
        ('a: {c: "\\u2028"}\n', ["f:1:8 MX0204"]),
        ("a: txt\u202egpj\n", ["f:1:4 MX0204"]),
        ('"a\\x9b": 1\n', ["f:1:1 MX0204"]),
        ("", ["f:1:1 MX0212"]),
        ("---\n...\n", ["f:1:1 MX0212"]),
        ("~\n", ["f:1:1 MX0212"]),
        (b"a: \0\n", ["f MX0204"]),
        ("a: 1".encode("utf-16"), ["f MX0204"]),
        (b"# \xc3\xbc\na: \xfc\n", ["f:2:4 MX0204"]),
        ("a:\n\t- b\t\n", ["f:2:1 MX0205"]),
    ],
)
def test_refused(text: str | bytes, found: list[str]) -> None:
    assert read(text)[1] == found


def test_a_byte_order_mark_and_carriage_returns_are_no_error() -> None:
    node = root("\N{ZERO WIDTH NO-BREAK SPACE}a: 1\r\nb: two\r\n")
    assert node.data == {"a": 1, "b": "two"}
    assert node["b"].location.text == "b: two"


def test_nesting_is_bounded_and_not_crashed() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH)[1] == []
    assert read("[" * 500)[1] == [f"f:1:{MAX_DEPTH + 1} MX0210"]
    # Past a bound of their own newer versions of libyaml refuse it first.
    assert read("[" * 100_000)[1][0].endswith(("MX0206", "MX0210"))
    assert read("- " * 100_000)[1] == [f"f:1:{2 * MAX_DEPTH + 1} MX0210"]
    assert read("a:\n" + "".join(" " * n + "a:\n" for n in range(1, 500)))[1][0].endswith("MX0210")


def test_the_number_of_values_is_bounded() -> None:
    assert read("[" + "a," * (MAX_NODES + 10) + "]")[1][0].endswith("MX0203")


def test_the_rest_of_a_file_of_errors_is_not_shown() -> None:
    found = read("a: 1\n" * (MAX_PER_FILE + 10))[1]
    assert len(found) == MAX_PER_FILE + 1
    assert [code for code in found if code.endswith("MX0226")] == [f"f:{MAX_PER_FILE + 2}:1 MX0226"]


def test_plurals_of_kinds() -> None:
    kinds = ("axis", "environment axis", "capability", "CPU", "option of vm", "group of CPUs")
    assert [plural(kind) for kind in kinds] == [
        "axes",
        "environment axes",
        "capabilities",
        "CPUs",
        "options of vm",
        "groups of CPUs",
    ]


@given(words=st.lists(st.text("abc", min_size=1, max_size=30), min_size=2, max_size=400))
def test_a_place_in_a_long_line_keeps_what_is_around_it(words: list[str]) -> None:
    text = f"a: [{', '.join(words)}]\n"
    for node, word in zip(root(text).rows("a"), words, strict=True):
        at = node.location
        assert text[at.column - 1 : at.column - 1 + at.length] == word
        assert at.text is not None
        assert len(at.text) <= 1000
        assert at.text[at.index : at.index + at.length] == word
        shown, caret = format_diagnostic(
            Diagnostic(code="MX0000", message="", location=at), width=80
        ).splitlines()[1:]
        marked = shown[caret.index("^") : caret.rindex("^") + 1]
        assert marked == word or "…" in marked


def test_what_is_kept_of_a_long_list_grows_with_its_length() -> None:
    sizes = []
    for number in (1000, 2000):
        names = ", ".join(f"name-{at:05}" for at in range(number))
        places = [node.location for node in root(f"a: [{names}]\n").rows("a")]
        sizes.append(len(msgspec.msgpack.encode(places)))
    assert sizes[1] < 2.1 * sizes[0]
