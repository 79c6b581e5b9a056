"""`validate` end to end: one file with start-up, 300 files in one process, one CPU and all.

The baseline of the first is the interpreter's own start-up, of the others the one-file run times
the number of files: what a shell loop over the files would cost.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from matrix.cli.main import main

CONFIG = Path(__file__).parent.parent / "tests" / "data" / "booted" / "7.3.config"
FILES = 300


def seconds(command: list[str]) -> float:
    """Return the best of five runs."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=False)
        best = min(best, time.perf_counter() - start)
    return best


def in_process(arguments: list[str]) -> float:
    """Return one run of the command line in this process."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        main(arguments)
    return time.perf_counter() - start


def run() -> None:
    """Print the ratios."""
    bare = seconds([sys.executable, "-c", "pass"])
    one = seconds([sys.executable, "-m", "matrix", "validate", str(CONFIG), "--cpu", "graviton3"])
    print(f"validate, one file, one CPU: {one:.3f} s, {one / bare:.1f} × a bare interpreter")
    text = CONFIG.read_text()
    # As long as a real .config: the extract holds what is read, the rest is other symbols.
    padding = "".join(f"CONFIG_BENCHMARK_{number}=y\n" for number in range(9_000))
    with tempfile.TemporaryDirectory() as folder:
        for number in range(FILES):
            (Path(folder) / f"{number}.config").write_text(text + padding)
        for name, cpus in (("one CPU", ["--cpu", "graviton3"]), ("all CPUs", [])):
            together = in_process(["validate", folder, "--format", "json", *cpus])
            print(
                f"validate, {FILES} files, {name}: {together:.2f} s, "
                f"{FILES * one / together:.0f} × faster than a loop over the files"
            )


if __name__ == "__main__":
    run()
