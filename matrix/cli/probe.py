"""`matrix probe`: the model's answer for this very machine, beside what the machine shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver, say, use_colour
from matrix.cli.options import (
    DEFAULT_CAPABILITY,
    Capability,
    Configs,
    FailOn,
    Format,
    Output,
    Predicate,
    Surroundings,
    TextFormat,
    Verbose,
    Vm,
)
from matrix.diagnostics import format_diagnostic


def probe(
    host: Annotated[
        Path | None,
        typer.Option(
            "--host",
            metavar="FILE",
            help="A machine saved with --save, or evidence of one: a boot log, lscpu, a folder.",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Write what was read to FILE, for --host."),
    ] = None,
    boot: Annotated[
        int | None, typer.Option("--boot", metavar="N", help="Of a log of several boots the N-th.")
    ] = None,
    kernel: Annotated[
        str, typer.Option(metavar="RELEASE", help="Release, or auto: the running kernel's.")
    ] = "auto",
    cpu: Annotated[
        str | None, typer.Option(metavar="SPEC", help="CPU system, in place of the MIDRs read.")
    ] = None,
    capability: Capability = DEFAULT_CAPABILITY,
    predicate: Predicate = None,
    vm: Vm = None,
    settings: Surroundings = None,
    output_format: Format = TextFormat.TEXT,
    fail_on: FailOn = "unsound",
    verbose: Verbose = 0,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Answer for this machine, and compare the model with what can be observed here."""
    from matrix.flows.arguments import verdict_words
    from matrix.flows.probe import ProbeRequest
    from matrix.flows.probe import probe as run_probe
    from matrix.flows.validate_job import ValidateRequest
    from matrix.render.probe import probe_json, probe_text
    from matrix.render.text import Detail

    asked = ValidateRequest(
        files=(),
        kernel=kernel,
        cpus=(cpu,) if cpu else (),
        capability=capability,
        predicate=predicate,
        vm=vm,
        settings=tuple(settings or ()),
        fail_on=verdict_words(fail_on),
        configs=tuple(configs or ()),
    )
    outcome = run_probe(ProbeRequest(asked=asked, bundle=host, boot=boot))
    for text in dict.fromkeys(map(format_diagnostic, outcome.diagnostics)):
        say(text)
    if save is not None:
        from matrix.kernel.host.bundle import dump_bundle

        deliver(dump_bundle(outcome.host), save)
    if output_format is TextFormat.JSON:
        deliver(probe_json(outcome), output)
    else:
        colour, detail = use_colour(output), Detail(min(verbose, Detail.WHOLE))
        deliver(probe_text(outcome, colour=colour, detail=detail), output)
    return outcome.exit_code
