"""`.config` files, CPUs and a command line in; answers out.

For each file: read it, find the kernel profile, work out the command line the kernel sees, make a
cell per CPU system, answer it (`validate_file`). What files share stands in `validate_job`.
"""

from __future__ import annotations

from dataclasses import dataclass

from matrix.analyze.verdict import Verdict
from matrix.diagnostics import ExitCode, InputError, format_diagnostic, worst
from matrix.kernel.dotconfig import load_dotconfig
from matrix.pipeline.arguments import expand_files
from matrix.pipeline.validate_file import answer_file
from matrix.pipeline.validate_job import ValidateRequest, prepare
from matrix.render.json import ValidateResult, dump, validate_document
from matrix.render.text import render_answer, render_grouped

__all__ = ["ValidateOutcome", "ValidateRequest", "validate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOutcome:
    """The answers, what is to be said beside them, and the exit code."""

    results: tuple[ValidateResult, ...]
    grouped: bool
    speech: tuple[str, ...]
    exit_code: ExitCode

    def json_text(self) -> str:
        """Return the JSON document of all answers."""
        return dump(validate_document(self.results))

    def text(self, *, colour: bool, verbose: bool) -> str:
        """Return the answers for a reader: one by one, or grouped by verdict per file."""
        if not self.grouped:
            return "\n".join(
                render_answer(_title(result), result.answer, colour=colour, verbose=verbose)
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
            )
            for results in by_file.values()
        )


def validate(request: ValidateRequest) -> ValidateOutcome:
    """Answer every file of a request.

    A file that is wrong is said and does not keep the others from their answer.

    Raises:
        InputError: where the request itself is wrong (CPU, capability, setting, command line).
    """
    job = prepare(request)
    results: list[ValidateResult] = []
    speech: list[str] = []
    codes: list[ExitCode] = []
    for file in expand_files(request.files):
        try:
            config = load_dotconfig(file)
            found = answer_file(job, config)
            results.extend(found)
            speech.extend(
                format_diagnostic(item) for result in found for item in result.answer.diagnostics
            )
        except InputError as error:
            speech.extend(format_diagnostic(item) for item in error.diagnostics)
            codes.append(ExitCode.INPUT)
    for result in results:
        verdict = result.answer.verdict
        if verdict in request.fail_on:
            codes.append(ExitCode.FINDINGS)
        if verdict is Verdict.UNKNOWN and request.cpus:
            codes.append(ExitCode.UNDECIDED)
    return ValidateOutcome(
        results=tuple(results),
        grouped=job.grouped,
        speech=tuple(dict.fromkeys(speech)),
        exit_code=worst(codes),
    )


def _title(result: ValidateResult) -> str:
    return f"{_file_title(result)}, {' + '.join(result.cpu)}"


def _file_title(result: ValidateResult) -> str:
    patch = f" + {result.assumes_patch}" if result.assumes_patch else ""
    return f"{result.file}: Linux {result.kernel}{patch}"
