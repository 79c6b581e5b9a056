"""`review --tree`: patches applied to a tree; a change below a check is two kernels compared."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.diagnostics import InputError
from matrix.flows.review import read_file
from matrix.kernel.patch.apply import apply
from tests.cli_runner import Ran, run_cli

REPORTED = Path(__file__).parent / "cases" / "reported"
PATH = "arch/arm64/mm/pageattr.c"
SMALL = ("--matrix", "arm64-memfd-secret")


def patch_of(folder: Path, path: str, before: str, after: str, name: str = "a.patch") -> Path:
    """Return a file with the unified diff of two texts, made by difflib."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    file = folder / name
    file.write_text(f"Subject: [PATCH] one\n\n---\n{''.join(lines)}")
    return file


LINE = st.sampled_from(["int a;", "int b;", "", "\treturn 0;", "}", "{", "/* x */"])


@settings(max_examples=60, deadline=None)
@given(before=st.lists(LINE, min_size=1, max_size=30), data=st.data())
def test_a_diff_applied_is_the_other_file(
    before: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    after = list(before)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(after)))
        if data.draw(st.booleans()) and at < len(after):
            del after[at]
        else:
            after.insert(at, data.draw(st.sampled_from(["int new;", "int other;"])))
    if after == before or not after:
        return
    old, new = ("\n".join(["int first;", *lines, "int last;", ""]) for lines in (before, after))
    file = patch_of(tmp_path_factory.mktemp("p"), "mm/a.c", old, new)
    assert apply(read_file(str(file)), lambda _: old, "7.3") == {"mm/a.c": new}


def test_a_later_patch_is_applied_over_an_earlier_one(tmp_path: Path) -> None:
    texts = ["int a;\nint b;\nint c;\n", "int a;\nint x;\nint c;\n", "int a;\nint x;\nint y;\n"]
    one = patch_of(tmp_path, "mm/a.c", texts[0], texts[1], "1.patch")
    two = patch_of(tmp_path, "mm/a.c", texts[1], texts[2], "2.patch")
    both = (*read_file(str(one)), *read_file(str(two)))
    assert apply(both, lambda _: texts[0], "7.3") == {"mm/a.c": texts[2]}
    with pytest.raises(InputError) as raised:
        apply(tuple(reversed(both)), lambda _: texts[0], "7.3")
    assert {item.code for item in raised.value.diagnostics} == {"MX1227"}


def changed_tree(folder: Path, tree: Path, old: str, new: str) -> Path:
    text = (tree / PATH).read_text()
    assert old in text
    return patch_of(folder, PATH, text, text.replace(old, new))


def test_a_change_below_the_check_is_two_kernels_compared(
    kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    """Without KFENCE in it memfd_secret(2) refuses where KFENCE alone splits the map."""
    tree = kernel_tree("7.3")
    old = "||\n\t\tarm64_kfence_can_set_direct_map() || is_realm_world()"
    patch = changed_tree(tmp_path, tree, old, "|| is_realm_world()")
    ran = run_cli("review", str(patch), "--tree", str(tree), *SMALL)
    assert ran.code == 0, ran.err
    words = " ".join(ran.out.split())
    assert "Linux 7.3.0-rc7, before and after a change of can_set_direct_map()" in words
    assert "rodata_full || debug_pagealloc_enabled() || is_realm_world()" in words
    assert "supported → refused" in words
    assert "→ unsound" not in words


@pytest.mark.parametrize("with_tree", [True, False])
def test_a_change_of_another_capabilitys_check_is_two_kernels_compared(
    kernel_tree: Callable[[str], Path], tmp_path: Path, with_tree: bool
) -> None:
    """kvm_supports_cacheable_pfnmap() without DIC, answered for device memory in guests.

    Where it said no and need not there is FWB (the truth demands it), so each such cell becomes
    supported. On Apple's M2 (FWB, no DIC, PIPT) it says yes and must not.
    """
    tree, path = kernel_tree("7.3"), "arch/arm64/include/asm/kvm_mmu.h"
    text = (tree / path).read_text()
    old = "FWB) &&\n\t       cpus_have_final_cap(ARM64_HAS_CACHE_DIC);"
    assert text.count(old) == 1
    patch = patch_of(tmp_path, path, text, text.replace(old, "FWB);"))
    where = ("--tree", str(tree)) if with_tree else ()
    ran = run_cli("review", str(patch), *where)
    assert ran.code == 1, ran.err
    words = " ".join(ran.out.split())
    assert "before and after a change of kvm_supports_cacheable_pfnmap()" in words
    assert "Cacheable device memory in KVM guests on arm64: 7.3 → 7.3 with the patch" in words
    rows = run_cli(
        "cells",
        "arm64-cacheable-pfnmap",
        "--where",
        'kernel == "7.3" && verdict == "overstrict"',
        "--format",
        "csv",
    ).out.splitlines()
    changed = re.search(r"^overstrict +supported +([\d,]+)$", ran.out, re.MULTILINE)
    assert changed
    assert int(changed[1].replace(",", "")) == len(rows) - 1
    assert re.search(r"^refused +unsound +", ran.out, re.MULTILINE)
    assert "apple-m2" in words.partition("refused → unsound:")[2]


def test_rules_that_are_left_out_name_no_option_that_a_review_has_not(
    kernel_tree: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matrix.flows.review_tree._MOST_RULES", 1)
    tree, path = kernel_tree("7.3"), "arch/arm64/include/asm/kfence.h"
    text = (tree / path).read_text()
    patch = patch_of(tmp_path, path, text, text.replace("!kfence_early_init;", "true;"))
    ran = run_cli("review", str(patch), "--tree", str(tree), "--matrix", "arm64-overview")
    assert "→ unsound" in ran.out
    assert "warning[MX0621]" in ran.err
    assert "the counts are of all cells" in ran.err
    assert "--max-rules" not in ran.err


def test_what_memfd_secret_tests_is_two_kernels_compared_in_a_tree(
    kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    """7.3 has the test of CVE-2024-50182; a patch that takes it out opens the hole again."""
    tree, path = kernel_tree("7.3"), "mm/secretmem.c"
    text = (tree / path).read_text()
    old = "\tif (!secretmem_enable || !can_set_direct_map())\n\t\treturn -ENOSYS;"
    assert text.count(old) == 1
    new = "\tif (!secretmem_enable)\n\t\treturn -ENOSYS;"
    patch = patch_of(tmp_path, path, text, text.replace(old, new))
    # As `git diff` does, and difflib does not: the function that the hunk is of.
    section = r"\1 SYSCALL_DEFINE1(memfd_secret, unsigned int, flags)"
    patch.write_text(re.sub(r"^(@@ .* @@)$", section, patch.read_text(), flags=re.MULTILINE))
    ran = run_cli("review", str(patch), "--tree", str(tree))
    assert ran.code == 1, ran.err
    words = " ".join(ran.out.split())
    assert "Linux 7.3.0-rc7, before and after a change of memfd_secret()" in words
    assert "memfd_secret() secretmem_enable && can_set_direct_map() secretmem_enable" in words
    assert re.search(r"^refused +unsound +1,584$", ran.out, re.MULTILINE)


HEADER, MMU = "arch/arm64/include/asm/kvm_mmu.h", "arch/arm64/kvm/mmu.c"
HELPERS = """#define GMEM_CAP ARM64_HAS_STAGE2_FWB
#define gmem_cap(x) cpus_have_final_cap(x)

#ifdef CONFIG_KFENCE
static inline bool gmem_fwb(void)
{
	return gmem_cap(GMEM_CAP);
}
#else
static inline bool gmem_fwb(void) { return true; }
#endif
#define gmem_odd(x) ({ int y = x; y++; })

"""


@pytest.fixture
def tree_with_helpers(kernel_tree: Callable[[str], Path], tmp_path: Path) -> Path:
    """Two files of 7.3, with helpers that no profile has in the header."""
    for path in ("Makefile", HEADER, MMU, PATH):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text((kernel_tree("7.3") / path).read_text())
    text, at = (tmp_path / HEADER).read_text(), "static inline bool kvm_supports_cacheable_pfnmap"
    assert text.count(at) == 1
    (tmp_path / HEADER).write_text(text.replace(at, HELPERS + at))
    return tmp_path


def check_that(tree: Path, asks: str) -> Ran:
    text = (tree / MMU).read_text()
    head = "bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)"
    after = f"{text}\n{head}\n{{\n\treturn can_set_direct_map() && {asks};\n}}\n"
    patch = patch_of(tree, MMU, text, after)
    return run_cli("review", str(patch), "--tree", str(tree), "--kernel", "7.3")


@pytest.mark.parametrize(
    ("asks", "put_in", "means"),
    [
        (
            "gmem_cap(GMEM_CAP)",
            "GMEM_CAP and gmem_cap",
            "can_set_direct_map() && cpus_have_final_cap(ARM64_HAS_STAGE2_FWB)",
        ),
        (
            "gmem_fwb()",
            "gmem_fwb, GMEM_CAP and gmem_cap",
            (
                "can_set_direct_map() && (!IS_ENABLED(CONFIG_KFENCE) || "
                "cpus_have_final_cap(ARM64_HAS_STAGE2_FWB))"
            ),
        ),
    ],
)
def test_a_name_of_the_tree_is_read_there(
    tree_with_helpers: Path, asks: str, put_in: str, means: str
) -> None:
    ran = check_that(tree_with_helpers, asks)
    assert ran.code == 1, ran.err
    assert "MX1243" not in ran.err
    words = " ".join(ran.out.split())
    assert f"With {put_in} of Linux 7.3.0-rc7 put in, that is {means} It says yes" in words
    # The patch was made for this tree: what is proposed instead has a place there.
    assert "It is no diff" not in words
    assert f"+++ b/{MMU}" in words


def test_a_tree_of_a_release_that_is_not_asked_is_said(tree_with_helpers: Path) -> None:
    """6.6 has no guest_memfd: what is answered is 7.3, and the names are those of the tree."""
    makefile = tree_with_helpers / "Makefile"
    text = makefile.read_text()
    text = re.sub(r"^VERSION = 7$", "VERSION = 6", text, flags=re.MULTILINE)
    makefile.write_text(re.sub(r"^PATCHLEVEL = 3$", "PATCHLEVEL = 6", text, flags=re.MULTILINE))
    ran = check_that(tree_with_helpers, "gmem_fwb()")
    assert ran.code == 1, ran.err
    assert f"{makefile}: warning[MX1243]: the tree is Linux 6.6.0" in ran.err
    assert ", and the reply is about 7.3\n" in ran.err


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        ("nowhere()", "neither the patch nor the profiles of Linux 7.3 define `nowhere`"),
        ("gmem_odd(1)", "neither the patch nor the profiles of Linux 7.3 define `gmem_odd`"),
        ("cpus_have_final_cap(ARM64_HAS_X)", "define `ARM64_HAS_X`"),
        ("this_cpu_has_cap(ARM64_HAS_STAGE2_FWB)", "what `this_cpu_has_cap()` says is not known"),
        ("static_branch_likely(&key)", "what `static_branch_likely()` says is not known"),
    ],
)
def test_a_name_that_cannot_be_read_in_the_tree_is_refused(
    tree_with_helpers: Path, asks: str, said: str
) -> None:
    ran = check_that(tree_with_helpers, asks)
    assert ran.code == 3
    assert "error[MX1213]" in ran.err
    assert said in ran.err


def test_a_neutral_change_is_none(kernel_tree: Callable[[str], Path], tmp_path: Path) -> None:
    """No function is another condition, and the patch has no check: that is said."""
    tree = kernel_tree("7.3")
    patch = changed_tree(tmp_path, tree, "a Realm guest all require", "a Realm guest do require")
    ran = run_cli("review", str(patch), "--tree", str(tree), *SMALL)
    assert ran.code == 3
    assert "→" not in ran.out


def test_a_hunk_that_does_not_apply_is_named(kernel_tree: Callable[[str], Path]) -> None:
    for name, path in (("p16-kfence", PATH), ("p02b-secretmem", "mm/secretmem.c")):
        mail = str(REPORTED / f"{name}.mbox")
        ran = run_cli("review", mail, "--tree", str(kernel_tree("7.3")))
        assert ran.code == 3
        assert f"{mail}:12:1: error[MX1227]: hunk 1 of {path} does not apply" in ran.err
        assert "leave --tree out" in ran.err


def test_what_memfd_secret_asks_is_two_kernels_compared(tmp_path: Path) -> None:
    """CVE-2024-50182: without the test the call succeeds and hides nothing, with it ENOSYS."""
    mail = REPORTED / "p02b-secretmem.mbox"
    ran = run_cli("review", str(mail))
    assert ran.code == 0, ran.err
    assert "memfd_secret()  secretmem_enable  secretmem_enable && can_set_direct_map()" in ran.out
    changed = re.search(r"^unsound +refused +([\d,]+)$", ran.out, re.MULTILINE)
    assert changed
    # The profile of 7.3 has the test: what it refuses is what the patch makes refused.
    where = 'kernel == "7.3" && verdict == "refused"'
    rows = run_cli("cells", "arm64-memfd-secret", "--where", where, "--format", "csv").out
    assert len(rows.splitlines()) - 1 == int(changed[1].replace(",", ""))
    # The other way round the hole is opened again.
    text = mail.read_text().replace("\n-\t", "\n~\t").replace("\n+\t", "\n-\t")
    reverted = tmp_path / "reverted.mbox"
    lines = text.replace("\n~\t", "\n+\t").split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("+\t"))
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    reverted.write_text("\n".join(lines))
    ran = run_cli("review", str(reverted))
    assert ran.code == 1
    assert re.search(rf"^refused +unsound +{changed[1]}$", ran.out, re.MULTILINE)


def test_a_test_of_what_no_profile_has_is_refused(tmp_path: Path) -> None:
    text = (REPORTED / "p02b-secretmem.mbox").read_text()
    patch = tmp_path / "a.mbox"
    patch.write_text(text.replace("!can_set_direct_map())", "nobody_knows(7))"))
    ran = run_cli("review", str(patch))
    assert ran.code == 3
    assert "error[MX1229]: what the patch makes of `memfd_secret` cannot be read" in ran.err
    # What changes more than one test is left to a person.
    patch.write_text(text.replace("\t\treturn -ENOSYS;", "-\t\treturn -ENOSYS;\n+\t\treturn 0;"))
    ran = run_cli("review", str(patch))
    assert ran.code == 3
    assert "MX1219" in ran.err


def test_a_change_that_is_no_condition_is_refused(
    kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    tree = kernel_tree("7.3")
    patch = changed_tree(tmp_path, tree, "return rodata_full ||", "return nobody_knows(7) ||")
    ran = run_cli("review", str(patch), "--tree", str(tree), *SMALL)
    assert ran.code == 3
    assert "error[MX1229]: what the patch makes of `can_set_direct_map`" in ran.err
    assert "nobody_knows(7)" in ran.err


def test_a_tree_without_a_profile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "arch" / "arm64").mkdir(parents=True)
    (tmp_path / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 9\nSUBLEVEL = 0\n")
    mail = str(REPORTED / "p16-kfence.mbox")
    ran = run_cli("review", mail, "--tree", str(tmp_path))
    assert ran.code == 3
    assert "error[MX1228]: the tree is Linux 6.9.0, and 6.9 has no profile" in ran.err


def test_without_a_tree_the_profile_is_asked_and_that_is_said() -> None:
    ran = run_cli("review", str(REPORTED / "p16-kfence.mbox"), *SMALL)
    assert ran.code == 0, ran.err
    assert "Linux 7.3 by its profile (no --tree)" in " ".join(ran.out.split())
    assert "supported → refused" in " ".join(ran.out.split())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((), "no study has Linux `7.1`"),
        (SMALL, f"study `{SMALL[1]}` has no Linux `7.1`"),
    ],
)
def test_a_release_that_no_study_asks_about_is_refused(
    asked: tuple[str, ...], said: str, kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    """There is a profile of it, and nothing compared would read as nothing changed."""
    text = (kernel_tree("7.3") / PATH).read_text()
    (tmp_path / PATH).parent.mkdir(parents=True)
    (tmp_path / PATH).write_text(text)
    (tmp_path / "Makefile").write_text("VERSION = 7\nPATCHLEVEL = 1\nSUBLEVEL = 0\n")
    patch = changed_tree(tmp_path, tmp_path, "|| is_realm_world()", "|| !is_realm_world()")
    ran = run_cli("review", str(patch), "--tree", str(tmp_path), *asked)
    assert ran.code == 3
    assert ran.err.startswith(f"error[MX0606]: {said}\nhint: ")
