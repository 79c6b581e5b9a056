"""Cells written to a folder of Parquet files by a process a core: rows a second, and memory.

Memory must not grow with the number of rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from benchmarks.measuring import MATRIX, Figure, figure, run

SIZES = (10**6, 10**7, 10**8, 10**9)


def figures() -> Iterator[Figure]:
    """Measure."""
    for size in SIZES:
        with tempfile.TemporaryDirectory() as place:
            command = [*MATRIX, "cells", "--limit", str(size), "--engine", "local"]
            used = run([*command, "--output", f"{place}/cells"], sampled=True)
        name = f"{size:,} cells to Parquet, a process a core"
        yield figure(name, size / used.cpu, "rows/s")
        least = 2e7 if size >= 10**8 else None
        yield figure(name, size / used.wall, "rows/s", clock="wall", least=least)
        yield figure(name, used.largest, "MiB", series=("cells-memory", size))
        yield figure(f"{name}, all processes", used.together, "MiB")
