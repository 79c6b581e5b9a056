"""`matrix kernels census`: who uses a kernel address of a guest_memfd page, in trees as they are.

The seeded uses are written into copies of the tree of 7.3, where a person would put them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrix.scenarios import every_scenario
from tests.cli_runner import Ran, run_cli

CAPABILITY = Path(__file__).parent.parent / "configs" / "capabilities" / "gmem-no-direct-map.yaml"
DECLARED = YAML(typ="safe", pure=True).load(CAPABILITY.read_text("utf-8"))["alias_users"]
LOOKED_AT = ("arch/arm64/kvm", "arch/arm64/mm", "arch/arm64/include", "virt", "mm")
GMEM, MMU = "virt/kvm/guest_memfd.c", "arch/arm64/kvm/mmu.c"
NOT_KNOWN = re.compile(r"^not classified \((\d+)\)", re.MULTILINE)


@pytest.fixture
def tree(kernel_tree: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of what the census looks at in 7.3."""
    whole, copy = kernel_tree("7.3"), tmp_path / "linux"
    for name in LOOKED_AT:
        shutil.copytree(whole / name, copy / name)
    shutil.copy(whole / "Makefile", copy)
    return copy


def census(tree: Path) -> Ran:
    return run_cli("kernels", "census", "--tree", str(tree))


def seed(tree: Path, path: str, before: str, after: str) -> None:
    text = (tree / path).read_text()
    assert text.count(before) == 1, before
    (tree / path).write_text(text.replace(before, after))


@pytest.mark.parametrize("release", ["7.2", "7.3"])
def test_no_place_is_unclassified(kernel_tree: Callable[[str], Path], release: str) -> None:
    ran = census(kernel_tree(release))
    assert ran.code == 0, ran.out
    assert "not classified" not in ran.out
    assert f"{len(DECLARED['places'])} places" in ran.out
    assert "not in this tree" not in ran.out


def test_a_use_in_the_file_itself_is_reported(tree: Path) -> None:
    old = "\tfolio_unlock(folio);\n\n\tif (!r)\n"
    seed(tree, GMEM, old, f"\tprefetch(page_address(folio_page(folio, 0)));\n{old}")
    ran = census(tree)
    assert ran.code == 1
    assert NOT_KNOWN.findall(ran.out) == ["1"]
    line = (tree / GMEM).read_text().split("prefetch(")[0].count("\n") + 1
    assert f"{GMEM}:{line} kvm_gmem_get_pfn(): page_address()" in " ".join(ran.out.split())


def test_a_use_behind_a_table_of_functions_is_reported_with_the_way_to_it(tree: Path) -> None:
    old = "static void clean_dcache_guest_page(void *va, size_t size)\n{\n"
    added = (
        "static void look_at(struct page *page)\n{\n"
        "\tvoid *at = kmap_local_page(page);\n\n\tkunmap_local(at);\n}\n\n"
    )
    seed(tree, MMU, old, f"{added}{old}\tlook_at(virt_to_page(va));\n")
    ran = census(tree)
    assert ran.code == 1
    assert NOT_KNOWN.findall(ran.out) == ["1"]
    said = " ".join(ran.out.split())
    assert "look_at(): kmap_local_page()" in said
    assert re.search(r"kvm_s2_mm_ops -> clean_dcache_guest_page -> look_at", said)


def test_what_no_such_page_reaches_is_not_reported(tree: Path) -> None:
    with (tree / GMEM).open("a") as file:
        file.write("\nvoid nobody_calls_this(struct page *page)\n{\n\tpage_address(page);\n}\n")
        file.write("/* page_address(page) in a comment of kvm_gmem_get_pfn() */\n")
    assert census(tree).code == 0


def test_a_place_that_is_gone_is_said(tree: Path) -> None:
    text = (tree / MMU).read_text()
    (tree / MMU).write_text(text.replace("mte_clear_page_tags(page_address(page));", ";"))
    ran = census(tree)
    assert ran.code == 0
    assert "not in this tree" in ran.out
    assert "sanitise_mte_tags()" in ran.out


def test_an_older_tree_has_places_that_nobody_classified(
    kernel_tree: Callable[[str], Path],
) -> None:
    """6.12 zeroes in kvm_gmem_prepare_folio(), which 7.3 has no more."""
    ran = census(kernel_tree("6.12"))
    assert ran.code == 1
    assert "kvm_gmem_prepare_folio(): clear_highpage()" in " ".join(ran.out.split())


def test_the_evidence_stands_in_the_tree(kernel_tree: Callable[[str], Path]) -> None:
    tree = kernel_tree("7.3")
    operations = {item.name for one in every_scenario() for item in one.operations}
    for place in DECLARED["places"]:
        assert (place["answer"] == "modelled") == ("operation" in place)
        assert place.get("operation", "gmem_zap") in operations
        for path, first, last in re.findall(r"([\w./-]+\.[ch]):(\d+)(?:-(\d+))?", place["source"]):
            lines = (tree / path).read_text().split("\n")
            assert int(first) <= int(last or first) <= len(lines), place
    # Each modelled place: its own call stands on the lines that are cited, or its body does.
    for place in DECLARED["places"]:
        if place["answer"] == "modelled" and place["path"] in place["source"]:
            ranges = re.findall(rf"{re.escape(place['path'])}:(\d+)-(\d+)", place["source"])
            lines = (tree / place["path"]).read_text().split("\n")
            cited = "\n".join(
                line for first, last in ranges for line in lines[int(first) - 1 : int(last)]
            )
            assert place["use"] in cited, place


def test_a_file_that_a_link_leads_outside_to_is_read_on_request_alone(
    tree: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "other.c"
    (tree / GMEM).rename(elsewhere)
    (tree / GMEM).symlink_to(elsewhere)
    command = ("kernels", "census", "--tree", str(tree))
    refused = run_cli(*command)
    assert refused.code == 3
    assert "MX1114" in refused.err
    allowed = run_cli(*command, "--allow-outside")
    assert allowed.code == 0, allowed.err
    assert f"{GMEM}:" in allowed.out
