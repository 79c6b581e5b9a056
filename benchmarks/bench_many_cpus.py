"""The report of a study with thousands of CPUs: time, memory, and the size of its page.

The CPUs are generated: 100 kinds with fields drawn at random, the others each like one of these
with a MIDR of its own, which is what a list of everything that was ever built looks like. The
baseline is the same report with 100. The folder is read once before, as its compiled form is kept.
A page is held to the 1.5 MB that it may have.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import MATRIX, Figure, figure, run

STUDY = "arm64-overview"
SIZES = (100, 1_000, 7_000)
KINDS = 100
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


def write_cpus(folder: Path, number: int, kinds: int = KINDS) -> None:
    """Write declarations of so many CPUs, of which `kinds` differ; equal numbers, equal files."""
    drawn = random.Random(1)  # noqa: S311 - equal files in every run
    made = [{name: drawn.choice(values) for name, values in FIELDS.items()} for _ in range(kinds)]
    (folder / "cpus").mkdir(parents=True)
    for at in range(number):
        model = f"implementer: {0x80 + at // 4000:#x}, parts: [{at % 4000:#x}]"
        lines = [f"id: many-{at}", f"name: Many {at}", "vendor: Many", "arch: arm64"]
        lines += ["groups: [server]", f"midr: {{{model}}}", "fields:"]
        lines += [
            f"  {name}: {{value: {value}, confidence: trm, sources: [hrw-trm]}}"
            for name, value in made[at if at < kinds else drawn.randrange(kinds)].items()
            if value is not None
        ]
        (folder / "cpus" / f"many-{at}.yaml").write_text("\n".join(lines) + "\n")


def figures() -> Iterator[Figure]:
    """Measure."""
    first = 0.0
    for size in SIZES:
        with tempfile.TemporaryDirectory() as place:
            folder, written = Path(place) / "configs", Path(place) / "reports"
            write_cpus(folder, size)
            kept = {"MATRIX_CACHE_DIR": f"{place}/kept"}
            name = f"{size:,} CPUs of which {KINDS} differ"
            reading = run([*MATRIX, "cpus", "list", "--configs", folder], environment=kept).cpu
            yield figure(f"{name}, declarations read", reading)
            command = (*MATRIX, "report", STUDY, "--configs", folder, "--output", written)
            used = run(command, environment=kept)
            page = (written / f"{STUDY}.html").stat().st_size / 1e6
        first = first or used.cpu
        yield figure(f"{name}, report", used.cpu, beside=("100 CPUs", first), most=4.0)
        yield figure(f"{name}, report", used.largest, "MiB")
        yield figure(f"{name}, page", page, "MB", most=1.5)
