"""`matrix simulate`: the traces of one cell, step by step."""

from __future__ import annotations

from typing import Annotated

import typer

from matrix.cli.console import deliver
from matrix.cli.options import DEFAULT_STUDY, Configs, Format, Output, TextFormat


def simulate(
    cell: Annotated[
        list[str],
        typer.Argument(metavar="CELL...", help="axis=option,axis=option; rest from the baseline."),
    ],
    study: Annotated[
        str, typer.Option("--matrix", metavar="MATRIX", help="The study of the cell.")
    ] = DEFAULT_STUDY,
    predicate: Annotated[
        str | None,
        typer.Option(
            "--predicate",
            metavar="VERSION",
            help="Say what this version of it answers, not the study's.",
        ),
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VERSION|OPTION=VALUE",
            help="A declared version of the series, or an option such as guest=no-exec. Repeated.",
        ),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(
            "--event", metavar="EVENT", help="Run this order of events instead of all. Repeated."
        ),
    ] = None,
    two_actors: Annotated[
        bool,
        typer.Option("--two-actors", help="Interleave two actors, to find races; bounded."),
    ] = False,
    brief: Annotated[
        bool, typer.Option("--brief", help="Only what is violated, without the traces.")
    ] = False,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> None:
    """Simulate cells and print each trace: state before and after each step, source lines."""
    from matrix.flows.explain import SimulateRequest
    from matrix.flows.explain import simulate as run_simulate
    from matrix.render.traces import simulation_json, simulation_text

    request = SimulateRequest(
        cells=tuple(cell),
        study=study,
        predicate=predicate,
        variant=tuple(variant or ()),
        events=tuple(event or ()),
        two_actors=two_actors,
        configs=tuple(configs or ()),
    )
    cells = run_simulate(request)
    if output_format is TextFormat.JSON:
        deliver(simulation_json(cells), output)
    else:
        deliver(simulation_text(cells, brief=brief), output)
