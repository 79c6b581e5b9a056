"""`.config` files, CPUs and a command line in; answers out.

For each file: read it, find the kernel profile, work out the command line the kernel sees, make a
cell per CPU system, answer it (`validate_file`). What files share stands in `validate_job`; what a
repository's matrix.toml and baseline say is applied last and changes no answer, only what counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from matrix.analyze.cell.verdict import Verdict
from matrix.diagnostics import (
    Diagnostic,
    ExitCode,
    InputError,
    Severity,
    format_diagnostic,
    worst,
)
from matrix.flows.granule_note import joined
from matrix.flows.standing import judge, new_baseline
from matrix.flows.validate_file import answer_file
from matrix.flows.validate_inputs import read_inputs
from matrix.flows.validate_job import ValidateRequest, prepare
from matrix.flows.validate_result import Standing, ValidateResult
from matrix.render.json import dump, validate_document
from matrix.render.text import render_answer, render_grouped

__all__ = ["ValidateOutcome", "ValidateRequest", "validate"]


class ValidateOutcome(Struct, frozen=True, kw_only=True):
    """The answers, what is to be said beside them, and the exit code.

    `problems` are what is wrong or odd with inputs, settings and baseline, each with the file it
    was found in; `speech` is their text. `baseline_text` is the baseline to write, None where none
    was asked for.
    """

    results: tuple[ValidateResult, ...]
    grouped: bool
    speech: tuple[str, ...]
    exit_code: ExitCode
    request: ValidateRequest
    problems: tuple[tuple[str, Diagnostic], ...] = ()
    baseline_text: str | None = None

    @property
    def known(self) -> int:
        """How many results a baseline covers."""
        return sum(result.standing is Standing.KNOWN for result in self.results)

    def render(self, form: str, *, colour: bool = False, verbose: bool = False) -> str:
        """Return the answers in a format: text, json, github, junit or sarif."""
        if form == "json":
            return self.json_text()
        if form == "text":
            return self.text(colour=colour, verbose=verbose)
        from matrix.flows.validate_formats import render_report

        return render_report(self, form)

    def json_text(self) -> str:
        """Return the JSON document of all answers."""
        return dump(validate_document(self.results))

    def text(self, *, colour: bool, verbose: bool) -> str:
        """Return the answers for a reader: one by one, or grouped by verdict per file."""
        if not self.grouped:
            return "\n".join(
                render_answer(
                    _title(result),
                    result.answer,
                    colour=colour,
                    verbose=verbose,
                    aside=_standing(result),
                )
                for result in self.results
            )
        by_file: dict[str, list[ValidateResult]] = {}
        for result in self.results:
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


class _Run(Struct, kw_only=True):
    """What one run has gathered."""

    results: list[ValidateResult] = field(default_factory=list)
    problems: list[tuple[str, Diagnostic]] = field(default_factory=list)
    remarks: list[Diagnostic] = field(default_factory=list)
    codes: list[ExitCode] = field(default_factory=list)


def validate(request: ValidateRequest) -> ValidateOutcome:
    """Answer every file of a request.

    A file that is wrong is said and does not keep the others from their answer.

    Raises:
        InputError: where the request itself is wrong (CPU, capability, setting, command line), or
            what matrix.toml or the baseline say.
    """
    judged = judge(request)
    request = judged.request
    try:
        job = prepare(request)
    except InputError as error:
        raise judged.placed(error) from None
    run = _Run(remarks=list(request.notes))
    for found in (*request.inputs, *read_inputs(request.files, job.architecture.id)):
        if isinstance(found, InputError):
            _note_problem(run, found)
            continue
        try:
            if job.tree is not None:
                against_tree = job.tree.diagnostics(found)
                run.problems += [_with_file(item) for item in against_tree]
                run.codes += [job.tree.exit_code(item) for item in against_tree]
            answered = [judged.of(result) for result in answer_file(job, found)]
        except InputError as error:
            _note_problem(run, judged.placed(error))
            continue
        if request.pointing:
            from matrix.flows.deciding_line import with_deciding_lines

            answered = with_deciding_lines(answered, found, job.capability)
        run.results += answered
        run.remarks += [item for result in answered for item in result.answer.diagnostics]
    baseline = None
    if request.write_baseline is not None:
        baseline, run.results = new_baseline(
            request, run.results, lambda result: any(_codes(request, result))
        )
    run.codes += [code for result in run.results for code in _codes(request, result)]
    remarks = [item for item in joined(run.remarks, job.granules) if not judged.hides(item)]
    run.problems += [_with_file(item) for item in (*remarks, *judged.remarks())]
    return ValidateOutcome(
        results=tuple(run.results),
        grouped=job.grouped,
        speech=tuple(dict.fromkeys(format_diagnostic(item) for _, item in run.problems)),
        exit_code=worst(run.codes),
        request=request,
        problems=tuple(run.problems),
        baseline_text=baseline,
    )


def _with_file(item: Diagnostic) -> tuple[str, Diagnostic]:
    return item.location.file if item.location else "", item


def _note_problem(run: _Run, error: InputError) -> None:
    for item in error.diagnostics:
        run.problems.append(_with_file(item))
        if item.severity is Severity.ERROR:
            run.codes.append(ExitCode.INPUT)


def _codes(request: ValidateRequest, result: ValidateResult) -> Iterator[ExitCode]:
    """Yield what a result means for the exit code; `--fail-on none` leaves nothing."""
    if result.standing is not Standing.OPEN or not request.fail_on:
        return
    if result.answer.verdict in request.fail_on:
        yield ExitCode.FINDINGS
    if result.answer.verdict is Verdict.UNKNOWN and request.cpus:
        yield ExitCode.UNDECIDED


def _title(result: ValidateResult) -> str:
    return f"{_file_title(result)}, {' + '.join(result.cpu)}"


def _file_title(result: ValidateResult) -> str:
    return f"{result.file}: {result.title}"


def _fixed(result: ValidateResult) -> str:
    """Return what is the same for all CPUs of a file: the command line and the surroundings."""
    line = f"the command line `{result.cmdline}`" if result.cmdline else "no command line"
    told = [f"{axis}={option}" for axis, option in result.surroundings]
    return f"all with {', '.join([line, *told])}"


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
