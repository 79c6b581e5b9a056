"""`validate` end to end: one file with start-up, 300 files in one process, one CPU and all.

The baseline of the first is the interpreter's own start-up, of the others the one-file run times
the number of files: what a shell loop over the files would cost. Where kernel-hardening-checker is
installed (newer Debian releases package it, PyPI does not), its time for the same files is a second
baseline: it takes one file a run.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.distinct_configs import write_distinct
from matrix.cli.main import main

CONFIG = Path(__file__).parent.parent / "tests" / "data" / "booted" / "7.3.config"
FILES = 300
PEER = "kernel-hardening-checker"
PEER_FILES = 10  # enough to know what one costs


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


def peer_seconds(files: list[Path]) -> float | None:
    """Return the seconds kernel-hardening-checker takes for a file, None where it is missing."""
    program = shutil.which(PEER)
    if program is None:
        print(f"{PEER} is not installed: no ratio to it")
        return None
    start = time.perf_counter()
    for file in files[:PEER_FILES]:
        subprocess.run([program, "-c", str(file), "-m", "json"], capture_output=True, check=False)
    return (time.perf_counter() - start) / len(files[:PEER_FILES])


def print_peer(name: str, ours: float, files: int, peer: float | None) -> None:
    """Print the ratio to the peer."""
    if peer is not None:
        print(f"  {name}: {files * peer / ours:.1f} × faster than {PEER} ({peer:.3f} s a file)")


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
        peer = peer_seconds(sorted(Path(folder).glob("*.config")))
        print_peer("one file, one CPU", one, 1, peer)
        for name, arguments in (
            ("one CPU", ["--format", "json", "--cpu", "graviton3"]),
            ("all CPUs", ["--format", "json"]),
            ("all CPUs as SARIF", ["--format", "sarif"]),
        ):
            together = in_process(["validate", folder, *arguments])
            print(
                f"validate, {FILES} files, {name}: {together:.2f} s, "
                f"{FILES * one / together:.0f} × faster than a loop over the files"
            )
            print_peer(f"{FILES} files, {name}", together, FILES, peer)
    with tempfile.TemporaryDirectory() as name:
        padded = Path(name) / "7.3.config"
        padded.write_text(text + padding)
        folder = Path(name) / "distinct"
        folder.mkdir()
        write_distinct([padded], folder, FILES)
        together = in_process(["validate", str(folder), "--format", "json"])
        print(
            f"validate, {FILES} distinct files, all CPUs: {together:.2f} s, "
            f"{FILES * one / together:.0f} × faster than a loop over the files"
        )
    image = b"\x7fELF" + bytes(64 << 20) + b"IKCFG_ST" + gzip.compress(text.encode()) + b"IKCFG_ED"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vmlinux"
        path.write_bytes(image)
        start = time.perf_counter()
        path.read_bytes()
        bare_read = time.perf_counter() - start
        found = in_process(["validate", str(path), "--cpu", "graviton3"])
        print(
            f"a vmlinux of 64 MiB: {found:.2f} s, {found / bare_read:.1f} × reading it into memory"
        )


if __name__ == "__main__":
    run()
