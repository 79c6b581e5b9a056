"""The shipped study from the command line: time with start-up and peak memory of each answer.

The baseline of the ratios is `matrix count` in the same run; a bare interpreter stands beside it.
Each command is a process of its own, its times the best and its memory the most of some runs. By
the time on the clock stands that on the CPU: every command has one thread, so they are equal on an
idle machine, and on a busy one the second is nearer to the truth. It is held against the 3 s and
500 MB that `count` and `rules` may take.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = (
    ["count"],
    ["rules", "--format", "json"],
    ["synthesize", "--format", "json"],
    ["diff", "v12", "cacheable-pfnmap", "--format", "json"],
    ["diff", "arm64-overview", "arm64-gmem-no-direct-map", "--format", "json"],
    ["claims", "--format", "json"],
    ["check"],
    ["report", "arm64-gmem-no-direct-map"],
)
# Commands that must be quick, however large the study: issue 4, first line of acceptance.
BOUNDED = ("count", "rules")
MOST_SECONDS, MOST_MEGABYTES = 3.0, 500
RUNS = 3


def measure(command: list[str]) -> tuple[float, float, int]:
    """Return the seconds on the clock and on the CPU, and the megabytes; every run must succeed."""
    seconds = on_cpu = float("inf")
    megabytes = 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(RUNS):
            start = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            # Unlike RUSAGE_CHILDREN, this is the peak of this process alone.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, command)
            seconds = min(seconds, time.perf_counter() - start)
            on_cpu = min(on_cpu, usage.ru_utime + usage.ru_stime)
            megabytes = max(megabytes, usage.ru_maxrss // 1024)
    return seconds, on_cpu, megabytes


def run() -> None:
    """Print one line per command, and of the bounded ones whether they kept their bounds."""
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    bare, _, _ = measure([sys.executable, "-c", "pass"])
    print(f"a bare interpreter: {bare:.3f} s")
    baseline = 0.0
    for arguments in COMMANDS:
        seconds, on_cpu, megabytes = measure([sys.executable, "-m", "matrix", *arguments])
        baseline = baseline or on_cpu
        line = (
            f"{seconds:.2f} s ({on_cpu:.2f} s CPU), {on_cpu / baseline:.2f} × count, {megabytes} MB"
        )
        if arguments[0] in BOUNDED:
            within = on_cpu <= MOST_SECONDS and megabytes <= MOST_MEGABYTES
            bound = f"{MOST_SECONDS:.0f} s and {MOST_MEGABYTES} MB"
            line += f" ({'within' if within else 'ABOVE'} {bound})"
        print(f"matrix {' '.join(arguments[:3])}: {line}")


if __name__ == "__main__":
    run()
