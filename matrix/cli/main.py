"""The command line's entry: registers the commands, turns what went wrong into an exit code.

Every command module imports the pipeline inside its function, so that `--help` and `--version`
load nothing heavy.
"""

from __future__ import annotations

import os
import sys

import typer

import matrix
from matrix.cli import (
    architectures,
    cells,
    check,
    claims,
    count,
    cpus,
    diff,
    distros,
    embed,
    explain,
    fleet,
    init,
    kconfig,
    kernels,
    probe,
    report,
    review,
    rules,
    schema,
    simulate,
    synthesize,
    validate,
)
from matrix.diagnostics import ExitCode, InputError, UndecidedError, format_diagnostic

app = typer.Typer(
    name="matrix",
    help=(
        "On which kernel, Kconfig, CPU and boot command line does a kernel capability really work, "
        "and where does the kernel's own check get it wrong?"
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 ok, 1 findings or stale output, 2 usage, 3 input wrong, 4 undecided, 70 "
    "a bug.",
)
app.command("report")(report.report)
app.command("validate")(validate.validate)
app.command("fleet")(fleet.fleet)
app.command("probe")(probe.probe)
app.command("explain")(explain.explain)
app.command("simulate")(simulate.simulate)
app.command("count")(count.count)
app.command("cells")(cells.cells)
app.command("rules")(rules.rules)
app.command("claims")(claims.claims)
app.command("synthesize")(synthesize.synthesize)
app.command("diff")(diff.diff)
app.command("review")(review.review)
app.command("embed")(embed.embed)
app.add_typer(kernels.app, name="kernels")
app.add_typer(kconfig.app, name="kconfig")
app.add_typer(cpus.app, name="cpus")
app.add_typer(architectures.app, name="architectures")
app.add_typer(distros.app, name="distros")
app.command("check")(check.check)
app.command("schema")(schema.schema)
app.command("init")(init.init)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"matrix {matrix.__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Register the options that stand before the command."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; nothing but a bug leaves a traceback."""
    try:
        result = app(arguments, prog_name="matrix", standalone_mode=False)
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
