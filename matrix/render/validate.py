"""The answers of `validate` in each of its formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from matrix.flows.validate_result import Standing, ValidateOutcome, ValidateResult
from matrix.render.json import dump, validate_document
from matrix.render.text import render_answer, render_grouped


def render_validate(
    outcome: ValidateOutcome, form: str, *, colour: bool = False, verbose: bool = False
) -> str:
    """Return the answers in a format: text, json, github, junit or sarif."""
    match form:
        case "text":
            return _text(outcome, colour=colour, verbose=verbose)
        case "json":
            return dump(validate_document(outcome.results))
    here = replace(outcome, root=str(Path.cwd()))
    match form:
        case "github":
            from matrix.render.github import render_github

            return render_github(here)
        case "junit":
            from matrix.render.junit import render_junit

            return render_junit(here)
        case _:
            from matrix.render.sarif import sarif_document

            return dump(sarif_document(here))


def _text(outcome: ValidateOutcome, *, colour: bool, verbose: bool) -> str:
    """Return the answers for a reader: one by one, or grouped by verdict per file."""
    if not outcome.grouped:
        return "\n".join(
            render_answer(
                f"{_file_title(result)}, {' + '.join(result.cpu)}",
                result.answer,
                colour=colour,
                verbose=verbose,
                aside=_standing(result),
            )
            for result in outcome.results
        )
    by_file: dict[str, list[ValidateResult]] = {}
    for result in outcome.results:
        by_file.setdefault(result.file, []).append(result)
    return "\n".join(
        render_grouped(
            _file_title(results[0]),
            [("+".join(result.cpu), result.answer) for result in results],
            colour=colour,
            fixed=_fixed(results[0]),
            asides=_standings(results),
        )
        for results in by_file.values()
    )


def _file_title(result: ValidateResult) -> str:
    return f"{result.file}: {result.title}"


def _fixed(result: ValidateResult) -> str:
    """Return what is the same for all CPUs of a file: the command line and the surroundings."""
    line = f"the command line `{result.cmdline}`" if result.cmdline else "no command line"
    options = [f"{axis}={option}" for axis, option in result.surroundings]
    return f"all with {', '.join([line, *options])}"


def _standing(result: ValidateResult) -> str | None:
    """Return why a verdict does not count, None where it does."""
    match result.standing:
        case Standing.MUTED:
            return f"muted: {result.muted_because}"
        case Standing.KNOWN:
            return "known: the baseline has it"
        case _:
            return None


def _standings(results: Sequence[ValidateResult]) -> list[str]:
    """Return for each reason not to count the CPUs it holds for."""
    by_reason: dict[str, list[str]] = {}
    for result in results:
        if reason := _standing(result):
            by_reason.setdefault(reason, []).append("+".join(result.cpu))
    return [f"{reason} ({', '.join(cpus)})" for reason, cpus in by_reason.items()]
