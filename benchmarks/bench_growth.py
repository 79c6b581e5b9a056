"""How `matrix count` grows: with cells, with CPUs that are alike, with kernels, with options.

Run: `python benchmarks/bench_growth.py [--json FILE]`. Each point is the shortest CPU time of some
processes, start-up and all, so that what else the machine does counts little; the baseline of the
ratios is the first point of its series, in the same run. Declarations are generated, and read once
before anything is timed, as their compiled form is kept. FILE gets every point as JSON, with the
machine described.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench_many_cpus import write_cpus

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = "matrix/growth/1"
STUDY = """\
id: growing
title: "A study that grows"
description: "How the time of a count grows with the space."
capability: gmem-no-direct-map
predicate: v12
arch: arm64
axes:
  kernel: {{kind: kernel, title: "Linux release", options: {kernels}}}
  cpu: {{kind: cpu, title: "CPU", options: {cpus}}}
  page_size:
    kind: kconfig
    title: "page size"
    options:
      "4k": {{ARM64_4K_PAGES: "y", KVM: "y", KVM_GUEST_MEMFD: "y", ARM64_VHE: "y"}}
      "64k": {{ARM64_64K_PAGES: "y", KVM: "y", KVM_GUEST_MEMFD: "y", ARM64_VHE: "y"}}
  boot.rodata:
    kind: boot
    title: "rodata="
    options: {{absent: "", "on": "rodata=on", full: "rodata=full", noalias: "rodata=noalias"}}
{more}
constraints:
  - {{c: "granule_supported()", because: "a kernel boots only on a CPU with its granule"}}
baseline: {{kernel: "7.3", cpu: apple-m2, page_size: "4k", boot.rodata: absent{usual}}}
formats: [markdown]
"""
KERNELS, CPUS = '["6.18", "7.3"]', "[apple-m1, apple-m2, neoverse-n1, neoverse-v1]"
# What no profile knows multiplies cells and changes nothing.
AXIS = "  boot.{name}:\n    kind: boot\n    title: '{name}='\n    options: {{{options}}}\n"


def write_study(folder: Path, axes: dict[str, dict[str, str]], **parts: str) -> None:
    """Write the study, with more boot axes: option by name, each its piece of a command line."""
    more = [
        AXIS.format(name=name, options=", ".join(f'"{at}": "{line}"' for at, line in axis.items()))
        for name, axis in axes.items()
    ]
    usual = "".join(f', boot.{name}: "{next(iter(axis))}"' for name, axis in axes.items())
    text = STUDY.format(
        more="".join(more), usual=usual, **{"kernels": KERNELS, "cpus": CPUS} | parts
    )
    (folder / "matrices").mkdir(parents=True, exist_ok=True)
    (folder / "matrices" / "growing.yaml").write_text(text)


def cells(folder: Path, number: int) -> None:
    """Multiply the cells by ten so often, at equal classes."""
    axes = {f"idle{at}": {str(one): f"idle{at}={one}" for one in range(10)} for at in range(number)}
    write_study(folder, axes)


def cpus(folder: Path, number: int) -> None:
    """Declare so many CPUs, of which 100 differ."""
    write_cpus(folder, number)
    names = ", ".join(f"many-{at}" for at in range(number))
    write_study(folder, {}, cpus=f"[apple-m2, {names}]")


def kernels(folder: Path, number: int) -> None:
    """Declare so many kernels: copies of 7.3, each a release of its own."""
    text = (ROOT / "configs" / "kernels" / "linux-7.3-arm64.yaml").read_text()
    (folder / "kernels").mkdir(parents=True)
    releases = ["7.3", *(f"7.{at}" for at in range(4, number + 3))]
    for release in releases[1:]:
        name = f"linux-{release}-arm64"
        copied = re.sub(r"^id: .*", f"id: {name}", text, count=1, flags=re.MULTILINE)
        copied = re.sub(
            r"^release: .*", f'release: "{release}"', copied, count=1, flags=re.MULTILINE
        )
        copied = copied.replace('version: "7.3.0-rc7"', f'version: "{release}.0"')
        (folder / "kernels" / f"{name}.yaml").write_text(copied)
    write_study(folder, {}, kernels=json.dumps(releases))


def options(folder: Path, number: int) -> None:
    """Give one axis so many options, which are alike but for two."""
    axis = {str(at): f"kfence.sample_interval={at}" for at in range(number)}
    write_study(folder, {"kfence": axis})


# Title and axis of each plot, what makes the declarations, and the sizes.
SERIES: dict[str, tuple[str, str, Callable[[Path, int], None], tuple[int, ...]]] = {
    "cells": ("Cells, at equal classes of behaviour", "cells", cells, (2, 5, 8, 11, 14, 17)),
    "cpus": ("CPUs, of which 100 differ", "CPUs", cpus, (100, 1_000, 7_000)),
    "kernels": ("Kernels, which are alike", "kernels", kernels, (10, 30, 60)),
    "options": ("Options on one axis, of which 2 differ", "options", options, (50, 500, 5_000)),
}
RUNS = 2


def processed(folder: Path, *arguments: str) -> tuple[float, int, bytes]:
    """Return the CPU seconds, the megabytes and the output of a command; it must succeed."""
    command = [sys.executable, "-m", "matrix", *arguments, "--configs", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        output.seek(0)
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024, output.read()


def measure(make: Callable[[Path, int], None], number: int) -> dict[str, int | float]:
    """Return a point of a series: cells, classes, CPU seconds and megabytes of a count."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder, number)
        processed(folder, "studies", "list")
        runs = [processed(folder, "count", "growing", "--format", "json") for _ in range(RUNS)]
    counted = json.loads(runs[0][2])
    return {
        "size": number,
        "cells": counted["cells"],
        "classes": counted["behaviour_classes"],
        "seconds": round(min(seconds for seconds, _, _ in runs), 2),
        "megabytes": max(megabytes for _, megabytes, _ in runs),
    }


def machine() -> dict[str, str | int]:
    """Return what the machine is, as far as it says."""
    models = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def main() -> None:
    """Print a line a point, and write them all if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE", type=Path)
    asked = parser.parse_args()
    found = []
    for name, (title, unit, make, sizes) in SERIES.items():
        points = []
        for size in sizes:
            point = measure(make, size)
            points.append(point)
            ratio = point["seconds"] / points[0]["seconds"]
            print(
                f"{name} {size:,}: {point['cells']:.1e} cells, {point['classes']} classes, "
                f"{point['seconds']:.2f} s CPU, {ratio:.2f} × the first, {point['megabytes']} MB",
                flush=True,
            )
        found.append({"name": name, "title": title, "unit": unit, "points": points})
    if asked.json is not None:
        document = {"schema": SCHEMA, "time": "CPU", "machine": machine(), "series": found}
        asked.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
