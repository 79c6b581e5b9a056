"""A cell is read in every spelling that other commands print."""

from __future__ import annotations

import pytest

from matrix.diagnostics import InputError
from matrix.flows.cell_argument import parse_cell
from matrix.flows.knowledge import DEFAULT_STUDY, Library
from matrix.flows.study import PreparedStudy, prepare_study
from tests.cli_runner import run_cli


@pytest.fixture(scope="module")
def shipped() -> PreparedStudy:
    return prepare_study(Library(), DEFAULT_STUDY)


def test_a_parameter_is_written_as_the_command_line_has_it(shipped: PreparedStudy) -> None:
    tried = 0
    for axis in shipped.study.axes:
        for option in axis.options if axis.kind == "boot" else ():
            if option.cmdline and option.cmdline.count("=") == 1:
                tried += 1
                assert parse_cell(shipped, f"boot.{option.cmdline}") == {axis.name: option.name}
    assert tried >= 8
    assert parse_cell(shipped, "boot.kvm-arm.mode=absent") == {"boot.kvm_arm_mode": "absent"}


def test_two_spellings_of_one_axis_are_one_axis(shipped: PreparedStudy) -> None:
    same = "boot.kvm-arm.mode=protected,boot.kvm_arm_mode=protected"
    assert parse_cell(shipped, same) == {"boot.kvm_arm_mode": "protected"}
    with pytest.raises(InputError, match="MX0506"):
        parse_cell(shipped, "boot.kvm-arm.mode=nvhe,boot.kvm_arm_mode=protected")


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("boot.kvm-arm.mode=protect", "MX0606"),
        ("boot.quiet=1", "MX0605"),
        ("boot.=protected", "MX0605"),
        ("boot.=", "MX0605"),
        ("kvm-arm.mode=protected", "MX0605"),
    ],
)
def test_what_no_axis_writes_is_unknown(cell: str, code: str, shipped: PreparedStudy) -> None:
    with pytest.raises(InputError, match=code):
        parse_cell(shipped, cell)


def test_a_fix_is_a_cell() -> None:
    printed = run_cli("simulate", "cpu=cortex-a710,boot.kvm-arm.mode=protected", "--brief")
    assert printed.code == 0
    assert printed == run_cli("simulate", "cpu=cortex-a710,boot.kvm_arm_mode=protected", "--brief")
