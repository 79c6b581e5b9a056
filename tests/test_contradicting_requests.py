"""A request that contradicts itself is refused, wherever it is read; the same may be said twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_runner import run_cli

CONFIG = str(Path(__file__).parent / "data" / "booted" / "7.3.config")
VALIDATE = ("validate", CONFIG, "--cpu", "graviton3")


@pytest.mark.parametrize("command", ["explain", "simulate"])
@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("cpu=apple-m2,cpu=apple-m1", "`cpu=apple-m1` contradicts `cpu=apple-m2`"),
        ("vm=mte,kernel=7.3,kernel=7.2", "`kernel=7.2` contradicts `kernel=7.3`"),
        ("cpu=graviton3,cpu=apple-m1", "`cpu=apple-m1` contradicts `cpu=aws-graviton3`"),
    ],
)
def test_a_cell_has_one_option_of_each_axis(command: str, cell: str, said: str) -> None:
    ran = run_cli(command, cell)
    assert ran.code == 3
    assert f"error[MX0506]: {said}" in ran.err
    assert ran.out == ""


def test_a_cell_may_say_the_same_twice() -> None:
    once = run_cli("simulate", "cpu=aws-graviton3", "--brief")
    assert run_cli("simulate", "cpu=graviton3,cpu=aws-graviton3", "--brief") == once
    assert once.code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--set", "vm=protected", "--vm", "nested"), "`vm=protected` contradicts `vm=nested`"),
        (("--set", "vm=protected", "--vm", "default"), "`vm=protected` contradicts `vm=default`"),
        (("--set", "gic=v2", "--set", "gic=v3"), "`gic=v3` contradicts `gic=v2`"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    options: tuple[str, ...], said: str
) -> None:
    ran = run_cli(*VALIDATE, *options)
    assert ran.code == 3
    assert f"error[MX0506]: {said}" in ran.err
    assert ran.out == ""


def test_a_fleet_refuses_them_before_it_answers(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.csv"
    hosts.write_text(f"host,kernel,config,cpu\na,7.3,{CONFIG},graviton3\n")
    ran = run_cli("fleet", str(hosts), "--set", "gic=v2", "--set", "gic=v3")
    assert ran.code == 3
    assert ran.err.count("MX0506") == 1


@pytest.mark.parametrize(
    ("options", "vm"),
    [
        ((), "default"),
        (("--vm", "protected", "--set", "vm=protected"), "protected"),
        (("--set", "vm=nested", "--set", "vm=nested"), "nested"),
    ],
)
def test_settings_may_say_the_same_twice(options: tuple[str, ...], vm: str) -> None:
    ran = run_cli(*VALIDATE, *options, "--format", "json")
    assert json.loads(ran.out)["results"][0]["vm"] == vm


@pytest.mark.parametrize(
    ("written", "options", "vm"),
    [
        ('vm = "nested"', ("--set", "vm=protected"), "protected"),
        ('set = ["vm=nested", "gic=v3"]', ("--vm", "protected"), "protected"),
        ('set = ["vm=nested"]', (), "nested"),
        ('vm = "nested"\nset = ["vm=protected"]', (), None),
    ],
)
def test_the_command_line_wins_over_the_settings_of_a_repository(
    written: str, options: tuple[str, ...], vm: str | None, tmp_path: Path
) -> None:
    settings = tmp_path / "matrix.toml"
    settings.write_text(f"[validate]\n{written}\n")
    ran = run_cli(*VALIDATE, "--settings", str(settings), *options, "--format", "json")
    if vm is None:
        assert ran.code == 3
        assert "error[MX0506]: `vm=protected` contradicts `vm=nested`" in ran.err
    else:
        assert json.loads(ran.out)["results"][0]["vm"] == vm


def test_of_a_draft_whose_constraints_nobody_has_read(tmp_path: Path, repository: Path) -> None:
    name = "kernels/linux-7.3-arm64.yaml"
    text = (repository / "configs" / name).read_text(encoding="utf-8")
    draft = tmp_path / name
    draft.parent.mkdir()
    draft.write_text(text.replace("\nkconfig:\n", '\nopen: ["kconfig: not read"]\nkconfig:\n', 1))
    where = "is_realm_world && !is_realm_world"
    ran = run_cli("count", "arm64-memfd-secret", "--configs", str(tmp_path), "--where", where)
    assert ran.code == 3
    assert f"error[MX0643]: study `arm64-memfd-secret` has no cell in which `{where}`" in ran.err
