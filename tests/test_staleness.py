"""Names that mean nothing in a release: command lines as a table; symbols against real Kconfig."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrix.analyze.facts.near_symbols import near_name
from matrix.flows.knowledge import Library
from matrix.kernel.line.cmdline import read_command_line
from tests.cli_runner import run_cli

LINES = Path(__file__).parent / "cases" / "staleness" / "lines.yaml"
RELEASES = ("5.10", "6.1", "6.12", "7.2", "7.3")


@pytest.mark.parametrize("row", YAML(typ="safe").load(LINES.read_text()), ids=str)
def test_line(row: dict[str, object]) -> None:
    library = Library()
    profile = library.kernel(str(row["kernel"]))
    line = read_command_line(str(row["line"]))
    found = list(library.name_history("arm64").line(profile, line, line.locate))
    assert [item.code for item in found] == row["codes"]
    if found:
        assert str(row["says"]) in found[0].message


@pytest.mark.parametrize("release", RELEASES)
def test_a_symbol_is_lacking_where_its_kconfig_has_none(
    release: str, kernel_tree: Callable[[str], Path]
) -> None:
    library = Library()
    text = "\n".join(
        path.read_text(errors="replace") for path in kernel_tree(release).rglob("Kconfig*")
    )
    declared = set(re.findall(r"^\s*(?:menu)?config (\w+)", text, re.MULTILINE))
    kernels = library.kernels_of("arm64").values()
    every = {symbol.name for one in kernels for symbol in one.symbols}
    lacking = library.name_history("arm64").symbols_lacking(library.kernel(release))
    assert set(lacking) == every - declared


@pytest.mark.parametrize("release", RELEASES)
def test_no_documented_parameter_counts_as_misspelt(
    release: str, kernel_tree: Callable[[str], Path]
) -> None:
    known = {
        parameter.name.replace("-", "_"): parameter.name
        for one in Library().knowledge.kernels
        for parameter in one.parameters
    }
    (page,) = kernel_tree(release).rglob("kernel-parameters.txt")
    documented = re.findall(r"^\t([\w.-]+)", page.read_text(errors="replace"), re.MULTILINE)
    assert len(documented) > 100
    foreign = [name for name in documented if name.replace("-", "_") not in known]
    assert [name for name in foreign if near_name(name, known, known)] == []


@pytest.mark.parametrize(
    ("settings", "given", "wanted"),
    [
        # The built-in line stands in for an empty one,
        ('CONFIG_CMDLINE="console=ttyAMA0 rodata=full quiet"\n', "", "rodata=full"),
        # replaces what was given, or is the end of it,
        (
            'CONFIG_CMDLINE="quiet rodata=full"\nCONFIG_CMDLINE_FORCE=y\n',
            "rodata=noalais",
            "rodata=full",
        ),
        (
            'CONFIG_CMDLINE_EXTEND=y\nCONFIG_CMDLINE="quiet rodata=full"\n',
            "rodata=on",
            "rodata=full",
        ),
        # and a slip is found there as elsewhere.
        ('CONFIG_CMDLINE="kfence_sample_interval=1"\n', "", "kfence_sample_interval=1"),
    ],
)
def test_a_word_of_the_built_in_line_is_shown_in_the_config(
    settings: str, given: str, wanted: str, tmp_path: Path
) -> None:
    file = tmp_path / "own.config"
    file.write_text(f"# nothing\nCONFIG_KVM=y\n{settings}")
    lines = file.read_text().splitlines()
    (place,) = [
        (number, text.index(wanted) + 1)
        for number, text in enumerate(lines, start=1)
        if wanted in text
    ]
    ran = run_cli(
        *("validate", str(file), "--kernel", "7.3", "--cpu", "graviton3", "--cmdline", given)
    )
    shown = ran.err.splitlines()
    (start,) = [index for index, text in enumerate(shown) if re.search(r"\[MX170[34]\]", text)]
    assert shown[start].startswith(f"{file}:{place[0]}:{place[1]}: warning[")
    # The line of the file, with the word underlined.
    quoted, carets = shown[start + 1 : start + 3]
    assert quoted.endswith(lines[place[0] - 1])
    assert quoted[carets.index("^") : carets.rindex("^") + 1] == wanted


@pytest.mark.parametrize("line", ["quiet rodata=full", "ro quiet rodata=full"])
def test_a_word_that_was_given_is_not_looked_for_in_the_config(line: str, tmp_path: Path) -> None:
    file = tmp_path / "own.config"
    file.write_text('CONFIG_KVM=y\nCONFIG_CMDLINE="quiet rodata=full"\n')
    ran = run_cli(
        *("validate", str(file), "--kernel", "7.3", "--cpu", "graviton3", "--cmdline", line)
    )
    (said,) = [text for text in ran.err.splitlines() if "[MX1703]" in text]
    assert said.startswith(f"<command line>:1:{line.index('rodata') + 1}: warning[")
