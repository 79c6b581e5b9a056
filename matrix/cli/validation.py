"""What `matrix validate` does with what its command line says, whoever read it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from matrix.cli.console import PROGRESS, deliver_pieces, say, use_colour
from matrix.diagnostics import format_diagnostic

if TYPE_CHECKING:
    from matrix.flows.validate import Answered, Found, Validation
    from matrix.render.validate import Writer

# Of fewer inputs nobody asks whether several processes would be sooner.
_FEW = 32
# Formats whose readers jump to the line that decides.
_POINTING = ("github", "junit", "sarif")


class Asked(Struct, frozen=True, kw_only=True):
    """The options of `matrix validate`; the defaults are those that its help shows.

    `given` are the fields of a request that the command line itself says.
    """

    files: tuple[str, ...]
    given: frozenset[str]
    fragments: tuple[str, ...] = ()
    kernel: str = "auto"
    cpus: tuple[str, ...] = ()
    cmdline: str | None = None
    cmdline_file: Path | None = None
    capability: str = "gmem-no-direct-map"
    predicate: str | None = None
    vm: str | None = None
    settings: tuple[str, ...] = ()
    fail_on: str = "unsound"
    configs: tuple[Path, ...] = ()
    settings_file: Path | None = None
    baseline: Path | None = None
    write_baseline: Path | None = None
    form: str = "text"
    tree: Path | None = None
    host: Path | None = None
    evidence: tuple[str, ...] = ()
    boot: int | None = None
    verbose: int = 0
    output: Path | None = None
    jobs: int | None = None


def answer_files(asked: Asked) -> int:
    """Answer, write the answer, and return the exit code."""
    from matrix.flows.arguments import verdict_words
    from matrix.flows.settings_file import find_settings
    from matrix.flows.validate import ValidateRequest, Validation
    from matrix.render.text import Detail
    from matrix.render.validate import writer_of

    request = ValidateRequest(
        files=asked.files,
        fragments=asked.fragments,
        kernel=asked.kernel,
        cpus=asked.cpus,
        cmdline=asked.cmdline,
        cmdline_file=asked.cmdline_file,
        capability=asked.capability,
        predicate=asked.predicate,
        vm=asked.vm,
        settings=asked.settings,
        fail_on=verdict_words(asked.fail_on),
        configs=asked.configs,
        settings_file=asked.settings_file or find_settings(Path.cwd()),
        baseline=asked.baseline,
        write_baseline=asked.write_baseline,
        pointing=asked.form in _POINTING,
        given=asked.given,
        tree=asked.tree,
        lists_all=asked.verbose > 0,
    )
    if asked.host is not None or asked.evidence:
        from matrix.flows.evidence_request import with_machine

        request = with_machine(request, asked.host, asked.evidence, asked.boot)
    former = None
    if asked.write_baseline is not None:
        from matrix.door.output import Rewrite, read_for_rewrite, rewrite

        former = read_for_rewrite(asked.write_baseline)
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
    if asked.write_baseline is not None and outcome.baseline_text is not None:
        rewrite([Rewrite(path=asked.write_baseline, read=former, new=outcome.baseline_text)])
        from matrix.render.quantities import counted

        known = counted(outcome.known, "finding")
        say(f"known from now on: {known} in {asked.write_baseline}")
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
