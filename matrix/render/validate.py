"""The answers of `validate` in each of its formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec.structs import replace

from matrix.analyze.cell.verdict import Verdict
from matrix.flows.validate_result import Standing, ValidateOutcome, ValidateResult
from matrix.render.columns import align
from matrix.render.fixes import fix_line
from matrix.render.json import dump_without_fractions, validate_document
from matrix.render.text import Detail, hanging, render_answer, render_grouped


def render_validate(
    outcome: ValidateOutcome, form: str, *, colour: bool = False, detail: Detail = Detail.BRIEF
) -> str:
    """Return the answers in a format: text, json, github, junit or sarif."""
    match form:
        case "text":
            return _text(outcome, colour=colour, detail=detail)
        case "json":
            return dump_without_fractions(validate_document(outcome.results))
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

            return dump_without_fractions(sarif_document(here))


def _text(outcome: ValidateOutcome, *, colour: bool, detail: Detail) -> str:
    """Return the answers for a reader: one by one, or grouped by verdict per file."""
    if not outcome.grouped and detail is Detail.BRIEF and _is_many(outcome):
        return _overview(outcome)
    if not outcome.grouped:
        return "\n".join(
            render_answer(
                f"{_file_title(result)}, {' + '.join(result.cpu)}",
                result.answer,
                colour=colour,
                detail=detail,
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


# More answers than a person reads one by one: then one table, and each reason once.
_MOST_ANSWERS = 24
_MOST_COLUMNS = 6
_SHOWN_PAIRS = 3


def _is_many(outcome: ValidateOutcome) -> bool:
    files = {result.file for result in outcome.results}
    return len(outcome.results) > _MOST_ANSWERS and len(files) > 1


def _overview(outcome: ValidateOutcome) -> str:
    """Return one table of files and CPUs, and beneath it each reason once with its fix."""
    files: dict[str, dict[str, str]] = {}
    reasons: dict[tuple[str, str, str, str], list[ValidateResult]] = {}
    for result in outcome.results:
        cpu = " + ".join(result.cpu)
        word = f"({result.answer.verdict})" if _standing(result) else str(result.answer.verdict)
        files.setdefault(result.file, {})[cpu] = word
        key = (
            str(result.answer.verdict),
            _first_reason(result),
            next(map(fix_line, result.answer.fixes), ""),
            result.answer.so_what,
        )
        reasons.setdefault(key, []).append(result)
    cpus = list(dict.fromkeys(cpu for row in files.values() for cpu in row))
    folder = _folder_of(files)
    files = {file.removeprefix(folder): row for file, row in files.items()}
    if len(cpus) <= _MOST_COLUMNS:
        rows = [(file, *(row.get(cpu, "-") for cpu in cpus)) for file, row in files.items()]
        table = align(("file", *cpus), rows)
    else:
        counted = [(file, _counts(list(row.values()))) for file, row in files.items()]
        table = align(("file", f"of {len(cpus)} CPU systems"), counted)
    defects = Counter(one.sentence for result in outcome.results for one in result.answer.defects)
    lines = [
        line
        for text, count in defects.most_common()
        for line in hanging(f"{count:,} of {len(outcome.results):,}: {text}", "", "  ")
    ]
    order = [str(verdict) for verdict in Verdict]
    for (verdict, reason, fix, meant), those in sorted(
        reasons.items(), key=lambda item: (order.index(item[0][0]), -len(item[1]))
    ):
        pairs = ", ".join(
            f"{one.file.removeprefix(folder)} on {'+'.join(one.cpu)}"
            for one in those[:_SHOWN_PAIRS]
        )
        more = f" and {len(those) - _SHOWN_PAIRS:,} more" if len(those) > _SHOWN_PAIRS else ""
        lines += hanging(f"{verdict}, {len(those):,}: {reason} ({pairs}{more})", "", "  ")
        lines += hanging(f"fix: {fix}", "  ", "    ") if fix else []
        lines += hanging(f"so what: {meant}", "  ", "    ") if meant else []
    below = [f"files of {folder}"] if folder else []
    return "\n".join((*below, table, *lines, "-v says each answer by itself")) + "\n"


def _folder_of(files: Iterable[str]) -> str:
    """Return the folder that all names begin with, and its slash; nothing where there is none."""
    folders = {file.rpartition("/")[0] for file in files}
    return f"{folders.pop()}/" if len(folders) == 1 and "" not in folders else ""


def _first_reason(result: ValidateResult) -> str:
    return next(iter(result.answer.reasons), result.answer.outcome)


def _counts(words: Sequence[str]) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in Counter(words).most_common())


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
