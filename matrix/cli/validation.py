"""What `matrix validate` does with what its command line says, whoever read it."""

from __future__ import annotations

import sys
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.cli.console import deliver, delivery, say, use_colour
from matrix.diagnostics import format_diagnostic
from matrix.flows.validate_job import ValidateRequest

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


def answer_files(asked: Asked) -> int:
    """Answer, write the answer, and return the exit code."""
    from matrix.flows.settings_file import find_settings
    from matrix.flows.validate import validate
    from matrix.render.json import validate_pieces
    from matrix.render.text import Detail
    from matrix.render.validate import render_validate

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
    outcome = validate(request)
    for line in dict.fromkeys(format_diagnostic(item) for _, item in outcome.problems):
        say(line)
    if asked.form == "json" and not (asked.output is None and sys.stdout.isatty()):
        with delivery(asked.output) as file:
            for piece in validate_pieces(outcome.results):
                file.write(piece)
    else:
        colour, detail = use_colour(asked.output), Detail(min(asked.verbose, Detail.WHOLE))
        text = render_validate(outcome, asked.form, colour=colour, detail=detail)
        deliver(text, asked.output, commands=asked.form == "github")
    if request.write_baseline is not None and outcome.baseline_text is not None:
        rewrite([Rewrite(path=request.write_baseline, read=former, new=outcome.baseline_text)])
        from matrix.render.quantities import counted

        known = counted(outcome.known, "finding")
        say(f"known from now on: {known} in {request.write_baseline}")
    return outcome.exit_code
