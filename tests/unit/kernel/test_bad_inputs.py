"""Each file `tests/cases/bad/MX03…05…` gives the diagnostic it is named after."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.diagnostics import Diagnostic, InputError
from matrix.kernel.config.dotconfig import load_dotconfig
from matrix.kernel.cpu.resolve import expand_group, resolve_system
from matrix.kernel.line.cmdline import (
    BuiltInLine,
    read_command_line,
)
from matrix.kernel.line.given_line import load_boot_loader_line
from tests.unit.kernel.hand_made import ARCHITECTURE, BUILT_IN_LINE, KNOWLEDGE
from tests.unit.kernel.kernel_cases import CASES

BAD = sorted(path for path in (CASES / "bad").iterdir() if re.match(r"MX0([345]|92)", path.name))

# No file can show these: a missing file, a package that is not installed.
WITHOUT_A_FILE = {"MX0301", "MX0304", "MX0402"}
# Shown by images and packages that tests make: tests/unit/kernel/test_config_input.py.
OF_MADE_INPUTS = {
    *(f"MX140{number}" for number in (1, 2, 3, 4, 5, 7)),
    *(f"MX150{number}" for number in range(1, 6)),
    "MX1520",  # tables of hosts: tests/test_fleet.py
    "MX1523",  # their parts: tests/test_fleet_parts.py
    *("MX0510", "MX0511", "MX0512"),  # machines: tests/test_machines.py
    "MX1438",  # evidence: tests/unit/kernel/test_evidence.py
    *(f"MX145{number}" for number in (0, 1, 2, 3, 4, 5)),  # test_written_forms.py
    "MX1461",  # what is included from elsewhere: tests/test_builds.py
    *("MX1462", "MX1463"),  # test_nix_settings.py
    "MX1114",  # kernel trees: tests/unit/kernel/test_tree_files.py
    "MX1118",
    *("MX0801", "MX0802", "MX0813"),  # what is written: tests/test_written_files.py
    "MX0823",  # a port: tests/test_report_folder.py
    *("MX0825", "MX0826", "MX0827", "MX0828"),  # clusters: tests/test_cell_clusters.py
    "MX0665",  # processes: tests/test_validate_jobs.py
    "MX0850",  # standard output: tests/unit/door/test_streams.py
}


def _dotconfig(path: Path) -> tuple[Diagnostic, ...]:
    config = load_dotconfig(path, arch="arm64")
    built_in = BuiltInLine(config=config, rules=BUILT_IN_LINE, has=("CMDLINE_FORCE",))
    return (*config.diagnostics, *built_in.notes(built_in.readings("quiet"), "7.3"))


def _cmdline(path: Path) -> tuple[Diagnostic, ...]:
    return read_command_line(load_boot_loader_line(path), file=path.name).diagnostics


def _spec(path: Path) -> tuple[Diagnostic, ...]:
    found: list[Diagnostic] = []
    for spec in expand_group(path.read_text("utf-8").strip(), KNOWLEDGE):
        found += resolve_system(spec, KNOWLEDGE, ARCHITECTURE).diagnostics
    return tuple(found)


READERS: dict[str, Callable[[Path], tuple[Diagnostic, ...]]] = {
    ".config": _dotconfig,
    ".cmdline": _cmdline,
    ".spec": _spec,
}


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_a_bad_input_gives_the_code_it_is_named_after(path: Path) -> None:
    try:
        diagnostics = READERS[path.suffixes[0]](path)
    except InputError as error:
        diagnostics = error.diagnostics
    assert {item.code for item in diagnostics} == {path.name[:6]}
    assert all(item.location and item.hint for item in diagnostics)


def test_every_code_of_the_room_has_a_bad_input(repository: Path) -> None:
    room = repository / "matrix" / "kernel"
    folders = [room / name for name in ("config", "cpu", "fleet", "line", "source")]
    sources = [path for folder in (*folders, room.parent / "door") for path in folder.glob("*.py")]
    used = {
        code for path in sources for code in re.findall(r'"(MX\d{4})"', path.read_text("utf-8"))
    }
    assert used == {path.name[:6] for path in BAD} | WITHOUT_A_FILE | OF_MADE_INPUTS
