"""`matrix kernels`: the kernel profiles that are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matrix.cli.console import deliver, say
from matrix.cli.listing import listing_app
from matrix.cli.options import AllowOutside, Configs, Format, Output, TextFormat
from matrix.diagnostics import worst

app = listing_app(
    "kernels",
    metavar="RELEASE",
    of_one="A release with a profile, such as 7.3.",
    helps=(
        "The kernel releases that are known.",
        "List the kernel profiles: release, what it was verified on, how.",
        "Show a profile: functions as C, boot parameters, CPU properties, with source lines.",
    ),
)
Tree = Annotated[
    Path,
    typer.Option("--tree", metavar="DIR", help="The unpacked source of that kernel release."),
]


@app.command("verify")
def verify_kernel(
    release: Annotated[
        str, typer.Argument(metavar="RELEASE", help="A release with a profile, such as 7.3.")
    ],
    tree: Tree,
    fix: Annotated[
        bool, typer.Option("--fix", help="Update the lines that have moved, in the profile itself.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Write the evidence anew: a person has read the tree.")
    ] = False,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    _outside: AllowOutside = False,
    configs: Configs = None,
) -> int:
    """Compare a profile with its source; exit 1 on drift, 4 if not all was compared."""
    from matrix.flows.kernels_verify import VerifyRequest
    from matrix.flows.kernels_verify import verify_kernel as run_verify
    from matrix.render.json import dump
    from matrix.render.kernels import verify_document, verify_sentences, verify_text

    request = VerifyRequest(
        kernel=release, tree=tree, configs=tuple(configs or ()), fix=fix, record=record
    )
    outcome = run_verify(request)
    for line in verify_sentences(outcome):
        say(line)
    as_json = output_format is TextFormat.JSON
    deliver(dump(verify_document(outcome)) if as_json else verify_text(outcome), output)
    return outcome.exit_code


@app.command("add")
def add_kernel(
    tree: Tree,
    release: Annotated[
        str | None,
        typer.Option(
            "--kernel", "--release", metavar="RELEASE", help="The release; else the Makefile says."
        ),
    ] = None,
    neighbour: Annotated[
        str | None,
        typer.Option("--from", metavar="RELEASE", help="Begin with it; else the nearest."),
    ] = None,
    output: Output = None,
    _outside: AllowOutside = False,
    configs: Configs = None,
) -> None:
    """Draft a profile for a release without one, from the nearest profile and the source."""
    from matrix.flows.kernels_add import AddRequest
    from matrix.flows.kernels_add import add_kernel as run_add
    from matrix.render.kernels import draft_sentences

    outcome = run_add(
        AddRequest(tree=tree, release=release, neighbour=neighbour, configs=tuple(configs or ()))
    )
    for line in draft_sentences(outcome):
        say(line)
    deliver(outcome.draft.text, output)


@app.command("census")
def take_census(
    tree: Tree,
    output_format: Format = TextFormat.TEXT,
    output: Output = None,
    _outside: AllowOutside = False,
    configs: Configs = None,
) -> int:
    """List who uses a kernel address of a capability's pages; exit 1 if a place is not known.

    Exit 0 as well where the tree has no such pages, and 4 where the files that would tell are not
    at hand.
    """
    from matrix.flows.kernels_census import census
    from matrix.render.census import census_document, census_text
    from matrix.render.json import dump

    found = census(tree, tuple(configs or ()))
    as_json = output_format is TextFormat.JSON
    deliver(dump(census_document(found)) if as_json else census_text(found), output)
    return worst(one.exit_code for one in found)
