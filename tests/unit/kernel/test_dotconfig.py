from __future__ import annotations

import pickle
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field

from matrix.diagnostics import InputError, Severity, format_diagnostic
from matrix.expr.nodes import Scalar
from matrix.kernel.config.dotconfig import DotConfig, read_dotconfig
from matrix.kernel.config.header import EARLY_WITNESSES, LATE_WITNESSES
from tests.unit.kernel.kernel_cases import places, rows

WITNESSES = "".join(f"CONFIG_{symbol}=y\n" for symbol in EARLY_WITNESSES + LATE_WITNESSES)


class LineRow(Struct, frozen=True, kw_only=True):
    id: str
    text: str
    symbols: Mapping[str, Scalar]
    diagnostics: list[str] = field(default_factory=list)
    severities: list[str] = field(default_factory=list)


class HeaderRow(Struct, frozen=True, kw_only=True):
    id: str
    text: str
    version: str | None = None
    release: str | None = None
    arch: str | None = None
    error: str | None = None


def values_of(config: DotConfig) -> dict[str, Scalar]:
    return {symbol: setting.value for symbol, setting in config.symbols.items()}


def typed(values: Mapping[str, Scalar]) -> dict[str, tuple[type, Scalar]]:
    """Return values that differ where Python's `True == 1` would not."""
    return {symbol: (type(value), value) for symbol, value in values.items()}


@pytest.mark.parametrize("row", rows(LineRow, "dotconfig/lines.yaml"))
def test_lines_are_read_as_conf_reads_them(row: LineRow) -> None:
    config = read_dotconfig(row.text.encode(), "test.config")
    assert typed(values_of(config)) == typed(row.symbols)
    assert places(config.diagnostics) == row.diagnostics
    if row.severities:
        assert [item.severity for item in config.diagnostics] == row.severities


@pytest.mark.parametrize("row", rows(LineRow, "dotconfig/lines.yaml"))
def test_a_setting_knows_its_line(row: LineRow) -> None:
    config = read_dotconfig(row.text.encode(), "test.config")
    lines = row.text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    for symbol, setting in config.symbols.items():
        assert lines[setting.line - 1] == setting.text
        assert f"CONFIG_{symbol}" in setting.text
        later = [line for line in lines[setting.line :] if f"CONFIG_{symbol}=" in line]
        assert all("=x" in line for line in later), "a later line would have won"


@pytest.mark.parametrize("row", rows(HeaderRow, "dotconfig/headers.yaml"))
def test_the_header_says_release_and_architecture(row: HeaderRow) -> None:
    data = f"{row.text}CONFIG_KVM=y\n".encode()
    if row.error is not None:
        with pytest.raises(InputError) as caught:
            read_dotconfig(data, "test.config", arch="arm64")
        assert places(caught.value.diagnostics) == [row.error]
        return
    config = read_dotconfig(data, "test.config", arch="arm64")
    assert (config.version, config.release, config.arch) == (row.version, row.release, row.arch)


def test_another_architecture_can_be_asked_for() -> None:
    data = b"# Linux/riscv 6.12.0 Kernel Configuration\nCONFIG_RISCV=y\n"
    assert read_dotconfig(data, "test.config", arch="riscv").arch == "riscv"


def test_what_a_complete_config_does_not_name_is_off_and_else_unknown() -> None:
    complete = read_dotconfig(f"{WITNESSES}CONFIG_KVM=y\n".encode(), "test.config")
    partial = read_dotconfig(b"CONFIG_KVM=y\n", "test.config")
    assert (complete.complete, partial.complete) == (True, False)
    for config in (complete, partial):
        assert config.value("KVM") is True
        assert config.value("CONFIG_KVM") is True
    assert complete.value("KFENCE") is False
    assert partial.value("KFENCE") is None
    assert "15 of 15" in complete.completeness


def test_symbols_that_are_not_set_are_no_witnesses() -> None:
    text = WITNESSES.replace("CONFIG_", "# CONFIG_").replace("=y", " is not set")
    assert not read_dotconfig(text.encode(), "test.config").complete


def test_a_file_cut_short_is_partial_and_says_so() -> None:
    text = "".join(f"CONFIG_{symbol}=y\n" for symbol in EARLY_WITNESSES)
    config = read_dotconfig(text.encode(), "test.config")
    assert not config.complete
    assert places(config.diagnostics) == ["MX0312"]
    assert "10 of 15" in config.diagnostics[0].message


def test_a_release_that_drops_one_witness_is_still_complete() -> None:
    for symbol in EARLY_WITNESSES + LATE_WITNESSES:
        text = WITNESSES.replace(f"CONFIG_{symbol}=y\n", "")
        assert read_dotconfig(text.encode(), "test.config").complete, symbol


def test_thousands_of_odd_lines_give_few_diagnostics() -> None:
    config = read_dotconfig(b"CONFIG_A=y\n" + b"junk\n" * 5000, "test.config")
    assert len(config.diagnostics) == 21
    assert "4980 more" in config.diagnostics[-1].message


@pytest.mark.parametrize(
    ("data", "place", "says"),
    [
        (b"", "MX0307", "empty"),
        (b"\n\n", "MX0307", "empty"),
        (b"# a comment\n", "MX0307 1:1", "no `CONFIG_"),
        (b"\nhello\n", "MX0307 2:1", "no `CONFIG_"),
        (b"#define CONFIG_KVM 1\n", "MX0307 1:1", "no `CONFIG_"),
        (b"CONFIG_A=y\nCONFIG_\0=y\n", "MX0305", "line 2"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "MX0305", "not a text file"),
        ("CONFIG_A=y\n".encode("utf-16"), "MX0306", "UTF-16"),
        ("# über\nCONFIG_A=y\n".encode("latin-1"), "MX0306", "line 1: byte 0xfc"),
    ],
)
def test_what_is_no_config_is_refused_with_a_reason(data: bytes, place: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read_dotconfig(data, "test.config")
    assert places(caught.value.diagnostics) == [place]
    shown = format_diagnostic(caught.value.diagnostics[0])
    assert says in shown
    assert "hint: " in shown


def test_settings_survive_pickling() -> None:
    config = read_dotconfig(b"CONFIG_A=y\nCONFIG_B=3\n", "test.config")
    again = pickle.loads(pickle.dumps(config))
    assert values_of(again) == values_of(config)
    assert again.value("B") == 3


# --- laws -----------------------------------------------------------------------------------------

NAMES = st.from_regex(r"[A-Z0-9_]{1,6}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters='\n\r"\\', exclude_categories=["Cs", "Cc"]))
LETTERS: list[tuple[Scalar, str]] = [(True, "=y"), ("m", "=m"), (False, "=n")]
WRITTEN: dict[str, st.SearchStrategy[tuple[Scalar, str]]] = {
    "letter": st.sampled_from(LETTERS),
    "int": st.integers(-(10**20), 10**20).map(lambda number: (number, f"={number}")),
    "hex": st.integers(0, 1 << 64).map(lambda number: (number, f"={number:#x}")),
    "string": st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"])).map(
        lambda text: (text, '="' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
    ),
}
SETTINGS = st.dictionaries(NAMES, st.one_of(*WRITTEN.values()), min_size=1, max_size=12)


@given(SETTINGS, st.lists(TEXTS, max_size=3))
def test_what_is_written_is_read_back(
    settings: dict[str, tuple[Scalar, str]], comments: list[str]
) -> None:
    lines = [f"#{comment}" for comment in comments if not comment.startswith(" CONFIG_")]
    for number, (symbol, (value, text)) in enumerate(settings.items()):
        unset = value is False and number % 2
        lines.append(f"# CONFIG_{symbol} is not set" if unset else f"CONFIG_{symbol}{text}")
    arch_symbols = {
        "ARM",
        "ARM64",
        "X86",
        "PPC",
        "S390",
        "RISCV",
        "MIPS",
        "M68K",
        "SPARC",
        "SUPERH",
    }
    if arch_symbols & set(settings):
        return
    config = read_dotconfig("\n".join(lines).encode(), "test.config")
    expected = {symbol: value for symbol, (value, _) in settings.items()}
    assert typed(values_of(config)) == typed(expected)
    assert not config.diagnostics


def _line_by_line(text: str) -> dict[str, str]:
    """The settings once more by the plainest loop: the last well-formed line of a symbol."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        if line.startswith("CONFIG_") and "=" in line:
            symbol, _, value = line.removeprefix("CONFIG_").partition("=")
            if symbol.replace("_", "").isalnum() and value in {"y", "n", "m", "7", '"s"'}:
                found[symbol] = value
        elif line.startswith("# CONFIG_") and line.endswith(" is not set"):
            found[line.removeprefix("# CONFIG_").removesuffix(" is not set")] = "n"
    return found


CHUNKS = st.sampled_from(
    [
        "CONFIG_A=y",
        "CONFIG_A=m",
        "CONFIG_AB=7",
        'CONFIG_B="s"',
        "# CONFIG_A is not set",
        "# CONFIG_B is not set",
        "",
        " ",
        "junk",
        "# comment",
        "CONFIG_B=?",
        "CONFIG_C",
    ]
)


@given(st.lists(CHUNKS, max_size=12))
def test_fast_and_slow_reading_agree_with_a_plain_loop(lines: list[str]) -> None:
    text = "\n".join(lines)
    expected = _line_by_line(text)
    try:
        config = read_dotconfig(text.encode(), "test.config")
    except InputError:
        assert not expected
        return
    meaning: dict[str, Scalar] = {"y": True, "n": False, "m": "m", "7": 7, '"s"': "s"}
    assert typed(values_of(config)) == typed({key: meaning[v] for key, v in expected.items()})
    odd = [line for line in lines if line in ("junk", "CONFIG_B=?", "CONFIG_C")]
    assert sum(item.code in ("MX0309", "MX0310") for item in config.diagnostics) == len(odd)


START = f"#\n# Linux/arm64 7.3.0 Kernel Configuration\n#\n{WITNESSES}CONFIG_KVM=y\n".encode()


@given(st.data())
def test_any_mutation_is_read_or_refused_with_a_place(data: st.DataObject) -> None:
    content = bytearray(START)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 40))
        piece = data.draw(
            st.binary(max_size=6)
            | st.sampled_from([b"\r\n", b"CONFIG_", b"=y", b'"', b" is not set", b"\xef\xbb\xbf"])
        )
        content[at : at + length] = piece
    _read_whatever(bytes(content))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_place(content: bytes) -> None:
    _read_whatever(content)


def _read_whatever(content: bytes) -> None:
    try:
        config = read_dotconfig(content, "test.config")
    except InputError as error:
        diagnostics = error.diagnostics
    else:
        diagnostics = config.diagnostics
        assert all(item.severity is not Severity.ERROR for item in diagnostics)
        for symbol, setting in config.symbols.items():
            assert config.value(f"CONFIG_{symbol}") == setting.value
    for item in diagnostics:
        assert item.location is not None
        assert item.hint
        format_diagnostic(item).encode()
