"""The commands as typer knows them, with their helps: all that a command line can say.

Each command module imports the flows inside its function, so that `--help` and `--version`
load nothing heavy.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

import matrix
from matrix.cli.console import Colour
from matrix.cli.examples import examples_of

# In the order in which `--help` lists them; the module of this room with that name has the command,
# or the `app` of a group of them.
COMMANDS = (
    "report",
    "validate",
    "fleet",
    "probe",
    "explain",
    "simulate",
    "count",
    "view",
    "cells",
    "rules",
    "claims",
    "synthesize",
    "diff",
    "review",
    "embed",
    "block",
    "kernels",
    "kconfig",
    "cpus",
    "groups",
    "capabilities",
    "studies",
    "distros",
    "check",
    "schema",
    "init",
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"matrix {matrix.__version__}")
        raise typer.Exit


class When(enum.StrEnum):
    """When answers are coloured."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def _root(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
    color: Annotated[
        When,
        typer.Option(help="Colour answers: on a terminal without NO_COLOR, always, or never."),
    ] = When.AUTO,
) -> None:
    """Register the options that stand before the command."""
    Colour.when = color.value


def command_line(names: Sequence[str]) -> typer.Typer:
    """Return the command line with some of its commands."""
    app = typer.Typer(
        name="matrix",
        help=(
            "On which kernel, Kconfig, CPU and boot command line does a kernel capability really "
            "work, and where does the kernel's own check get it wrong?"
        ),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog="Exit codes: 0 ok, 1 findings or stale output, 2 usage, 3 input wrong, 4 "
        "undecided, 70 a bug, 130 interrupted, 143 terminated.",
    )
    app.callback()(_root)
    for name in names:
        module = import_module(f"matrix.cli.{name}")
        if hasattr(module, "app"):
            _say_whole(module.app, name)
            app.add_typer(module.app, name=name)
        else:
            command = getattr(module, name)
            app.command(name, short_help=_sentence(command.__doc__), epilog=examples_of(name))(
                command
            )
    return app


def _say_whole(group: typer.Typer, name: str) -> None:
    """Give the commands of a group their first sentence in lists, and examples."""
    for command in group.registered_commands:
        called = command.name or getattr(command.callback, "__name__", "")
        command.short_help = _sentence(command.help or getattr(command.callback, "__doc__", None))
        command.epilog = examples_of(f"{name} {called}")


def _sentence(text: str | None) -> str:
    """Return the first sentence of a help text."""
    return " ".join(inspect.cleandoc(text or "").split("\n\n")[0].split())
