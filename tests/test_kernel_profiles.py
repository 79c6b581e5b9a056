"""Every shipped kernel profile: its form, and its cited lines against the kernel's own source.

The trees of 5.10, 6.1, 6.12, 7.2 and 7.3 are shared data (subsets; files that are in none of them
cannot be checked), the others those of MATRIX_TREES. What is looked for in a cited line is worked
out here from the kernel's syntax.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from matrix.expr.trees import names
from matrix.scenarios.arm64.operations import OPERATIONS
from matrix.schema.compiled import knowledge
from matrix.schema.values import CpuCap, KernelProfile
from tests.unit.scenarios.by_inputs import WORDS

RELEASES = (
    *("5.10", "5.15", "6.1", "6.6", "6.8", "6.12"),
    *("6.14", "6.18", "6.19", "7.1", "7.2", "7.3"),
)
# 6.6 cites no line of one definition, and the tree of 6.18.2 has two lines more than were counted.
WITH_TREE = tuple(release for release in RELEASES if release not in ("6.6", "6.18"))
WITH_GUEST_MEMFD = ("6.18", "6.19", "7.1", "7.2", "7.3")
SOURCE = re.compile(r"[A-Za-z0-9_./-]+:[0-9]+(-[0-9]+)?(; [A-Za-z0-9_./-]+:[0-9]+(-[0-9]+)?)*")

# Micro-operations without a line, and why.
NO_LINE = {
    # VPIPT is not known any more; arch/arm64/kernel/crash_dump.c is in no tree that was read.
    "7.2": {"vmid_flush_icache", "vmcore_copy_page"},
    "7.3": {"vmid_flush_icache", "vmcore_copy_page"},
    # Permissions are not relaxed there (9be19df816de), and there is no protected VM type.
    "6.18": {
        *("vmid_flush_icache", "gmem_abort_relax", "pkvm_mem_abort"),
        *("gup_no_vma", "pkvm_stage2_map", "pkvm_mem_abort_return"),
    },
}
NO_LINE["6.19"] = NO_LINE["6.18"]
NO_LINE["7.1"] = {"vmid_flush_icache"}


@cache
def profiles() -> dict[str, KernelProfile]:
    return {one.release: one for one in knowledge().kernels if one.arch == "arm64"}


def sources(profile: KernelProfile) -> Iterator[tuple[str, str]]:
    """Yield (what, source) of everything the profile cites."""
    yield from ((f"CONFIG_{symbol.name}", symbol.source) for symbol in profile.symbols)
    for constraint in profile.constraints:
        if not constraint.grounded.startswith("borrowed"):  # its lines are of another release
            yield constraint.condition.text, constraint.condition.source or ""
    yield from ((variable.name, variable.source) for variable in profile.variables)
    for parameter in profile.parameters:
        yield from ((f"{parameter.name}=", parser.source) for parser in parameter.parsers)
    yield from ((cap.name, cap.source) for cap in profile.cpucaps)
    yield from ((function.signature, function.source) for function in profile.functions)
    yield from ((f"mechanism.{item.name}", item.source) for item in profile.mechanisms)
    yield from ((row.operation, row.source) for row in profile.operations)


def test_the_releases_are_shipped() -> None:
    assert tuple(profiles()) == RELEASES
    assert all(profile.id == f"linux-{release}-arm64" for release, profile in profiles().items())


@pytest.mark.parametrize("release", RELEASES)
def test_every_source_is_a_path_with_lines(release: str) -> None:
    wrong = [
        (what, source)
        for what, source in sources(profiles()[release])
        if not source.startswith("v12 ") and not SOURCE.fullmatch(source)
    ]
    assert wrong == []


@pytest.mark.parametrize("release", RELEASES)
def test_all_releases_declare_the_same_mechanisms(release: str) -> None:
    declared = {item.name: item.value for item in profiles()[release].mechanisms}
    assert declared.keys() == {item.name for item in profiles()["7.3"].mechanisms}
    for name in ("split_gate", "invalid_encoding"):
        assert declared[name] in WORDS[name]


@pytest.mark.parametrize("release", RELEASES)
def test_operations_are_those_of_the_simulation(release: str) -> None:
    """A release with guest_memfd has a line for each; the others for what they have."""
    declared = {row.operation for row in profiles()[release].operations}
    known = {item.name for item in OPERATIONS if item.where in ("kernel", "series")}
    assert declared <= known
    if release in WITH_GUEST_MEMFD:
        assert known - declared == NO_LINE[release]


@pytest.mark.parametrize("release", RELEASES)
def test_constraints_are_over_declared_symbols_and_hold_somewhere(release: str) -> None:
    profile = profiles()[release]
    declared = {f"CONFIG_{symbol.name}" for symbol in profile.symbols}
    for constraint in profile.constraints:
        assert names(constraint.condition.expression) <= declared
        assert constraint.grounded in ("hand", "tree") or constraint.grounded.startswith("borrowed")
        assert constraint.condition.because


# --- against the source ---------------------------------------------------------------------------


class Tree:
    """The lines of one release; a file that the subset lacks has none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, list[str] | None] = {}

    def file(self, path: str) -> list[str] | None:
        if path not in self._files:
            found = self._folder / path
            text = found.read_text("utf-8", "replace") if found.is_file() else None
            self._files[path] = None if text is None else text.splitlines()
        return self._files[path]

    def cited(self, source: str) -> list[str]:
        """Return the text of each cited range that the subset has; lines must exist."""
        texts = []
        for part in source.split("; "):
            path, _, lines = part.rpartition(":")
            first, _, last = lines.partition("-")
            content = self.file(path)
            if content is not None:
                assert int(last or first) <= len(content), f"{part} is beyond the end of the file"
                texts.append("\n".join(content[int(first) - 1 : int(last or first)]))
        return texts


@pytest.fixture(params=WITH_TREE)
def checked(
    request: pytest.FixtureRequest, kernel_tree: Callable[[str], Path]
) -> tuple[KernelProfile, Tree]:
    release: str = request.param
    return profiles()[release], Tree(kernel_tree(release))


def test_cited_lines_exist_and_say_something(checked: tuple[KernelProfile, Tree]) -> None:
    profile, tree = checked
    read = 0
    for what, source in sources(profile):
        if source.startswith("v12 "):
            continue
        for text in tree.cited(source):
            read += 1
            assert text.strip(), f"{what}: {source} is blank"
    assert read > 100


def test_kconfig_symbols_stand_where_cited(checked: tuple[KernelProfile, Tree]) -> None:
    profile, tree = checked
    for symbol in profile.symbols:
        first, *selects = tree.cited(symbol.source)
        assert re.fullmatch(rf"(menu)?config {symbol.name}", first)
        selected = {"STRICT_KERNEL_RWX": "ARCH_HAS_STRICT_KERNEL_RWX"}.get(symbol.name, symbol.name)
        assert all(text.strip() == f"select {selected}" for text in selects)


# Ours, not the kernel's: what several lines say together, or a name that all releases share.
OURS = {
    *("map_mem_forces_ptes()", "set_direct_map_guard()", "linear_map_requires_bbml()"),
    *("system_supports_bbml()", "kvm_is_available()", "kvm_mode_in_effect()"),
    *("secretmem_is_available()", "gic_priorities_in_use()", "gicv3_cpuif_is_usable()"),
    *("kvm_has_cap_arm_mte()", "memslot_allows_mte()", "pkvm_allows_mte()"),
    *("kaslr_enabled()", "boot_cpu_forces_kpti_for_kaslr()", "kernel_is_unmapped_at_el0()"),
    "mitigations_are_off()",
}


def test_functions_stand_where_cited(checked: tuple[KernelProfile, Tree]) -> None:
    profile, tree = checked
    for function in profile.functions:
        if function.signature not in OURS:
            name, texts = function.signature.removesuffix("()"), tree.cited(function.source)
            # None: files that the subset lacks.
            assert not texts or any(name in text for text in texts), function.signature


def test_variables_stand_where_cited(checked: tuple[KernelProfile, Tree]) -> None:
    profile, tree = checked
    fields = {"mmfr1_vh_override": '"vh"', "arm64_sw_hvhe": '"hvhe"', "pfr1_mte_override": '"mte"'}
    fields |= {"crash_memory_reserved": "parse_crashkernel(", "arm64_sw_nokaslr": '"nokaslr"'}
    fields["mitigations_off"] = "CPU_MITIGATIONS_OFF"
    # In 5.15 the field of another override: `nokaslr` is its alias.
    fields |= {"nokaslr": "kaslr"} if profile.release == "5.15" else {}
    for variable in profile.variables:
        texts = tree.cited(variable.source)
        if not texts:  # a file that the subset lacks
            continue
        text = "\n".join(texts)
        assert fields.get(variable.name, variable.name) in text
        assert all(name in text for name, _ in variable.enumerators)


def test_boot_parameters_stand_where_cited(checked: tuple[KernelProfile, Tree]) -> None:
    """Each cited parser names its parameter or its words."""
    profile, tree = checked
    for parameter in profile.parameters:
        for parser in parameter.parsers:
            texts = tree.cited(parser.source)
            if not texts:  # a file that the subset lacks
                continue
            text = "\n".join(texts)
            if parser.stream == "idreg" and "." in parameter.name and parser.grammar != "words":
                assert parameter.name in text or "find_field" in text
            elif parser.stream == "module":
                assert f"module_param_named({parameter.name.partition('.')[2]}," in text
            else:
                assert parameter.name.replace("-", "_") in text.replace("-", "_")
            for effect in parser.effects:
                if isinstance(effect.match, str):
                    assert effect.match in text


def test_cpucaps_stand_where_cited(checked: tuple[KernelProfile, Tree]) -> None:
    profile, tree = checked
    for cap in profile.cpucaps:
        if cap.name.startswith("ARM64_"):
            entry = tree.cited(cap.source)[0]
            assert f".capability = {cap.name}," in entry
            assert SCOPES[cap.scope] & set(re.findall(r"ARM64_CPUCAP_\w+|ERRATA_\w+", entry))
            listed = (tree.file("arch/arm64/tools/cpucaps") or ()) or (
                tree.file("arch/arm64/include/asm/cpucaps.h") or ()
            )
            assert any(cap.name.removeprefix("ARM64_") in line for line in listed)


SCOPES = {
    "every_cpu": {"ARM64_CPUCAP_SYSTEM_FEATURE", "ARM64_CPUCAP_EARLY_LOCAL_CPU_FEATURE"},
    "boot_cpu": {"ARM64_CPUCAP_STRICT_BOOT_CPU_FEATURE"},
    "any_cpu": {"ERRATA_MIDR_RANGE_LIST"},
}


@pytest.mark.parametrize("release", ["7.2", "7.3"])
def test_bbml_midrs_are_the_kernels(release: str, kernel_tree: Callable[[str], Path]) -> None:
    tree = Tree(kernel_tree(release))
    cap = next(cap for cap in profiles()[release].cpucaps if "BBML" in cap.name)
    function = tree.cited(cap.source)[1]
    declared = {
        (item.implementer, item.part, item.lowest, item.highest, item.name) for item in cap.midrs
    }
    assert declared == set(midr_ranges(function, tree))
    assert len(cap.midrs) == {"7.2": 6, "7.3": 15}[release]
    assert minimum(cap) == ("BBM_3" in function)


def minimum(cap: CpuCap) -> bool:
    """Return whether the cap is also detected from ID_AA64MMFR2_EL1.BBM, which must be 3."""
    assert (cap.field, cap.minimum) in ((None, None), ("bbm", 3))
    return cap.field is not None


Revision = tuple[int, int]


def midr_ranges(function: str, tree: Tree) -> Iterator[tuple[int, int, Revision, Revision, str]]:
    """Yield (implementer, part, lowest, highest, macro) of a midr_range list in C."""
    header = "\n".join(tree.file("arch/arm64/include/asm/cputype.h") or ())
    numbers = {
        name: int(value, 16)
        for name, value in re.findall(r"#define (\w+)\s+(0x[0-9A-Fa-f]+)\b", header)
    }
    models = {
        name: (numbers[implementer], numbers[part])
        for name, implementer, part in re.findall(
            r"#define (MIDR_\w+)\s+MIDR_CPU_MODEL\((\w+), (\w+)\)", header
        )
    }
    for macro, arguments in re.findall(r"(MIDR_ALL_VERSIONS|MIDR_\w*RANGE)\((.+?)\)", function):
        name, *bounds = (word.strip() for word in arguments.split(","))
        digits = [int(word, 0) for word in bounds]
        match macro, digits:
            case "MIDR_ALL_VERSIONS", []:
                lowest, highest = (0, 0), (15, 15)
            case "MIDR_REV_RANGE", [variant, first, last]:
                lowest, highest = (variant, first), (variant, last)
            case "MIDR_RANGE", [low_variant, low_revision, high_variant, high_revision]:
                lowest, highest = (low_variant, low_revision), (high_variant, high_revision)
            case _:
                pytest.fail(f"an unknown form of range: {macro}({arguments})")
        yield (*models[name], lowest, highest, name)


# Words of rodata=, and what (rodata_enabled, rodata_full) becomes: from the C of setup.h.
def test_rodata_words_are_the_kernels(checked: tuple[KernelProfile, Tree]) -> None:
    profile, tree = checked
    header = " ".join(tree.file("arch/arm64/include/asm/setup.h") or ())
    if "rodata" not in header:  # 5.10 and 5.15 parse rodata= in mm/mmu.c
        assert profile.release in ("5.10", "5.15")
        return
    found = re.findall(r'strcmp\(arg, "(\w+)"\)\) \{(.+?)return true;', header)
    parser = next(item for item in profile.parameters if item.name == "rodata").parsers[0]
    declared = {
        effect.match: {name: value.text for name, value in effect.assign}
        for effect in parser.effects
    }
    assert declared == {word: assignments(body) for word, body in found}


def assignments(body: str) -> dict[str, str]:
    """Return what C statements such as `a = b = true; c = false;` leave each variable at."""
    values = {}
    for statement in filter(None, (part.strip() for part in body.split(";"))):
        *targets, value = (word.strip() for word in statement.split("="))
        values.update(dict.fromkeys(targets, value))
    return values
