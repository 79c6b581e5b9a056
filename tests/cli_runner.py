"""Runs the command line in this process and returns what a person would see."""

from __future__ import annotations

import contextlib
import io

from msgspec import Struct

from matrix.cli.main import main


class Ran(Struct, frozen=True):
    """Exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def run_cli(*arguments: str) -> Ran:
    """Run `matrix` with arguments."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments))
    return Ran(int(code), out.getvalue(), err.getvalue())
