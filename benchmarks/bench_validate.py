"""`validate` end to end: one file with start-up, 300 files that differ, memory of 3,000.

Baselines: an interpreter that does nothing; kernel-hardening-checker (on PATH, or the script that
MATRIX_KHC names), which takes one file a run; a loop over the files; an older matrix, the checkout
that MATRIX_OLDER names. The files are made of whole `.config`s of 7.x where the shared data are
there, else of the extracts that the tests have, made as long.
"""

from __future__ import annotations

import gzip
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from os import environ
from pathlib import Path

from benchmarks.distinct_configs import write_distinct
from benchmarks.measuring import BOOTED, MATRIX, SHARED, Figure, figure, peer, run

REAL = SHARED / "data" / "distros" / "debian-configs.tar.xz"
FILES, MANY = 300, 3_000
PEER, PEER_FILES = "kernel-hardening-checker", 10  # enough to know what one costs
FORMATS = ("text", "json", "github", "junit", "sarif")
ONE = ("--cpu", "graviton3")
# Exit codes of answers: nothing wrong, or a verdict that fails.
ANSWERED = (0, 1)


def bases(folder: Path) -> list[Path]:
    """Return whole `.config`s of 7.x."""
    if REAL.is_file():
        with tarfile.open(REAL) as archive:
            archive.extractall(folder, filter="data")
        return sorted(folder.glob("debian-7.*.config"))
    # An extract holds what is read; the rest of a real one is some 9,000 other symbols.
    padding = "".join(f"CONFIG_BENCHMARK_{number}=y\n" for number in range(9_000))
    for base in BOOTED.glob("7.*.config"):
        (folder / base.name).write_text(base.read_text() + padding)
    return sorted(folder.iterdir())


def figures() -> Iterator[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory() as place:
        whole, some, many = (Path(place) / name for name in ("whole", "some", "many"))
        for folder in (whole, some, many):
            folder.mkdir()
        real = bases(whole)
        write_distinct(real, some, FILES)
        write_distinct(real, many, MANY)
        file = next(path for path in real if path.name.endswith(("7.3-arm64.config", "7.3.config")))
        one = run([*MATRIX, "validate", file, *ONE], runs=9, codes=ANSWERED).cpu
        yield from one_file(file, one, sorted(some.iterdir())[:PEER_FILES])
        yield from some_files(some, one)
        for form in FORMATS:
            used = run(
                [*MATRIX, "validate", many, *ONE, "--format", form], codes=ANSWERED, sampled=True
            )
            name = f"{MANY:,} files, one CPU, {form}"
            yield figure(f"{name}, all processes", used.together, "MiB", most=150)
            yield figure(name, used.cpu)
            yield figure(name, used.wall, clock="wall")
        yield from growth(sorted(many.iterdir()), Path(place))
        yield image(Path(place) / "vmlinux")


def one_file(file: Path, one: float, others: list[Path]) -> Iterator[Figure]:
    """Hold the answer about one file to what others take."""
    bare = run([sys.executable, "-c", "pass"], runs=20).cpu
    yield figure("python -c pass", bare)
    name = "one file, one CPU"
    # 0.10 s where an interpreter takes 0.012.
    yield figure(name, one, beside=("python -c pass", bare), most=0.10 / 0.012)
    checker = peer(PEER, "MATRIX_KHC")
    if checker is not None:
        theirs = run([*checker, "-c", file, "-m", "json"], runs=9).cpu
        yield figure(name, one, beside=(PEER, theirs), most=1.8)
        loop = sum(run([*checker, "-c", other, "-m", "json"]).cpu for other in others)
        yield figure(f"{PEER}, each of {len(others)} files", loop / len(others))


def some_files(folder: Path, one: float) -> Iterator[Figure]:
    """Hold 300 files to a loop over them, and to an older matrix."""
    for name, arguments in (("one CPU", ONE), ("all CPUs", ())):
        command = [*MATRIX, "validate", folder, *arguments, "--format", "json"]
        for way, jobs in (("", ()), (", one process", ("--jobs", "1"))):
            used = run([*command, *jobs], codes=ANSWERED)
            told = f"{FILES} files, {name}{way}"
            yield figure(told, used.cpu, beside=("a loop over the files", FILES * one))
            yield figure(told, used.wall, clock="wall")
    older = environ.get("MATRIX_OLDER")
    if older is not None:
        theirs = run(command, codes=ANSWERED, environment={"PYTHONPATH": older})
        ours = run(command, codes=ANSWERED)
        told, beside = f"{FILES} files, all CPUs", "the older matrix"
        yield figure(told, ours.cpu, beside=(beside, theirs.cpu))
        yield figure(told, ours.wall, clock="wall", beside=(beside, theirs.wall), most=0.25)


def growth(files: list[Path], place: Path) -> Iterator[Figure]:
    """Measure the answers about 10 to 1,000 files, one process."""
    for size in (10, 100, 1_000):
        folder = place / f"first-{size}"
        folder.mkdir()
        for file in files[:size]:
            (folder / file.name).hardlink_to(file)
        command = (*MATRIX, "validate", folder, *ONE, "--format", "json", "--jobs", "1")
        used = run(command, codes=ANSWERED, sampled=True)
        name = f"{size:,} files, one process"
        yield figure(name, used.cpu, series=("files", size))
        yield figure(name, used.together, "MiB", series=("files-memory", size))


def image(path: Path) -> Figure:
    """Measure a kernel image, beside reading it into memory."""
    text = (BOOTED / "7.3.config").read_bytes()
    path.write_bytes(b"\x7fELF" + bytes(64 << 20) + b"IKCFG_ST" + gzip.compress(text) + b"IKCFG_ED")
    start = time.process_time()
    path.read_bytes()
    reading = time.process_time() - start
    used = run([*MATRIX, "validate", path, *ONE], runs=3).cpu
    return figure("an image of 64 MiB, one CPU", used, beside=("reading it", reading))
