"""A value that a symbol's type does not allow: the kernel's conf ignores it, so it is unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_runner import run_cli

CONFIG = Path(__file__).parent / "data" / "booted" / "7.3.config"


def changed(folder: Path, symbol: str, value: str) -> Path:
    lines = CONFIG.read_text().splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith(f"CONFIG_{symbol}=")]
    lines[at] = f"CONFIG_{symbol}={value}"
    file = folder / "changed.config"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize(
    ("symbol", "value", "kind"),
    [
        ("KVM", "m", "bool"),
        ("KVM", '"y"', "bool"),
        ("KVM", "maybe", "bool"),
        ("KVM", "1", "bool"),
        ("KFENCE", "m", "bool"),
        ("KFENCE_SAMPLE_INTERVAL", "y", "int"),
        ("KFENCE_SAMPLE_INTERVAL", '"100"', "int"),
        ("KFENCE_SAMPLE_INTERVAL", "0x64", "int"),
    ],
)
def test_validate_and_fleet_take_it_as_unknown(
    symbol: str, value: str, kind: str, tmp_path: Path
) -> None:
    file = changed(tmp_path, symbol, value)
    words = ["--cpu", "graviton3", "--cmdline", "rodata=off", "--format", "json"]
    ran = run_cli("validate", str(file), *words)
    assert ran.code == 4
    (found,) = json.loads(ran.out)["results"]
    assert found["verdict"] == "unknown"
    assert f"CONFIG_{symbol}" in " ".join(found["reasons"])
    assert f"is no value of `CONFIG_{symbol}`, which is a" in ran.err
    assert kind in ran.err
    hosts = tmp_path / "hosts.csv"
    hosts.write_text(f"host,kernel,config,cpu,cmdline\na,7.3,{file},graviton3,rodata=off\n")
    ran = run_cli("fleet", str(hosts), "--format", "json")
    assert "unknown" in ran.out
    assert f"CONFIG_{symbol}" in ran.out


@pytest.mark.parametrize(
    ("symbol", "value", "verdict"),
    [
        ("KFENCE", "yes", "supported"),  # conf looks at the first letter alone
        ("KFENCE_SAMPLE_INTERVAL", "0", "supported"),
        ("KFENCE_SAMPLE_INTERVAL", "100", "refused"),
    ],
)
def test_what_the_type_allows_counts(symbol: str, value: str, verdict: str, tmp_path: Path) -> None:
    file = changed(tmp_path, symbol, value)
    words = ["--cpu", "graviton3", "--cmdline", "rodata=off", "--format", "json"]
    (found,) = json.loads(run_cli("validate", str(file), *words).out)["results"]
    assert found["verdict"] == verdict


def test_an_import_refuses_it(tmp_path: Path) -> None:
    file = changed(tmp_path, "KFENCE", "m")
    ran = run_cli("distros", "import", str(file), "--output", str(tmp_path / "own"))
    assert ran.code == 3
    assert f"{file}:" in ran.err
    assert "error[MX0310]" in ran.err
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize("name", ["7.3", "7", "yes", "null", "1e3"])
def test_an_imported_name_is_read_again(name: str, tmp_path: Path) -> None:
    own = tmp_path / "own"
    folder = own / "distros"
    imported = run_cli("distros", "import", str(CONFIG), "--id", name, "--output", str(folder))
    assert imported.code == 0
    listed = run_cli("distros", "list", "--configs", str(own), "--format", "json")
    assert listed.code == 0, listed.err
    assert name in {one["id"] for one in json.loads(listed.out)["distros"]}
