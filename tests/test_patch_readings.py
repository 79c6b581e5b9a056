"""What a review reads of a check is what a C compiler makes of it: never silently something else.

Two oracles for small checks: what a person wrote beside each (`cases/review/readings.yaml`), and
the truth table of the check as a C compiler compiles it. Checks drawn at random have the second.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import hypothesis
import pytest
from hypothesis import strategies as st
from msgspec import Struct
from ruamel.yaml import YAML

from matrix.diagnostics import InputError
from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Call, Name
from matrix.expr.printer import to_c
from matrix.kernel.patch.check import PatchedCheck, find_check
from matrix.kernel.patch.diff import read_patches
from matrix.kernel.patch.mail import read_mails
from matrix.kernel.patch.missing import Wanted
from tests.c_oracle import (
    FUNCTION,
    MODES,
    ROWS,
    WORDS,
    Settings,
    compiled_table,
    settings_of,
    word_values,
)
from tests.c_programs import Program

CASES = Path(__file__).parent / "cases" / "review" / "readings.yaml"
PATH = "arch/arm64/kvm/mmu.c"
WANTED = Wanted(function=FUNCTION, argument="struct kvm", architecture="arm64")
KNOWN = {word.partition("(")[0] for word in WORDS} | {
    "kvm_get_mode",
    "is_protected_kvm_enabled",
    *MODES,
}
# The short words of the table.
SHORT = {
    "settable": "can_set_direct_map()",
    "fwb": "cpus_have_final_cap(ARM64_HAS_STAGE2_FWB)",
    "dic": "cpus_have_final_cap(ARM64_HAS_CACHE_DIC)",
    "aliasing": "icache_is_aliasing()",
    "pfnmap": "kvm_supports_cacheable_pfnmap()",
    "protected": "kvm_vm_is_protected(kvm)",
    "mode": "kvm_get_mode()",
    "hibernation": "IS_ENABLED(CONFIG_HIBERNATION)",
    "kfence": "IS_ENABLED(CONFIG_KFENCE)",
}


class Row(Struct, frozen=True, kw_only=True):
    """A small check: `says`, `refused` or (a word that is left as it is) `reads`."""

    id: str
    body: str
    added: str = ""
    behind: str = ""
    says: str | None = None
    refused: str | None = None
    reads: str | None = None
    errors: int = 0

    @property
    def text(self) -> str:
        lines = "\n".join(f"\t{line}" for line in self.body.split("\n"))
        function = f"bool {FUNCTION}(struct kvm *kvm)\n{{\n{lines}\n}}"
        return "\n".join(part for part in (self.added, function, self.behind) if part)


ROWS_BY_HAND = [Row(**row) for row in YAML(typ="safe").load(CASES.read_text("utf-8"))]


def mail_of(text: str, path: str = PATH) -> str:
    rows = text.split("\n")
    head = f"--- a/{path}\n+++ b/{path}\n@@ -10,2 +10,{2 + len(rows)} @@\n int a;\n"
    return head + "".join(f"+{row}\n" for row in rows) + " int b;\n"


def read(mail: str) -> PatchedCheck:
    patches = [patch for item in read_mails(mail.encode(), "x") for patch in read_patches(item)]
    return find_check(patches, WANTED, is_known)


def is_known(node: Call | Name) -> bool:
    return to_c(node).partition("(")[0] in KNOWN


def as_read(check: PatchedCheck, row: int, settings: Settings) -> bool | None:
    values = word_values(row, settings)
    return truth(evaluate(check.expression, values.__getitem__, lambda call: values[to_c(call)]))


_COMPARED: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.Gt: operator.gt,
}


def by_hand(text: str, row: int, settings: Settings) -> bool:
    """Evaluate a cell of the table as Python does."""
    return bool(python_value(ast.parse(text, mode="eval").body, word_values(row, settings)))


def python_value(node: ast.expr, values: Mapping[str, int]) -> int:
    def value(inner: ast.expr) -> int:
        return python_value(inner, values)

    match node:
        case ast.Constant(value=int() as constant):
            return int(constant)
        case ast.Name(id=name):
            return values[SHORT[name]]
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(map(value, parts))
        case ast.BoolOp(op=ast.Or(), values=parts):
            return any(map(value, parts))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not value(operand)
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return value(body) if value(test) else value(otherwise)
        case ast.Compare(left=left, ops=[ast.In()], comparators=[ast.Tuple(elts=items)]):
            return value(left) in [value(item) for item in items]
        case ast.Compare(left=left, ops=[compared], comparators=[right]):
            return _COMPARED[type(compared)](value(left), value(right))
    raise AssertionError(ast.dump(node))


@pytest.mark.parametrize("row", ROWS_BY_HAND, ids=lambda row: row.id)
def test_a_small_check_is_read_as_written_by_hand_or_refused_truly(row: Row) -> None:
    if row.refused is not None:
        with pytest.raises(InputError) as caught:
            read(mail_of(row.text))
        (found,) = caught.value.diagnostics
        assert found.code == "MX1215"
        assert row.refused in found.message
        return
    check = read(mail_of(row.text))
    assert len(check.errors) == row.errors
    if row.says is None:
        assert row.reads is not None
        assert to_c(check.expression) == row.reads
        return
    for settings in settings_of(row.text):
        for number in range(ROWS):
            expected = by_hand(row.says, number, settings)
            assert as_read(check, number, settings) is expected, (number, settings)


@pytest.mark.parametrize(
    "row", [row for row in ROWS_BY_HAND if row.says is not None], ids=lambda row: row.id
)
def test_the_table_by_hand_is_what_a_compiler_says(row: Row, tmp_path: Path) -> None:
    assert row.says is not None
    redefines = "kvm_supports_cacheable_pfnmap" in row.added
    for settings in settings_of(row.text):
        table = compiled_table(row.text, settings, tmp_path, stub=not redefines)
        for number in range(ROWS):
            assert (table[number] == "1") is by_hand(row.says, number, settings), number


def refusals(text: str) -> set[str]:
    """Return the codes with which a check is refused; none where it is read."""
    try:
        read(mail_of(text))
    except InputError as error:
        return {item.code for item in error.diagnostics}
    return set()


def drawn(seed: int) -> str:
    return Program(Random(seed)).text  # noqa: S311 - a seed


def is_as_compiled(text: str, folder: Path) -> bool:
    """Return whether a check is read as a compiler reads it; also where it is refused."""
    if refused := refusals(text):
        return refused == {"MX1215"}
    check = read(mail_of(text))
    return all(
        as_read(check, number, settings) is (answer == "1")
        for settings in settings_of(text)
        for number, answer in enumerate(compiled_table(text, settings, folder))
    )


@pytest.mark.parametrize("seed", range(100))
def test_no_check_drawn_at_random_is_silently_misread(seed: int, tmp_path: Path) -> None:
    """What is not refused as no expression is what the compiler says."""
    assert is_as_compiled(drawn(seed), tmp_path), drawn(seed)


@hypothesis.settings(max_examples=40)
@hypothesis.given(random=st.randoms(use_true_random=False))
def test_no_check_is_silently_misread(
    tmp_path_factory: pytest.TempPathFactory, random: Random
) -> None:
    text = Program(random).text
    hypothesis.note(text)
    assert is_as_compiled(text, tmp_path_factory.mktemp("check"))


def test_most_checks_drawn_at_random_are_read() -> None:
    """A reader that refuses everything is never wrong: this one reads two of three."""
    assert sum(not refusals(drawn(seed)) for seed in range(300)) >= 200
