"""What is declared of other architectures, against the kernel's source itself.

The answers are read a second time here, by regular expressions of their own, and every quoted line
is looked up; `verify_direct_maps` must find nothing in the trees, and every change of them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import Struct
from ruamel.yaml import YAML

from matrix.diagnostics import Diagnostic, InputError, Severity
from matrix.flows.direct_maps import verify_direct_maps
from matrix.flows.knowledge import Library
from matrix.schema.direct_maps import DirectMap, DirectMapCell, DirectMapRelease, Evidence
from tests.cli_runner import run_cli

CASES = Path(__file__).parent / "cases" / "direct-maps"
RELEASES = ("5.10", "6.1", "6.12", "7.2", "7.3")
ARCHITECTURES = ("loongarch", "riscv", "s390", "x86")
SYMBOL = {"6.12": r"KVM_(?:GENERIC_)?PRIVATE_MEM"}
SOURCE = {"x86": "arch/x86/mm/pat/set_memory.c"}


@pytest.fixture(scope="module")
def direct_maps() -> tuple[DirectMap, ...]:
    return Library(()).knowledge.direct_maps


def declared(direct_maps: tuple[DirectMap, ...], name: str, release: str) -> DirectMapRelease:
    of_name = next(item for item in direct_maps if item.id == name)
    return next(item for item in of_name.releases if item.release == release)


def evidence_of(item: DirectMapRelease) -> Iterator[Evidence]:
    yield from item.absent
    for cell in item.cells:
        yield from cell.sources


def read(tree: Path, path: str) -> str:
    """Return a file without its C comments; the empty text where there is none."""
    file = tree / path
    text = file.read_text("utf-8", "replace") if file.is_file() else ""
    return text if path.endswith("Kconfig") else re.sub(r"(?s)/\*.*?\*/", " ", text)


def body(text: str, name: str) -> str:
    """Return what stands between the braces of a function, the empty text where it has none."""
    found = re.search(rf"(?ms)^(?:[a-z][^;{{}}]*?[\s*])?{name}\([^;{{]*\)\s*\{{(.*?)^\}}", text)
    return found[1] if found else ""


def selects(text: str, symbol: str) -> list[str]:
    """Return the conditions under which a Kconfig file selects a symbol, empty for always."""
    found = re.findall(rf"(?m)^\s*select\s+{symbol}(?:\s+if\s+(.*?))?\s*$", text)
    return [condition.strip() for condition in found]


def by_condition(conditions: list[str]) -> str:
    if not conditions:
        return "not-selected"
    return "selected" if "" in conditions else "conditional"


def unmapping(tree: Path, name: str) -> dict[str, str]:
    """Read what the function does: only what regular expressions can tell without doubt."""
    text = read(tree, SOURCE.get(name, f"arch/{name}/mm/pageattr.c"))
    called = body(text, "set_direct_map_invalid_noflush")
    worker = body(text, "__set_memory" if name != "x86" else "__change_page_attr_set_clr")
    if re.match(r"[^;]*;\s*if \(addr < vm_map_base\)\s*return 0;", called):
        dull = dict.fromkeys(("splits", "flushes", "fails", "sleeps"), "no")
        return {"effect": "nothing", **dull}
    if "walk_page_range(&init_mm" in called:
        flushes = "yes" if "flush_tlb" in called else "no"
        splits = "yes" if "split" in text else "no"
        sleeps = "yes" if "mmap_read_lock" in called else "no"
        doubt = dict.fromkeys(("effect", "fails"), "unknown")
        return {**doubt, "splits": splits, "flushes": flushes, "sleeps": sleeps}
    cleared = called + body(text, "__set_pages_np")
    unmaps = re.search(r"__pgprot\(_PAGE_PRESENT|SET_MEMORY_INV", cleared)
    if "flush_tlb" in worker:
        flushes = "yes"
    elif re.search(r"\b(crdte|cspg)\(", body(text, "pgt_set")):
        flushes = "by-instruction"
    else:
        flushes = "on-split" if "flush_tlb_all" in body(text, "__split_large_page") else "no"
    split = body(text, "split_large_page")
    if re.search(r"mutex_lock|mmap_write_lock", worker) or "GFP_KERNEL" in split:
        sleeps = "yes"
    else:
        sleeps = "unknown" if "pte_alloc_one_kernel" in split else "no"
    # Only x86 has highmem among them; its page_address() is no address of the direct map.
    highmem = re.search(r"(?m)^config HIGHMEM$", read(tree, f"arch/{name}/Kconfig"))
    by_address = "page_address(page)" in cleared and "PageHighMem" not in cleared
    lowmem = "unmaps-lowmem" if highmem and by_address else "unmaps"
    return {
        "effect": lowmem if unmaps else "unknown",
        "splits": "yes" if re.search(r"\bsplit_\w+\(", text) else "no",
        "flushes": flushes,
        "fails": "yes" if "return -ENOMEM;" in text else "no",
        "sleeps": sleeps,
    }


def answers(tree: Path, release: str, name: str) -> dict[str, str]:
    """Read the answers of an architecture from a tree."""
    kconfig = read(tree, f"arch/{name}/Kconfig")
    selected = by_condition(selects(kconfig, "ARCH_HAS_SET_DIRECT_MAP"))
    generic = read(tree, "include/linux/set_memory.h")
    header = read(tree, f"arch/{name}/include/asm/set_memory.h")
    default = re.search(r"bool can_set_direct_map\(void\)\s*\{\s*return (\w+);", generic)
    if "can_set_direct_map" in header:
        predicate = "own-check"
    elif default is None or selected == "not-selected":
        predicate = "not-defined"
    else:
        assert default[1] == "true"
        predicate = "always-true"
    if selected == "not-selected":
        stub = re.search(r"set_direct_map_invalid_noflush\(.*?\)\s*\{\s*return 0;\s*\}", generic)
        assert stub
        work = {"effect": "stub"} | dict.fromkeys(("splits", "flushes", "fails", "sleeps"), "no")
    else:
        work = unmapping(tree, name)
    memory = re.search(r"(?ms)^config SECRETMEM$(.*?)^config ", read(tree, "mm/Kconfig"))
    if memory is None:
        secretmem = "no-option"
    else:
        assert "ARCH_HAS_SET_DIRECT_MAP" in memory[1]
        assert re.search(r"def_bool|default y", memory[1])
        secretmem = "not-selectable" if selected == "not-selected" else "default-on"
    symbol = SYMBOL.get(release, "KVM_GUEST_MEMFD")
    kvm = read(tree, f"arch/{name}/kvm/Kconfig")
    exists = re.search(rf"(?m)^config {symbol}$", read(tree, "virt/kvm/Kconfig"))
    guest_memfd = by_condition(selects(kconfig + kvm, symbol)) if exists else "no-option"
    # One option among several selects it: none of them is there always.
    if name == "x86" and release == "6.12":
        assert guest_memfd == "selected"
        assert "select KVM_GENERIC_PRIVATE_MEM" in kvm.partition("\nconfig KVM_AMD_SEV\n")[2]
        guest_memfd = "conditional"
    return {
        "set_direct_map": selected,
        "predicate": predicate,
        **work,
        "secretmem": secretmem,
        "guest_memfd": guest_memfd,
    }


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("release", RELEASES)
def test_answers_are_what_the_tree_says(
    release: str,
    name: str,
    kernel_tree: Callable[[str], Path],
    direct_maps: tuple[DirectMap, ...],
) -> None:
    tree = kernel_tree(release)
    item = declared(direct_maps, name, release)
    assert item.grounded == "tree"
    if not (tree / "arch" / name).is_dir():
        assert item.absent
        return
    said = {cell.question: cell.answer for cell in item.cells}
    syscall = said.pop("syscall")
    assert said == answers(tree, release, name)
    assert syscall in ("unknown", "none", "wired")
    assert (syscall == "none") == (said["secretmem"] == "no-option")


@pytest.mark.parametrize("release", RELEASES)
def test_every_quoted_line_stands_there(
    release: str, kernel_tree: Callable[[str], Path], direct_maps: tuple[DirectMap, ...]
) -> None:
    tree = kernel_tree(release)
    quoted = 0
    for name in ARCHITECTURES:
        for evidence in evidence_of(declared(direct_maps, name, release)):
            if evidence.text is None:
                continue
            first, last = evidence.lines or (0, 0)
            lines = (tree / evidence.path).read_text("utf-8").splitlines()[first - 1 : last]
            assert "".join("".join(lines).split()) == "".join(evidence.text.split())
            quoted += 1
    assert quoted > 10


def test_conditions_are_those_of_the_tree(
    kernel_tree: Callable[[str], Path], direct_maps: tuple[DirectMap, ...]
) -> None:
    tree = kernel_tree("7.3")

    def condition(name: str, question: str) -> str | None:
        cell = declared(direct_maps, name, "7.3").cell(question)
        assert isinstance(cell, DirectMapCell)
        return cell.condition

    text = read(tree, "arch/riscv/Kconfig")
    assert selects(text, "ARCH_HAS_SET_DIRECT_MAP") == [condition("riscv", "set_direct_map")]
    text = read(tree, "arch/x86/kvm/Kconfig")
    assert selects(text, "KVM_GUEST_MEMFD") == [condition("x86", "guest_memfd")]


def test_releases_without_a_tree_say_so(direct_maps: tuple[DirectMap, ...]) -> None:
    for direct_map in direct_maps:
        for item in direct_map.releases:
            assert (item.grounded == "hand") == (item.release in ("6.6", "6.18"))
            if item.grounded == "hand":
                assert all(evidence.read for evidence in evidence_of(item))


def test_loongarch_says_yes_and_does_nothing(direct_maps: tuple[DirectMap, ...]) -> None:
    found = {
        (direct_map.id, item.release)
        for direct_map in direct_maps
        for item in direct_map.releases
        if item.says_yes_does_nothing
    }
    assert found == {("loongarch", release) for release in ("6.12", "7.2", "7.3")}


@pytest.mark.parametrize("release", RELEASES)
def test_nothing_is_told_of_the_trees(
    release: str, kernel_tree: Callable[[str], Path], direct_maps: tuple[DirectMap, ...]
) -> None:
    assert verify_direct_maps(kernel_tree(release), direct_maps, release) == ()


class Change(Struct, frozen=True, dict=True, kw_only=True):
    why: str
    release: str
    file: str
    after: str
    old: str
    new: str
    code: str = ""
    moves: bool = False


def changes(name: str) -> list[Change]:
    rows = YAML(typ="safe", pure=True).load((CASES / name).read_text("utf-8"))
    return [Change(**row) for row in rows]


def told(
    change: Change, tree: Path, direct_maps: tuple[DirectMap, ...], scratch: Path
) -> tuple[Diagnostic, ...]:
    """Return what is told of a copy of the tree with one change."""
    paths = {
        evidence.path
        for direct_map in direct_maps
        for item in direct_map.releases
        for evidence in evidence_of(item)
    }
    for path in {*paths, change.file, "Makefile"}:
        if (tree / path).is_file():
            (scratch / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tree / path, scratch / path)
    file = scratch / change.file
    text = file.read_text("utf-8")
    start = text.index(change.after) + len(change.after)
    before, found, behind = text[start:].partition(change.old)
    assert found, f"{change.file} has no {change.old!r}"
    file.write_text(text[:start] + before + change.new + behind, "utf-8")
    return verify_direct_maps(scratch, direct_maps, change.release)


def test_the_command_says_whether_a_tree_has_drifted(
    kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    ran = run_cli("architectures", "verify", "7.3", "--tree", str(kernel_tree("7.3")))
    assert ran.code == 0, ran.out
    assert ran.out.endswith("quotations, no drift\n")
    scratch = tmp_path / "tree"
    shutil.copytree(kernel_tree("7.3"), scratch)
    file = scratch / "arch/loongarch/mm/pageattr.c"
    file.write_text(file.read_text().replace("if (addr < vm_map_base)", "if (addr > vm_map_base)"))
    changed = run_cli("architectures", "verify", "7.3", "--tree", str(scratch))
    assert changed.code == 1
    assert "loongarch.yaml" in changed.out
    assert "error[MX1301]" in changed.out
    other = run_cli("architectures", "verify", "7.2", "--tree", str(kernel_tree("7.3")))
    assert other.code == 3
    assert "error[MX1306]" in other.err


@pytest.mark.parametrize("change", changes("mutations.yaml"), ids=lambda change: change.why)
def test_a_changed_tree_is_told(
    change: Change,
    kernel_tree: Callable[[str], Path],
    direct_maps: tuple[DirectMap, ...],
    tmp_path: Path,
) -> None:
    found = told(change, kernel_tree(change.release), direct_maps, tmp_path)
    errors = [item for item in found if item.severity is Severity.ERROR]
    assert {item.code for item in errors} == {change.code}, found
    for item in errors:
        assert item.location is not None
        assert item.location.file.startswith("configs/direct-maps/")
        assert item.hint


@pytest.mark.parametrize("change", changes("neutral.yaml"), ids=lambda change: change.why)
def test_a_neutral_change_is_no_drift(
    change: Change,
    kernel_tree: Callable[[str], Path],
    direct_maps: tuple[DirectMap, ...],
    tmp_path: Path,
) -> None:
    found = told(change, kernel_tree(change.release), direct_maps, tmp_path)
    assert {item.code for item in found} == ({"MX1302"} if change.moves else set())
    assert all(item.severity is Severity.WARNING for item in found)


def test_a_missing_file_is_told(
    kernel_tree: Callable[[str], Path], direct_maps: tuple[DirectMap, ...], tmp_path: Path
) -> None:
    shutil.copyfile(kernel_tree("7.3") / "Makefile", tmp_path / "Makefile")
    found = verify_direct_maps(tmp_path, direct_maps, "7.3")
    assert {item.code for item in found} == {"MX1303"}


def test_a_new_architecture_is_told(
    kernel_tree: Callable[[str], Path], direct_maps: tuple[DirectMap, ...], tmp_path: Path
) -> None:
    shutil.copytree(kernel_tree("5.10"), tmp_path / "tree")
    new = tmp_path / "tree" / "arch" / "loongarch"
    new.mkdir()
    (new / "Kconfig").write_text("config LOONGARCH\n")
    (found,) = verify_direct_maps(tmp_path / "tree", direct_maps, "5.10")
    assert found.code == "MX1304"


@pytest.mark.parametrize("makefile", [None, "VERSION = 6\nPATCHLEVEL = 12\n", "all:\n"])
def test_another_folder_is_refused(
    makefile: str | None, direct_maps: tuple[DirectMap, ...], tmp_path: Path
) -> None:
    if makefile is not None:
        (tmp_path / "Makefile").write_text(makefile)
    with pytest.raises(InputError) as raised:
        verify_direct_maps(tmp_path, direct_maps, "7.3")
    (found,) = raised.value.diagnostics
    assert found.code == "MX1306"
    assert ("6.12" in found.message) == (makefile is not None and "6" in makefile)
