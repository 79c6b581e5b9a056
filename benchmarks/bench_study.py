"""The shipped study from the command line, start-up included.

The baseline is `matrix count`, which is held to 3 s and 500 MB as `rules` is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from benchmarks.measuring import MATRIX, Figure, figure, run

COMMANDS = (
    ("count",),
    ("rules", "--format", "json"),
    ("synthesize", "--format", "json"),
    ("diff", "v12", "cacheable-pfnmap", "--format", "json"),
    ("diff", "arm64-overview", "arm64-gmem-no-direct-map", "--format", "json"),
    ("claims", "--format", "json"),
    ("check",),
    ("report", "arm64-gmem-no-direct-map"),
)
# Those that must be quick, however large the study.
BOUNDED = ("count", "rules")


def figures() -> Iterator[Figure]:
    """Measure."""
    baseline = 0.0
    for command in COMMANDS:
        with tempfile.TemporaryDirectory() as place:
            to = ("--output", place) if command[0] == "report" else ()
            used = run([*MATRIX, *command, *to], runs=3)
        baseline = baseline or used.cpu
        name = " ".join(("matrix", *command[:3]))
        bounded = command[0] in BOUNDED
        yield figure(name, used.cpu, most=3.0 if bounded else None)
        yield figure(name, used.cpu, beside=("matrix count", baseline))
        yield figure(name, used.largest, "MiB", most=477.0 if bounded else None)
