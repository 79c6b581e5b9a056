"""Checks and helpers over several hunks, files and mails: what the last patch leaves counts.

Each case is a few hunks by hand, with the check that stands at the end written beside it.
"""

from __future__ import annotations

import pytest

from matrix.diagnostics import InputError
from matrix.expr.nodes import Call, Name
from matrix.expr.printer import to_c
from matrix.kernel.patch.check import PatchedCheck, changed_names, find_check
from matrix.kernel.patch.diff import Patch, read_patches
from matrix.kernel.patch.mail import read_mails
from matrix.kernel.patch.missing import Wanted

NAME = "kvm_arch_gmem_supports_no_direct_map"
WANTED = Wanted(function=NAME, argument="struct kvm", architecture="arm64")
SOURCE, HEADER = "arch/arm64/kvm/mmu.c", "arch/arm64/include/asm/kvm_mmu.h"
KNOWN = {"can_set_direct_map", "icache_is_aliasing", "kvm_supports_cacheable_pfnmap"}
CHECK = f"""\
+bool {NAME}(struct kvm *kvm)
+{{
+	return can_set_direct_map() && kvm_supports_cacheable_pfnmap();
+}}"""
HELPER = """\
+static inline bool gmem_ok(void)
+{
+	if (icache_is_aliasing())
+		return false;
+
+	return can_set_direct_map();
+}"""
ASKS_HELPER = CHECK.replace("kvm_supports_cacheable_pfnmap", "gmem_ok")


def hunk(lines: str, path: str = SOURCE, section: str = "void x(void)") -> str:
    rows = lines.split("\n")
    old = sum(not row.startswith("+") for row in rows)
    new = sum(not row.startswith("-") for row in rows)
    return (
        f"--- a/{path}\n+++ b/{path}\n@@ -100,{old + 2} +100,{new + 2} @@ {section}\n"
        f" \n{lines}\n \n"
    )


def mail(subject: str, *hunks: str) -> str:
    return (
        f"From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n"
        f"From: T <t@example.org>\nDate: Mon, 4 May 2026 10:00:00 +0000\n"
        f"Subject: {subject}\n\nText.\n\n---\n{''.join(hunks)}-- \n2.50.1\n\n"
    )


def patches(text: str) -> tuple[Patch, ...]:
    found = read_mails(text.encode(), "x.mbox")
    return tuple(patch for item in found for patch in read_patches(item))


def is_known(node: Call | Name) -> bool:
    return to_c(node).partition("(")[0] in KNOWN


def check(text: str) -> PatchedCheck:
    return find_check(patches(text), WANTED, is_known)


def says(text: str) -> str:
    return to_c(check(text).expression)


def refusal(text: str) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        check(text)
    return caught.value.diagnostics[0].code, caught.value.diagnostics[0].message


def test_a_helper_that_a_later_patch_changes_in_part_is_read_as_it_then_is() -> None:
    change = " static inline bool gmem_ok(void)\n {\n-	if (icache_is_aliasing())\n"
    change += "+	if (!icache_is_aliasing())\n 		return false;"
    text = mail("[PATCH 1/2] a", hunk(HELPER), hunk(ASKS_HELPER)) + mail(
        "[PATCH 2/2] b",
        hunk(change).replace(" \n static", " static").replace("false;\n \n", "false;\n"),
    )
    assert says(text) == ("can_set_direct_map() && icache_is_aliasing() && can_set_direct_map()")


def test_the_patches_of_a_series_are_put_in_their_order() -> None:
    later = f" bool {NAME}(struct kvm *kvm)\n {{\n"
    later += "-	return can_set_direct_map() && kvm_supports_cacheable_pfnmap();\n"
    later += "+	return icache_is_aliasing();\n }"
    first, second = mail("[PATCH v3 1/2] a", hunk(CHECK)), mail("[PATCH v3 2/2] b", hunk(later))
    assert says(first + second) == "icache_is_aliasing()"
    assert says(second + first) == "icache_is_aliasing()"


def test_two_versions_of_a_patch_are_not_a_series() -> None:
    other = CHECK.replace("kvm_supports_cacheable_pfnmap", "icache_is_aliasing")
    text = mail("[PATCH v1] a", hunk(CHECK)) + mail("[PATCH v2] a", hunk(other))
    assert refusal(text)[0] == "MX1211"


def test_a_later_hunk_that_fits_nowhere_does_not_leave_the_earlier_check_standing() -> None:
    part = (
        f" bool {NAME}(struct kvm *kvm)\n {{\n-	if (a())\n+	if (b())\n 		return true;"
    )
    text = mail("[PATCH 1/2] a", hunk(CHECK)) + mail("[PATCH 2/2] b", hunk(part))
    assert refusal(text)[0] == "MX1210"


def test_a_later_part_of_the_check_is_not_overlooked() -> None:
    part = hunk("-	return old;\n+	return new;\n }", SOURCE, f"bool {NAME}(struct kvm *kvm)")
    text = mail("[PATCH 1/2] a", hunk(CHECK)) + mail("[PATCH 2/2] b", part)
    assert refusal(text)[0] == "MX1210"


def test_a_helper_that_is_there_twice_is_refused() -> None:
    other = " static inline bool gmem_ok(void)\n {\n-	return x;\n+	return y;\n }"
    text = mail("[PATCH 1/2] a", hunk(HELPER), hunk(ASKS_HELPER)) + mail(
        "[PATCH 2/2] b", hunk(other)
    )
    assert refusal(text) == ("MX1211", "`gmem_ok()`, which the check needs, is there twice")


def test_a_macro_that_a_later_patch_changes_is_read_as_it_then_is() -> None:
    added = "+#define gmem_ok() can_set_direct_map()"
    change = f"-{added[1:]}\n+#define gmem_ok() icache_is_aliasing()"
    first = mail("[PATCH 1/2] a", hunk(added, HEADER), hunk(ASKS_HELPER))
    assert says(first + mail("[PATCH 2/2] b", hunk(change, HEADER))) == (
        "can_set_direct_map() && icache_is_aliasing()"
    )
    assert refusal(first + mail("[PATCH 2/2] b", hunk(f"-{added[1:]}", HEADER)))[0] == "MX1220"


def test_a_function_that_becomes_a_macro_is_read_as_one() -> None:
    removed = "-static inline bool kvm_supports_cacheable_pfnmap(void)\n-{\n-	return true;\n-}\n"
    macro = "+#define kvm_supports_cacheable_pfnmap() icache_is_aliasing()"
    found = check(mail("[PATCH] a", hunk(CHECK), hunk(removed + macro, HEADER)))
    assert to_c(found.expression) == "can_set_direct_map() && icache_is_aliasing()"
    assert [name for name, _ in found.redefined] == ["kvm_supports_cacheable_pfnmap"]


def test_a_helper_that_the_patch_removes_is_not_the_kernels() -> None:
    removed = "-static inline bool kvm_supports_cacheable_pfnmap(void)\n-{\n-	return true;\n-}"
    code, message = refusal(mail("[PATCH] a", hunk(CHECK), hunk(removed, HEADER)))
    assert code == "MX1220"
    assert message == ("the check needs `kvm_supports_cacheable_pfnmap`, which the patch removes")


def test_a_helper_that_moves_to_another_file_is_read_there() -> None:
    body = "static inline bool kvm_supports_cacheable_pfnmap(void)\n{\n	return true;\n}"
    removed = "\n".join(f"-{line}" for line in body.split("\n"))
    added = "\n".join(
        f"+{line}" for line in body.replace("true", "icache_is_aliasing()").split("\n")
    )
    other = "arch/arm64/include/asm/kvm_host.h"
    text = mail("[PATCH] a", hunk(CHECK), hunk(removed, HEADER), hunk(added, other))
    assert says(text) == "can_set_direct_map() && icache_is_aliasing()"


def test_a_renamed_helper_is_read_by_its_new_name() -> None:
    renamed = "-static inline bool gmem_old(void)\n+static inline bool gmem_ok(void)\n {\n"
    renamed += " 	return icache_is_aliasing();\n }"
    text = mail("[PATCH] a", hunk(ASKS_HELPER), hunk(renamed, HEADER))
    assert says(text) == "can_set_direct_map() && icache_is_aliasing()"


def test_a_helper_in_whose_middle_a_hunk_begins_is_not_taken_as_it_was() -> None:
    part = "-	return old();\n+	return new();\n }"
    section = "static inline bool kvm_supports_cacheable_pfnmap(void)"
    code, message = refusal(mail("[PATCH] a", hunk(CHECK), hunk(part, HEADER, section)))
    assert code == "MX1220"
    assert message.endswith("which the patch changes in part")


def test_only_the_changed_one_of_two_bodies_is_enough_to_read_both() -> None:
    both = (
        " #ifdef CONFIG_KFENCE\n static inline bool kvm_supports_cacheable_pfnmap(void)\n {\n"
        "-	return true;\n+	return icache_is_aliasing();\n }\n #else\n"
        " static inline bool kvm_supports_cacheable_pfnmap(void)\n {\n 	return false;\n }\n #endif"
    )
    assert says(mail("[PATCH] a", hunk(CHECK), hunk(both, HEADER))) == (
        "can_set_direct_map() && IS_ENABLED(CONFIG_KFENCE) && icache_is_aliasing()"
    )


@pytest.mark.parametrize("stub_first", [True, False])
def test_a_header_that_says_no_where_the_code_is_left_out(*, stub_first: bool) -> None:
    stub = (
        f"+#ifndef CONFIG_KFENCE\n+static inline bool {NAME}(struct kvm *kvm)\n+{{\n"
        "+	return false;\n+}\n+#endif"
    )
    hunks = [hunk(stub, HEADER), hunk(CHECK)]
    found = says(mail("[PATCH] a", *(hunks if stub_first else reversed(hunks))))
    assert found == (
        "IS_ENABLED(CONFIG_KFENCE) && can_set_direct_map() && kvm_supports_cacheable_pfnmap()"
    )


KFENCE = "IS_ENABLED(CONFIG_KFENCE)"
BODY = "can_set_direct_map() && kvm_supports_cacheable_pfnmap()"


@pytest.mark.parametrize("stub_first", [True, False])
@pytest.mark.parametrize(
    ("instead", "expected"),
    [
        # Where it is left out stands in the guard.
        ("false", {BODY}),
        (
            "icache_is_aliasing()",
            {
                f"{KFENCE} ? {BODY} : !{KFENCE} && icache_is_aliasing()",
                f"!{KFENCE} ? icache_is_aliasing() : {KFENCE} && {BODY}",
            },
        ),
    ],
)
def test_a_header_and_a_file_each_under_its_own_ifdef_are_one_check(
    instead: str, expected: set[str], *, stub_first: bool
) -> None:
    """It was refused as "there twice", which no compiler sees."""
    header = (
        f"+#ifdef CONFIG_KFENCE\n+bool {NAME}(struct kvm *kvm);\n+#else\n"
        f"+static inline bool {NAME}(struct kvm *kvm)\n+{{\n+	return {instead};\n+}}\n+#endif"
    )
    body = f"+#ifdef CONFIG_KFENCE\n{CHECK}\n+#endif"
    hunks = [hunk(header, HEADER), hunk(body)]
    assert says(mail("[PATCH] a", *(hunks if stub_first else reversed(hunks)))) in expected


def test_two_checks_under_ifdefs_that_can_both_be_set_are_refused() -> None:
    stub = (
        f"+#ifdef CONFIG_HIBERNATION\n+static inline bool {NAME}(struct kvm *kvm)\n+{{\n"
        "+	return false;\n+}\n+#endif"
    )
    body = f"+#ifdef CONFIG_KFENCE\n{CHECK}\n+#endif"
    assert refusal(mail("[PATCH] a", hunk(stub, HEADER), hunk(body)))[0] == "MX1211"


def test_two_checks_that_are_compiled_together_are_refused() -> None:
    other = CHECK.replace("kvm_supports_cacheable_pfnmap", "icache_is_aliasing")
    text = mail("[PATCH] a", hunk(CHECK), hunk(other, "arch/arm64/kvm/arm.c"))
    assert refusal(text)[0] == "MX1211"


def test_a_static_function_of_another_file_is_not_seen() -> None:
    text = mail("[PATCH] a", hunk(ASKS_HELPER), hunk(HELPER, "arch/arm64/kvm/arm.c"))
    assert says(text) == "can_set_direct_map() && gmem_ok()"


@pytest.mark.parametrize(("path", "seen"), [(HEADER, True), ("arch/arm64/kvm/arm.c", False)])
def test_a_macro_is_seen_from_a_header_alone(path: str, *, seen: bool) -> None:
    macro = hunk("+#define gmem_ok() icache_is_aliasing()", path)
    found = says(mail("[PATCH] a", hunk(ASKS_HELPER), macro))
    assert found == f"can_set_direct_map() && {'icache_is_aliasing()' if seen else 'gmem_ok()'}"


def test_a_macro_of_another_architecture_is_not_seen() -> None:
    macro = hunk("+#define gmem_ok() icache_is_aliasing()", "arch/x86/include/asm/kvm_host.h")
    assert says(mail("[PATCH] a", macro, hunk(ASKS_HELPER))) == "can_set_direct_map() && gmem_ok()"


@pytest.mark.parametrize("generic_first", [True, False])
def test_a_helper_of_the_architecture_hides_the_generic_one(*, generic_first: bool) -> None:
    own = "+static inline bool gmem_ok(void)\n+{\n+	return icache_is_aliasing();\n+}"
    helpers = [hunk(HELPER, "include/linux/kvm_host.h"), hunk(own, HEADER)]
    ordered = helpers if generic_first else helpers[::-1]
    found = says(mail("[PATCH] a", *ordered, hunk(ASKS_HELPER)))
    assert found == "can_set_direct_map() && icache_is_aliasing()"


def test_a_check_under_an_if_that_is_cut_off_is_refused() -> None:
    text = mail("[PATCH] a", hunk(f" int a;\n #else\n{CHECK}\n #endif"))
    code, message = refusal(text)
    assert code == "MX1215"
    assert message.endswith("it stands under an `#if` that the patch does not show")


def test_an_else_that_ends_above_the_check_says_nothing_of_it() -> None:
    text = mail("[PATCH] a", hunk(f" #else\n int a;\n #endif\n \n{CHECK}"))
    assert says(text) == "can_set_direct_map() && kvm_supports_cacheable_pfnmap()"


def test_a_helper_with_another_number_of_arguments_is_refused() -> None:
    text = mail("[PATCH] a", hunk(HELPER.replace("(void)", "(int a)")), hunk(ASKS_HELPER))
    assert refusal(text)[0] == "MX1215"


def test_a_number_returned_by_a_helper_is_an_error_number_of_the_check() -> None:
    helper = HELPER.replace("bool", "int").replace("return false", "return -EINVAL")
    found = check(
        mail(
            "[PATCH] a",
            hunk(helper),
            hunk(
                CHECK.replace(
                    "can_set_direct_map() && kvm_supports_cacheable_pfnmap()", "gmem_ok()"
                )
            ),
        )
    )
    assert to_c(found.expression) == "icache_is_aliasing() || can_set_direct_map()"
    assert len(found.errors) == 1


BELOW = "bool can_set_direct_map(void)"
SYSCALL = "SYSCALL_DEFINE1(memfd_secret, unsigned int, flags)"
ENUM = " enum kvm_mode {\n 	KVM_MODE_DEFAULT,\n+	KVM_MODE_NEW,\n };"
CHANGED = {
    "a variable": ("-bool rodata_full = true;\n+bool rodata_full;", "", {"rodata_full"}),
    "a function's middle": ("-	return a;\n+	return b;\n }", BELOW, {"can_set_direct_map"}),
    "a system call": ("-	if (a)\n+	if (b)", SYSCALL, {"memfd_secret"}),
    "an enum": (ENUM, "", {"kvm_mode", "KVM_MODE_DEFAULT", "KVM_MODE_NEW"}),
    "a cpucap": (
        " 	.capability = ARM64_MTE,\n-	.min = 2,\n+	.min = 3,",
        "",
        {"ARM64_MTE"},
    ),
    "a macro": ("-#define GMEM 1", "", {"GMEM"}),
    "a comment": (" /* a comment */\n+/* another one */", BELOW, set()),
}


@pytest.mark.parametrize("change", CHANGED)
def test_what_a_patch_changes_is_known_by_name(change: str) -> None:
    lines, section, names = CHANGED[change]
    found = changed_names(patches(mail("[PATCH] a", hunk(lines, SOURCE, section))), "arm64")
    assert {item.name for item in found} == names


def test_a_macro_and_a_function_under_one_if_are_variants_of_one_check() -> None:
    both = (
        f"+#ifdef CONFIG_KFENCE\n+#define {NAME}(k) (icache_is_aliasing() || k->flag)\n+#else\n"
        f"+static inline bool {NAME}(struct kvm *vm)\n+{{\n+	return vm->flag;\n+}}\n+#endif"
    )
    assert says(mail("[PATCH] a", hunk(both, HEADER))) == (
        "IS_ENABLED(CONFIG_KFENCE) && icache_is_aliasing() || kvm.flag"
    )


def test_a_number_of_a_helper_that_is_not_always_compiled_stays_a_number() -> None:
    body = "+static inline int gmem_ok(void)\n+{\n+	return -EINVAL;\n+}"
    helper = f"+#ifdef CONFIG_KFENCE\n{body}\n+#endif"
    asks = CHECK.replace("kvm_supports_cacheable_pfnmap() ", "").replace(
        "can_set_direct_map() && kvm_supports_cacheable_pfnmap()", "gmem_ok() < 0"
    )
    found = says(mail("[PATCH] a", hunk(helper), hunk(asks)))
    assert found == "(IS_ENABLED(CONFIG_KFENCE) ? -22 : false) < 0"
