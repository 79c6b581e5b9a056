"""Names that no kernel has are said, with the nearest that exists; a kernel's own names never are.

The names of real kernels are read from trees and configurations with a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from matrix.analyze.facts.near_symbols import NearSymbols
from matrix.flows.knowledge import Library
from tests.cli_runner import run_cli

TYPO = Path(__file__).parent / "cases" / "reported" / "p05b-typo.config"


@pytest.fixture(scope="module")
def near() -> NearSymbols:
    return Library().name_history("arm64").near


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("SECRET_MEM", "SECRETMEM"),
        ("MEMFD_SECRET", "SECRETMEM"),
        ("SECRETMEM_ENABLED", "SECRETMEM"),
        ("MEMFD_SECRETMEM", "SECRETMEM"),
        ("SECRTEMEM", "SECRETMEM"),
        ("SECRETMEN", "SECRETMEM"),
        ("secretmem", "SECRETMEM"),
        ("SECRETMEMFD", "SECRETMEM"),
        ("SECRET_MEMFD", "SECRETMEM"),
        ("KVM_GUESTMEMFD", "KVM_GUEST_MEMFD"),
        ("GUEST_MEMFD", "KVM_GUEST_MEMFD"),
        ("KVM_GUEST_MEMFD_SUPPORT", "KVM_GUEST_MEMFD"),
        ("KVM_GUEST_MEMDF", "KVM_GUEST_MEMFD"),
        ("KVM_GMEM", "KVM_GUEST_MEMFD"),
        ("kvm", "KVM"),
        ("ARM64_KVM", "KVM"),
        ("CONFIG_KVM", "KVM"),
        ("RODATA_FULL", "RODATA_FULL_DEFAULT_ENABLED"),
        ("RODATA_FULL_DEFAULT_ENABLE", "RODATA_FULL_DEFAULT_ENABLED"),
        ("DEBUG_PAGE_ALLOC", "DEBUG_PAGEALLOC"),
        ("PAGEALLOC_DEBUG", "DEBUG_PAGEALLOC"),
        ("KFENSE", "KFENCE"),
        ("ARM64_64K_PAGE", "ARM64_64K_PAGES"),
        ("ARM64_PAGES_64K", "ARM64_64K_PAGES"),
        ("CMDLINE_APPEND", "CMDLINE_EXTEND"),
        ("CMDLINE_PREPEND", "CMDLINE_EXTEND"),
        ("HIBERNATON", "HIBERNATION"),
        ("VIRTUALISATION", "VIRTUALIZATION"),  # only a prompt reads it
    ],
)
def test_what_a_name_stands_for(near: NearSymbols, name: str, symbol: str) -> None:
    assert near.of([name]) == {name: symbol}
    assert near.of([name, "EXT4_FS"]) == {name: symbol}  # and again, from what is kept


@pytest.mark.parametrize(
    "name",
    [
        *("SECRETMEM", "KVM_GUEST", "EVM", "KSM", "ARM64_SME", "KFENCE_STATIC_KEYS"),
        *("ZONE_DMA_FLAG", "ARCH_SUPPORTS_DEBUG_PAGEALLOC", "HAVE_ARCH_KFENCE"),
        *("DEBUG_KERNEL_DC", "ARM64_EPAN"),  # near what prompts read
        *("CMDLINE_PARTITION", "KVM_PRIVATE_MEM"),
    ],
)
def test_names_of_their_own(near: NearSymbols, name: str) -> None:
    assert near.of([name]) == {}


@pytest.mark.parametrize("release", ["5.10", "6.1", "6.12", "7.2", "7.3"])
def test_no_name_of_a_tree_is_taken_for_a_slip(
    kernel_tree: Callable[[str], Path], release: str
) -> None:
    names = set(symbols_of(kernel_tree(release)))
    assert len(names) > 12_000
    library = Library()
    for architecture in library.knowledge.architectures:
        assert library.name_history(architecture.id).near.of(names) == {}, architecture.id
        assert not names & {item.name for item in architecture.misnomers}


def symbols_of(tree: Path) -> Iterator[str]:
    for path in tree.rglob("Kconfig*"):
        text = path.read_text("utf-8", "replace")
        yield from re.findall(r"^\s*(?:menu)?config\s+(\w+)", text, re.MULTILINE)


def test_no_name_of_a_distribution_is_taken_for_a_slip(
    distro_configs: Path, debian_configs: Path, booted_originals: Path, near: NearSymbols
) -> None:
    names = set()
    files = 0
    for folder in (distro_configs, debian_configs, booted_originals):
        for path in folder.rglob("*.config"):
            files += 1
            names.update(re.findall(r"^(?:# )?CONFIG_(\w+)[= ]", path.read_text(), re.MULTILINE))
    assert files >= 189
    assert len(names) > 18_000
    assert near.of(names) == {}


NEAREST = {
    "SECRET_MEM": "SECRETMEM",
    "MEMFD_SECRET": "SECRETMEM",
    "KVM_GUESTMEMFD": "KVM_GUEST_MEMFD",
}


def said(err: str, code: str) -> dict[str, str]:
    line = rf"\[{code}\]: [^\n]*CONFIG_(\w+): the line decides nothing\n"
    pattern = line + r"(?:   .*\n)*hint: did you mean `CONFIG_(\w+)`"
    return dict(re.findall(pattern, err))


def test_three_names_no_kernel_has_are_said() -> None:
    ran = run_cli("validate", str(TYPO), "--cpu", "graviton3")
    assert said(ran.err, "MX1716") == NEAREST
    assert "has no CONFIG_RODATA_FULL_DEFAULT_ENABLED" in ran.err
    assert "gone in 6.18" in ran.err


def test_and_with_the_tree(kernel_tree: Callable[[str], Path]) -> None:
    ran = run_cli("validate", str(TYPO), "--cpu", "graviton3", "--tree", str(kernel_tree("7.3")))
    assert said(ran.err, "MX1717") == NEAREST
    assert "MX1716" not in ran.err
    assert ran.err.count("CONFIG_RODATA_FULL_DEFAULT_ENABLED: ") == 1


def test_every_way_to_set_it_is_said(tmp_path: Path) -> None:
    config = tmp_path / "typo.config"
    for line in (
        "CONFIG_MEMFD_SECRET=n",
        "# CONFIG_MEMFD_SECRET is not set",
        "CONFIG_MEMFD_SECRET=m",
    ):
        config.write_text(f"CONFIG_ARM64=y\n{line}\n")
        ran = run_cli("validate", str(config), "--kernel", "7.3", "--cpu", "graviton3")
        assert said(ran.err, "MX1716") == {"MEMFD_SECRET": "SECRETMEM"}, line


def test_a_name_the_tree_lacks_and_the_profiles_know_nothing_of(
    kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    config = tmp_path / "names.config"
    config.write_text("CONFIG_EXT4FS=y\nCONFIG_FROBNICATE=y\nCONFIG_EXT4_FS=y\nCONFIG_KVM=y\n")
    ran = run_cli(
        *("validate", str(config), "--kernel", "7.3", "--cpu", "graviton3"),
        *("--tree", str(kernel_tree("7.3"))),
    )
    assert said(ran.err, "MX1717") == {"EXT4FS": "EXT4_FS"}
    assert ran.err.count("MX1717") == 2
    assert ran.code in (1, 4)


def test_debians_own_names_are_all_in_their_tree(
    kernel_tree: Callable[[str], Path], debian_configs: Path
) -> None:
    ran = run_cli(
        *("validate", str(debian_configs / "debian-7.3-arm64.config"), "--cpu", "graviton3"),
        *("--tree", str(kernel_tree("7.3"))),
    )
    assert "MX1717" not in ran.err
