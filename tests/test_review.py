"""`matrix review` as a reviewer runs it: on the review's own mail and on patches by hand."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.cli_runner import Ran, run_cli
from tests.golden_files import Golden

CASES = Path(__file__).parent / "cases" / "review"
STUDIES = CASES / "studies"
HEADER = "arch/arm64/include/asm/kvm_host.h"

Document = dict[str, Any]


@cache
def reviewed(path: Path, *options: str) -> tuple[int, Document, str]:
    ran = run_cli("review", str(path), "--format", "json", *options)
    return ran.code, json.loads(ran.out), ran.err


@pytest.fixture(scope="module")
def v12(shared_data: Path) -> Document:
    """The review of patch 9/16 of v12, as it stands quoted in the reviewer's reply."""
    code, document, said = reviewed(shared_data / "data" / "patches" / "v12-09-16-review.txt")
    assert code == 1, "unsound cells are findings"
    assert not said
    return document


def test_the_posted_check_is_unsound_where_count_says(v12: Document) -> None:
    counted = json.loads(run_cli("count", "--format", "json").out)["verdicts"]
    counted.pop("absent")
    found = dict(v12["verdicts"])
    assert found.pop("absent") == 0
    assert found == counted
    assert v12["same_as"] == ["v12"]
    assert v12["kernels"] == ["6.18", "7.2", "7.3"]
    assert v12["kernels_without"] == ["5.10", "6.1", "6.6", "6.12"]


def test_the_unsound_class_is_named_with_its_trace(v12: Document) -> None:
    fetch, protected, elsewhere = v12["rules"]
    assert {rule["verdict"] for rule in v12["rules"]} == {"unsound"}
    assert fetch["when"]["has_stage2_fwb"] == ["true"]
    assert fetch["when"]["has_cache_dic"] == ["false"]
    assert fetch["when"]["icache_is_aliasing"] == ["false"]
    assert "apple-m2" in fetch["cpus"]
    assert fetch["violations"][0]["invariant"] == "alias-access"
    assert any(
        "guest instruction fetch: icache_inval_pou IC IVAU" in line
        for line in fetch["violations"][0]["trace"]
    )
    assert any(
        source.startswith("arch/arm64/include/asm/kvm_mmu.h:258")
        for source in fetch["violations"][0]["source"]
    )
    assert protected["when"]["vm"] == ["protected"]
    assert protected["violations"][0]["invariant"] == "operation-fails"
    assert elsewhere["when"]["userspace_addr"] == ["other"]
    assert elsewhere["violations"][0]["invariant"] == "protection-applies"
    # Every unsound cell is in a rule, and rules may overlap.
    assert sum(rule["cells"] for rule in v12["rules"]) >= v12["verdicts"]["unsound"]


def test_the_synthesised_check_stands_beside_it(v12: Document) -> None:
    suggestion = v12["suggestion"]
    assert suggestion["exact"]
    assert suggestion["predicate"] == (
        "can_set_direct_map() && cpus_have_final_cap(ARM64_HAS_STAGE2_FWB) && "
        "(cpus_have_final_cap(ARM64_HAS_CACHE_DIC) || icache_is_aliasing() || "
        "is_protected_kvm_enabled()) && !kvm_vm_is_protected(kvm)"
    )
    by_name = {row["predicate"]: row for row in suggestion["comparison"]}
    assert by_name["synthesised"]["verdicts"]["unsound"] == 0
    assert by_name["synthesised"]["lost"] == 0
    assert by_name["patch"]["verdicts"] == v12["verdicts"]


def test_the_three_questions_of_the_review_are_answered(v12: Document) -> None:
    asked = [(item["line"], item["answered_by"]) for item in v12["questions"]]
    assert asked == [(23, "page-size"), (59, "kconfig"), (74, "vm")]
    # "Where is this 4kB requirement enforced? Or is it that you means PAGE_SIZE?"
    assert v12["page_size"]["sizes"] == [4096, 16384, 65536]
    assert v12["page_size"]["differing"] == 0 < v12["page_size"]["compared"]
    assert v12["granularity"]["enforced_by"] == ["can_set_direct_map()"]
    assert v12["granularity"]["admitted"] == 0 < v12["granularity"]["cells"]
    # That KVM on arm64 selects KVM_GUEST_MEMFD.
    (guard,) = v12["kconfig"]
    assert guard["directive"] == "#ifdef CONFIG_KVM_GUEST_MEMFD"
    status = {item["kernel"]: item for item in guard["kernels"]}
    assert {name for name, item in status.items() if item["status"] == "always"} == {
        "6.18",
        "7.2",
        "7.3",
    }
    assert status["6.12"]["status"] == "no-such-symbol"
    assert [item["source"] for item in status["7.3"]["because"]] == ["arch/arm64/kvm/Kconfig:39"]
    # "Why is it an inline function? Given that it takes a kvm parameter, …"
    assert v12["vm"]["parameter"] == "kvm"
    assert not v12["vm"]["read"]
    (kind,) = v12["vm"]["kinds"]
    assert (kind["kind"], kind["invariant"]) == ("protected", "operation-fails")
    assert kind["machines"] > 0
    assert v12["placement"] == {"header": True, "inline": True, "argument_incomplete": True}


@pytest.mark.parametrize(
    ("file", "form", "kernel"),
    [
        ("reply-of-a-reply.mbox", "text", "7.3"),
        ("only-the-lines.mbox", "markdown", "7.2"),
        ("if-chain.patch", "text", "6.18"),
        ("right.patch", "mbox", "7.3"),
    ],
)
def test_what_a_reader_sees(
    file: str,
    form: str,
    kernel: str,
    golden: Callable[[str], Golden],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(CASES)
    ran = run_cli("review", file, "--format", form, "--kernel", kernel)
    suffix = {"markdown": "md", "text": "txt"}.get(form, form)
    golden(f"review/{Path(file).stem}-{kernel}.{suffix}").check(ran.out + ran.err)


def test_the_right_check_has_no_findings() -> None:
    code, document, _ = reviewed(CASES / "right.patch", "--kernel", "7.3")
    assert code == 0
    assert document["verdicts"]["unsound"] == document["verdicts"]["overstrict"] == 0
    assert document["rules"] == []
    assert document["vm"]["read"]
    assert not document["placement"]["header"]


def test_a_check_is_asked_as_a_declared_version_is() -> None:
    code, document, _ = reviewed(CASES / "changed-line.patch", "--kernel", "7.3")
    assert document["same_as"] == ["cacheable-pfnmap"]
    assert code == 1
    compared = [row["predicate"] for row in document["suggestion"]["comparison"]]
    assert compared == ["patch", "v12", "synthesised"]


def test_a_symbol_that_no_axis_varies_is_varied() -> None:
    """Half of all cells have HIBERNATION: there the check says no, elsewhere as without it."""
    _, alone, _ = reviewed(CASES / "changed-line.patch", "--kernel", "7.3")
    _, halved, _ = reviewed(CASES / "ifdef-inside.patch", "--kernel", "7.3")
    assert halved["verdicts"]["unsound"] == alone["verdicts"]["unsound"]
    assert halved["verdicts"]["supported"] == alone["verdicts"]["supported"]
    total = sum(alone["verdicts"].values())
    assert sum(halved["verdicts"].values()) == 2 * total
    (asked,) = halved["kconfig"]
    assert asked["directive"] is None
    assert [item["status"] for item in asked["kernels"]] == ["decides"]


def small(*arguments: str) -> Ran:
    return run_cli("review", *arguments, "--matrix", "paged", "--configs", str(STUDIES))


def test_a_kernel_without_a_name_of_the_check_is_left_out() -> None:
    ran = small(str(CASES / "newer-helper.patch"), "--format", "json")
    assert json.loads(ran.out)["kernels"] == ["7.3"]
    assert "warning[MX1217]: Linux 6.18 has no `system_supports_bbml3()`" in ran.err


def written(folder: Path, *added: str) -> Path:
    """Return a patch that adds lines to a header."""
    head = f"--- a/{HEADER}\n+++ b/{HEADER}\n@@ -1,1 +1,{1 + len(added)} @@\n"
    patch = folder / "x.patch"
    patch.write_text(head + "".join(f"+{line}\n" for line in added) + " int a;\n")
    return patch


HEAD = "bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)"


def test_a_patch_that_changes_what_the_kernel_rests_on_needs_two_kernels(tmp_path: Path) -> None:
    other = ("static inline bool can_set_direct_map(void)", "{", "\treturn true;", "}")
    patch = written(tmp_path, *other, HEAD, "{", "\treturn can_set_direct_map();", "}")
    ran = small(str(patch))
    assert ran.code == 3
    assert f"{patch}:4:21: error[MX1219]: the patch changes `can_set_direct_map`" in ran.err
    assert not ran.out


def test_a_helper_is_read_as_the_patch_leaves_it() -> None:
    """w02: FWB alone is what v12 asks, whatever the helper asked before."""
    code, document, said = reviewed(CASES / "helper-redefined.patch", "--kernel", "7.3")
    assert code == 1
    assert document["same_as"] == ["v12"]
    assert "warning[MX1218]: the patch changes `kvm_supports_cacheable_pfnmap()`" in said
    assert [item["code"] for item in document["diagnostics"]] == ["MX1218"]


def test_a_later_patch_of_a_series_changes_the_check() -> None:
    """c08: the check as the last patch leaves it, with nothing said of two versions."""
    _, document, said = reviewed(CASES / "series-changes.mbox", "--kernel", "7.3")
    assert document["same_as"] == ["cacheable-pfnmap"]
    assert not said


def test_a_number_is_the_enumerator_that_has_it() -> None:
    """w28: KVM_MODE_PROTECTED is 1, so the check says yes under pKVM and nowhere else."""
    _, numeric, _ = reviewed(CASES / "numeric-mode.patch", "--kernel", "7.3")
    assert numeric["check"].startswith("kvm_get_mode() == 1 &&")
    assert numeric["verdicts"]["supported"] > 0
    modes = {
        rule["example"]["boot.kvm_arm_mode"]
        for rule in numeric["rules"]
        if rule["verdict"] == "unsound"
    }
    assert modes == {"protected"}


def test_a_symbol_without_its_prefix_is_never_set() -> None:
    """w12: the check is always no, and the reply says why."""
    code, document, said = reviewed(CASES / "no-prefix.patch", "--kernel", "7.3")
    assert code == 0
    assert document["check"] == "false"
    assert document["verdicts"]["supported"] == document["verdicts"]["unsound"] == 0
    assert [item["code"] for item in document["diagnostics"]] == ["MX1221"]
    assert "IS_ENABLED(KVM_GUEST_MEMFD)` is always 0: the prefix CONFIG_ is missing" in said
    text = run_cli("review", str(CASES / "no-prefix.patch"), "--kernel", "7.3").out
    assert "the prefix CONFIG_ is missing" in " ".join(text.split())


def test_an_error_number_returned_as_bool_is_a_finding() -> None:
    """w10: where the direct map cannot be changed the check says yes."""
    code, document, _ = reviewed(CASES / "error-number.patch", "--kernel", "7.3")
    assert code == 1
    assert document["granularity"]["admitted"] == document["granularity"]["cells"] > 0
    assert [item["code"] for item in document["diagnostics"]] == ["MX1222"]
    text = run_cli("review", str(CASES / "error-number.patch"), "--kernel", "7.3").out
    assert "An error number is returned for yes or no" in " ".join(text.split())


def test_the_proposed_check_keeps_the_define_and_the_storage_of_its_place(v12: Document) -> None:
    """It looks into the VM, so it leaves the header, which keeps what generic code asks for."""
    suggestion = v12["suggestion"]
    head = "bool kvm_arch_gmem_supports_no_direct_map(struct kvm *kvm)"
    assert suggestion["function"].startswith(f"{head}\n")
    name = "kvm_arch_gmem_supports_no_direct_map"
    assert suggestion["header"] == [f"{head};", f"#define {name} \\", f"\t{name}"]


def test_a_check_that_keeps_nothing_is_said_to(tmp_path: Path) -> None:
    patch = written(tmp_path, HEAD, "{", "\treturn cpus_have_cap(ARM64_HAS_STAGE2_FWB);", "}")
    ran = small(str(patch))
    assert ran.code == 1
    assert "Nothing in it enforces that the direct map can be changed" in ran.out
    assert "silently stays mapped" in " ".join(ran.out.split())
    assert "- the kernel counts on the page being out of the direct map" in ran.out


def test_words_of_the_model_are_not_the_kernels(tmp_path: Path) -> None:
    patch = written(tmp_path, HEAD, "{", "\treturn host;", "}")
    ran = small(str(patch))
    assert ran.code == 3
    assert f"{patch}:6:10: error[MX1213]: nothing is known of `host`" in ran.err


def test_an_enumerator_is_true_where_its_number_is_not_0(tmp_path: Path) -> None:
    bare = written(tmp_path, HEAD, "{", "\treturn kvm_get_mode();", "}")
    found = json.loads(small(str(bare), "--format", "json").out)["verdicts"]
    named = written(tmp_path, HEAD, "{", "\treturn kvm_get_mode() != KVM_MODE_DEFAULT;", "}")
    assert found == json.loads(small(str(named), "--format", "json").out)["verdicts"]


def test_a_check_of_the_page_size_makes_the_page_size_matter(tmp_path: Path) -> None:
    """A machine with 16 kB pages is safe as well: to refuse it is overstrict."""
    body = "\treturn can_set_direct_map() && kvm_supports_cacheable_pfnmap()"
    plain = small(str(written(tmp_path, HEAD, "{", f"{body};", "}")), "--format", "json")
    bound = written(tmp_path, HEAD, "{", f"{body} && PAGE_SIZE == SZ_4K;", "}")
    found = json.loads(small(str(bound), "--format", "json").out)
    assert found["page_size"]["differing"] > 0
    before = json.loads(plain.out)["verdicts"]
    assert found["verdicts"]["overstrict"] > before["overstrict"]
    assert found["verdicts"]["supported"] < before["supported"]


def test_another_function_by_name() -> None:
    ran = small(
        str(CASES / "misspelt-function.patch"),
        "--function",
        "kvm_arch_gmem_support_no_direct_map",
    )
    assert "can_set_direct_map()" in ran.out


def test_a_patch_from_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    data = (CASES / "only-the-lines.mbox").read_bytes()
    stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", stream)
    ran = small("-", "--format", "json")
    assert json.loads(ran.out)["patch"]["place"].startswith("<stdin>:8:")
    assert json.loads(ran.out)["questions"][-1] == {
        "line": 15,
        "text": "Who is going to test this?",
        "answered_by": None,
    }


@pytest.mark.parametrize(
    ("kernel", "code"), [("6.12", "MX0622"), ("9.9", "MX0606")], ids=["absent", "unknown"]
)
def test_kernels_that_cannot_be_asked(kernel: str, code: str) -> None:
    ran = run_cli("review", str(CASES / "right.patch"), "--kernel", kernel)
    assert ran.code == 3
    assert f"error[{code}]" in ran.err
    assert not ran.out


def test_a_check_that_is_a_macro_without_parentheses_is_said_to_be_one(tmp_path: Path) -> None:
    """`!check(kvm)` of generic code would negate the first operand alone."""
    name = "#define kvm_arch_gmem_supports_no_direct_map(kvm)"
    bare = small(str(written(tmp_path, f"{name} can_set_direct_map() || icache_is_aliasing()")))
    assert "warning[MX1224]: the macro `kvm_arch_gmem_supports_no_direct_map`" in bare.err
    closed = small(str(written(tmp_path, f"{name} (can_set_direct_map())")))
    assert "MX1224" not in closed.err


@pytest.mark.parametrize(
    "function", ["can_set_direct_map", "kvm_supports_cacheable_pfnmap", "memfd_secret"]
)
def test_a_fact_is_not_judged_as_a_check(function: str) -> None:
    ran = small(str(CASES / "helper-redefined.patch"), "--function", function)
    assert ran.code == 3
    how = "the patch changes" if function == "kvm_supports_cacheable_pfnmap" else "the review is of"
    assert f"error[MX1219]: {how} `{function}`" in ran.err


def test_a_patch_of_a_cpucap_needs_two_kernels(tmp_path: Path) -> None:
    """The entry of arm64_features[] decides what every answer takes for the CPU's."""
    path = "arch/arm64/kernel/cpufeature.c"
    entry = (
        f"--- a/{path}\n+++ b/{path}\n@@ -2766,4 +2766,4 @@ static const struct arm64_cpu_capab\n"
        " \t\t.capability = ARM64_HAS_CACHE_DIC,\n-\t\t.type = ARM64_CPUCAP_SYSTEM_FEATURE,\n"
        "+\t\t.type = ARM64_CPUCAP_BOOT_CPU_FEATURE,\n \t\t.matches = has_cache_dic,\n"
    )
    both = tmp_path / "both.patch"
    both.write_text((CASES / "right.patch").read_text() + entry)
    ran = run_cli("review", str(both), "--kernel", "7.3")
    assert ran.code == 3
    assert "error[MX1219]: the patch changes `ARM64_HAS_CACHE_DIC`" in ran.err


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("IS_ENABLED(CONFIG_KFENCE_SAMPLE_INTERVAL)", "MX1223"),
        ("CONFIG_KFENCE_SAMPLE_INTERVAL == 100", "MX1223"),
        ("IS_ENABLED(NOT_A_SYMBOL)", "MX1213"),
    ],
)
def test_what_is_not_known_of_a_symbol_is_refused(
    condition: str, code: str, tmp_path: Path
) -> None:
    patch = written(tmp_path, HEAD, "{", f"\treturn can_set_direct_map() && {condition};", "}")
    ran = small(str(patch))
    assert ran.code == 3
    assert f"error[{code}]" in ran.err


def test_a_bool_symbol_is_built_in_or_off(tmp_path: Path) -> None:
    body = "\treturn can_set_direct_map() && {}(CONFIG_KFENCE);"
    answers = [
        json.loads(
            small(str(written(tmp_path, HEAD, "{", body.format(test), "}")), "--format", "json").out
        )["check"]
        for test in ("IS_ENABLED", "IS_BUILTIN", "IS_MODULE")
    ]
    assert answers[0] == answers[1] == "can_set_direct_map() && IS_ENABLED(CONFIG_KFENCE)"
    assert answers[2] == "false"


def test_a_kernel_that_was_asked_for_departs_from_nothing() -> None:
    """Of `--kernel 7.2` every CPU was listed with `kernel=7.2`, the ordinary cell with none."""
    _, document, _ = reviewed(CASES / "changed-line.patch", "--kernel", "7.2")
    _, newest, _ = reviewed(CASES / "changed-line.patch", "--kernel", "7.3")
    assert document["causes"]
    for cause, same in zip(document["causes"], newest["causes"], strict=True):
        assert cause["where"] == same["where"]
        assert all("kernel" not in place["with"] for place in cause["where"])
