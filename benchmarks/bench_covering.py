"""Rows and time of covering arrays, against allpairspy and PICT.

The models are those of the literature (Cohen et al., "The AETG System", 1997). PICT runs where
`pict` is on PATH or MATRIX_PICT names it; otherwise only its rows stand there, those of its HEAD of
August 2026 for the same models. Making the decision diagram of a space, which a study has before
anything is asked, is not in the time.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.measuring import Figure, cpu, figure, peer, run
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study
from matrix.solve.covering import covering_array
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


def diagram(sizes: Sequence[int]) -> Diagram:
    """Return the diagrams of a space without constraints."""
    axes = (
        FiniteVariable(name=f"x{number}", options=tuple(map(str, range(size))))
        for number, size in enumerate(sizes)
    )
    return Diagram(Space(variables=tuple(axes)))


def allpairs(sizes: Sequence[int]) -> int:
    """Return the number of rows of allpairspy."""
    from allpairspy import AllPairs  # type: ignore[import-untyped,unused-ignore]

    return sum(1 for _ in AllPairs([list(range(size)) for size in sizes]))


def pict(program: Sequence[str], sizes: Sequence[int]) -> tuple[int, float]:
    """Return the rows of PICT and its CPU seconds, start-up and all."""
    lines = [f"x{at}: {', '.join(map(str, range(size)))}" for at, size in enumerate(sizes)]
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.txt"
        model.write_text("\n".join(lines) + "\n")
        used = run([*program, model], runs=3, heard=True)
    return len(used.output.splitlines()) - 1, used.cpu


def figures() -> Iterator[Figure]:
    """Measure."""
    program = peer("pict", "MATRIX_PICT")
    for model, sizes, published, runs in MODELS:
        region = diagram(sizes).everything()
        array, ours = cpu(partial(covering_array, region, 2), runs)
        name = f"pairs of {model}"
        if program is None:
            yield figure(name, len(array.rows), "rows", beside=("PICT, as published", published))
        else:
            rows, theirs = pict(program, sizes)
            yield figure(name, ours, beside=("PICT", theirs))
            yield figure(name, len(array.rows), "rows", beside=("PICT", rows))
        if importlib.util.find_spec("allpairspy") is not None:
            rows, theirs = cpu(partial(allpairs, sizes), min(runs, 3))
            yield figure(name, ours, beside=("allpairspy", theirs))
            yield figure(name, len(array.rows), "rows", beside=("allpairspy", rows))
    valid = prepare_study(Library(()), STUDY).solve().valid
    for strength in (1, 2, 3, 4):
        array, ours = cpu(partial(covering_array, valid, strength))
        name = f"any {strength} axes of {valid.count():,} cells"
        # No array can have fewer rows than this.
        yield figure(name, len(array.rows), "rows", beside=("its lower bound", array.fewest))
        yield figure(name, ours)
