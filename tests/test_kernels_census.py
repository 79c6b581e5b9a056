"""`matrix kernels census`: who uses a kernel address of a guest_memfd page, in trees as they are.

The seeded uses are written into copies of the tree of 7.3, where a person would put them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrix.kernel.source.census import Scope, reached
from matrix.kernel.source.truth.tree import KernelTree
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
    # 29 by hand: the places whose lines are of 7.3, which are the same functions in 7.2.
    assert sum(place["source"].startswith("7.3 ") for place in DECLARED["places"]) == 29
    assert "29 places" in ran.out
    assert "not in this tree" not in ran.out


@pytest.mark.parametrize("release", ["6.18", "7.1"])
def test_a_whole_tree_has_no_unclassified_place(
    kernel_tree: Callable[[str], Path], release: str
) -> None:
    ran = census(kernel_tree(release))
    assert ran.code == 0, ran.out
    assert "truncate_inode_partial_folio(): folio_zero_range()" in " ".join(ran.out.split())


@pytest.mark.parametrize("release", ["5.10", "6.1", "6.6"])
def test_a_tree_without_guest_memfd_says_so(
    kernel_tree: Callable[[str], Path], release: str
) -> None:
    """guest_memfd came with 6.8: nothing of these trees is classified or reported."""
    ran = census(kernel_tree(release))
    assert ran.code == 0
    title, *rest = ran.out.splitlines()
    assert title.startswith(f"gmem-no-direct-map, Linux {release}.")
    assert title.endswith(": no guest_memfd")
    assert "neither KVM_GUEST_MEMFD nor KVM_PRIVATE_MEM" in " ".join(" ".join(rest).split())
    assert "classified (" not in ran.out


@pytest.mark.parametrize("lost", [[GMEM], [GMEM, "virt/kvm/Kconfig"]])
def test_a_part_of_a_tree_does_not_say_that_there_is_no_guest_memfd(
    tree: Path, lost: list[str]
) -> None:
    for name in lost:
        (tree / name).unlink()
    ran = census(tree)
    assert ran.code == 4
    assert "undecided: no file at hand defines kvm_gmem_create()" in " ".join(ran.out.split())
    seed(tree, MMU, "__clean_dcache_guest_page(va, size);", "page_address(va);")
    assert census(tree).code == 1  # what is worse


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


def test_nothing_behind_a_declared_stop_is_reported_and_the_stop_is_said(tree: Path) -> None:
    old = "\tfolio_unlock(folio);\n\n\tif (!r)\n"
    seed(tree, GMEM, old, f"\tvfree(folio);\n\tmfree(folio);\n{old}")
    body = "(const void *at)\n{\n\tpage_address(at);\n}\n"
    (tree / "mm" / "vmalloc.c").write_text(f"void vfree{body}\nvoid mfree{body}")
    ran = census(tree)
    assert ran.code == 1
    assert NOT_KNOWN.findall(ran.out) == ["1"]
    assert "mfree(): page_address()" in ran.out
    assert "vfree(): frees memory of vmalloc()" in ran.out


# Each pair: what stands in the function that is looked at, and whether it reaches `f` of a.c, whose
# page_address() is looked for. `g` of b.c is another file's own.
NAMES = {
    "f(page);": True,
    "call(f);": True,
    "ops->read = f;": True,
    "if (op == f(page)) return;": True,
    "page->f(page);": False,
    "page.f = 1;": False,
    "if (op == f) return;": False,
    "if (op != &f) return;": False,
    "if (f == op) return;": False,
    "int f = 1; use(f);": False,
    "struct page *f; use(f);": False,
    "x = y * f;": True,
    "return f;": True,
    "g(page);": False,
    "h(page);": True,
}


@pytest.mark.parametrize("statement", NAMES)
def test_a_name_reaches_what_it_may_mean(tmp_path: Path, statement: str) -> None:
    (tmp_path / "Makefile").write_text("VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\n")
    (tmp_path / "a.c").write_text(
        "int f(struct page *page)\n{\n\treturn page_address(page);\n}\n"
        f"int root(struct page *page, void *op)\n{{\n\t{statement}\n}}\n"
    )
    (tmp_path / "b.c").write_text(
        "static int g(struct page *page)\n{\n\treturn page_address(page);\n}\n"
        "int h(struct page *page)\n{\n\treturn g(page);\n}\n"
    )
    scope = Scope(files=("*.c",), roots=("root",), uses=("page_address",))
    found = [(one.path, one.function) for one in reached(KernelTree(tmp_path), scope).uses]
    expected = [("b.c", "g")] if statement.startswith("h") else [("a.c", "f")]
    assert found == (expected if NAMES[statement] else [])


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
    """6.12 clears tags page by page, in tag_clear_highpage(), which 6.18 has no more."""
    ran = census(kernel_tree("6.12"))
    assert ran.code == 1
    assert "tag_clear_highpage(): page_address()" in " ".join(ran.out.split())


# The release of each citation, and its places in that tree.
CITED = re.compile(r"(?:(\d[\d.]*) )?([\w./-]+\.[chS]):(\d+)(?:-(\d+))?")


def cited(row: dict[str, str], release: str) -> Iterator[tuple[str, int, int]]:
    """Yield path, first and last line of what a row cites of a release."""
    for version, path, first, last in CITED.findall(row["source"]):
        if version == release or not version:
            yield path, int(first), int(last or first)


def test_each_citation_names_its_release() -> None:
    for row in (*DECLARED["places"], *DECLARED["stops"]):
        for part in row["source"].split("; "):
            assert re.match(r"(7\.3|7\.1\.5|6\.18\.2|v12 10/16) ", part), row


@pytest.mark.parametrize(
    ("release", "version"), [("7.3", "7.3"), ("6.18", "6.18.2"), ("7.1", "7.1.5")]
)
def test_the_evidence_stands_in_the_tree(
    kernel_tree: Callable[[str], Path], release: str, version: str
) -> None:
    tree = kernel_tree(release)
    rows = [row for row in (*DECLARED["places"], *DECLARED["stops"]) if list(cited(row, version))]
    assert rows
    for row in rows:
        for path, first, last in cited(row, version):
            lines = (tree / path).read_text().split("\n")
            assert first <= last <= len(lines), row
            # A place: its own call stands on the lines that are cited of its file.
            if row.get("answer") == "modelled" and path == row["path"] and "-" in row["source"]:
                every = "\n".join(
                    line
                    for other, begin, end in cited(row, version)
                    if other == path
                    for line in lines[begin - 1 : end]
                )
                assert row["use"] in every, row


def test_each_modelled_place_names_a_micro_operation() -> None:
    operations = {item.name for one in every_scenario() for item in one.operations}
    for place in DECLARED["places"]:
        assert (place["answer"] == "modelled") == ("operation" in place)
        assert place.get("operation", "gmem_zap") in operations


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
