"""A kernel before a fix is not answered as one that has it, and none silently as another one.

memfd_secret(2) before 5.15.169, 6.1.113, 6.6.57 and 6.11.4 succeeds and hides nothing
(CVE-2024-50182): the tables here are from the announcements, not from the declarations.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from ruamel.yaml import YAML

from matrix.analyze.cell.verdict import Verdict
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from tests.bundle_builder import bundle_document, make_tree
from tests.cli_runner import Ran, run_cli

REPORTED = Path(__file__).parent / "cases" / "reported"
ASKED = ("--capability", "memfd-secret", "--cpu", "neoverse-n1", "--cmdline", "secretmem.enable=1")
FIXED = {(5, 15): 169, (6, 1): 113, (6, 6): 57, (6, 11): 4}


def validate(config: str | Path, *arguments: str) -> tuple[Ran, dict[str, Any]]:
    ran = run_cli("validate", str(config), "--format", "json", *arguments)
    document = json.loads(ran.out)
    return ran, (document["results"] or [{}])[0]


def reported(name: str) -> str:
    return str(REPORTED / f"{name}.config")


@pytest.mark.parametrize("name", ["p02-6.1.90", "p02-6.6.56"])
def test_before_the_fix_the_call_hides_nothing(name: str) -> None:
    ran, result = validate(reported(name), *ASKED)
    assert (ran.code, result["verdict"], result["predicate"]) == (1, "unsound", True)
    (violation,) = result["simulation"]["violations"]
    assert violation["invariant"] == "alias-removed"
    assert any("CVE-2024-50182" in reason for reason in result["reasons"])
    # Where the direct map can be changed nothing was wrong.
    _, result = validate(reported(name), *ASKED[:-1], "secretmem.enable=1 rodata=full")
    assert result["verdict"] == "supported"


def test_with_the_fix_the_call_is_refused() -> None:
    _, result = validate(reported("p02-6.1.113"), *ASKED)
    assert (result["verdict"], result["predicate"]) == ("refused", False)


# What the header says, what --kernel does; the stand-in's release is no version of the file's.
STAND_INS = {
    ("6.11.3", "6.12"): "unsound",
    ("6.11.3", "linux-6.12-arm64"): "unsound",
    ("6.11.3", "6.6"): "unsound",
    ("6.11.4", "6.12"): "refused",
    ("6.11.4", "6.1"): "refused",
    ("5.14.21", "6.1"): "unsound",
    ("5.19.17", "6.1"): "unsound",
    ("5.19.17", "6.12"): "unsound",
    ("5.15.169", "6.12"): "refused",  # has a profile of its own, as the last two
    ("5.15.160", "6.1"): "unknown",
    ("6.10.14", "6.12"): "unsound",  # the series ended without the fix
    ("6.13.2", "6.12"): "refused",
    ("6.11.0-9-generic", "6.12"): "unknown",  # Ubuntu's name tells no point release
    ("6.11.3-vendor", "6.12"): "unsound",
    ("6.11.4-rc1", "6.12"): "unknown",
    ("6.11.3", "6.12.5"): "refused",  # the user says the version of the kernel
    ("6.11.3", "6.12.0-rc2"): "unknown",
    ("6.1.90", "6.12"): "refused",  # has a profile of its own, and the user asks for another
    ("6.6.56", "6.1"): "unknown",
}


def of_version(version: str, folder: Path) -> Path:
    config = folder / f"of-{version}.config"
    config.write_text(Path(reported("p02-6.11.3")).read_text().replace("6.11.3", version))
    return config


# The releases with a profile; of the others, those beside them answer.
READ = (
    *("5.10", "5.15", "6.1", "6.6", "6.8", "6.12"),
    *("6.14", "6.18", "6.19", "7.1", "7.2", "7.3"),
)
# What the CVE's fix points make of a file that leaves rodata_full off, by hand; "?" where the two
# profiles beside it differ (6.18 has no RODATA_FULL_DEFAULT_ENABLED any more).
BETWEEN = {
    # 5.10 has no memfd_secret(2), and the file sets CONFIG_SECRETMEM: 5.15 alone says it fails.
    "5.14.21": "unsound",
    "5.15.160": "unsound",
    "5.15.168": "unsound",
    "5.15.169": "refused",
    "5.15.215": "refused",
    "5.15": "unknown",
    "5.16.20": "unsound",
    "5.17.15": "unsound",
    "5.19.17": "unsound",
    "5.19": "unsound",
    "6.0.19": "unsound",
    "6.2": "unsound",
    "6.2.16": "unsound",
    "6.3.13": "unsound",
    "6.4.16": "unsound",
    "6.5.13": "unsound",
    "6.7.12": "unsound",
    "6.8": "unsound",
    "6.8.12": "unsound",
    "6.9.12": "unsound",
    "6.10.14": "unsound",
    "6.11.3": "unsound",
    "6.11.4": "refused",
    "6.11.11": "refused",
    "6.11": "unknown",  # on both sides of the fix
    "6.8.0-45-generic": "unknown",  # a vendor's zero tells no point release
    "6.8.12-vendor": "unsound",
    "6.13.2": "refused",
    "6.14.2": "refused",
    "6.16.2": "?",
}


@pytest.mark.parametrize("version", BETWEEN)
def test_a_release_between_two_profiles_that_agree_is_answered_and_marked(
    tmp_path: Path, version: str
) -> None:
    config = of_version(version, tmp_path)
    release = ".".join(version.split("-", maxsplit=1)[0].split(".")[:2])
    read = release in READ
    beside = [] if read else [*_beside(release)]
    told = (config, *ASKED)
    asked = (reported("p02-6.11.3"), *ASKED, "--kernel", version)
    for arguments in (told, asked) if version not in ("6.11", "5.15") else (told,):
        ran, result = validate(*arguments)
        said = " ".join(result["reasons"])
        assert (result["kernel"], result["between"]) == (release, beside)
        assert (result["read_on"] is not None) == read
        if arguments is asked and beside[:1] == ["5.10"]:
            # What a file of 6.11 sets does not tell what a kernel before 5.15 has.
            assert result["verdict"] == "unknown"
            assert "absent as Linux 5.10" in said
            continue
        assert result["verdict"] == BETWEEN[version].replace("?", "unknown")
        if BETWEEN[version] == "?":
            assert f"nobody has read {release}, which is between them" in said
            assert "rodata_full is false in 6.14, true in 6.18" in said
            assert ran.code == 4
        elif result["verdict"] != "unknown" and not read:
            agree = f"interpolated: Linux {beside[0]} and {beside[1]} agree"
            alone = "as Linux 5.15 alone: 5.10 has no CONFIG_SECRETMEM, which the file sets"
            assert (alone if beside[0] == "5.10" else agree) in said
            assert result["confidence"] == "inferred"
        assert ("MX1123" in ran.err or "MX1714" in ran.err) == ("-" in version)
    _, text = validate(config, *ASKED)
    own = text["version"]
    assert own == (None if version.count(".") < 2 else version)
    ran = run_cli("validate", str(config), *ASKED)
    words = f"(between {' and '.join(beside)})"
    assert (words in " ".join(ran.out.split())) == (not read)


def _beside(release: str) -> tuple[str, str]:
    """Return the profiles beside a release without one."""
    numbers = [tuple(map(int, one.split("."))) for one in (*READ, release)]
    below = max(one for one in numbers if one < numbers[-1])
    above = min(one for one in numbers if one > numbers[-1])
    return f"{below[0]}.{below[1]}", f"{above[0]}.{above[1]}"


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("6.6.999", "no series has come to"),
        ("6.8.13", "6.8 ended with 6.8.12"),
        ("6.20", "the last series of 6 is 6.19"),
        ("6.6.999-vendor", "no series has come to"),
    ],
)
def test_a_version_that_does_not_exist_is_an_error(tmp_path: Path, version: str, why: str) -> None:
    config = of_version(version, tmp_path)
    table = tmp_path / "hosts.csv"
    table.write_text(f"host,kernel,config,cpu\na,{version},{config.name},neoverse-n1\n")
    for command in (
        ("validate", str(config), *ASKED),
        ("validate", reported("p02-6.1.90"), *ASKED, "--kernel", version),
        ("fleet", str(table), "--capability", "memfd-secret"),
    ):
        ran = run_cli(*command)
        assert ran.code == 3, command
        assert "MX1122" in ran.err
        assert why in ran.err


@pytest.mark.parametrize("name", ["KVM_GUEST_MEMFD", "KVM_PRIVATE_MEM"])
def test_what_a_vendor_brought_back_is_not_absent(tmp_path: Path, name: str) -> None:
    """No arm64 kernel of 6.6 has guest_memfd: a file that sets it is of a patched one."""
    booted = Path(__file__).parent / "data" / "booted" / "6.12.config"
    config = tmp_path / "vendor.config"
    config.write_text(booted.read_text() + f"CONFIG_{name}=y\n")
    assert "absent" in run_cli("validate", str(booted), "--cpu", "graviton3").out
    ran, result = validate(config, "--cpu", "graviton3")
    assert (ran.code, result["verdict"]) == (4, "unknown")
    assert f"CONFIG_{name}, which Linux 6.12 cannot have" in " ".join(result["reasons"])
    table = tmp_path / "hosts.csv"
    table.write_text("host,kernel,config,cpu\na,6.12.107,vendor.config,graviton3\n")
    out = tmp_path / "answers.csv"
    run_cli("fleet", str(table), "--table", str(out))
    assert "unknown" in out.read_text()


def test_a_header_without_numbers_is_named(tmp_path: Path) -> None:
    ran, _ = validate(of_version("asahi", tmp_path), *ASKED)
    assert ran.code == 3
    assert "MX0912" in ran.err
    assert "it says `asahi`" in ran.err


def test_a_vendor_without_a_point_release_is_named_by_its_release(tmp_path: Path) -> None:
    fragment = tmp_path / "fragment.config"
    fragment.write_text("CONFIG_ARM64=y\nCONFIG_SECRETMEM=y\n")
    ran, _ = validate(fragment, *ASKED, "--kernel", "6.1/acme")
    assert "MX1123" in ran.err
    assert "Linux 6.1 is a build" in ran.err


@pytest.mark.parametrize(("version", "kernel"), STAND_INS)
def test_a_stand_in_does_not_bring_a_fix_to_a_release_without_a_profile(
    tmp_path: Path, version: str, kernel: str
) -> None:
    ran, result = validate(of_version(version, tmp_path), *ASKED, "--kernel", kernel)
    assert result["verdict"] == STAND_INS[version, kernel]
    assert "MX1715" in ran.err
    exact = kernel.count(".") > 1
    assert result["version"] == (kernel.replace("6.12.0", "6.12") if exact else version)
    assert ("told by the file's version" in " ".join(ran.err.split())) == (
        not exact and ".".join(version.split(".")[:2]) not in READ
    )
    assert ("MX1714" in ran.err) == version.endswith("vendor")


def test_nor_does_it_in_a_fleet(tmp_path: Path) -> None:
    table, out = tmp_path / "hosts.csv", tmp_path / "answers.csv"
    with table.open("w") as stream:
        stream.write("host,kernel,config,cpu,cmdline\n")
        for version, kernel in STAND_INS:
            name = of_version(version, tmp_path).name
            row = (f"{version} as {kernel}", kernel, name, "neoverse-n1", "secretmem.enable=1")
            stream.write(",".join(row) + "\n")
    asked = ("--config-folder", str(tmp_path), "--capability", "memfd-secret", "--table", str(out))
    run_cli("fleet", str(table), *asked)
    with out.open(newline="") as stream:
        verdicts = {row["host"]: row["verdict"] for row in csv.DictReader(stream)}
    assert verdicts == {f"{one} as {other}": verdict for (one, other), verdict in STAND_INS.items()}


@pytest.mark.parametrize(
    ("kernel", "verdict"),
    [
        ("6.1.90", "unsound"),
        ("6.1.113", "refused"),
        ("6.1.90-1-vendor", "unsound"),
        ("6.1.0-rc4", "unsound"),
        # A point release under review has a point: 6.1.113-rc1 is no candidate of 6.1.
        ("6.1.112-rc2", "unsound"),
        ("6.1.113-rc1", "unknown"),
        ("6.1.114-rc1", "refused"),
    ],
)
def test_an_exact_version_may_be_given(kernel: str, verdict: str) -> None:
    ran, result = validate(reported("p02-6.11.3"), *ASKED, "--kernel", kernel)
    assert (result["verdict"], result["kernel"]) == (verdict, "6.1")
    assert result["version"] == kernel.replace("6.1.0-rc4", "6.1-rc4")
    assert ("MX1714" in ran.err) == kernel.endswith("vendor")


def test_without_a_point_release_both_sides_are_open(tmp_path: Path) -> None:
    fragment = tmp_path / "fragment.config"
    lines = Path(reported("p02-6.1.90")).read_text().splitlines(keepends=True)
    fragment.write_text("".join(line for line in lines if "Linux/arm64" not in line))
    ran, result = validate(fragment, *ASKED, "--kernel", "6.1")
    assert (ran.code, result["verdict"]) == (4, "unknown")
    assert "the exact version" in " ".join(result["reasons"])
    # Unknown only where it matters.
    for also, verdict in (("rodata=full", "supported"), ("secretmem.enable=0", "absent")):
        _, result = validate(fragment, *ASKED[:-1], f"secretmem.enable=1 {also}", "--kernel", "6.1")
        assert result["verdict"] == verdict


def test_nor_is_a_side_chosen_in_a_study_of_distributions() -> None:
    """`6.6` is before 6.6.57 or not: what only the fix decides is unknown in the space, too."""
    asked = prepare_study(Library(), "arm64-distros-memfd-secret")
    axes = {axis.name: axis for axis in asked.study.axes}
    mine = [one.name for one in axes["distro"].options if (one.version or "").startswith("6.6.")]
    axes["distro"] = replace(
        axes["distro"],
        options=tuple(
            replace(option, version="6.6") if option.name in mine else option
            for option in axes["distro"].options
        ),
    )
    undated = replace(asked, study=replace(asked.study, axes=tuple(axes.values())))
    solved = undated.solve()
    met: Counter[str] = Counter()
    for name, line in itertools.product(mine, ("absent", "off")):
        cell = {"distro": name, "boot.rodata": line}
        place = dict(asked.study.baseline) | cell
        (found,) = (word for word, part in solved.verdicts.items() if not part.at(place).is_empty())
        answer = asked.answer(cell)
        assert answer is not None
        depends = answer.verdict in {Verdict.REFUSED, Verdict.UNSOUND}
        assert found is (Verdict.UNKNOWN if depends else answer.verdict)
        met[found] += 1
    assert met[Verdict.UNKNOWN] > 0 < met[Verdict.SUPPORTED]


@pytest.mark.parametrize("form", ["text", "json", "github", "junit", "sarif"])
def test_every_form_names_the_version_that_was_read(form: str) -> None:
    ran = run_cli("validate", reported("p02-6.1.90"), *ASKED, "--format", form)
    words = " ".join(ran.out.split())
    assert "6.1.90" in words
    assert "6.1.176" in words


def test_a_kernel_of_the_version_that_was_read_is_named_by_its_release(tmp_path: Path) -> None:
    same = tmp_path / "same.config"
    same.write_text(Path(reported("p02-6.1.90")).read_text().replace("6.1.90", "6.1.176"))
    assert "same.config: Linux 6.1, neoverse-n1" in " ".join(
        run_cli("validate", str(same), *ASKED).out.split()
    )


HOSTS = {
    # kernel, `.config`: verdict
    ("6.1.90", "p02-6.1.90"): "unsound",
    ("", "p02-6.1.90"): "unsound",
    ("6.1.0-26-arm64", "p02-6.1.90"): "unsound",  # the header tells what Debian's name does not
    ("6.1.113", "p02-6.1.90"): "refused",
    ("6.1", "p02-6.1.113"): "refused",
    ("6.1.0-26-arm64", "p02-6.6.56"): "unknown",
    ("6.6.56-vendor", "p02-6.6.56"): "unsound",
    ("6.11.3", "p02-6.11.3"): "unsound",
    ("", "p02-6.11.3"): "unsound",
    ("6.8.12", "p02-6.11.3"): "unsound",
}
NO_ANSWER = {("9.9", "p02-6.1.90"), ("9.9", "p11-gki-7.3")}


def test_a_fleet_answers_as_validate_does(tmp_path: Path) -> None:
    rows = [*HOSTS, *sorted(NO_ANSWER)]
    table = tmp_path / "hosts.csv"
    line = "secretmem.enable=1"
    table.write_text(
        "host,kernel,config,cpu,cmdline\n"
        + "".join(
            f"{kernel}/{name},{kernel},{name}.config,neoverse-n1,{line}\n" for kernel, name in rows
        )
    )
    out = tmp_path / "answers.csv"
    ran = run_cli(
        *("fleet", str(table), "--config-folder", str(REPORTED), "--capability", "memfd-secret"),
        *("--table", str(out), "--format", "json"),
    )
    with out.open(newline="") as stream:
        verdicts = {row["host"]: row["verdict"] for row in csv.DictReader(stream)}
    assert verdicts == {
        **{f"{kernel}/{name}": verdict for (kernel, name), verdict in HOSTS.items()},
        **{f"{kernel}/{name}": "" for kernel, name in NO_ANSWER},
    }
    assert ran.err.count("MX0913") == 1  # both of 9.9 in one line
    read_on = {group["read_on"] for group in json.loads(ran.out)["groups"]}
    assert read_on == {"6.1.176", "6.6.63", "6.8.1", None}
    for (kernel, name), verdict in HOSTS.items():
        if kernel and not kernel.startswith("6.1.0-26"):
            assert validate(reported(name), *ASKED, "--kernel", kernel)[1]["verdict"] == verdict


@pytest.mark.parametrize("capability", ["memfd-secret", "gmem-no-direct-map"])
def test_of_a_kernel_newer_than_all_nothing_is_known(tmp_path: Path, capability: str) -> None:
    """Not even that what its `.config` leaves out is absent: 9.9 may have other symbols."""
    config = tmp_path / "future.config"
    config.write_text(
        "# Linux/arm64 9.9.0 Kernel Configuration\nCONFIG_ARM64=y\n# CONFIG_KVM is not set\n"
    )
    config.write_text(
        config.read_text() + "# CONFIG_SECRETMEM is not set\n# CONFIG_KVM_GUEST_MEMFD is not set\n"
    )
    ran = run_cli("validate", str(config), "--capability", capability)
    assert ran.code == 3
    assert "MX0913" in ran.err
    table = tmp_path / "hosts.csv"
    table.write_text(
        "host,kernel,config,cpu\na,9.9,future.config,graviton3\nb,,future.config,graviton3\n"
    )
    ran = run_cli("fleet", str(table), "--capability", capability)
    assert ran.code == 3
    assert "absent" not in ran.out
    # Between the releases that were read it is absent in all of them.
    older = tmp_path / "older.config"
    older.write_text(config.read_text().replace("9.9.0", "6.8.1"))
    assert "absent" in run_cli("validate", str(older), "--capability", capability).out


@pytest.mark.parametrize("version", ["6.11.3", "6.9", "6.11.0-9-generic"])
def test_an_unknown_release_is_told_its_neighbours_not_what_is_spelt_alike(version: str) -> None:
    for command in (
        ("explain", f"kernel={version}"),
        ("synthesize", "--kernel", version),
        ("kernels", "show", version),
    ):
        ran = run_cli(*command)
        assert ran.code == 3
        assert re.search(
            r"nearest ((options|releases) are 6\.6|profiles are 6\.8) and 6\.12", ran.err
        ), command
        assert "did you mean" not in ran.err
    assert "the nearest profile is 5.10" in run_cli("kernels", "show", "4.19").err


def test_what_a_newer_profile_says_alone_is_never_that_it_works(tmp_path: Path) -> None:
    config = of_version("5.14.21", tmp_path)
    late = "secretmem.enable=1 rodata=full"
    _, as_newer = validate(config, *ASKED[:-1], late, "--kernel", "5.15")
    assert as_newer["verdict"] == "supported"
    _, result = validate(config, *ASKED[:-1], late)
    assert result["verdict"] == "unknown"


def test_kfence_counts_from_the_release_that_asks_it(tmp_path: Path) -> None:
    """6.1 asks KFENCE in can_set_direct_map(), 5.15 does not; nobody has read 5.16."""
    late = "secretmem.enable=1 kfence.sample_interval=0"
    verdicts = {"5.15.160": "unsound", "5.15.169": "refused", "5.16.20": "unknown"}
    for version, verdict in {**verdicts, "6.1.90": "supported"}.items():
        config = of_version(version, tmp_path)
        kfence = "CONFIG_KFENCE=y\nCONFIG_KFENCE_SAMPLE_INTERVAL=100\n"
        config.write_text(config.read_text() + kfence)
        _, result = validate(config, *ASKED[:-1], late)
        assert result["verdict"] == verdict, version


def test_nobody_is_told_to_remove_what_another_release_lacks() -> None:
    """5.10 stands in for 5.15.160, which has CONFIG_SECRETMEM."""
    ran = run_cli("validate", reported("p02-5.15.160"), *ASKED, "--kernel", "5.10")
    assert "MX1701" in ran.err
    assert "the file is of Linux 5.15, whose kernel may read it" in ran.err
    assert "decides nothing: remove it" not in ran.err


def numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def is_affected(version: str) -> bool:
    """Whether memfd_secret(2) of a version exists and did not ask, by the announcements."""
    series, point = numbers(version)[:2], numbers(version)[2:]
    if not (5, 14) <= series < (6, 12):
        return False
    return series not in FIXED or not point or point[0] < FIXED[series]


def test_no_affected_distribution_is_refused(distro_configs: Path, debian_configs: Path) -> None:
    """Each affected kernel fares as its twin with the fix does, `unsound` in place of `refused`."""
    manifest = YAML(typ="safe").load((distro_configs / "manifest.yaml").read_text())
    versions = {
        distro_configs / row["file"]: str(row["version"]) for row in manifest if row.get("version")
    }
    for path in debian_configs.glob("*.config"):
        header = re.search(r"^# Linux/arm64 (\S+) Kernel", path.read_text(), re.MULTILINE)
        assert header is not None
        versions[path] = header[1]
    affected = {path: version for path, version in versions.items() if is_affected(version)}
    assert len(affected) >= 36
    asked = (*ASKED[:-1], "secretmem.enable=1 rodata=on")
    given = Counter[str]()
    for path, version in sorted(affected.items()):
        release = ".".join(version.split(".")[:2])
        _, result = validate(path, *asked)
        if not result or result["kernel"] == "unknown":  # no header
            _, result = validate(path, *asked, "--kernel", version)
        # A release with a profile: as its twin with the fix, `unsound` in place of `refused`.
        if numbers(version)[:2] in FIXED and release != "6.11" and result["verdict"] != "unknown":
            _, twin = validate(path, *asked, "--kernel", f"{release}.200")
            wanted = {"refused": "unsound"}.get(twin["verdict"], twin["verdict"])
            assert result["verdict"] == wanted, path
        text = path.read_text()
        if "\nCONFIG_SECRETMEM=y\n" in text and "\nCONFIG_KFENCE=y\n" not in text:
            # Nothing makes can_set_direct_map() true: the call succeeds and hides nothing.
            open_point = len(numbers(version)) < 3 and numbers(version)[:2] in FIXED
            wanted = "unknown" if open_point else "unsound"
            assert result["verdict"] == wanted, path
        assert result["verdict"] != "refused", path
        if result["verdict"] != "absent":
            named = ".".join(map(str, numbers(version)[:2]))  # `5.15/6.1` is answered as 5.15
            assert bool(result["between"]) == (named not in READ), path
        given[result["verdict"]] += 1
    assert given["unsound"] >= 3
    assert given["absent"]


@pytest.mark.parametrize(
    ("running", "header", "verdict", "shown"),
    [
        ("6.1.90", "6.1.90", "unsound", None),
        ("6.1.0-26-arm64", "6.1.90", "unsound", None),  # Debian's name of it; the header tells
        ("6.1.113", "6.1.113", "refused", "disagree"),
        ("6.1.0-26-arm64", "6.1", "unknown", None),
    ],
)
def test_a_machine_before_the_fix_does_not_contradict_the_model(
    tmp_path: Path, running: str, header: str, verdict: str, shown: str | None
) -> None:
    """There the call succeeds and shows nothing of can_set_direct_map(), which it does not ask."""
    document = bundle_document(make_tree(tmp_path, cmdline="secretmem.enable=1 rodata=on"))
    document["version"] = running
    config = Path(reported("p02-6.1.90")).read_text()
    config = config.replace("Linux/arm64 6.1.90", f"Linux/arm64 {header}")
    document["readings"]["config"]["value"] = config
    bundle = tmp_path / "host.json"
    bundle.write_text(json.dumps(document))
    ran = run_cli(
        *("probe", "--host", str(bundle), "--capability", "memfd-secret", "--format", "json")
    )
    found = json.loads(ran.out)
    assert found["answer"]["verdict"] == verdict
    compared = {line["fact"]: line for line in found["comparison"]}
    function, call = compared["can_set_direct_map"], compared["memfd_secret"]
    assert function["model"] is False
    assert function["agreement"] == (shown or "not-observable")
    assert call["agreement"] == {"unsound": "agree", "unknown": "model-unknown"}.get(
        verdict, "disagree"
    )


@pytest.mark.parametrize("running", ["6.1.176", "6.1.0-26-arm64", "6.1.90"])
def test_of_a_machine_both_commands_name_what_runs_and_what_was_read(
    tmp_path: Path, running: str
) -> None:
    document = bundle_document(make_tree(tmp_path, cmdline="secretmem.enable=1"))
    document["version"] = running
    config = Path(reported("p02-6.1.90")).read_text()
    document["readings"]["config"]["value"] = config.replace("6.1.90", "6.1.176")
    bundle = tmp_path / "host.json"
    bundle.write_text(json.dumps(document))
    for command in ("probe", "validate"):
        ran = run_cli(command, "--host", str(bundle), "--capability", "memfd-secret")
        named = f"Linux {running} (answered as 6.1, read on 6.1.176), neoverse-v1,midr"
        assert named in " ".join(ran.out.split()), command
