"""The command line's entry: finds the command, turns what went wrong into an exit code.

Every command module imports the flows inside its function, so that `--help` and `--version`
load nothing heavy.
"""

from __future__ import annotations

import contextlib
import enum
import inspect
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

import matrix
from matrix.cli.console import PROGRESS, Colour, say
from matrix.cli.examples import examples_of
from matrix.diagnostics import ExitCode, InputError, UndecidedError, format_diagnostic
from matrix.door.folders import confinement
from matrix.door.streams import OutputError, discard_output, standard_streams

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


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; nothing but a bug leaves a traceback."""
    with standard_streams(), confinement():
        try:
            return _answer(sys.argv[1:] if arguments is None else arguments)
        except OutputError as error:
            code = _refuse(error)
        except KeyboardInterrupt:
            code = _say("interrupted", 130)
        except Terminated:
            code = _say("terminated", 143)
        discard_output()
        return code


def _answer(given: Sequence[str]) -> int:
    # Making all commands takes a tenth of what `validate` takes; the others are for help, and for
    # a hint where the name is wrong.
    words = given[:]
    if given[:1] == ["--color"]:
        words = given[2:]
    elif given and given[0].startswith("--color="):
        words = given[1:]
    wanted = words[:1] if words and words[0] in COMMANDS else COMMANDS
    try:
        with PROGRESS.of(f"matrix {wanted[0]}"):
            result = command_line(wanted)(given, prog_name="matrix", standalone_mode=False)
    except OutputError:
        raise
    except InputError as error:
        return _refuse(error)
    except typer.TyperException as error:
        show = getattr(error, "show", None)  # usage errors do; typer does not export their type
        if show is None:
            say(f"Error: {error}")
        else:
            show()
        return ExitCode.USAGE
    except typer.Abort:
        return _say("interrupted", 130)
    except (BrokenPipeError, SystemExit):
        # The reader of a pipe went away: not an error, but Python would complain at exit. Typer
        # turns it into SystemExit(1), which would mean findings; nothing else exits so.
        discard_output()
        return ExitCode.OK
    except Exception:  # noqa: BLE001 - the one place that turns our bug into its exit code
        import traceback

        traceback.print_exc()
        return _say("this is a bug of matrix; please report it with the lines above", ExitCode.BUG)
    return result if isinstance(result, int) else ExitCode.OK


def _refuse(error: InputError) -> int:
    text = "\n".join(format_diagnostic(diagnostic) for diagnostic in error.diagnostics)
    return _say(text, ExitCode.UNDECIDED if isinstance(error, UndecidedError) else ExitCode.INPUT)


def _say(text: str, code: int) -> int:
    with contextlib.suppress(OutputError, BrokenPipeError):  # where it failed, the code is left
        say(text)
    return code


class Terminated(BaseException):
    """SIGTERM came: what was begun is undone on the way out."""


def run() -> None:
    """Run the console command; SIGTERM ends it as SIGINT does, with 143."""

    def terminate(_signal: int, _frame: object) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    sys.exit(main())
