"""`python -m matrix` is the console command."""

from __future__ import annotations

from matrix.cli.main import run

run()
