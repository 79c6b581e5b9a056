"""What a user writes beside the files: settings, command line, verdicts, folders; checked here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from matrix.analyze.cell.verdict import Verdict, verdicts_of
from matrix.diagnostics import Diagnostic, InputError, refuse, unknown_word_hint
from matrix.kernel.line.given_line import given_line, load_boot_loader_line
from matrix.schema.values import Architecture, Capability

# The word of --fail-on that stands for no verdict at all.
NO_VERDICT = "none"


def verdict_words(text: str) -> tuple[str, ...]:
    """Return the verdicts of a `--fail-on`; `none` is an empty list."""
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    return () if words == (NO_VERDICT,) else words


def column_titles(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the (name, title) pairs of `--column NAME=TITLE`.

    Raises:
        InputError: MX1520, one has no `=`.
    """
    pairs = [text.partition("=") for text in texts]
    wrong = [name for name, equals, title in pairs if not (name.strip() and equals and title)]
    refuse(
        [
            Diagnostic(
                code="MX1520",
                message=f"`{word}` of --column is no NAME=TITLE",
                hint="write the column that is read and your title: kernel=KERNEL-VERSION",
            )
            for word in wrong
        ]
    )
    return tuple((name.strip(), title.strip()) for name, _, title in pairs)


def check_verdicts(words: tuple[str, ...], capability: Capability) -> None:
    """Check that --fail-on names verdicts of a capability, or is the default.

    Raises:
        InputError: MX0907, all unknown ones at once.
    """
    known = {*verdicts_of(capability), Verdict.UNSOUND}
    refuse(
        [
            Diagnostic(
                code="MX0907",
                message=f"unknown verdict `{word}` in --fail-on",
                hint=unknown_word_hint(word, verdicts_of(capability), "verdicts"),
            )
            for word in words
            if word not in known
        ]
    )


def choose_surroundings(architecture: Architecture, settings: tuple[str, ...]) -> dict[str, str]:
    """Return the environment axes that `axis=option` settings choose; one may be said twice.

    Raises:
        InputError: MX0908 not axis=option or an unknown axis, MX0909 an unknown option, MX0506 two
            options of one axis; all at once.
    """
    axes = {axis.name: axis for axis in architecture.environment}
    chosen: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for setting in settings:
        name, separator, option = setting.partition("=")
        if name not in axes:
            problems.append(
                Diagnostic(
                    code="MX0908",
                    message=f"unknown axis `{name}` of --set",
                    hint=unknown_word_hint(name, axes, "axes of --set"),
                )
            )
            continue
        options = [known for known, _ in axes[name].options]
        if not separator:
            written = " or ".join(f"{name}={known}" for known in options)
            problems.append(
                Diagnostic(
                    code="MX0908",
                    message=f"`{setting}` is not axis=option",
                    hint=f"write {written}",
                )
            )
            continue
        if option not in options:
            problems.append(
                Diagnostic(
                    code="MX0909",
                    message=f"unknown option `{option}` of `{name}`",
                    hint=unknown_word_hint(option, options, f"options of {name}"),
                )
            )
            continue
        if chosen.setdefault(name, option) != option:
            also = "; `--vm KIND` says the same as `--set vm=KIND`" if name == "vm" else ""
            problems.append(
                Diagnostic(
                    code="MX0506",
                    message=f"`{setting}` contradicts `{name}={chosen[name]}`",
                    hint=f"give one of them{also}",
                )
            )
    refuse(problems)
    return chosen


def boot_loader_text(text: str | None, file: Path | None) -> str:
    """Return the command line the boot loader passes, given as text or in a file.

    Raises:
        InputError: MX0910 both are given; what is wrong with the file, or with the line.
    """
    if file is None:
        return given_line(text or "")
    if text is not None:
        raise InputError.of(
            code="MX0910",
            message="both --cmdline and --cmdline-file are given",
            hint="give one of them",
        )
    return load_boot_loader_line(file)
