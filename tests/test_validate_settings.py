"""matrix.toml, baselines, rule packs and folders: what a repository asks, and what counts in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.diagnostics import InputError, format_diagnostic
from matrix.schema.settings import load_settings, location_of
from tests import package_builder
from tests.cli_runner import Ran, run_cli

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "tests" / "data" / "booted" / "7.3.config"
X86 = "# Linux/x86 7.3.0 Kernel Configuration\nCONFIG_X86=y\nCONFIG_X86_64=y\nCONFIG_KVM=y\n"
ASKED = ("--cpu", "cortex-a710", "--cpu", "neoverse-n1", "--cpu", "graviton3")


@pytest.fixture
def repository_of_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with one configuration, and we are in a folder of it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "kernels").mkdir()
    shutil.copy(CONFIG, tmp_path / "kernels" / "ours.config")
    monkeypatch.chdir(tmp_path / "kernels")
    return tmp_path


def validated(*arguments: str) -> Ran:
    return run_cli("validate", "ours.config", *arguments)


def standings(*arguments: str) -> dict[str, tuple[str, str | None]]:
    ran = validated("--format", "json", *arguments)
    return {
        result["cpu"][0]: (result["standing"], result["muted_because"])
        for result in json.loads(ran.out)["results"]
    }


def settings(folder: Path, text: str) -> None:
    (folder / "matrix.toml").write_text(text)


def test_defaults_come_from_the_repository(repository_of_user: Path) -> None:
    settings(
        repository_of_user,
        '[validate]\ncpus = ["neoverse-n1"]\nfail_on = ["refused"]\nkernel = "7.2"\n'
        'cmdline = "rodata=on"\nset = ["gic=v3"]\nvm = "default"\npredicate = "v12"\n',
    )
    ran = validated("--format", "json")
    (result,) = json.loads(ran.out)["results"]
    assert (ran.code, result["cpu"], result["kernel"]) == (1, ["neoverse-n1"], "7.2")
    assert result["cmdline"] == "rodata=on"


def test_the_command_line_wins(repository_of_user: Path) -> None:
    settings(
        repository_of_user,
        '[validate]\ncpus = ["neoverse-n1"]\nkernel = "7.2"\nfail_on = ["supported"]\n',
    )
    # --kernel auto is the default's own value, and still it was said.
    ran = validated(
        "--format", "json", "--cpu", "graviton3", "--kernel", "auto", "--fail-on", "none"
    )
    (result,) = json.loads(ran.out)["results"]
    assert (ran.code, result["cpu"], result["kernel"]) == (0, ["aws-graviton3"], "7.3")


def test_a_file_above_the_repository_or_of_no_repository_is_not_read(
    repository_of_user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(repository_of_user.parent, "not TOML at all\n")
    assert validated("--cpu", "graviton3").code == 0
    (repository_of_user / ".git").rmdir()
    settings(repository_of_user, "not TOML either\n")
    assert validated("--cpu", "graviton3").code == 0
    monkeypatch.chdir(repository_of_user)
    ran = run_cli("validate", "kernels/ours.config", "--cpu", "graviton3")
    assert (ran.code, "MX1410" in ran.err) == (3, True)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ('cpus = ["graviton3", "gravitron3"]', "MX0502"),
        ('cpus = ["graviton3,dic=1,dic=0"]', "MX0506"),
        ('kernel = "7.4"', "MX0913"),
        ('kernel = "linux-7.4"', "MX0905"),
        ('capability = "gmem"', "MX0906"),
        ('predicate = "v13"', "MX0901"),
        ('vm = "nestd"', "MX0909"),
        ('set = ["entry=el9"]', "MX0909"),
        ('set = ["entri=el1"]', "MX0908"),
        ('set = ["gic=v2", "gic=v3"]', "MX0506"),
        ('fail_on = ["unsond"]', "MX0907"),
    ],
)
def test_a_wrong_value_of_the_settings_has_the_place_of_its_key(
    written: str, code: str, repository_of_user: Path
) -> None:
    cpus = "" if written.startswith("cpus") else 'cpus = ["graviton3"]\n'
    settings(repository_of_user, f"# ours\n[validate]\n{cpus}{written}\n")
    ran = validated()
    line = 4 if cpus else 3
    assert ran.code == 3
    assert f"{repository_of_user / 'matrix.toml'}:{line}:1: error[{code}]: " in ran.err
    assert f"| {written}\n" in ran.err
    assert ran.err.count("error[") == 1


def test_what_the_command_line_says_wrong_is_not_the_fault_of_the_settings(
    repository_of_user: Path,
) -> None:
    settings(repository_of_user, '[validate]\nkernel = "7.2"\nset = ["gic=v3"]\n')
    for options in (("--kernel", "7.4"), ("--set", "gic=v9"), ("--capability", "gmem")):
        ran = validated("--cpu", "graviton3", *options)
        assert ran.code == 3
        assert "matrix.toml" not in ran.err


@pytest.mark.parametrize("kind", ["folder", "link to nowhere"])
def test_settings_that_are_no_file_are_not_ignored(kind: str, repository_of_user: Path) -> None:
    if kind == "folder":
        (repository_of_user / "matrix.toml").mkdir()
    else:
        (repository_of_user / "matrix.toml").symlink_to("nowhere.toml")
    ran = validated("--cpu", "graviton3")
    assert ran.code == 3
    assert "matrix.toml: error[MX1410]: cannot read the settings" in ran.err


# A mute, and for each CPU whether it is muted.
MUTES: list[tuple[str, set[str]]] = [
    ('verdict = "unsound"', {"cortex-a710"}),
    ('cpu = "cortex-*"', {"cortex-a710"}),
    ('cpu = "*"', {"cortex-a710", "neoverse-n1"}),
    ('capability = "gmem-no-direct-map"', {"cortex-a710", "neoverse-n1"}),
    ('capability = "memfd-secret"', set()),
    ('file = "ours.config"', {"cortex-a710", "neoverse-n1"}),
    ('file = "kernels/*"', {"cortex-a710", "neoverse-n1"}),
    ('file = "other/*"', set()),
    ('rule = "alias-access"', {"neoverse-n1"}),  # cortex-a710 violates a second invariant
    ('rule = "coherent-data"', set()),
    ('verdict = "unsound"\ncpu = "neoverse-n1"', set()),
    ('verdict = "supported"', set()),
]


@pytest.mark.parametrize(("mute", "muted"), MUTES, ids=[mute for mute, _ in MUTES])
def test_a_mute_covers_what_it_says(mute: str, muted: set[str], repository_of_user: Path) -> None:
    settings(repository_of_user, f'[[mute]]\n{mute}\nbecause = "told so"\n')
    found = standings(*ASKED)
    assert {cpu for cpu, (standing, _) in found.items() if standing == "muted"} == muted
    assert {because for _, because in found.values()} <= {None, "told so"}
    ran = validated("--fail-on", "unsound,refused", *ASKED)
    assert ran.code == (0 if muted == {"cortex-a710", "neoverse-n1"} else 1)
    assert ("MX1414" in ran.err) is (not muted)
    assert ran.out.count("muted: told so") == len(muted)


def test_mutes_of_all_that_is_violated_cover_together(repository_of_user: Path) -> None:
    settings(
        repository_of_user,
        '[[mute]]\nrule = "alias-access"\nbecause = "first"\n'
        '[[mute]]\nrule = "coherent-instructions"\nbecause = "second"\n',
    )
    assert standings(*ASKED)["cortex-a710"] == ("muted", "first; second")


def test_a_remark_is_muted_by_its_code(repository_of_user: Path) -> None:
    (repository_of_user / "kernels" / "ours.config").write_text("CONFIG_KVM=y\nCONFIG_ARM64=y\n")
    asked = ("--kernel", "7.3", "--cpu", "graviton3")
    assert "MX0911" in validated(*asked).err
    settings(repository_of_user, '[[mute]]\nrule = "MX0911"\nbecause = "a fragment, as intended"\n')
    ran = validated(*asked)
    assert "MX0911" not in ran.err
    assert "MX1414" not in ran.err


def test_muted_results_stay_visible_everywhere(repository_of_user: Path) -> None:
    settings(repository_of_user, '[[mute]]\nverdict = "unsound"\nbecause = "known, ours"\n')
    asked = ("--cpu", "cortex-a710")
    (run,) = json.loads(validated("--format", "sarif", *asked).out)["runs"]
    (result,) = run["results"]
    assert result["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "known, ours"}
    ]
    assert "muted: known, ours" in validated("--format", "junit", *asked).out
    assert validated("--format", "github", *asked).out == ""
    assert "muted: known, ours (" in validated().out


def test_the_example_of_the_page_is_read(repository_of_user: Path) -> None:
    page = (ROOT / "docs" / "ci.md").read_text()
    example, unknown = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    settings(repository_of_user, example)
    (repository_of_user / "kernel-rules" / "cpus").mkdir(parents=True)
    shutil.copy(
        ROOT / "configs" / "cpus" / "aws-graviton3.yaml", repository_of_user / "kernel-rules/cpus"
    )
    ran = validated("--write-baseline", str(repository_of_user / "known-findings.json"))
    assert ran.code == 0, ran.err
    assert validated().code == 0
    assert ran.err.count("MX1414") == 2  # neither of its mutes means this file
    for mute, code in (("", 4), (unknown, 0)):
        settings(repository_of_user, f'[validate]\ncpus = ["neoverse-v1"]\n{mute}')
        assert validated().code == code


def test_everything_wrong_is_said_at_once(repository_of_user: Path) -> None:
    settings(
        repository_of_user,
        '[validate]\nkernl = "7.3"\ncpus = "graviton3"\nvm = 1\n\n[[mute]]\nverdict = "x"\n'
        '[[mute]]\nbecause = "of all"\n[mutes]\n',
    )
    ran = validated()
    assert ran.code == 3
    found = re.findall(r"matrix\.toml:(\d+):(\d+): error\[(MX\d+)\]", ran.err)
    assert found == [
        ("2", "1", "MX1411"),
        ("3", "1", "MX1412"),
        ("4", "1", "MX1412"),
        ("6", "1", "MX1413"),
        ("8", "1", "MX1413"),
        ("10", "1", "MX1411"),
    ]


keys = st.text("abcdefghij_-", min_size=1, max_size=8)
scalars = st.one_of(
    st.integers(), st.booleans(), st.text("ab =[]#\"'\\n", max_size=8), st.lists(st.integers())
)


@given(
    st.dictionaries(keys, scalars, max_size=4),
    st.dictionaries(keys.map(lambda key: f"t{key}"), st.dictionaries(keys, scalars), max_size=3),
    st.lists(st.dictionaries(keys, scalars, max_size=3), max_size=3),
    st.sampled_from(["", "\n", "# [a] b = c\n", "\n\n  # x\n"]),
)
def test_places_in_toml_are_those_of_the_keys(
    top: dict[str, Any], tables: dict[str, dict[str, Any]], rows: list[dict[str, Any]], gap: str
) -> None:
    # The oracle writes the file and knows where each key went.
    lines: list[str] = []
    placed: dict[tuple[str | int, ...], int] = {}

    def write(place: tuple[str | int, ...], line: str) -> None:
        lines.extend(gap.splitlines())
        lines.append(line)
        placed[place] = len(lines)

    for key, value in top.items():
        write((key,), f"{key} = {json.dumps(value)}  # {key} = 1")
    for name, table in tables.items():
        write((name,), f"[{name}] # [{name}]")
        for key, value in table.items():
            write((name, key), f"  {key}={json.dumps(value)}")
    for number, row in enumerate(rows):
        write(("zz", number), "[[zz]]")
        for key, value in row.items():
            write(("zz", number, key), f"{key} = {json.dumps(value)}")
    text = "\n".join(lines) + "\n"
    for place, line in placed.items():
        found = location_of(text, place, "matrix.toml")
        assert found.line == line
        assert found.text is not None
        named = found.text[found.column - 1 : found.column - 1 + found.length]
        assert named.strip("[]") == str(place[-1] if isinstance(place[-1], str) else "zz")


EXAMPLE = """\
validate.kernel = "7.3"
[[mute]]
file = "config-*"  # why not
because = \'\'\'
several lines\'\'\'
[[mute]]
verdict = "unsound"
cpu = ["x"]
because = "told so"
[validate.more]
a = {b = [1, 2], c."d e" = 2026-11-22}
"""


@given(st.data())
def test_a_mutated_file_is_read_or_refused(data: st.DataObject) -> None:
    text = EXAMPLE
    for _ in range(data.draw(st.integers(0, 5))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        piece = data.draw(
            st.sampled_from(["", "[", "]", "=", '"', "\n", "a.b=1\n", "[mute]\n", "é"])
        )
        text = text[:start] + piece + text[end:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matrix.toml"
        path.write_text(text, encoding="utf-8")
        try:
            load_settings(path)
        except InputError as error:
            said = [format_diagnostic(item) for item in error.diagnostics]
        else:
            said = []
    for message in said:
        assert "hint: " in message


def test_deep_nesting_is_refused(repository_of_user: Path) -> None:
    settings(repository_of_user, "x = " + "[" * 100_000 + "]" * 100_000)
    assert "MX1410" in validated().err


def test_a_baseline_lets_only_new_findings_fail(repository_of_user: Path) -> None:
    baseline = repository_of_user / "ci" / "known.json"
    asked = ("--fail-on", "unsound,refused")
    wrote = validated("--cpu", "cortex-a710", *asked, "--write-baseline", str(baseline))
    assert wrote.code == 0
    (entry,) = json.loads(baseline.read_text())["findings"]
    assert entry["file"] == "../kernels/ours.config"
    assert entry["violates"] == "alias-access coherent-instructions"

    again = validated("--cpu", "cortex-a710", *asked, "--baseline", str(baseline))
    assert (again.code, again.err) == (0, "")
    assert "known: the baseline has it" in again.out
    new = validated(*ASKED, *asked, "--baseline", str(baseline), "--format", "sarif")
    assert new.code == 1
    (run,) = json.loads(new.out)["runs"]
    assert {each["properties"]["cpu"]: each["baselineState"] for each in run["results"]} == {
        "cortex-a710": "unchanged",
        "neoverse-n1": "new",
    }
    # From elsewhere, under a longer path, after unrelated changes: the same finding.
    path = repository_of_user / "kernels" / "ours.config"
    path.write_text(path.read_text() + "CONFIG_UNRELATED=y\n")
    arguments = ("--cpu", "cortex-a710", *asked, "--baseline", str(baseline))
    assert run_cli("validate", str(path), *arguments).code == 0
    # Another violation of the same CPU is new.
    changed = baseline.read_text().replace("alias-access coherent", "coherent")
    baseline.write_text(changed)
    assert run_cli("validate", str(path), *arguments).code == 1


def test_stale_entries_are_those_that_were_asked_about(repository_of_user: Path) -> None:
    baseline = repository_of_user / "known.json"
    validated(*ASKED, "--fail-on", "unsound,refused", "--write-baseline", str(baseline))
    assert len(json.loads(baseline.read_text())["findings"]) == 2
    cured = ("--cmdline", "kvm-arm.mode=protected", "--baseline", str(baseline))
    ran = validated("--cpu", "cortex-a710", *cured)
    assert ran.err.count("MX1421") == 1
    assert "`kernels/ours.config` is no longer unsound on cortex-a710" in ran.err
    # Nobody asked about it in this run: whether it is stale is not known.
    assert "MX1421" not in validated("--cpu", "graviton3", *cured).err


def test_a_baseline_may_stand_in_the_settings(repository_of_user: Path) -> None:
    settings(repository_of_user, '[validate]\nbaseline = "known.json"\ncpus = ["cortex-a710"]\n')
    assert "MX1420" in validated().err
    assert validated("--write-baseline", "../known.json").code == 0
    assert validated().code == 0


@pytest.mark.parametrize("named", ["known.json", "new/known.json"])
@pytest.mark.parametrize("form", ["text", "json", "github", "junit", "sarif"])
def test_the_first_baseline_is_written_where_the_settings_name_it(
    repository_of_user: Path, named: str, form: str
) -> None:
    """Before it exists: neither that it is missing counts, nor that its folder is."""
    settings(repository_of_user, f'[validate]\nbaseline = "{named}"\ncpus = ["cortex-a710"]\n')
    said = re.search(r"--write-baseline (\S+)` writes the first one", validated().err)
    assert said is not None
    asked = ("--write-baseline", said[1], "--format", form)
    wrote = validated(*asked)
    assert (wrote.code, wrote.err.count("error[")) == (0, 0), wrote.err
    assert (repository_of_user / named).is_file()
    assert validated().code == 0
    assert validated(*asked).code == 0  # and again over itself


def test_a_muted_finding_is_not_written_to_the_baseline(repository_of_user: Path) -> None:
    settings(repository_of_user, '[[mute]]\ncpu = "cortex-a710"\nbecause = "ours"\n')
    validated("--cpu", "cortex-a710", "--write-baseline", "known.json")
    written = json.loads((repository_of_user / "kernels" / "known.json").read_text())
    assert written == {"schema": "matrix/baseline/1", "findings": []}


def test_a_folder_is_read_in_order_and_foreign_files_are_passed_over(tmp_path: Path) -> None:
    text = CONFIG.read_text()
    for name in ("b/config-7.3", "b/.config", "a.config", "c/x_defconfig", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "b" / "config-notes.md").write_text(text)
    (tmp_path / "b" / "config").write_text("Host *\n")
    (tmp_path / "x86.config").write_text(X86)
    (tmp_path / "b" / "again").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.config")
    package = package_builder.rpm(
        {"./boot/config-1": text.encode(), "./boot/config-2": X86.encode()}
    )
    (tmp_path / "z.rpm").write_bytes(package)
    (tmp_path / "c" / "meta.deb").write_bytes(package_builder.deb({}))
    ran = run_cli("validate", str(tmp_path), "--cpu", "graviton3", "--format", "json")
    assert ran.code == 0, ran.err
    files = [result["file"] for result in json.loads(ran.out)["results"]]
    assert [file.removeprefix(f"{tmp_path}/") for file in files] == [
        "a.config",
        "b/.config",
        "b/config-7.3",
        "c/x_defconfig",
        "z.rpm!boot/config-1",
    ]
    notes = re.findall(r"note\[(MX\d+)\]", ran.err)
    assert sorted(notes) == ["MX0307", "MX0308", "MX0308", "MX1402"]
    # The same file, named, is wrong.
    assert run_cli("validate", str(tmp_path / "x86.config"), "--cpu", "graviton3").code == 3


def test_a_rule_pack_adds_and_overrides(repository_of_user: Path) -> None:
    pack = repository_of_user / "pack"
    (pack / "cpus").mkdir(parents=True)
    (pack / "capabilities").mkdir()
    cpu = (ROOT / "configs" / "cpus" / "cortex-a710.yaml").read_text()
    (pack / "cpus" / "ours.yaml").write_text(cpu.replace("cortex-a710", "ours-1"))
    capability = (ROOT / "configs" / "capabilities" / "gmem-no-direct-map.yaml").read_text()
    own = capability.replace("id: gmem-no-direct-map", "id: ours")
    (pack / "capabilities" / "ours.yaml").write_text(own)
    kernel = (ROOT / "configs" / "kernels" / "linux-7.3-arm64.yaml").read_text()
    (pack / "kernels").mkdir()
    shown = kernel.replace("linux-7.3-arm64", "linux-7.4-arm64").replace(
        'release: "7.3"', 'release: "7.4"'
    )
    (pack / "kernels" / "linux-7.4-arm64.yaml").write_text(shown)
    settings(
        repository_of_user,
        '[validate]\nconfigs = ["pack"]\ncapability = "ours"\ncpus = ["ours-1"]\nkernel = "7.4"\n'
        '[[mute]]\ncapability = "ours"\nbecause = "on trial"\n',
    )
    ran = validated("--format", "json")
    assert ran.code == 0, ran.err
    (result,) = json.loads(ran.out)["results"]
    assert (result["capability"], result["kernel"], result["cpu"]) == ("ours", "7.4", ["ours-1"])
    assert (result["verdict"], result["standing"]) == ("unsound", "muted")


def test_a_rule_pack_overrides_a_shipped_cpu(repository_of_user: Path) -> None:
    (repository_of_user / "pack" / "cpus").mkdir(parents=True)
    cpu = (ROOT / "configs" / "cpus" / "aws-graviton3.yaml").read_text()
    # A field must agree with the register that is recorded beside it.
    cpu = cpu.replace("ctr_el0: 0xb444c004", "ctr_el0: 0x9444c004")
    (repository_of_user / "pack" / "cpus" / "aws-graviton3.yaml").write_text(
        re.sub(r"(?m)^(  dic: .*?)value: 1", r"\1value: 0", cpu)
    )
    assert validated("--cpu", "graviton3").code == 0
    assert validated("--cpu", "graviton3", "--configs", "../pack").code == 1
