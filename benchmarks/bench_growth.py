"""How `matrix count` grows: with cells, with CPUs that are alike or not, kernels, options.

Each point is the shortest CPU time of some processes, start-up and all; the baseline of the ratios
is the first point of its series. Declarations are generated, and read once before anything is
timed, as their compiled form is kept.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.bench_many_cpus import write_cpus
from benchmarks.measuring import MATRIX, ROOT, Figure, figure, run

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


def cpus(folder: Path, number: int, kinds: int = 100) -> None:
    """Declare so many CPUs, of which 100 differ."""
    write_cpus(folder, number, kinds)
    names = ", ".join(f"many-{at}" for at in range(number))
    write_study(folder, {}, cpus=f"[apple-m2, {names}]")


def cpus_of_any_kind(folder: Path, number: int) -> None:
    """Declare so many CPUs, each drawn for itself: there are 768 kinds."""
    cpus(folder, number, number)


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


# What makes the declarations, the sizes, and the most that the last may be of the first.
SERIES: dict[str, tuple[Callable[[Path, int], None], tuple[int, ...], float | None]] = {
    "cells": (cells, (2, 5, 8, 11, 14, 17), 2.0),
    "cpus": (cpus, (100, 1_000, 7_000), 4.0),
    "cpus-of-any-kind": (cpus_of_any_kind, (100, 1_000, 7_000), None),
    "kernels": (kernels, (10, 30, 60), None),
    "options": (options, (50, 500, 5_000), None),
}
RUNS = 2


def figures() -> Iterator[Figure]:
    """Measure."""
    for series, (make, sizes, most) in SERIES.items():
        first = 0.0
        for size in sizes:
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place) / "configs"
                make(folder, size)
                own = ("--configs", str(folder))
                kept = {"MATRIX_CACHE_DIR": f"{place}/kept"}
                run([*MATRIX, "studies", "list", *own], environment=kept)
                command = [*MATRIX, "count", "growing", "--format", "json", *own]
                used = run(command, runs=RUNS, heard=True, environment=kept)
            counted = json.loads(used.output)
            first = first or used.cpu
            at = counted["cells"] if series == "cells" else size
            name = f"count, {at:,} {series.replace('-', ' ')}"
            name += f", {counted['behaviour_classes']} classes"
            yield figure(
                name, used.cpu, beside=("the first", first), most=most, series=(series, at)
            )
            yield figure(name, used.largest, "MiB")
