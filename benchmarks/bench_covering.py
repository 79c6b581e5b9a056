"""Rows and time of covering arrays, against allpairspy in the same run and PICT's published rows.

Run: `python benchmarks/bench_covering.py`. Needs allpairspy (`pip install allpairspy`); without it
the ratios are left out. The models are those of the literature (Cohen et al., "The AETG System",
1997). PICT is not run: its rows are those of its HEAD of August 2026, built with g++ -O2, for the
same models. A time is the best of several runs; making the decision diagram of the space, which a
study has before anything is asked, is timed apart.
"""

from __future__ import annotations

import importlib.util
import resource
import time
from collections.abc import Callable, Sequence
from typing import Any

from matrix.solve.covering import CoveringArray, covering_array
from matrix.solve.diagram import Diagram
from matrix.solve.space import FiniteVariable, Space

# Model, sizes of its axes, PICT's rows, runs.
MODELS: tuple[tuple[str, tuple[int, ...], int, int], ...] = (
    ("3^4", (3,) * 4, 12, 50),
    ("3^13", (3,) * 13, 19, 20),
    ("4^15 3^17 2^29", (4,) * 15 + (3,) * 17 + (2,) * 29, 38, 3),
    ("10^20", (10,) * 20, 213, 3),
)
STUDY = "arm64-gmem-no-direct-map"


def best_of(runs: int, action: Callable[[], Any]) -> tuple[Any, float]:
    """Return what an action gives and its shortest time in milliseconds."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - start)
    return result, min(seconds) * 1000


def diagram(sizes: Sequence[int]) -> Diagram:
    """Return the diagrams of a space without constraints."""
    axes = (
        FiniteVariable(name=f"x{number}", options=tuple(map(str, range(size))))
        for number, size in enumerate(sizes)
    )
    return Diagram(Space(variables=tuple(axes)))


def allpairs(sizes: Sequence[int]) -> int:
    """Return the number of rows of allpairspy."""
    from allpairspy import AllPairs

    return sum(1 for _ in AllPairs([list(range(size)) for size in sizes]))


def models() -> None:
    """Compare pairs of the four models."""
    compared = importlib.util.find_spec("allpairspy") is not None
    print(
        f"{'t = 2':<16}{'rows':>6}{'ms':>9}{'diagram':>9}"
        f"{'allpairspy':>12}{'ms':>9}{'faster':>8}{'PICT':>6}{'of the smaller':>16}"
    )
    for name, sizes, pict, runs in MODELS:
        backend, made = best_of(1, lambda sizes=sizes: diagram(sizes))
        region = backend.everything()
        array, ours = best_of(runs, lambda region=region: covering_array(region, 2))
        line = f"{name:<16}{len(array.rows):>6}{ours:>9.2f}{made:>9.2f}"
        if compared:
            rows, theirs = best_of(runs, lambda sizes=sizes: allpairs(sizes))
            share = len(array.rows) / min(rows, pict)
            line += f"{rows:>12}{theirs:>9.2f}{theirs / ours:>7.1f}×{pict:>6}{share:>15.0%}"
        print(line)
    if not compared:
        print("allpairspy is not installed: no ratios")


def study() -> None:
    """Measure the shipped study; the bound is the number of rows below which no array can be."""
    from matrix.flows.knowledge import Library
    from matrix.flows.study import prepare_study

    valid = prepare_study(Library(()), STUDY).solve().valid
    print(f"\n{STUDY}: {valid.count():,} cells")
    for strength in (1, 2, 3, 4):
        array: CoveringArray
        array, milliseconds = best_of(1, lambda t=strength: covering_array(valid, t))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"t = {strength}: {len(array.rows):,} rows (bound {array.fewest:,}), "
            f"{array.combinations:,} combinations, {milliseconds / 1000:.2f} s, peak {peak:.0f} MB"
        )


if __name__ == "__main__":
    models()
    study()
