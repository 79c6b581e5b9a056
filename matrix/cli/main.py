"""The command line's entry: finds the command, turns what went wrong into an exit code.

Importing typer takes as long as a whole answer should. So it is imported where a command line says
more than `plain.py` reads: for every other command, for help, completion and errors.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Sequence

from matrix.cli import light  # noqa: F401 - before what imports msgspec
from matrix.cli.console import PROGRESS, say
from matrix.cli.plain import read_plainly
from matrix.diagnostics import ExitCode, InputError, UndecidedError, format_diagnostic
from matrix.door.folders import confinement
from matrix.door.streams import OutputError, discard_output, standard_streams

# So many objects more than were freed before Python looks for cycles: an answer makes hardly any,
# and looking through all that a run knows takes a tenth of a short one.
_COLLECT_AFTER = 200_000


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
    try:
        plain = read_plainly(given)
        if plain is not None:
            from matrix.cli.validation import answer_files

            with PROGRESS.of("matrix validate"):
                return answer_files(plain)
        return _run(given)
    except OutputError:
        raise
    except InputError as error:
        return _refuse(error)
    except (BrokenPipeError, SystemExit):
        # The reader of a pipe went away: not an error, but Python would complain at exit. Typer
        # turns it into SystemExit(1), which would mean findings; nothing else exits so.
        discard_output()
        return ExitCode.OK
    except Exception:  # noqa: BLE001 - the one place that turns our bug into its exit code
        import traceback

        traceback.print_exc()
        return _say("this is a bug of matrix; please report it with the lines above", ExitCode.BUG)


def _run(given: Sequence[str]) -> int:
    """Run the command that typer makes of a command line."""
    import typer

    from matrix.cli.commands import COMMANDS, command_line

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
    except typer.TyperException as error:
        show = getattr(error, "show", None)  # usage errors do; typer does not export their type
        if show is None:
            say(f"Error: {error}")
        else:
            show()
        return ExitCode.USAGE
    except typer.Abort:
        return _say("interrupted", 130)
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
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])
    code = main()
    if "typer" not in sys.modules:
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> None:
    """End the process at once: freeing what it knows, one by one, takes a sixth of an answer.

    Where a stream cannot be written any more Python's own way says so.
    """
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
