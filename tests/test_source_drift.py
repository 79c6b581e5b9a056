"""`kernels verify` on copies of real trees: every edit that matters is reported, no other is.

The tables say in words of the kernel what is edited and which declaration must be named; the
copies hold the files that the profiles cite, and the Kconfig files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace
from ruamel.yaml import YAML

from matrix.diagnostics import InputError
from matrix.kernel.source.truth.declared_cpucaps import compare_cpucaps
from matrix.kernel.source.truth.declared_parameters import compare_parameters
from matrix.kernel.source.truth.evidence import load
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.compiled import knowledge
from tests.cli_runner import Ran, run_cli

CASES = Path(__file__).parent / "cases" / "source_drift"
WITH_TREE = ("5.10", "6.1", "6.12", "7.2", "7.3")
# What the subset of the source lacks of the cited files.
LACKING = {"5.10": 4, "6.1": 3, "6.12": 2, "7.2": 5, "7.3": 8}
ALSO = (
    "Makefile",
    "arch/arm64/tools/sysreg",
    "arch/arm64/include/asm/sysreg.h",
    "arch/arm64/include/asm/cputype.h",
)


class Edit(Struct, frozen=True, kw_only=True):
    """One row on one release."""

    id: str
    release: str
    file: str
    old: str
    new: str = ""
    after: str = ""
    kind: str = ""
    reports: str = ""
    moves: bool = False
    until: str = ""
    word: str = ""
    becomes: str = ""

    def apply(self, text: str) -> str:
        """Return the edited text; the place must be there, and only once."""
        start = 0
        if self.after:
            assert self.after in text, f"{self.file} has no {self.after!r}"
            start = text.index(self.after)
        else:
            assert text.count(self.old) == 1, f"{self.old!r} stands {text.count(self.old)} times"
        at = text.index(self.old, start)
        if self.word:
            end = text.index(self.until, at) + len(self.until)
            renamed = re.sub(rf"\b{self.word}\b", self.becomes, text[at:end])
            # Members keep their names: `vmf->page` is not the parameter `page`.
            renamed = re.sub(rf"(->|\.){self.becomes}\b", rf"\1{self.word}", renamed)
            return text[:at] + renamed + text[end:]
        return text[:at] + self.new + text[at + len(self.old) :]


def edits(name: str, *, everywhere: bool = bool(os.environ.get("CI"))) -> list[Edit]:
    """Return every row on each of its releases; outside of CI on one of them, another each row."""
    rows = YAML(typ="safe").load((CASES / f"{name}.yaml").read_text("utf-8"))
    found = []
    for number, row in enumerate(rows):
        releases = row.pop("releases")
        asked = releases if everywhere else [releases[number % len(releases)]]
        found += [Edit(release=release, **row) for release in asked]
    return found


def identify(edit: Edit) -> str:
    return f"{edit.id}-{edit.release}"


@pytest.fixture(scope="module")
def copies(
    kernel_tree: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return `copies(release)`: the cited files of a tree, which a test may edit and puts back."""
    made: dict[str, Path] = {}

    def copy(release: str) -> Path:
        if release not in made:
            made[release] = tmp_path_factory.mktemp(f"linux-{release}")
            copy_cited(kernel_tree(release), made[release], release)
        return made[release]

    return copy


def copy_cited(tree: Path, target: Path, release: str) -> None:
    profile = next(item for item in knowledge().kernels if item.release == release)
    named = re.findall(r"([\w./-]+):\d", repr(profile))
    kconfig = {path.relative_to(tree).as_posix() for path in tree.rglob("Kconfig*")}
    parser = {path.relative_to(tree).as_posix() for path in (tree / "scripts/kconfig").rglob("*")}
    for path in sorted({*named, *ALSO, *kconfig, *parser}):
        if (tree / path).is_file():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tree / path, target / path)


def unchanged(release: str) -> int:
    """Return how `kernels verify` ends on the subset of a release: 4, where files are lacking."""
    return 4 if LACKING[release] else 0


def verify(release: str, tree: Path, *more: str) -> Ran:
    return run_cli("kernels", "verify", release, "--tree", str(tree), "--format", "json", *more)


@pytest.fixture
def edited(copies: Callable[[str], Path]) -> Iterator[Callable[[Edit], Path]]:
    """Return `edited(edit)`: the tree with one edit, undone after the test."""
    undo: list[tuple[Path, str]] = []

    def edit_tree(edit: Edit) -> Path:
        tree = copies(edit.release)
        file = tree / edit.file
        before = file.read_text("utf-8")
        undo.append((file, before))
        after = edit.apply(before)
        assert after != before
        file.write_text(after, "utf-8")
        return tree

    yield edit_tree
    for file, text in undo:
        file.write_text(text, "utf-8")


@pytest.mark.parametrize("release", WITH_TREE)
def test_the_shipped_profiles_have_not_drifted(
    release: str, kernel_tree: Callable[[str], Path]
) -> None:
    ran = verify(release, kernel_tree(release))
    found = json.loads(ran.out)
    assert ran.code == unchanged(release), ran.out
    assert (found["drift"], found["moved"]) == (0, {})
    assert found["compared"] > 100
    # Nothing but what the subset of the tree lacks is left out.
    assert [row["code"] for row in found["findings"]] == ["MX1108"] * LACKING[release]
    assert found["not_compared"] == LACKING[release]


@pytest.mark.parametrize(
    ("release", "file", "concerned"),
    [
        ("6.1", "arch/arm64/kernel/cpuinfo.c", "cpucap any_cpu_icache_aliasing"),
        ("7.3", "lib/kstrtox.c", "parameter"),
        ("7.3", "virt/kvm/kvm_main.c", ""),
    ],
)
def test_a_whole_tree_has_files_of_which_nothing_is_recorded(
    release: str, file: str, concerned: str, copies: Callable[[str], Path]
) -> None:
    added = copies(release) / file
    assert not added.exists()
    added.parent.mkdir(parents=True, exist_ok=True)
    added.write_text("int nothing;\n" * 9000)
    try:
        ran = verify(release, copies(release))
    finally:
        added.unlink()
    found = json.loads(ran.out)
    assert (ran.code, found["drift"]) == (4, 0), ran.out
    rows = [row for row in found["findings"] if row["code"] == "MX1107"]
    assert {row["severity"] for row in rows} == {"warning"}
    assert any(concerned in what for row in rows for what in row["concerns"])
    assert {row["place"].partition(":")[0] for row in rows} == {file}


@pytest.mark.parametrize("edit", edits("mutations"), ids=identify)
def test_an_edit_that_matters_is_reported(edit: Edit, edited: Callable[[Edit], Path]) -> None:
    ran = verify(edit.release, edited(edit))
    assert ran.code == 1, ran.out
    drift = [row for row in json.loads(ran.out)["findings"] if row["severity"] == "error"]
    assert any(
        edit.reports in what for row in drift for what in (row["message"], *row["concerns"])
    ), drift
    for row in drift:
        assert row["declared"]
        assert row["source"]
        assert row["declared"] != row["source"]
        assert row["place"].partition(":")[0]


@pytest.mark.parametrize("edit", edits("neutral"), ids=identify)
def test_an_edit_that_changes_nothing_is_not(edit: Edit, edited: Callable[[Edit], Path]) -> None:
    ran = verify(edit.release, edited(edit))
    found = json.loads(ran.out)
    assert ran.code == unchanged(edit.release), ran.out
    assert found["drift"] == 0
    assert bool(found["moved"]) == edit.moves


def test_the_tables_are_as_large_as_promised() -> None:
    mutations, neutral = edits("mutations", everywhere=True), edits("neutral", everywhere=True)
    assert len(mutations) >= 100
    assert len({edit.kind for edit in mutations}) >= 20
    assert {edit.release for edit in mutations} == set(WITH_TREE)
    assert len(neutral) >= 40


# --- profiles and evidence of a user ------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(
    repository: Path, copies: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a folder with a copy of the 7.3 profile and its evidence, as the subset shows it.

    That of the shipped profile is of the whole tree.
    """
    kernels = tmp_path_factory.mktemp("recorded") / "own" / "kernels"
    kernels.mkdir(parents=True)
    shutil.copy(repository / "configs" / "kernels" / "linux-7.3-arm64.yaml", kernels)
    ran = verify("7.3", copies("7.3"), "--record", "--configs", str(kernels.parent))
    assert ran.code == unchanged("7.3"), ran.err
    return kernels.parent


@pytest.fixture
def own(recorded: Path, tmp_path: Path) -> Path:
    """Return a folder with a profile and its evidence, which overrides the shipped one."""
    return shutil.copytree(recorded, tmp_path / "own")


def test_fix_moves_the_lines_and_nothing_else(own: Path, edited: Callable[[Edit], Path]) -> None:
    edit = next(item for item in edits("neutral") if item.id == "new-function-above")
    tree = edited(replace(edit, release="7.3"))
    profile = own / "kernels" / "linux-7.3-arm64.yaml"
    before = profile.read_text("utf-8")
    ran = verify("7.3", tree, "--configs", str(own), "--fix")
    assert ran.code == unchanged("7.3")
    assert "citations moved" in ran.err
    after = profile.read_text("utf-8")
    changed = [
        (old, new)
        for old, new in zip(before.splitlines(), after.splitlines(), strict=True)
        if old != new
    ]
    assert changed
    for old, new in changed:
        # Five lines were put above: every citation of that file, and of no other, is 5 later.
        assert new == re.sub(
            r"(arch/arm64/kvm/hyp/pgtable\.c:)(\d+)(?:-(\d+))?",
            lambda m: m[1] + str(int(m[2]) + 5) + (f"-{int(m[3]) + 5}" if m[3] else ""),
            old,
        )
    again = json.loads(verify("7.3", tree, "--configs", str(own)).out)
    assert (again["drift"], again["moved"]) == (0, {})


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (
            'body: "rodata_full || debug_pagealloc_enabled() || arm64_kfence_',
            'body: "rodata_full && debug_pagealloc_enabled() || arm64_kfence_',
            "MX1101",
        ),
        ('rodata_full: {initial: "true"', 'rodata_full: {initial: "false"', "MX1101"),
        ("{match: noalias,", "{match: noaliases,", "MX1102"),
        ("stream: module", "stream: early", "MX1102"),
        ("ARM64_MTE: {field: mte, minimum: 2", "ARM64_MTE: {field: mte, minimum: 3", "MX1103"),
        (
            "{field: fwb, minimum: 1, scope: every_cpu",
            "{field: fwb, minimum: 1, scope: boot_cpu",
            "MX1103",
        ),
        ("lowest: r0p3, highest: r0p15", "lowest: r0p2, highest: r0p15", "MX1103"),
        ("  split_gate: {value: boot-flag", "  split_gate: {value: none", "MX1109"),
        ("  split_gate: {value: boot-flag", "  split_gate: {value: none", "MX1125"),
        ('body: "!is_protected_kvm_enabled()"', 'body: "is_protected_kvm_enabled()"', "MX1125"),
        (
            'mmu_lock: "arch/arm64/kvm/mmu.c:1651"',
            'mmu_lock: "arch/arm64/kvm/mmu.c:1655"',
            "MX1109",
        ),
        ('body: "realm == \\"yes\\""', 'body: "realm != \\"yes\\""', "MX1109"),
    ],
)
def test_a_wrong_declaration_is_reported(
    old: str, new: str, code: str, own: Path, copies: Callable[[str], Path]
) -> None:
    profile = own / "kernels" / "linux-7.3-arm64.yaml"
    text = profile.read_text("utf-8")
    assert text.count(old) == 1
    profile.write_text(text.replace(old, new), "utf-8")
    ran = verify("7.3", copies("7.3"), "--configs", str(own))
    assert ran.code == 1, ran.out + ran.err
    assert code in {row["code"] for row in json.loads(ran.out)["findings"]}


def test_evidence_is_written_anew_only_for_what_the_source_says(
    own: Path, edited: Callable[[Edit], Path]
) -> None:
    evidence = own / "kernels" / "evidence" / "linux-7.3-arm64.json"
    recorded = evidence.read_text("utf-8")
    edit = next(item for item in edits("mutations") if item.id == "predicate-or-to-and-realm")
    ran = verify(
        "7.3",
        edited(replace(edit, release="7.3")),
        "--record",
        "--configs",
        str(own),
    )
    assert ran.code == 1
    assert "was not written" in ran.err
    assert evidence.read_text("utf-8") == recorded


def test_recording_gives_the_shipped_evidence_as_far_as_the_tree_goes(
    repository: Path, own: Path, kernel_tree: Callable[[str], Path]
) -> None:
    evidence = own / "kernels" / "evidence" / "linux-7.3-arm64.json"
    first = evidence.read_text("utf-8")
    ran = verify("7.3", kernel_tree("7.3"), "--record", "--configs", str(own))
    assert ran.code == unchanged("7.3")
    assert evidence.read_text("utf-8") == first
    shipped = json.loads((repository / "configs/kernels/evidence" / evidence.name).read_text())
    part = json.loads(first)
    assert part["absent"]
    for kind in ("pieces", "places", "declared", "derived"):
        assert part[kind]
        assert part[kind].items() <= shipped[kind].items()


def test_a_profile_without_evidence_is_compared_with_its_neighbours(
    own: Path, copies: Callable[[str], Path]
) -> None:
    """What neither has is not compared, and listed: never `no drift`."""
    profile = own / "kernels" / "linux-7.3-arm64.yaml"
    (own / "kernels" / "evidence" / "linux-7.3-arm64.json").unlink()
    ran = verify("7.3", copies("7.3"), "--configs", str(own))
    found = json.loads(ran.out)
    assert ran.code == 4
    assert {row["code"] for row in found["findings"]} <= {"MX1106", "MX1107", "MX1108"}
    assert found["compared"] > 100
    listed = [row for row in found["findings"] if row["severity"] == "warning"]
    assert len(listed) == found["not_compared"] > LACKING["7.3"]
    text = run_cli("kernels", "verify", "7.3", "--tree", str(copies("7.3")), "--configs", str(own))
    for row in listed:
        assert row["place"] in text.out
        assert all(name in text.out for name in row["concerns"])
    # A wrong line is found, since 7.2 cites the same text at its own line.
    profile.write_text(
        profile.read_text("utf-8").replace(
            'mmu_lock: "arch/arm64/kvm/mmu.c:1651"', 'mmu_lock: "arch/arm64/kvm/mmu.c:1655"'
        )
    )
    moved = json.loads(verify("7.3", copies("7.3"), "--configs", str(own)).out)["moved"]
    assert moved["arch/arm64/kvm/mmu.c:1655"] == "arch/arm64/kvm/mmu.c:1651"


def test_a_missing_file_is_not_compared_and_no_drift(
    own: Path, copies: Callable[[str], Path]
) -> None:
    file = copies("7.3") / "mm" / "secretmem.c"
    text = file.read_bytes()
    file.unlink()
    try:
        ran = verify("7.3", copies("7.3"))
        recorded = verify("7.3", copies("7.3"), "--record", "--configs", str(own))
    finally:
        file.write_bytes(text)
    found = json.loads(ran.out)
    assert (ran.code, found["drift"]) == (4, 0)
    (row,) = [row for row in found["findings"] if row["place"] == "mm/secretmem.c"]
    assert row["code"] == "MX1108"
    assert "function secretmem_is_available()" in row["message"]
    # Recording would forget what is known of it.
    assert recorded.code == 3
    assert "mm/secretmem.c, of which something is recorded" in recorded.err


def test_a_tree_of_another_point_release_is_said(edited: Callable[[Edit], Path]) -> None:
    edit = Edit(id="", release="6.12", file="Makefile", old="SUBLEVEL = 107", new="SUBLEVEL = 9")
    ran = verify("6.12", edited(edit))
    assert ran.code == unchanged("6.12")
    found = json.loads(ran.out)["findings"]
    (row,) = [row for row in found if row["code"] != "MX1108"]  # what the subset lacks
    assert (row["code"], row["severity"]) == ("MX1121", "note")
    assert "Linux 6.12.9; the profile was read on 6.12.107" in row["message"]


# --- Kconfig -------------------------------------------------------------------------------------


def test_constraints_of_another_release_are_compared_with_the_tree(
    own: Path, copies: Callable[[str], Path]
) -> None:
    """They cite no line of this one; only the projection tells whether they hold."""
    profile = own / "kernels" / "linux-7.3-arm64.yaml"
    text = profile.read_text("utf-8").replace("grounded: tree", "grounded: borrowed from 7.2")
    profile.write_text(text)
    ran = verify("7.3", copies("7.3"), "--configs", str(own))
    assert (ran.code, json.loads(ran.out)["drift"]) == (4, 0), ran.out
    profile.write_text(text.replace("|| IS_ENABLED(CONFIG_KVM)", "|| IS_ENABLED(CONFIG_KFENCE)"))
    ran = verify("7.3", copies("7.3"), "--configs", str(own))
    assert ran.code == 1
    assert [row["code"] for row in json.loads(ran.out)["findings"]].count("MX1119") == 2
    # Without the Kconfig that names the others nothing can be projected: not compared.
    (copies("7.3") / "Kconfig").rename(copies("7.3") / "kept")
    try:
        ran = verify("7.3", copies("7.3"), "--configs", str(own))
        shipped = verify("7.3", copies("7.3"))
    finally:
        (copies("7.3") / "kept").rename(copies("7.3") / "Kconfig")
    rows = {row["code"]: row for row in json.loads(ran.out)["findings"]}
    assert (ran.code, rows["MX1120"]["severity"]) == (4, "warning")
    rows = {row["code"]: row for row in json.loads(shipped.out)["findings"]}
    assert rows["MX1120"]["severity"] == "note"
    assert "at the cited lines only" in rows["MX1120"]["message"]


def test_fix_moves_the_lines_of_kconfig_too(own: Path, edited: Callable[[Edit], Path]) -> None:
    edit = next(item for item in edits("neutral") if item.id == "kconfig-symbol-added-above")
    tree = edited(replace(edit, release="7.3"))
    profile = own / "kernels" / "linux-7.3-arm64.yaml"
    before = profile.read_text("utf-8")
    assert verify("7.3", tree, "--configs", str(own), "--fix").code == unchanged("7.3")
    assert profile.read_text("utf-8") == before.replace("mm/Kconfig:1344", "mm/Kconfig:1347")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "matrix/evidence/2"}', "\x00"])
def test_damaged_evidence_is_said(text: str, own: Path, copies: Callable[[str], Path]) -> None:
    (own / "kernels" / "evidence" / "linux-7.3-arm64.json").write_text(text)
    ran = verify("7.3", copies("7.3"), "--configs", str(own))
    assert ran.code == 3
    assert "MX1115" in ran.err
    assert "Traceback" not in ran.err


def test_evidence_is_damaged_by_any_change(own: Path) -> None:
    """At every 997th byte of the file, and where it is cut there."""
    file = own / "kernels" / "evidence" / "linux-7.3-arm64.json"
    whole = file.read_bytes()
    for index in range(0, len(whole), 997):
        flipped = bytearray(whole)
        flipped[index] ^= 1 << index % 7
        for damaged in (bytes(flipped), whole[:index]):
            file.write_bytes(damaged)
            with pytest.raises(InputError) as caught:
                load(file)
            assert [item.code for item in caught.value.diagnostics] == ["MX1115"]
    file.write_bytes(whole)
    assert load(file) is not None
    file.write_text("[" * 100_000)
    with pytest.raises(InputError):
        load(file)


def test_damaged_evidence_is_recorded_anew(own: Path, copies: Callable[[str], Path]) -> None:
    file = own / "kernels" / "evidence" / "linux-7.3-arm64.json"
    file.write_bytes(file.read_bytes()[:-100])
    assert verify("7.3", copies("7.3"), "--configs", str(own), "--record").code in (0, 4)
    assert load(file) is not None


def test_a_citation_of_nothing_cannot_be_recorded(own: Path, copies: Callable[[str], Path]) -> None:
    profile = own / "kernels" / "linux-7.3-arm64.yaml"
    text = profile.read_text("utf-8")
    profile.write_text(text.replace("arch/arm64/kvm/mmu.c:1651", "arch/arm64/kvm/mmu.c:3"))
    ran = verify("7.3", copies("7.3"), "--configs", str(own), "--record")
    assert ran.code == 3
    assert "MX1110" in ran.err


def test_the_text_shows_both_texts(edited: Callable[[Edit], Path]) -> None:
    edit = next(item for item in edits("mutations") if item.id == "operand-negated")
    tree = edited(replace(edit, release="7.3"))
    ran = run_cli("kernels", "verify", "7.3", "--tree", str(tree))
    assert "declared: IS_ENABLED(CONFIG_KFENCE) && !kfence_early_init" in ran.out
    assert "source:   IS_ENABLED(CONFIG_KFENCE) && kfence_early_init" in ran.out
    assert "at arch/arm64/include/asm/kfence.h:22" in ran.out


def test_a_parser_compares_for_difference_or_for_equality(
    kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    """sysfs_streq() (include/linux/string.h) is true where strcmp() is 0."""
    profile = next(item for item in knowledge().kernels if item.release == "7.3")
    path = "arch/arm64/kvm/arm.c"
    for name in ("Makefile", path):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kernel_tree("7.3") / name, tmp_path / name)
    text = (tmp_path / path).read_text("utf-8")
    (tmp_path / path).write_text(re.sub(r"strcmp\((arg, \S+)\) == 0", r"sysfs_streq(\1)", text))
    shown: set[str] = set()
    found = {finding.what for finding in compare_parameters(profile, KernelTree(tmp_path), shown)}
    assert "parameter kvm-arm.mode" in shown - found


def test_one_revision_of_a_core_is_an_entry_of_a_list(
    kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    """MIDR_REV(model, variant, revision), arch/arm64/include/asm/cputype.h."""
    profile = next(item for item in knowledge().kernels if item.release == "7.3")
    architecture = next(item for item in knowledge().architectures if item.id == profile.arch)
    path = "arch/arm64/kernel/cpufeature.c"
    for name in ("Makefile", path, "arch/arm64/include/asm/cputype.h"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kernel_tree("7.3") / name, tmp_path / name)
    text = (tmp_path / path).read_text("utf-8")
    old = "\t\tMIDR_REV_RANGE(MIDR_CORTEX_X4, 0, 3, 0xf),\n"
    assert text.count(old) == 1
    edited = text.replace(old, f"{old}\t\tMIDR_REV(MIDR_CORTEX_X3, 1, 2),\n")
    (tmp_path / path).write_text(edited, "utf-8")
    found = [
        finding.source
        for finding in compare_cpucaps(profile, KernelTree(tmp_path), architecture)
        if "MIDR list" in finding.message
    ]
    assert found == ["MIDR_CORTEX_X3 (0x41:0xd4e) r1p2-r1p2"]
