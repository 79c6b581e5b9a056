"""The report of a study with thousands of CPUs: time on the CPU, memory, and size of its page.

The CPUs are generated: 100 kinds with fields drawn at random, the others each like one of these
with a MIDR of its own, which is what a list of everything that was ever built looks like. The
baseline of the ratios is the same report with one of them. The folder is read once before, as its
compiled form is kept; that time stands beside. A page is held to the 1.5 MB that it may have.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STUDY = "arm64-overview"
SIZES = (1, 1_000, 7_000)
KINDS = 100
MOST_BYTES = 1_500_000
# Values of fields that keep the rules of the architecture; DIC is unrecorded in some.
FIELDS: dict[str, tuple[object, ...]] = {
    "fwb": (0, 1, 1),
    "idc": (1,),
    "dic": (0, 1, None),
    "l1ip": ("pipt", "vipt"),
    "imin": (4,),
    "bbm": (0, 2),
    "vhe": (0, 1),
    "mte": (0, 2),
    "nv": (0, 2),
    "tgran4": (0, 1),
    "tgran16": (0, 1),
    "tgran64": (1,),
}


def write_cpus(folder: Path, number: int) -> None:
    """Write declarations of so many CPUs; equal numbers give equal files."""
    drawn = random.Random(1)  # noqa: S311 - equal files in every run
    kinds = [{name: drawn.choice(values) for name, values in FIELDS.items()} for _ in range(KINDS)]
    (folder / "cpus").mkdir(parents=True)
    for at in range(number):
        model = f"implementer: {0x80 + at // 4000:#x}, parts: [{at % 4000:#x}]"
        lines = [f"id: many-{at}", f"name: Many {at}", "vendor: Many", "arch: arm64"]
        lines += ["groups: [server]", f"midr: {{{model}}}", "fields:"]
        lines += [
            f"  {name}: {{value: {value}, confidence: trm, sources: [hrw-trm]}}"
            for name, value in kinds[at if at < KINDS else drawn.randrange(KINDS)].items()
            if value is not None
        ]
        (folder / "cpus" / f"many-{at}.yaml").write_text("\n".join(lines) + "\n")


def measure(command: list[str], folder: str) -> tuple[float, float, int]:
    """Return the seconds on the clock and on the CPU, and the megabytes of one run."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    on_cpu = usage.ru_utime + usage.ru_stime
    return time.perf_counter() - start, on_cpu, usage.ru_maxrss // 1024


def run() -> None:
    """Print a line for each number of CPUs."""
    root = Path(__file__).resolve().parent.parent
    os.environ["PYTHONPATH"] = str(root)
    command = [sys.executable, "-m", "matrix"]
    baseline = 0.0
    for number in SIZES:
        with tempfile.TemporaryDirectory() as place:
            folder, written = Path(place) / "configs", Path(place) / "reports"
            write_cpus(folder, number)
            listing = [*command, "cpus", "list", "--configs", str(folder)]
            _, reading, _ = measure(listing, place)
            asked = ["report", STUDY, "--configs", str(folder), "--output", str(written)]
            seconds, on_cpu, megabytes = measure([*command, *asked], place)
            size = (written / f"{STUDY}.html").stat().st_size
        baseline = baseline or on_cpu
        kept = "within" if size <= MOST_BYTES else "ABOVE"
        print(
            f"{number} CPUs more: {seconds:.1f} s ({on_cpu:.1f} s CPU), {on_cpu / baseline:.2f} × "
            f"one, {megabytes} MB; page {size / 1e6:.2f} MB ({kept} {MOST_BYTES / 1e6} MB); "
            f"reading the folder {reading:.1f} s CPU"
        )


if __name__ == "__main__":
    run()
