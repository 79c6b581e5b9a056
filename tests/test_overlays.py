"""Overlays: rows that a folder of one's own adds to shipped profiles, for a range of releases."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.diagnostics import InputError
from matrix.kernel.line.parameters import parse_value
from matrix.render.basis import cpu_table
from matrix.schema.compiled import cache_key, knowledge
from matrix.schema.files import read_folders
from matrix.schema.location import configs_folder
from tests.cli_runner import run_cli

BOOTED = Path(__file__).parent / "data" / "booted"
CASE = Path(__file__).parent / "cases" / "overlays" / "init-on-alloc"

# By hand, from mm/page_alloc.c of both releases: the default is the symbol's, the last word that
# kstrtobool knows wins, and any other leaves what was there.
WORKED = {
    ("default on", "absent"): "granted",
    ("default on", "1"): "granted",
    ("default on", "off"): "not-granted",
    ("default on", "last wins"): "granted",
    ("default on", "junk"): "granted",
    ("default off", "absent"): "not-granted",
    ("default off", "1"): "granted",
    ("default off", "off"): "not-granted",
    ("default off", "last wins"): "granted",
    ("default off", "junk"): "not-granted",
}
SYMBOL = """id: {id}
arch: arm64
{releases}
kconfig:
  symbols:
    INIT_ON_ALLOC_DEFAULT_ON: {{type: bool, prompt: "true", source: "security/Kconfig.hardening:1"}}
"""


def test_a_capability_over_what_no_shipped_profile_reads() -> None:
    columns = "kernel,build,boot.init,verdict"
    ran = run_cli("cells", "init-on-alloc", "--configs", str(CASE), "--columns", columns)
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert {row["kernel"] for row in rows} == {"5.10", "6.1"}
    for release in ("5.10", "6.1"):
        answers = {
            (row["build"], row["boot.init"]): row["verdict"]
            for row in rows
            if row["kernel"] == release
        }
        assert answers == WORKED


def test_a_config_and_a_command_line_are_answered_with_the_rows(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "# Linux/arm64 6.1.0 Kernel Configuration\n"
        "CONFIG_ARM64=y\nCONFIG_ARM64_4K_PAGES=y\nCONFIG_INIT_ON_ALLOC_DEFAULT_ON=y\n"
    )
    asked = ("validate", str(config), "--cpu", "cortex-a72", "--capability", "init-on-alloc")
    for line, verdict in (("quiet", "granted"), ("init_on_alloc=n", "not-granted")):
        ran = run_cli(*asked, "--configs", str(CASE), "--cmdline", line, "--format", "json")
        assert {row["verdict"] for row in json.loads(ran.out)["results"]} == {verdict}


def overlay(folder: Path, name: str, releases: str) -> Path:
    (folder / "overlays").mkdir(parents=True, exist_ok=True)
    text = SYMBOL.format(id=name, releases=releases)
    (folder / "overlays" / f"{name}.yaml").write_text(text)
    return folder


def releases_with_the_symbol(folder: Path) -> set[str]:
    return {
        kernel.release
        for kernel in knowledge([folder]).kernels
        if any(symbol.name == "INIT_ON_ALLOC_DEFAULT_ON" for symbol in kernel.symbols)
    }


RELEASES = {
    *("5.10", "5.15", "6.1", "6.6", "6.8", "6.12"),
    *("6.14", "6.18", "6.19", "7.1", "7.2", "7.3"),
}


@pytest.mark.parametrize(
    ("releases", "wanted"),
    [
        ("", RELEASES),
        ("releases: all", RELEASES),
        ('releases: ">=6.12"', {"6.12", "6.14", "6.18", "6.19", "7.1", "7.2", "7.3"}),
        ('releases: ">6.12"', {"6.14", "6.18", "6.19", "7.1", "7.2", "7.3"}),
        ('releases: "<6.6"', {"5.10", "5.15", "6.1"}),
        ('releases: "<= 6.10"', {"5.10", "5.15", "6.1", "6.6", "6.8"}),
        ('releases: "7.2"', {"7.2"}),
        ('releases: ["7.3", "5.10"]', {"5.10", "7.3"}),
        ('releases: {from: "6.2", to: "6.18"}', {"6.6", "6.8", "6.12", "6.14", "6.18"}),
        ('releases: {to: "6.1"}', {"5.10", "5.15", "6.1"}),
    ],
)
def test_the_releases_of_a_range(tmp_path: Path, releases: str, wanted: set[str]) -> None:
    assert releases_with_the_symbol(overlay(tmp_path, "mine", releases)) == wanted


def test_two_overlays_for_other_releases_do_not_collide(tmp_path: Path) -> None:
    overlay(tmp_path, "old", 'releases: "<6.12"')
    overlay(tmp_path, "new", 'releases: ">=6.12"')
    assert releases_with_the_symbol(tmp_path) == RELEASES


def test_an_overlay_is_part_of_the_digest_and_of_the_compiled_file(tmp_path: Path) -> None:
    shipped = read_folders([configs_folder()])
    keys = {cache_key(shipped)}
    digests = {knowledge().digest}
    for releases in ("releases: all", 'releases: "7.3"'):
        folder = overlay(tmp_path, "mine", releases)
        keys.add(cache_key(read_folders([configs_folder(), folder])))
        digests.add(knowledge([folder]).digest)
    assert len(keys) == len(digests) == 3
    assert releases_with_the_symbol(tmp_path) == {"7.3"}  # again, from the compiled file


def test_an_overlay_replaces_one_of_the_same_id_in_an_earlier_folder(tmp_path: Path) -> None:
    first = overlay(tmp_path / "first", "mine", "releases: all")
    second = overlay(tmp_path / "second", "mine", 'releases: "7.3"')
    kernels = knowledge([first, second]).kernels
    names = {kernel.release for kernel in kernels if "INIT_ON" in str(kernel.symbols)}
    assert names == {"7.3"}


def test_a_fact_is_added_to_the_architecture(tmp_path: Path) -> None:
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "facts.yaml").write_text(
        "id: facts\narch: arm64\nfacts:\n"
        '  - {name: small_pages, c: "PAGE_SIZE == 4096", description: "pages of 4 KiB"}\n'
    )
    architectures = {item.id: item for item in knowledge([tmp_path]).architectures}
    architecture = architectures["arm64"]
    assert architecture.facts[-1].name == "small_pages"
    text = (tmp_path / "overlays" / "facts.yaml").read_text()
    taken = architecture.facts[0].name
    (tmp_path / "overlays" / "facts.yaml").write_text(text.replace("small_pages", taken))
    with pytest.raises(InputError) as caught:
        knowledge([tmp_path])
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "MX0251"
    assert str(architecture.facts[0].location) in str(diagnostic.hint)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ("releases: newest", "MX0217"),
        ("releases: 6.10", "MX0211"),
        ("releases: []", "MX0217"),
        ("releases: {since: all}", "MX0213"),
    ],
)
def test_releases_in_another_form(tmp_path: Path, changed: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        knowledge([overlay(tmp_path, "mine", changed)])
    assert {item.code for item in caught.value.diagnostics} == {code}


def test_the_rows_are_checked_as_those_of_a_profile(tmp_path: Path) -> None:
    shutil.copytree(CASE, tmp_path / "mine")
    file = tmp_path / "mine" / "overlays" / "wrong.yaml"
    file.write_text(
        "id: wrong\narch: arm64\nreleases: all\n"
        "cpucaps:\n  ARM64_NEW: {field: fwbb, minimum: 1, scope: every_cpu, source: a.c:1}\n"
    )
    ran = run_cli("check", str(tmp_path / "mine"))
    assert ran.code == 3
    assert re.search(r"wrong\.yaml:5:\d+: error\[MX0221\]: unknown CPU field `fwbb`", ran.err)
    assert "did you mean `fwb`" in ran.err


def test_rows_of_an_overlay_are_said_not_to_be_compared(
    kernel_tree: Callable[[str], Path],
) -> None:
    tree = str(kernel_tree("6.1"))
    alone, joined = (
        run_cli("kernels", "verify", "6.1", "--tree", tree, *more)
        for more in ((), ("--configs", str(CASE)))
    )
    said = [line for line in joined.out.splitlines() if line not in alone.out]
    assert alone.code in (0, 4)
    assert joined.code == 4
    assert "MX1109" not in joined.out
    uncompared = [line for line in said if "warning[MX1107]" in line]
    assert uncompared
    assert all("/init-on-alloc/overlays/" in line for line in uncompared)


FIELD = """id: field
arch: arm64
fields:
  - name: sme
    register: ID_AA64PFR1_EL1
    bits: "27:24"
    domain: [0, 1]
    settable: true
    description: "FEAT_SME"
"""


def test_a_cpu_field_is_decoded_given_and_else_unknown(tmp_path: Path) -> None:
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "field.yaml").write_text(FIELD)
    own = ("--configs", str(tmp_path), "--format", "json")
    values = {}
    for spec in ("aws-graviton2", "cortex-a72", "cortex-a72,sme=1"):
        (cpu,) = json.loads(run_cli("cpus", "show", spec, *own).out)["cpus"]
        values[spec] = next(item for item in cpu["fields"] if item["name"] == "sme")["value"]
    assert values == {"aws-graviton2": 0, "cortex-a72": None, "cortex-a72,sme=1": 1}
    known = knowledge([tmp_path])
    study = next(item for item in known.studies if item.id == "arm64-mte-in-guests")
    arm64 = next(item for item in known.architectures if item.id == "arm64")
    table = cpu_table(study, known.cpus, arm64)
    shown = {row.cpu.id: row.values[table.fields.index("sme")] for row in table.rows}
    assert shown["aws-graviton2"] is not None
    assert shown["aws-graviton2"].value == 0
    assert shown["cortex-a72"] is None
    (tmp_path / "overlays" / "field.yaml").write_text(FIELD.replace("name: sme", "name: mte"))
    ran = run_cli("check", str(tmp_path))
    assert (ran.code, "CPU field `mte` is declared already" in ran.err) == (3, True)


def test_a_constraint_that_no_follower_can_keep_ends_the_search_for_a_fix(tmp_path: Path) -> None:
    """Without hibernation this vendor's KVM cannot be built, whatever follows from other symbols.

    The search tries that change, and must not wait for a symbol without a prompt to repair it.
    """
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "vendor.yaml").write_text(
        "id: vendor\narch: arm64\nreleases: ['7.3']\nkconfig:\n  constraints:\n"
        '    - c: "!IS_ENABLED(CONFIG_KVM) || (IS_ENABLED(CONFIG_KVM_GUEST_MEMFD)'
        ' && IS_ENABLED(CONFIG_HIBERNATION))"\n'
        "      grounded: hand\n      because: a vendor's KVM selects both\n"
    )
    config = Path(__file__).parent / "data" / "booted" / "7.3.config"
    asked = ("validate", str(config), "--cpu", "cortex-a710", "--configs", str(tmp_path))
    ran = run_cli(*asked, "--format", "json")
    (row,) = json.loads(ran.out)["results"]
    assert row["verdict"] == "unsound"
    changes = [list(fix["change"]) for fix in row["fixes"]]
    assert changes == [["boot.kvm-arm.mode"]]


def test_a_name_of_an_overlay_is_no_news_of_other_releases_and_names_beside_it_are_no_slips(
    tmp_path: Path,
) -> None:
    # Linux 6.1 has ARM64_SVE (arch/arm64/Kconfig:2132) and arm64.nosve, 7.3 has ARM64_SME and
    # arm64.nosme: an overlay for 7.3 says nothing of that.
    (tmp_path / "mine" / "overlays").mkdir(parents=True)
    (tmp_path / "mine" / "overlays" / "sve.yaml").write_text(
        """id: sve
arch: arm64
releases: "7.3"
kconfig:
  symbols:
    ARM64_SVE: {type: bool, prompt: "true", source: "arch/arm64/Kconfig:2362-2364"}
variables:
  pfr0_sve_override: {initial: "false", source: "arch/arm64/kernel/pi/idreg-override.c:138"}
parameters:
  arm64.nosve:
    - stream: idreg
      grammar: presence
      effects: [{set: {pfr0_sve_override: "true"}}]
      source: "arch/arm64/kernel/pi/idreg-override.c:249"
""",
    )
    line = ["--cmdline", "arm64.nosve arm64.nosme", "--cpu", "graviton3", "--fail-on", "none"]
    for release in ("6.1", "7.3"):
        config = BOOTED / f"{release}.config"  # with both symbols, but for SME in 6.1
        asked = ["validate", str(config), *line]
        without = run_cli(*asked)
        ran = run_cli(*asked, "--configs", str(tmp_path / "mine"))
        assert (ran.code, ran.err) == (without.code, without.err)


def test_kstrtobool_takes_what_the_release_takes(tmp_path: Path) -> None:
    # By hand, from lib/kstrtox.c: `t` came in 6.1, `e` behind 6.12 (5.10: `y`, `1` and `on` alone).
    taken = {"5.10": {"y", "on"}, "6.1": {"y", "on", "true"}, "7.3": {"y", "on", "true", "enable"}}
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "mine.yaml").write_text(
        """id: mine
arch: arm64
releases: all
variables:
  my_switch: {initial: "false", source: "my/code.c:1"}
parameters:
  my_switch:
    - stream: early
      grammar: kstrtobool
      effects: [{set: {my_switch: "value"}}]
      source: "my/code.c:2-5"
"""
    )
    profiles = {kernel.release: kernel for kernel in knowledge([tmp_path]).kernels}
    for release, words in taken.items():
        parameters = {item.name: item for item in profiles[release].parameters}
        (parser,) = parameters["my_switch"].parsers
        tried = ("y", "on", "true", "enable", "maybe")
        assert {word for word in tried if parse_value(parser, word) is True} == words
