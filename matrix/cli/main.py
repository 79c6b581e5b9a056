"""The command line's entry: finds the command, turns what went wrong into an exit code.

Every command module imports the flows inside its function, so that `--help` and `--version`
load nothing heavy.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import typer

import matrix
from matrix.diagnostics import ExitCode, InputError, UndecidedError, format_diagnostic

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
    "cells",
    "rules",
    "claims",
    "synthesize",
    "diff",
    "review",
    "embed",
    "kernels",
    "kconfig",
    "cpus",
    "groups",
    "capabilities",
    "studies",
    "architectures",
    "distros",
    "check",
    "schema",
    "init",
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"matrix {matrix.__version__}")
        raise typer.Exit


def _root(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Register the options that stand before the command."""


def _command_line(names: Sequence[str]) -> typer.Typer:
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
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog="Exit codes: 0 ok, 1 findings or stale output, 2 usage, 3 input wrong, 4 "
        "undecided, 70 a bug.",
    )
    app.callback()(_root)
    for name in names:
        module = import_module(f"matrix.cli.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; nothing but a bug leaves a traceback."""
    given = sys.argv[1:] if arguments is None else arguments
    # Making all commands takes a tenth of what `validate` takes; the others are for help, and for
    # a hint where the name is wrong.
    wanted = given[:1] if given and given[0] in COMMANDS else COMMANDS
    try:
        result = _command_line(wanted)(given, prog_name="matrix", standalone_mode=False)
    except InputError as error:
        for diagnostic in error.diagnostics:
            typer.echo(format_diagnostic(diagnostic), err=True)
        return ExitCode.UNDECIDED if isinstance(error, UndecidedError) else ExitCode.INPUT
    except typer.TyperException as error:
        show = getattr(error, "show", None)  # usage errors do; typer does not export their type
        if show is None:
            typer.echo(f"Error: {error}", err=True)
        else:
            show()
        return ExitCode.USAGE
    except typer.Abort:
        typer.echo("interrupted", err=True)
        return 130
    except (BrokenPipeError, SystemExit):
        # The reader of a pipe went away: not an error, but Python would complain at exit. Typer
        # turns it into SystemExit(1), which would mean findings; nothing else exits so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception:  # noqa: BLE001 - the one place that turns our bug into its exit code
        import traceback

        traceback.print_exc()
        typer.echo("this is a bug of matrix; please report it with the lines above", err=True)
        return ExitCode.BUG
    return result if isinstance(result, int) else ExitCode.OK


def run() -> None:
    """Run the console command."""
    sys.exit(main())
