"""The shipped study from the command line: time with start-up and peak memory of each answer.

The baseline of the ratios is `matrix count` in the same run; a bare interpreter stands beside it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

COMMANDS = (
    ["count"],
    ["rules", "--format", "json"],
    ["synthesize", "--format", "json"],
    ["diff", "v12", "cacheable-pfnmap", "--format", "json"],
    ["claims", "--format", "json"],
)
RUNS = 3


def best(command: list[str]) -> float:
    """Return the seconds of the best of some runs of a command that must succeed."""
    found = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        found = min(found, time.perf_counter() - start)
    return found


def run() -> None:
    """Print one line per command; the peak is of the largest process so far."""
    bare = best([sys.executable, "-c", "pass"])
    print(f"a bare interpreter: {bare:.3f} s")
    baseline = 0.0
    for arguments in COMMANDS:
        seconds = best([sys.executable, "-m", "matrix", *arguments])
        baseline = baseline or seconds
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        print(
            f"matrix {' '.join(arguments[:3])}: {seconds:.2f} s, {seconds / baseline:.2f} × count, "
            f"peak so far {peak} MB"
        )


if __name__ == "__main__":
    run()
