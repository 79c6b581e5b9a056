"""CMDLINE_EXTEND and its like: what the release has, what others' trees have, what a tree says.

The release's own Kconfig is the oracle of what each profile lists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matrix.flows.knowledge import Library
from tests.cli_runner import Ran, run_cli
from tests.small_trees import small_tree

P11 = Path(__file__).parent / "cases" / "reported" / "p11-gki-7.3.config"
ASKED = ("--cpu", "cortex-a710", "--cmdline", "androidboot.hardware=husky")
APPENDED = (
    "androidboot.hardware=husky console=ttynull stack_depot_disable=on cgroup_disable=pressure "
    "kasan.stacktrace=off kvm-arm.mode=protected bootconfig"
)


def validate(*arguments: str) -> tuple[Ran, dict[str, Any]]:
    ran = run_cli("validate", *arguments, "--format", "json")
    (result,) = json.loads(ran.out)["results"]
    return ran, result


@pytest.mark.parametrize("release", ["5.10", "6.1", "6.12", "7.2", "7.3"])
def test_a_profile_lists_what_its_kconfig_has(
    kernel_tree: Callable[[str], Path], release: str
) -> None:
    text = (kernel_tree(release) / "arch" / "arm64" / "Kconfig").read_text()
    defined = {name: text.count("\n", 0, place) + 1 for name, place in places(text)}
    library = Library()
    declared = library.kernel(release).built_in_line
    assert declared is not None
    assert set(declared.symbols) == defined.keys() - {"CMDLINE"}
    lines = [int(part.rpartition(":")[2]) for part in declared.source.split("; ")]
    assert lines == [defined[name] for name in declared.symbols]
    # Each of them has a rule that says what it does.
    rules = {rule.symbol for rule in library.architecture("arm64").built_in_line}
    assert set(declared.symbols) <= rules
    assert "CMDLINE_EXTEND" not in defined  # only 5.11 had it


def places(text: str) -> list[tuple[str, int]]:
    found = re.finditer(r"^config (CMDLINE\w*)", text, re.MULTILINE)
    return [(item[1], item.start(1)) for item in found]


def test_without_the_tree_both_readings_are_open() -> None:
    ran, result = validate(str(P11), *ASKED)
    assert (ran.code, result["verdict"]) == (4, "unknown")
    assert "supported or unsound, depending on CONFIG_CMDLINE_EXTEND" in result["reasons"][0]
    (warning,) = [item for item in result["diagnostics"] if item["code"] == "MX0408"]
    assert "`androidboot.hardware=husky`" in warning["message"]
    assert f"`{APPENDED}`" in warning["message"]


def test_the_tree_of_the_release_has_no_such_symbol(kernel_tree: Callable[[str], Path]) -> None:
    ran, result = validate(str(P11), *ASKED, "--tree", str(kernel_tree("7.3")))
    assert (ran.code, result["verdict"]) == (1, "unsound")
    assert result["cmdline"] == "androidboot.hardware=husky"


def test_the_readings_are_the_two_lines_by_themselves(tmp_path: Path) -> None:
    """Each reading is what the kernel answers whose `.config` leaves no doubt about its line."""
    text = P11.read_text().replace("CONFIG_CMDLINE_EXTEND=y\n", "")
    plain = tmp_path / "plain.config"
    plain.write_text(text)
    _, without = validate(str(plain), *ASKED)
    _, appended = validate(str(plain), *ASKED[:3], APPENDED)
    assert (without["verdict"], appended["verdict"]) == ("unsound", "supported")


def test_a_tree_that_has_the_symbol_appends(tmp_path: Path) -> None:
    names = ("VIRTUALIZATION", "KFENCE", "SECRETMEM", "CMDLINE_EXTEND")
    text = "".join(f'config {name}\n\tbool "{name}"\n' for name in names)
    given = ("KVM_GUEST_MEMFD", "STRICT_KERNEL_RWX", "ARCH_HAS_SET_DIRECT_MAP")
    text += "".join(f"config {name}\n\tbool\n" for name in given)
    text += 'config KVM\n\tbool "KVM"\n' + "".join(f"\tselect {name}\n" for name in given)
    text += "config ARM64_4K_PAGES\n\tdef_bool y\n"
    text += 'config CMDLINE\n\tstring "line"\nconfig KFENCE_SAMPLE_INTERVAL\n\tint "interval"\n'
    ran, result = validate(str(P11), *ASKED, "--tree", str(small_tree(tmp_path, text)))
    assert (ran.code, result["verdict"]) == (0, "supported")
    assert result["cmdline"] == APPENDED
    assert "MX0408" not in ran.err


def test_where_both_readings_agree_the_answer_is_known(tmp_path: Path) -> None:
    harmless = tmp_path / "harmless.config"
    harmless.write_text(P11.read_text().replace("kvm-arm.mode=protected ", ""))
    ran, result = validate(str(harmless), *ASKED)
    assert result["verdict"] == "unsound"
    assert "MX0408" in ran.err


@pytest.mark.parametrize("release", ["5.10", "6.1", "6.6", "6.12", "6.18", "7.2", "7.3"])
def test_no_shipped_release_appends_silently(tmp_path: Path, release: str) -> None:
    config = tmp_path / "extend.config"
    config.write_text('CONFIG_CMDLINE="rodata=off"\nCONFIG_CMDLINE_EXTEND=y\nCONFIG_KVM=y\n')
    ran, result = validate(
        str(config), "--kernel", release, "--cpu", "graviton3", "--cmdline", "quiet"
    )
    assert result["cmdline"] == "quiet"
    assert "MX0408" in ran.err


def test_a_fleet_leaves_both_readings_open(tmp_path: Path) -> None:
    (tmp_path / P11.name).write_text(P11.read_text())
    table = tmp_path / "hosts.csv"
    table.write_text(
        "host,kernel,config,cpu,cmdline\n"
        f"a,7.3,{P11.name},cortex-a710,androidboot.hardware=husky\n"
        f"b,7.3,{P11.name},cortex-a710,androidboot.hardware=husky kvm-arm.mode=protected\n"
    )
    ran = run_cli("fleet", str(table), "--format", "json")
    groups = {group["first"]["host"]: group for group in json.loads(ran.out)["groups"]}
    assert {host: group["verdict"] for host, group in groups.items()} == {
        "a": "unknown",
        "b": "supported",
    }
    assert "CONFIG_CMDLINE_EXTEND" in groups["a"]["reasons"][0]


def test_a_word_that_two_readings_share_is_said_once(tmp_path: Path) -> None:
    config = tmp_path / "extended.config"
    config.write_text(
        "# Linux/arm64 7.3.0 Kernel Configuration\nCONFIG_ARM64=y\n"
        'CONFIG_CMDLINE="rodata=off"\nCONFIG_CMDLINE_EXTEND=y\n'
    )
    asked = ("--cpu", "graviton3", "--cmdline", "rodata=full")
    assert run_cli("validate", str(config), *asked).err.count("MX1703") == 1
    # The same word in the built-in line stands elsewhere.
    config.write_text(config.read_text().replace("rodata=off", "rodata=full"))
    ran = run_cli("validate", str(config), *asked)
    places = re.findall(r"^(.*): warning\[MX1703\]", ran.err, re.MULTILINE)
    assert places == ["<command line>:1:1", f"{config}:3:17"]
