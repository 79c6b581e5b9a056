"""What a patch changes beside its check: the reviewer is told of what the answer leaves out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_runner import run_cli

CHECK = """\
--- a/arch/arm64/include/asm/kvm_host.h
+++ b/arch/arm64/include/asm/kvm_host.h
@@ -1,1 +1,{count} @@
{lines}
 int a;
"""
HEAD = ("bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)", "{")
ASKS = "\treturn can_set_direct_map();"


def hunk(path: str, section: str, *lines: str) -> str:
    old = sum(not line.startswith("+") for line in lines)
    new = sum(not line.startswith("-") for line in lines)
    head = f"--- a/{path}\n+++ b/{path}\n@@ -36,{old} +36,{new} @@ {section}\n"
    return head + "".join(f"{line}\n" for line in lines)


def reviewed(folder: Path, before: str, *body: str) -> dict[str, str]:
    """Return the warnings of a review by code, those of JSON; standard error must have them."""
    lines = (*HEAD, *(body or (ASKS,)), "}")
    added = "\n".join(f"+{line}" for line in lines)
    patch = folder / "x.patch"
    patch.write_text(before + CHECK.format(count=1 + len(lines), lines=added))
    ran = run_cli("review", str(patch), "--kernel", "7.3", "--format", "json")
    assert ran.code in (0, 1), ran.err
    document = json.loads(ran.out)
    for item in document["diagnostics"]:
        assert f"warning[{item['code']}]" in ran.err
    return {item["code"]: item["message"] for item in document["diagnostics"]}


MODELLED = {
    "__invalidate_icache_guest_page": ("arch/arm64/include/asm/kvm_mmu.h", "void *va"),
    "stage2_map_walker_try_leaf": ("arch/arm64/kvm/hyp/pgtable.c", "u64 addr"),
    "gmem_abort": ("arch/arm64/kvm/mmu.c", "struct kvm_vcpu *vcpu"),
    "kvm_gmem_get_folio": ("virt/kvm/guest_memfd.c", "struct inode *inode"),
}


@pytest.mark.parametrize("name", MODELLED)
def test_a_function_that_is_simulated_is_not_taken_as_unchanged(name: str, tmp_path: Path) -> None:
    path, parameter = MODELLED[name]
    section = f"static int {name}({parameter})"
    change = hunk(path, section, " \tint a = 0;", "+\tbarrier();", " \tfoo(a);", " \tbar(a);")
    assert f"`{name}()`" in reviewed(tmp_path, change)["MX1240"]


def test_other_functions_are_the_patch_authors(tmp_path: Path) -> None:
    change = hunk(
        "virt/kvm/kvm_main.c", "int vcpu_foo(int a)", " \tint b;", "+\tbarrier();", " \tb = a;"
    )
    assert not reviewed(tmp_path, change)


KVM = ("arch/arm64/kvm/Kconfig", "menuconfig KVM")
KCONFIG = {
    "select dropped": hunk(*KVM, " \tselect SCHED_INFO", "-\tselect KVM_GUEST_MEMFD", " \thelp"),
    "dependency added": hunk(*KVM, " \tbool", "+\tdepends on EXPERT", " \tselect SCHED_INFO"),
    "select elsewhere": hunk("mm/Kconfig", "config FOO", " \tbool", "+\tselect KFENCE", " \thelp"),
    "entry removed": hunk(
        "virt/kvm/Kconfig", "", "-config KVM_GUEST_MEMFD", "-\tselect XARRAY_MULTI", "-\tbool", " "
    ),
    "depends of a cited entry": hunk(
        "mm/Kconfig.debug",
        "config DEBUG_PAGEALLOC_ENABLE_DEFAULT",
        " \tbool",
        "-\tdepends on DEBUG_PAGEALLOC",
        " \thelp",
    ),
}


@pytest.mark.parametrize("what", KCONFIG)
def test_kconfig_answers_are_said_to_be_without_the_patch(what: str, tmp_path: Path) -> None:
    assert "without the patch" in reviewed(tmp_path, KCONFIG[what])["MX1241"]


UNTOUCHED = {
    "help text": hunk(*KVM, " \thelp", " \t  Support guests.", "+\t  select KVM_GUEST_MEMFD too."),
    "another symbol": hunk("mm/Kconfig", "config FOO", " \tbool", "+\tdepends on KVM", " \thelp"),
    "what it selects": hunk(*KVM, " \tbool", "+\tselect SCHED_FOO", " \tselect SCHED_INFO"),
    "another select": hunk(
        "arch/arm64/Kconfig", "config ARM64", " \tdef_bool y", "+\tselect FOO", " \tselect BAR"
    ),
}


@pytest.mark.parametrize("what", UNTOUCHED)
def test_what_decides_no_cited_symbol_is_not_remarked(what: str, tmp_path: Path) -> None:
    assert not reviewed(tmp_path, UNTOUCHED[what])


BARE = {
    "operand": ("\treturn CONFIG_KFENCE && can_set_direct_map();",),
    "negated": ("\treturn !CONFIG_KFENCE && can_set_direct_map();",),
    "condition": ("\tif (CONFIG_KFENCE)", "\t\treturn false;", ASKS),
    "in parentheses": ("\treturn (CONFIG_KFENCE) && can_set_direct_map();",),
}


@pytest.mark.parametrize("what", BARE)
def test_a_symbol_as_a_number_does_not_compile_where_it_is_off(what: str, tmp_path: Path) -> None:
    said = reviewed(tmp_path, "", *BARE[what])
    assert list(said) == ["MX1242"]
    assert "`CONFIG_KFENCE`" in said["MX1242"]
    assert "does not compile" in said["MX1242"]


COMPILES = {
    "#if": ("#if CONFIG_KFENCE", "\treturn false;", "#else", ASKS, "#endif"),
    "#ifdef": (
        "#ifdef CONFIG_KFENCE",
        "\treturn CONFIG_KFENCE && can_set_direct_map();",
        "#else",
        ASKS,
        "#endif",
    ),
    "IS_ENABLED": ("\treturn IS_ENABLED(CONFIG_KFENCE) && can_set_direct_map();",),
}


@pytest.mark.parametrize("what", COMPILES)
def test_what_the_preprocessor_asks_compiles(what: str, tmp_path: Path) -> None:
    assert not reviewed(tmp_path, "", *COMPILES[what])
