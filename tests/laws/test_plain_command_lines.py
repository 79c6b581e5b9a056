"""A command line that is read without typer has the same answer: bytes, speech and exit code.

Each is run as a person runs it and once more with typer alone. They are made of words that are
right, wrong, misplaced, incomplete and of other forms; which of them are plain is not told here.
"""

from __future__ import annotations

import random

import pytest

from matrix.cli import main as command_line
from matrix.cli import validation
from matrix.cli.plain import read_plainly
from matrix.cli.validation import Asked
from tests.cli_runner import Ran, run_cli

CONFIG = "tests/data/booted/7.3.config"
OTHER = "tests/data/booted/6.1-cloud.config"

# Read by hand: most runs are like these.
PLAIN = (
    (CONFIG,),
    (CONFIG, "--cpu", "graviton3"),
    ("--cpu", "graviton3", CONFIG),
    (CONFIG, OTHER, "--cpu", "graviton3", "--cpu", "neoverse-n2,dic=0"),
    (CONFIG, "--kernel", "7.3", "--cpu", "apple-m2", "--format", "json"),
    (CONFIG, "--cpu", "apple-m2", "--cmdline", "rodata=full kvm-arm.mode=nvhe"),
    (CONFIG, "--cpu", "graviton3", "--capability", "memfd-secret"),
    *((CONFIG, "--cpu", "cortex-a72", "--format", form) for form in ("github", "junit", "sarif")),
)
# Not read by hand, or wrong whoever reads it.
OTHERS = (
    (),
    ("--help",),
    (CONFIG, "-h"),
    (CONFIG, "--cpu"),
    (CONFIG, "--cpu", ""),
    (CONFIG, "--cpu="),
    (CONFIG, "--cpu=graviton3"),
    (CONFIG, "--cpus", "graviton3"),
    (CONFIG, "--cp", "graviton3"),
    (CONFIG, "--cpu", "nope"),
    (CONFIG, "--cpu", "--format", "json"),
    (CONFIG, "--format", "JSON"),
    (CONFIG, "--format", "yaml"),
    (CONFIG, "--kernel", "9.9"),
    (CONFIG, "--kernel", "7.2", "--kernel", "7.3", "--cpu", "graviton3"),
    (CONFIG, "--capability", "nope"),
    (CONFIG, "--", "--cpu"),
    (CONFIG, "--verbose", "--cpu", "graviton3"),
    (CONFIG, "-v", "--cpu", "graviton3"),
    (CONFIG, "--set", "entry=el1", "--cpu", "graviton3"),
    (CONFIG, "--vm", "mte", "--cpu", "graviton3"),
    (CONFIG, "--fail-on", "none", "--cpu", "graviton3"),
    ("", "--cpu", "graviton3"),
    ("tests/data/no-such.config", "--cpu", "graviton3"),
    ("tests/data/booted", "--cpu", "graviton3"),
)
WORDS = (
    *(CONFIG, OTHER, "nope", "", "-", "--", "-v", "--help", "--verbose", "--no-verbose"),
    *("--cpu", "--cpu", "graviton3", "@server", "--cpu=apple-m2", "--kernel", "7.2", "auto"),
    *("--cmdline", "rodata=off", "--format", "json", "text", "Json", "--capability"),
    *("memfd-secret", "--fail-on", "--frag", "--predicate", "v12", "--version", "--color"),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """Return what was asked so far; nothing is answered."""
    found: list[Asked] = []

    def answer_files(one: Asked) -> int:
        found.append(one)
        return 0

    monkeypatch.setattr(validation, "answer_files", answer_files)
    return found


def both(monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[Ran, Ran]:
    """Return what a person sees, and what typer alone makes of it."""
    seen = run_cli(*words)
    with monkeypatch.context() as patch:
        patch.setattr(command_line, "read_plainly", lambda _words: None)
        return seen, run_cli(*words)


@pytest.mark.parametrize("words", PLAIN, ids=" ".join)
def test_both_readers_have_the_same_answer(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    seen, whole = both(monkeypatch, "validate", *words, "--cpu", "graviton3")
    assert seen == whole
    assert read_plainly(["validate", *words]) is not None


@pytest.mark.parametrize("words", [*PLAIN, *OTHERS], ids=" ".join)
def test_both_readers_ask_the_same(
    monkeypatch: pytest.MonkeyPatch, asked: list[Asked], words: tuple[str, ...]
) -> None:
    seen, whole = both(monkeypatch, "validate", *words)
    assert seen == whole
    assert len(asked) in {0, 2}
    assert asked[:1] == asked[1:]


def test_both_readers_ask_the_same_of_any_words(
    monkeypatch: pytest.MonkeyPatch, asked: list[Asked]
) -> None:
    draw = random.Random(16)  # noqa: S311 - the same words each time
    plain = 0
    for _ in range(500):
        asked.clear()
        words = ["validate", *draw.choices(WORDS, k=draw.randint(1, 5))]
        if draw.random() < 0.5:
            words.insert(draw.randint(1, len(words)), CONFIG)
        seen, whole = both(monkeypatch, *words)
        assert seen == whole, words
        assert asked[:1] == asked[1:], words
        plain += read_plainly(words) is not None
    assert plain > 30


def test_the_other_commands_are_typers() -> None:
    assert read_plainly([]) is None
    assert read_plainly(["explain", CONFIG]) is None
    assert read_plainly(["--color", "never", "validate", CONFIG]) is None


def test_completion_is_typers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_MATRIX_COMPLETE", "complete_bash")
    assert read_plainly(["validate", CONFIG]) is None
