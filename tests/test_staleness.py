"""Names that mean nothing in a release: command lines as a table; symbols against real Kconfig."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrix.analyze.near_names import near_name
from matrix.kernel.cmdline import read_command_line
from matrix.pipeline.knowledge import Library

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
    every = {symbol.name for one in library.knowledge.kernels for symbol in one.symbols}
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
