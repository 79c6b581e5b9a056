"""The review of a patch over the shipped study, start-up included; the goal is 10 s.

The baseline of the ratio is `matrix synthesize` in the same run, whose work a review includes; the
patches are those written by hand for the tests.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

CASES = Path(__file__).parent.parent / "tests" / "cases" / "review"
# A check with unsound and overstrict cells, the right one, and one kernel alone.
REVIEWS = (
    (["thread.mbox"], (1,)),
    (["right.patch"], (0,)),
    (["thread.mbox", "--kernel", "7.3"], (1,)),
)
RUNS = 3


def best(arguments: list[str], codes: tuple[int, ...] = (0,)) -> float:
    """Return the seconds of the best of some runs of a command that exits as expected."""
    found = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "matrix", *arguments], capture_output=True, check=False
        )
        found = min(found, time.perf_counter() - start)
        if done.returncode not in codes:
            raise SystemExit(done.stderr.decode())
    return found


def run() -> None:
    """Print one line per review."""
    baseline = best(["synthesize"])
    print(f"matrix synthesize: {baseline:.2f} s")
    for (name, *options), codes in REVIEWS:
        seconds = best(["review", str(CASES / name), *options], codes)
        print(
            f"matrix review {' '.join([name, *options])}: {seconds:.2f} s, "
            f"{seconds / baseline:.2f} × synthesize"
        )


if __name__ == "__main__":
    run()
