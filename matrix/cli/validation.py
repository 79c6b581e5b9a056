"""What `matrix validate` does with what its command line says, whoever read it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from matrix.cli.console import PROGRESS, deliver_pieces, say, use_colour
from matrix.diagnostics import format_diagnostic
from matrix.flows.validate_job import ValidateRequest

if TYPE_CHECKING:
    from matrix.flows.validate import Answered, Found, Validation
    from matrix.render.validate import Writer

# Of fewer inputs nobody asks whether several processes would be sooner.
_FEW = 32
# Formats whose readers jump to the line that decides.
_POINTING = ("github", "junit", "sarif")


class Asked(Struct, frozen=True, kw_only=True):
    """A request, the machine that it is put to, and how its answer is written.

    The defaults are those that the command's help shows.
    """

    request: ValidateRequest
    form: str = "text"
    host: Path | None = None
    evidence: tuple[str, ...] = ()
    boot: int | None = None
    verbose: int = 0
    output: Path | None = None
    jobs: int | None = None


def answer_files(asked: Asked) -> int:
    """Answer, write the answer, and return the exit code."""
    from matrix.flows.settings_file import find_settings
    from matrix.flows.validate import Validation
    from matrix.render.text import Detail
    from matrix.render.validate import writer_of

    request = replace(
        asked.request,
        settings_file=asked.request.settings_file or find_settings(Path.cwd()),
        pointing=asked.form in _POINTING,
        lists_all=asked.verbose > 0,
    )
    if asked.host is not None or asked.evidence:
        from matrix.flows.evidence_request import with_machine

        request = with_machine(request, asked.host, asked.evidence, asked.boot)
    former = None
    if request.write_baseline is not None:
        from matrix.door.output import Rewrite, read_for_rewrite, rewrite

        former = read_for_rewrite(request.write_baseline)
    run = Validation(request)
    colour, detail = use_colour(asked.output), Detail(min(asked.verbose, Detail.WHOLE))
    writer = writer_of(run.outcome(), asked.form, colour=colour, detail=detail)
    _answer_all(run, writer, asked.jobs)
    outcome = run.outcome()
    for line in dict.fromkeys(format_diagnostic(item) for _, item in outcome.problems):
        say(line)
    deliver_pieces(
        writer.pieces(outcome),
        asked.output,
        commands=asked.form == "github",
        is_text=asked.form != "json" or (asked.output is None and sys.stdout.isatty()),
    )
    if request.write_baseline is not None and outcome.baseline_text is not None:
        rewrite([Rewrite(path=request.write_baseline, read=former, new=outcome.baseline_text)])
        from matrix.render.quantities import counted

        known = counted(outcome.known, "finding")
        say(f"known from now on: {known} in {request.write_baseline}")
    return outcome.exit_code


def _answer_all(run: Validation, writer: Writer[Any], jobs: int | None) -> None:
    """Answer every input and write the answers, by so many processes, None: as many as it pays."""
    from itertools import chain, islice

    def work(found: Found) -> tuple[Found, Answered, object]:
        answered = run.answered(found)
        part = writer.part(answered.results)
        answered.results = []
        return found, answered, part

    inputs = run.inputs()
    first = list(islice(inputs, _FEW if jobs is None else 0))
    if run.is_shared and jobs != 1 and (jobs is not None or len(first) == _FEW):
        from matrix.door.workers import ENOUGH_INPUTS, default_jobs, in_order

        first += islice(inputs, ENOUGH_INPUTS)
        with PROGRESS.paused():
            every = in_order(work, chain(first, inputs), jobs or default_jobs(len(first)))
    else:
        every = (work(one) for one in chain(first, inputs))
    with contextlib.closing(every):
        for found, answered, part in every:
            run.take(found, answered)
            writer.add(part)
