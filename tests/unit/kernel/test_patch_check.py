"""The check in each patch of `tests/cases/review` says what a person wrote beside it.

The oracle is Python's own `and`, `or` and `not` over every value of the words, not our evaluation
of anything.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
from collections.abc import Mapping
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st
from msgspec import Struct, field
from ruamel.yaml import YAML

from matrix.diagnostics import InputError
from matrix.expr.evaluation import evaluate
from matrix.expr.nodes import Call, Expression, Name, Value
from matrix.expr.printer import to_c
from matrix.kernel.patch.check import PatchedCheck, find_check
from matrix.kernel.patch.diff import read_patches
from matrix.kernel.patch.mail import read_mails
from matrix.kernel.patch.missing import Wanted

CASES = Path(__file__).resolve().parents[2] / "cases" / "review"
TABLE = YAML(typ="safe").load((CASES / "expected.yaml").read_text("utf-8"))
WORDS: dict[str, str] = TABLE["words"]
HEADER = "arch/arm64/include/asm/kvm_host.h"
WANTED = Wanted(
    function="kvm_arch_gmem_supports_no_direct_map",
    argument="struct kvm",
    architecture="arm64",
)


class Row(Struct, frozen=True, kw_only=True):
    file: str
    says: str
    guard: str = "True"
    path: str | None = HEADER
    parameter: str | None = "kvm"
    reads: bool = False
    inlined: list[str] = field(default_factory=list)


ROWS = [Row(**row) for row in TABLE["patches"]]


# What they ask needs the kernels; tests/test_review.py.
ASKED_OF_KERNELS = {"no-prefix.patch", "numeric-mode.patch"}


def read_check(file: str) -> PatchedCheck:
    mails = read_mails((CASES / file).read_bytes(), file)
    patches = [patch for mail in mails for patch in read_patches(mail)]
    return find_check(patches, WANTED, is_known)


def is_known(node: Call | Name) -> bool:
    """The kernel has the words of the table."""
    return to_c(node).partition("(")[0] in {text.partition("(")[0] for text in WORDS.values()}


def by_hand(text: str, values: Mapping[str, bool]) -> bool:
    """Evaluate an expression of the table as Python does."""

    def value(node: ast.expr) -> bool:
        match node:
            case ast.Constant(value=bool() as constant):
                return constant
            case ast.Name(id=name):
                return values[name]
            case ast.BoolOp(op=ast.And(), values=parts):
                return all(value(part) for part in parts)
            case ast.BoolOp(op=ast.Or(), values=parts):
                return any(value(part) for part in parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not value(operand)
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return value(body) if value(test) else value(otherwise)
        raise AssertionError(ast.dump(node))

    return value(ast.parse(text, mode="eval").body)


def as_read(expression: Expression, values: Mapping[str, bool]) -> Value:
    of_c = {text: values[word] for word, text in WORDS.items()}
    return evaluate(expression, lambda name: of_c[name], lambda call: of_c[to_c(call)])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file)
def test_it_says_what_was_written_by_hand(row: Row) -> None:
    check = read_check(row.file)
    for chosen in itertools.product((False, True), repeat=len(WORDS)):
        values = dict(zip(WORDS, chosen, strict=True))
        assert as_read(check.expression, values) == by_hand(row.says, values), values
        guards = [as_read(guard.condition, values) for guard in check.guards]
        assert all(guards) == by_hand(row.guard, values), values


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file)
def test_where_it_stands_and_what_it_reads(row: Row) -> None:
    check = read_check(row.file)
    assert check.path == row.path
    assert check.parameter == row.parameter
    assert check.reads_parameter == row.reads
    assert list(check.inlined) == row.inlined
    assert check.location.text is not None
    start = check.location.column - 1
    assert check.location.text[start:].startswith(WANTED.function)


def test_every_patch_is_in_the_table_or_refused() -> None:
    """Those that are refused are examples of diagnostics (tests/cases/bad/commands.yaml)."""
    commands = (CASES.parent / "bad" / "commands.yaml").read_text("utf-8")
    listed = {row.file for row in ROWS} | ASKED_OF_KERNELS
    for path in CASES.glob("*.*"):
        if path.suffix in (".patch", ".mbox"):
            assert path.name in listed or f"review/{path.name}" in commands, path.name


def test_a_place_names_the_line_of_the_mail() -> None:
    check = read_check("reply-of-a-reply.mbox")
    lines = (CASES / "reply-of-a-reply.mbox").read_text().splitlines()
    at = check.places["kvm_supports_cacheable_pfnmap"]
    assert lines[at.line - 1][at.column - 1 :].startswith("kvm_supports_cacheable_pfnmap()")
    assert lines[check.guards[0].location.line - 1].endswith("#ifdef CONFIG_KVM_GUEST_MEMFD")


PATCH = """\
diff --git a/{path} b/{path}
--- a/{path}
+++ b/{path}
@@ -10,2 +10,{count} @@
 int a;
{added}
 int b;
"""


def checked(body: str, *, path: str = HEADER) -> PatchedCheck:
    added = "\n".join(f"+{line}" for line in body.split("\n"))
    text = PATCH.format(path=path, added=added, count=2 + len(body.split("\n")))
    patches = [
        patch for mail in read_mails(text.encode(), "x.patch") for patch in read_patches(mail)
    ]
    return find_check(patches, WANTED, is_known)


HEAD = "bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)"


def test_a_helper_of_the_kernel_is_read_as_the_patch_leaves_it() -> None:
    check = checked(
        "static inline bool kvm_supports_cacheable_pfnmap(void)\n"
        "{\n\treturn icache_is_aliasing();\n}\n"
        f"{HEAD}\n{{\n\treturn kvm_supports_cacheable_pfnmap();\n}}"
    )
    assert to_c(check.expression) == "icache_is_aliasing()"
    assert [name for name, _ in check.redefined] == ["kvm_supports_cacheable_pfnmap"]


def test_variants_under_ifdef_are_one_check() -> None:
    check = checked(
        f"#ifdef CONFIG_HIBERNATION\n{HEAD}\n{{\n\treturn false;\n}}\n#else\n"
        f"{HEAD}\n{{\n\treturn can_set_direct_map();\n}}\n#endif"
    )
    assert to_c(check.expression) == "!IS_ENABLED(CONFIG_HIBERNATION) && can_set_direct_map()"
    assert check.guards == ()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return !GMEM_I(kvm)->flags.x;", "!GMEM_I(kvm).flags.x"),
        ("return *vcpu_cpsr(kvm) & 1;", "*vcpu_cpsr(kvm) & 1"),
        ("return modes[0] == modes[1];", "modes[0] == modes[1]"),
        ("return kvm->arch.ids[a + 1].x;", "kvm.arch.ids[a + 1].x"),
        ("struct x *p = first(kvm);\n\tif (!p)\n\t\treturn false;\n\treturn p->on;",
         "first(kvm) && first(kvm).on"),
        ("u64 size = end - start;\n\treturn asks(kvm, size);", "asks(kvm, end - start)"),
        ("return asks(64 - bits) > 3;", "asks(64 - bits) > 3"),
    ],
)  # fmt: skip
def test_what_stands_in_memory_is_asked_as_a_call_is(body: str, says: str) -> None:
    assert to_c(checked(f"{HEAD}\n{{\n\t{body}\n}}").expression) == says


@pytest.mark.parametrize(
    "body",
    [
        "return asks(end) - 1 > 2;",
        "u64 size = end - start;\n\treturn asks(size >> 3);",
        "u32 size = end - start;\n\treturn asks(size);",
        "u64 low = bits;\n\treturn asks(low - 1);",
        "struct x p;\n\treturn asks(&p);",
    ],
)
def test_what_a_conversion_may_change_is_refused(body: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(f"{HEAD}\n{{\n\t{body}\n}}")
    assert caught.value.diagnostics[0].code == "MX1215"


def test_a_hunk_that_begins_in_a_comment_does_not_hide_the_function() -> None:
    text = (
        f"diff --git a/{HEADER} b/{HEADER}\n--- a/{HEADER}\n+++ b/{HEADER}\n@@ -10,2 +10,7 @@\n"
        " * don't (or do\n */\n+#ifdef CONFIG_KVM_GUEST_MEMFD\n"
        f"+{HEAD}\n+{{\n+\treturn can_set_direct_map();\n+}}\n+#endif\n"
    )
    patches = [
        patch for mail in read_mails(text.encode(), "x.patch") for patch in read_patches(mail)
    ]
    check = find_check(patches, WANTED, is_known)
    assert to_c(check.expression) == "can_set_direct_map()"
    assert [guard.text for guard in check.guards] == ["#ifdef CONFIG_KVM_GUEST_MEMFD"]


@pytest.mark.parametrize(
    ("head", "parameter"),
    [
        ("bool kvm_arch_gmem_supports_no_direct_map(const struct kvm *vm)", "vm"),
        ("bool kvm_arch_gmem_supports_no_direct_map(void)", None),
        ("bool kvm_arch_gmem_supports_no_direct_map(struct kvm_vcpu *vcpu)", None),
    ],
)
def test_the_parameter_is_told_by_its_type(head: str, parameter: str | None) -> None:
    check = checked(f"{head}\n{{\n\treturn can_set_direct_map();\n}}")
    assert check.parameter == parameter
    assert not check.reads_parameter


@hypothesis.given(st.data())
def test_no_damage_crashes_the_reading(data: st.DataObject) -> None:
    """Characters cut out of a patch give a check or diagnostics, never another error."""
    file = data.draw(st.sampled_from([row.file for row in ROWS]))
    text = (CASES / file).read_text("utf-8")
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(1, 200))
    damaged = (text[:start] + text[start + length :]).encode()
    with contextlib.suppress(InputError):
        patches = [patch for mail in read_mails(damaged, file) for patch in read_patches(mail)]
        find_check(patches, WANTED, is_known)
