"""Conditions drawn from real trees: what a review reads of one is what a compiler makes of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.diagnostics import InputError
from matrix.expr.evaluation import evaluate, truth
from matrix.expr.nodes import Call, Expression, Scalar
from matrix.expr.printer import to_c
from matrix.kernel.patch.check import find_check
from matrix.kernel.patch.diff import read_patches
from matrix.kernel.patch.mail import read_mails
from matrix.kernel.patch.missing import Wanted
from tests.c_oracle import FUNCTION
from tests.kernel_functions import Condition, compiled, conditions, drawn, text_value, value_of
from tests.test_patch_readings import mail_of

WANTED = Wanted(function=FUNCTION, argument=None, architecture="arm64")
TREES = ("5.10", "6.1", "6.12", "7.2", "7.3")
ROWS = 256
SEED, COUNT = 17, 100 if os.environ.get("CI") else 30

# What a function's own text must show for a refusal to be true; `{}` is what the refusal names.
TRUE_REASONS = {
    r"a pointer that is followed": r"\*\s*\(?\w",
    r"a member of what is no name": r"\)\s*(?:->|\.)\s*\w|=\s*\w+\(.*(?:->|\.)\w",
    r"a subscript has no place": r"\w\s*\[",
    r"a call through a pointer": r"(?:->|\.)\w+\(|\)\(|\w\(",
    r"`sizeof`": r"\bsizeof\b",
    r"nothing says what the local variable `(\w+)` holds": r"\b{}\b",
    r"what `(\w+)`, of type `[^`]+`, holds": r"\b{}\b\s*=",
    r"`(\w+)` may be changed through its address": r"&\s*{}\b",
    r"its parameter `(\w+)` may be changed through its address": r"&\s*{}\b",
    r"what C makes of a number without a sign": r"[-~<>]|\d[uU]",
    r"`(\w+)\(\)` is called for what it does": r"\b{}\(",
    r"it assigns to `(\w+)": r"\b{}\b[\w\s.>-]*=",
    r"it stores through a pointer or into an array": r"[\])]\s*=|\*\s*\w+\s*=",
    r"a number that is no 64-bit integer": r"\d\s*<<|<<|\d",
    r"cannot be parsed|of function definition|is no C": r"\w\s*\{{|typeof|struct|\({{|\n\t*\w+\n",
}


def read(condition: Condition) -> Expression:
    mails = read_mails(mail_of(condition.text).encode(), "x")
    patches = [patch for item in mails for patch in read_patches(item)]
    return find_check(patches, WANTED, lambda _: True).expression


def as_read(expression: Expression, seed: int) -> bool | None:
    def name(identifier: str) -> Scalar:
        head, *members = identifier.split(".")
        value = value_of(seed, head)
        for member in members:
            value = value_of(seed, f".{member}", (value,))
        return value

    def call(node: Call) -> Scalar:
        if node.function == "IS_ENABLED":
            return value_of(seed, f"IS_ENABLED({to_c(node.arguments[0])})") & 1
        given = [evaluate(argument, name, call) for argument in node.arguments]
        return value_of(seed, node.function, tuple(map(_number, given)))

    return truth(evaluate(expression, name, call))


def _number(value: Scalar | None) -> int:
    assert value is not None
    return text_value(value) if isinstance(value, str) else int(value)


def true_reason(condition: Condition, message: str) -> bool:
    for pattern, shown in TRUE_REASONS.items():
        found = re.search(pattern, message)
        if found is not None:
            words = [re.escape(word) for word in found.groups() if word]
            return re.search(shown.format(*words), condition.text, re.DOTALL) is not None
    return False


def test_what_is_read_of_a_condition_is_what_the_compiler_makes_of_it(
    kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    """None silently wrong; most are read, and compared but for a few; why not, is true."""
    number_read = compared = 0
    for condition in drawn([kernel_tree(release) for release in TREES], COUNT, SEED):
        try:
            expression = read(condition)
        except InputError as error:
            message = error.diagnostics[0].message
            assert true_reason(condition, message), f"{message}\n{condition.text}"
            continue
        number_read += 1
        answers = compiled(condition, tmp_path, ROWS)
        if answers is None:
            continue
        compared += 1
        for seed, answer in enumerate(answers):
            # A shift by more bits than there are is nothing in C.
            if seed % 4 < 3 or not re.search("<<|>>", condition.text):
                said = f"seed {seed}: {to_c(expression)}\n{condition.text}"
                assert as_read(expression, seed) == (answer == "1"), said
    # Of all 93 % are read, with this seed 91 of 100.
    assert number_read >= 0.85 * COUNT
    assert compared >= 0.95 * number_read


def test_a_wrong_reading_would_be_seen(kernel_tree: Callable[[str], Path], tmp_path: Path) -> None:
    """The oracle itself: with a reading of another function most answers differ somewhere."""
    first, second = drawn([kernel_tree("7.3")], 2, 3)
    found = compiled(first, tmp_path, ROWS)
    other = compiled(second, tmp_path, ROWS)
    assert found is not None
    assert other is not None
    assert found != other
    assert {"0", "1"} == set(found) | set(other)


@pytest.mark.skipif(not os.environ.get("CI"), reason="reads every condition of five trees")
def test_most_conditions_of_the_trees_are_read(kernel_tree: Callable[[str], Path]) -> None:
    pool = {one.text: one for name in TREES for one in conditions(kernel_tree(name))}
    number_read = 0
    for condition in pool.values():
        try:
            read(condition)
        except InputError:
            continue
        number_read += 1
    assert len(pool) > 700
    assert number_read >= 0.92 * len(pool)
