"""Runs the command line in this process and returns what a person would see."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

from matrix.cli.main import main


@dataclass(frozen=True, slots=True)
class Ran:
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
