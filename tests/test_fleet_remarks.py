"""`fleet` says of a host what `validate` says of its file: verdict, warnings, fixes."""

from __future__ import annotations

import gzip
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli_runner import run_cli

BOOTED = Path(__file__).parent / "data" / "booted"
FILES = ("7.3", "7.2", "6.12", "6.1", "fragment", "forced", "refused")
RELEASES = ("7.3", "6.12")
CPUS = ("graviton3", "neoverse-v1", "cortex-a710")
LINES = ("", "rodata=off", "rodata=noalias kfence.sample_interval=100")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    whole = (BOOTED / "7.3.config").read_text()
    for release in ("7.3", "7.2", "6.12", "6.1"):
        (folder / f"{release}.config").write_text((BOOTED / f"{release}.config").read_text())
    (folder / "fragment.config").write_text("CONFIG_KVM=y\nCONFIG_ARM64_4K_PAGES=y\n")
    forced = 'CONFIG_CMDLINE="rodata=on"\nCONFIG_CMDLINE_FORCE=y\n'
    (folder / "forced.config").write_text(whole.replace('CONFIG_CMDLINE=""\n', "") + forced)
    (folder / "refused.config").write_text(whole.replace("CONFIG_KVM=y", "CONFIG_KVM=m"))
    return folder


def validated(folder: Path, release: str, file: str, cpu: str, line: str) -> tuple[Any, set[str]]:
    ran = run_cli(
        *("validate", str(folder / f"{file}.config"), "--kernel", release, "--cpu", cpu),
        *("--cmdline", line, "--fail-on", "none", "--format", "json"),
    )
    (result,) = json.loads(ran.out)["results"]
    warned = {
        f"{item['code']}: {item['message']}"
        for item in result["diagnostics"]
        # The words of command lines stand in a list of their own.
        if item["severity"] == "warning" and item["code"] not in ("MX1703", "MX1704")
    }
    return result, warned


@pytest.mark.parametrize("file", FILES)
def test_a_host_is_answered_as_its_file(file: str, folder: Path) -> None:
    """A 7.3 host with a `.config` of 6.12 was "absent", without the warning that says why."""
    for number, (release, cpu, line) in enumerate(itertools.product(RELEASES, CPUS, LINES)):
        hosts = folder / "hosts.csv"
        hosts.write_text(
            f"host,kernel,config,cpu,cmdline\na,{release}.0-1,{file}.config,{cpu},{line}\n"
        )
        if number % 2 and file != "6.12":
            continue
        ran = run_cli("fleet", str(hosts), "--format", "json")
        (group,) = json.loads(ran.out)["groups"]
        result, warned = validated(folder, release, file, cpu, line)
        assert group["verdict"] == result["verdict"]
        assert group["reasons"] == result["reasons"]
        assert [fix["change"] for fix in group["fixes"]] == [
            fix["change"] for fix in result["fixes"]
        ]
        said = {f"{item['code']}: {item['message']}" for item in group["warnings"]}
        for warning in warned - said:
            code, _, message = warning.partition(": ")
            assert f"warning[{code}]: {message}" in ran.err, (release, cpu, line)


def test_the_fix_of_another_releases_file_is_to_make_it_anew(folder: Path) -> None:
    """`kconfig.KVM_GUEST_MEMFD=y` was proposed, which nobody can set: KVM selects it."""
    result, warned = validated(folder, "7.3", "6.12", "graviton3", "")
    assert result["fixes"][0]["change"] == {"make": "olddefconfig"}
    assert any("KVM selects KVM_GUEST_MEMFD" in warning for warning in warned)


def test_the_text_and_the_table_have_the_warning(folder: Path) -> None:
    hosts = folder / "hosts.csv"
    hosts.write_text("host,kernel,config,cpu\na,7.3,6.12.config,graviton3\n")
    ran = run_cli("fleet", str(hosts), "--table", str(folder / "out.csv"))
    assert "warning[MX0919]: the Kconfig of Linux 7.3 makes no such" in ran.out
    assert "fix there: make olddefconfig gives supported" in ran.out
    assert "MX0919: the Kconfig of Linux 7.3 makes no such" in (folder / "out.csv").read_text()


@pytest.mark.parametrize("rows", [1, 400_000])
def test_a_packed_table_that_is_damaged_is_said_to_be(rows: int, tmp_path: Path) -> None:
    text = "host,kernel,config,cpu\n" + "".join(f"h{row},7.3,a,m2\n" for row in range(rows))
    packed = bytearray(gzip.compress(text.encode(), mtime=0))
    packed[len(packed) // 2 : len(packed) // 2 + 40] = b"\xff" * 40
    table = tmp_path / "hosts.csv.gz"
    table.write_bytes(packed)
    ran = run_cli("fleet", str(table))
    assert ran.code == 3
    assert re.search("MX150[12]", ran.err)


def test_a_header_of_another_release_is_said(tmp_path: Path) -> None:
    """As `validate --kernel` does: the file is of 7.3 and the kernel that runs is of 7.2."""
    table = tmp_path / "hosts.csv"
    rows = f"a,7.2,{BOOTED / '7.3.config'},graviton3\nb,7.3,{BOOTED / '7.3.config'},graviton3\n"
    table.write_text("host,kernel,config,cpu\n" + rows)
    ran = run_cli("fleet", str(table), "--allow-outside")
    assert ran.err.count("MX1715") == 1
    assert "it is answered as 7.2" in ran.err
    assert f"{table.name}: 2 hosts," in " ".join(ran.out.split())
    table.write_text("host,kernel,config,cpu\n" + rows.splitlines()[0] + "\n")
    assert f"{table.name}: 1 host," in " ".join(run_cli("fleet", str(table)).out.split())
