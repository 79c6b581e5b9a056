from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field

from matrix.diagnostics import InputError, Severity, format_diagnostic
from matrix.kernel.config.dotconfig import DotConfig, read_dotconfig
from matrix.kernel.config.header import EARLY_WITNESSES, LATE_WITNESSES
from matrix.kernel.line.cmdline import (
    BuiltInLine,
    CommandLine,
    Parameter,
    read_command_line,
)
from matrix.kernel.line.given_line import given_line, load_boot_loader_line
from tests.cpu_bound import cpu_bound
from tests.unit.kernel.hand_made import BUILT_IN_LINE
from tests.unit.kernel.kernel_cases import places, rows

Long = dict[str, str | int]


class LineRow(Struct, frozen=True, kw_only=True):
    id: str
    text: str
    early: list[list[str | Long]]
    idreg: list[list[str | Long]]
    before: Long = field(default_factory=dict)
    after: Long = field(default_factory=dict)
    diagnostics: list[str] = field(default_factory=list)


class EffectiveRow(Struct, frozen=True, kw_only=True):
    id: str
    passed: str
    config: list[str]
    line: str
    partial: bool = False
    has: list[str] | None = field(
        default_factory=lambda: ["CMDLINE_FROM_BOOTLOADER", "CMDLINE_FORCE"]
    )
    whole: bool = False
    others: dict[str, str] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)


def _long(text: str | Long) -> str:
    if isinstance(text, str):
        return text
    return str(text.get("text", "")) * int(text.get("times", 0)) + str(text.get("then", ""))


def _expected(items: list[list[str | Long]]) -> list[tuple[str, str | None]]:
    return [(_long(item[0]), _long(item[1]) if len(item) > 1 else None) for item in items]


def _seen(parameters: tuple[Parameter, ...]) -> list[tuple[str, str | None]]:
    return [(parameter.name, parameter.value) for parameter in parameters]


@pytest.mark.parametrize("row", rows(LineRow, "cmdline/lines.yaml"))
def test_each_stream_sees_what_the_kernel_sees(row: LineRow) -> None:
    line = read_command_line(_long(row.before) + row.text + _long(row.after))
    assert _seen(line.early) == _expected(row.early)
    assert _seen(line.idreg) == _expected(row.idreg)
    assert line.module == line.early
    assert places(line.diagnostics) == row.diagnostics


def _config(row: EffectiveRow) -> DotConfig:
    witnesses = (
        [] if row.partial else [f"{symbol}=y" for symbol in EARLY_WITNESSES + LATE_WITNESSES]
    )
    lines = ["CONFIG_ARM64=y", *(f"CONFIG_{line}" for line in witnesses), *row.config]
    return read_dotconfig("\n".join(lines).encode(), "test.config")


@pytest.mark.parametrize("row", rows(EffectiveRow, "cmdline/effective.yaml"))
def test_the_config_decides_which_line_is_parsed(row: EffectiveRow) -> None:
    config = _config(row)
    assert config.complete is not row.partial
    has = None if row.has is None else tuple(row.has)
    built_in = BuiltInLine(config=config, rules=BUILT_IN_LINE, has=has, whole=row.whole)
    readings = built_in.readings(row.passed)
    assert readings.text == row.line
    assert dict(readings.others) == row.others
    notes = list(built_in.notes(readings, "7.3"))
    assert sorted(note.code for note in notes) == row.codes
    for note in notes:
        assert note.location is not None
        assert (note.location.text or "").endswith("=y")
        for line in row.others.values() if note.code == "MX0408" else ():
            assert f"`{row.line}`" in note.message
            assert f"`{line}`" in note.message


def test_a_nul_is_an_error_with_its_place() -> None:
    with pytest.raises(InputError) as caught:
        read_command_line("quiet\nrodata\0=off", file="line.txt")
    assert places(caught.value.diagnostics) == ["MX0401 2:7"]


def test_streams_by_name() -> None:
    line = read_command_line('a="b" -- c')
    assert line.stream("early") == line.stream("setup") == line.stream("module") == line.early
    assert line.stream("idreg") == line.idreg


def test_a_parameter_has_a_place_on_its_own_line() -> None:
    line = read_command_line('quiet\n  "rodata=off"', file="line.txt")
    place = line.locate(line.early[1])
    assert (place.file, place.line, place.column, place.text) == (
        "line.txt",
        2,
        3,
        '  "rodata=off"',
    )


LINES = {
    b"a=1\n": "a=1",
    b"a=1\r\n": "a=1",
    b"": "",
    b"\n": "",
    b"a=1\n\n": "a=1",
    b"\r\na=1": "a=1",
    b"a=1\0": "a=1",  # /proc/device-tree/chosen/bootargs
    b"a=1\0\n": "a=1",
    b"a\tb": "a\tb",
    b"\xef\xbb\xbfa=1\r\n": "a=1",
    b"cmdlinepart.mtdparts=nor:1m(boot) args=1": "cmdlinepart.mtdparts=nor:1m(boot) args=1",
    # Parameters of kernels and words for init that look somewhat like what is refused.
    b"earlycon=pl011,0x9000000 loglevel=7": "earlycon=pl011,0x9000000 loglevel=7",
    b"linux quiet": "linux quiet",
    b"auto BOOT_IMAGE=linux": "auto BOOT_IMAGE=linux",
    b"init=/bin/sh -- kernel": "init=/bin/sh -- kernel",
}


@pytest.mark.parametrize("content", LINES)
def test_a_file_gives_its_line_without_the_newline(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cmdline"
    path.write_bytes(content)
    assert load_boot_loader_line(path) == LINES[content]


# What is no command line, with the code, the place and where the line it means begins.
NO_LINES = {
    "a=1\nb=2\n": ("MX0920", 2, 1),
    "a=1\r\n\r\nb=2": ("MX0920", 3, 1),
    "a=1\rb=2": ("MX0920", 1, 5),
    'a="1\n2"': ("MX0920", 2, 1),
    "[    0.000000] Kernel command line: a=1": ("MX0921", 1, 16),
    "Kernel command line: a=1": ("MX0921", 1, 1),
    "<5>[    0.000000][    T0] a=1": ("MX0921", 1, 1),
    "Nov 20 10:00:00 host kernel: Kernel command line: a=1": ("MX0921", 1, 30),
    '[    0.1] Unknown kernel command line parameters "a=1"': ("MX0921", 1, 19),
    'GRUB_CMDLINE_LINUX_DEFAULT="a=1"': ("MX0921", 1, 1),
    "  linux /boot/vmlinuz-7.3 root=/dev/vda a=1": ("MX0921", 1, 3),
    "options root=/dev/vda a=1": ("MX0921", 1, 1),
    "APPEND root=/dev/vda a=1": ("MX0921", 1, 1),
    "bootargs=a=1": ("MX0921", 1, 1),
    'CONFIG_CMDLINE="a=1"': ("MX0921", 1, 1),
    "KERNEL_CMDLINE=a=1": ("MX0921", 1, 1),
    "kernelopts=root=/dev/vda a=1": ("MX0921", 1, 1),
    "Command line: a=1": ("MX0921", 1, 1),
    "# a=1": ("MX0921", 1, 1),
    "setenv bootargs a=1": ("MX0921", 1, 1),
}


@pytest.mark.parametrize("text", NO_LINES)
def test_what_is_no_command_line_is_refused_at_its_place(text: str) -> None:
    """A boot log was read as one line, whose last `rodata=` won: supported instead of refused."""
    with pytest.raises(InputError) as caught:
        given_line(text)
    (found,) = caught.value.diagnostics
    assert found.location is not None
    assert (found.code, found.location.line, found.location.column) == NO_LINES[text]


def test_a_file_that_cannot_be_a_command_line_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"a " * 40_000)
    for path, code in ((tmp_path, "MX0402"), (tmp_path / "missing", "MX0402"), (large, "MX0407")):
        with pytest.raises(InputError) as caught:
            load_boot_loader_line(path)
        assert places(caught.value.diagnostics) == [code]


def test_bytes_that_are_not_utf_8_separate_and_print_as_the_kernel_has_them(tmp_path: Path) -> None:
    path = tmp_path / "cmdline"
    path.write_bytes(b"a\xa0b=\xe9\xff -- c")
    line = read_command_line(load_boot_loader_line(path))
    assert _seen(line.early) == [("a", None), ("b", "\N{REPLACEMENT CHARACTER}" * 2)]
    assert "-- c" in "".join(format_diagnostic(item) for item in line.diagnostics)


# --- laws -----------------------------------------------------------------------------------------

WORDS = st.text(st.sampled_from("abz09._-,/:"), min_size=1, max_size=8).filter(lambda w: w != "--")
QUOTABLE = st.text(st.sampled_from("ab =\t-'\\.é"), max_size=8)


@st.composite
def _lines(draw: st.DrawFn) -> tuple[str, list[tuple[str, str | None]]]:
    """A line and its parameters, written with spaces and quotes wherever they are needed."""
    items = draw(st.lists(st.tuples(WORDS, st.none() | QUOTABLE), max_size=8))
    space = st.text(st.sampled_from(" \t\n"), min_size=1, max_size=3)
    parts = [draw(space)]
    for name, value in items:
        quoted = value is not None and any(character in value for character in " \t=")
        text = name if value is None else f'{name}="{value}"' if quoted else f"{name}={value}"
        parts += [text, draw(space)]
    return "".join(parts), items


@given(_lines())
def test_what_is_written_is_read_back(case: tuple[str, list[tuple[str, str | None]]]) -> None:
    text, items = case
    assert _seen(read_command_line(text).early) == items


def _by_state_machine(text: str) -> list[tuple[str, str | None]]:
    """The rules of the early parser once more, character by character and without patterns."""
    found: list[tuple[str, str | None]] = []
    token: list[str] = []
    inside = False
    for character in [*text, None]:
        space = character is None or (character in " \t\n\v\f\r\N{NO-BREAK SPACE}" and not inside)
        if character is not None and not (space and not inside):
            inside ^= character == '"'
            token.append(character)
        if not space and character is not None:
            continue
        if token:
            name, value = _split("".join(token))
            if name == "--" and value is None:
                return found
            found.append((name, value))
        token = []
    return found


def _split(token: str) -> tuple[str, str | None]:
    whole = token[0] == '"'
    body = token[1:] if whole else token
    for index, character in enumerate(body):
        if character == "=" and index > 0:
            value = body[index + 1 :]
            strip_end = value[:1] == '"' or whole
            value = value[1:] if value[:1] == '"' else value
            return body[:index], value[:-1] if strip_end and value[-1:] == '"' else value
    return (body[:-1] if whole and body[-1:] == '"' else body), None


@given(st.text(st.sampled_from('ab= "-\t\n.'), max_size=40))
def test_the_early_parser_agrees_with_a_state_machine(text: str) -> None:
    assert _seen(read_command_line(text).early) == _by_state_machine(text)


@given(st.text(st.sampled_from("ab=-\"' \n"), max_size=60), st.integers(0, 600))
def test_idreg_tokens_are_the_line_cut_at_space_and_at_255(text: str, filler: int) -> None:
    text = "x" * filler + text
    expected: list[str] = []
    for word in text.split():
        pieces = [word[start : start + 255] for start in range(0, len(word), 255)]
        stop = pieces.index("--") if "--" in pieces else len(pieces)
        expected += [piece.replace("-", "_") for piece in pieces[:stop]]
        if stop < len(pieces):
            break
    seen = read_command_line(text).idreg
    assert [p.name if p.value is None else f"{p.name}={p.value}" for p in seen] == expected


@given(st.text(st.characters(codec="utf-8"), max_size=80) | st.text(max_size=80))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        line: CommandLine = read_command_line(text)
    except InputError as error:
        assert "\0" in text
        for diagnostic in error.diagnostics:
            format_diagnostic(diagnostic).encode()
        return
    for diagnostic in line.diagnostics:
        assert diagnostic.severity is not Severity.ERROR
        assert diagnostic.location is not None
        assert diagnostic.hint
        format_diagnostic(diagnostic).encode()
    for parameter in (*line.early, *line.idreg):
        assert 0 <= parameter.offset <= len(text)
        assert line.locate(parameter).line >= 1
        parameter.name.encode()


def test_a_built_in_line_longer_than_any_is_refused() -> None:
    """Of a `.config` with 1.6 MB of CONFIG_CMDLINE each trial of a fix read all again."""
    text = f'CONFIG_ARM64=y\nCONFIG_CMDLINE="{"rodata=on " * 160_000}"\n'
    config = read_dotconfig(text.encode(), "a.config", arch="arm64")
    built_in = BuiltInLine(config=config, rules=BUILT_IN_LINE, has=())
    with cpu_bound(seconds=5), pytest.raises(InputError) as caught:
        built_in.readings("quiet")
    (told,) = caught.value.diagnostics
    assert (told.code, told.location and told.location.line) == ("MX0407", 2)
