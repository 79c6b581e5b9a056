"""The review of a patch over the shipped study, start-up included; the goal is 10 s.

The baseline is `matrix synthesize`, whose work a review includes; the patches are those written by
hand for the tests.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measuring import MATRIX, ROOT, Figure, figure, run

CASES = ROOT / "tests" / "cases" / "review"
# A check with unsound and overstrict cells, the right one, and one kernel alone.
REVIEWS = (("thread.mbox",), ("right.patch",), ("thread.mbox", "--kernel", "7.3"))


def figures() -> Iterator[Figure]:
    """Measure."""
    baseline = run([*MATRIX, "synthesize"], runs=3).cpu
    for name, *options in REVIEWS:
        used = run([*MATRIX, "review", CASES / name, *options], runs=3, codes=(0, 1)).cpu
        told = " ".join(("matrix review", name, *options))
        yield figure(told, used, beside=("matrix synthesize", baseline))
