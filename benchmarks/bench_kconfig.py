"""`kconfig project` on each real tree: cold, warm, and one query once the clauses are there.

The baseline is the peer kmax 4.10 (klocalizer) as it was measured on the same class of machine on
7.3, once: 69 s to build its formulas, then 10 to 25 s for each query. It is not run here: it needs
Python 3.12 and cannot parse 6.12.
Needs the shared kernel trees; MATRIX_SHARED names them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from matrix.flows.knowledge import Library
from matrix.kernel.kconfig.encoding import encode
from matrix.kernel.kconfig.reading import parse_tree
from matrix.kernel.kconfig.tree import open_tree
from matrix.solve.projection import explain

KMAX_BUILD = 69.0
KMAX_QUERY = (10.0, 25.0)
KMAX_RELEASE = "7.3"
RELEASES = ("5.10", "6.1", "6.12", "7.2", "7.3")
SHARED = Path(os.environ.get("MATRIX_SHARED") or Path(__file__).parents[2] / "shared")


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Return how long a command takes, start-up included; it must end with 0."""
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True, env=environment)
    return time.perf_counter() - start


def query(tree: Path) -> float:
    """Return the time of one question: why is there no KVM without KVM_GUEST_MEMFD?"""
    toolchain = Library().knowledge.toolchains[0]
    parsed = parse_tree(
        open_tree(tree, "arm64"), dict(toolchain.environment), dict(toolchain.answers)
    )
    clauses = encode(parsed, ["KVM", "KVM_GUEST_MEMFD"])
    kvm, guest_memfd = clauses.atoms.values()
    start = time.perf_counter()
    owners = explain(clauses, (-kvm, guest_memfd))
    if not owners:
        raise AssertionError("the tree no longer says so")
    return time.perf_counter() - start


def run() -> None:
    """Print the ratios."""
    archives = SHARED / "data" / "kernels"
    if not archives.is_dir():
        print(f"no kernel trees in {archives} (set MATRIX_SHARED)")
        return
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "MATRIX_CACHE_DIR": f"{scratch}/cache"}
        seconds([sys.executable, "-m", "matrix", "kernels", "list"], environment)
        for release in RELEASES:
            tree = Path(scratch) / release
            with tarfile.open(archives / f"linux-{release}-subset.tar.xz") as archive:
                archive.extractall(tree, filter="data")
            if not (tree / "Makefile").exists():
                (tree,) = tree.iterdir()
            asked = ["kconfig", "project", "--tree", str(tree), "--kernel", release]
            command = [sys.executable, "-m", "matrix", *asked]
            cold = seconds(command, environment)
            warm = min(seconds(command, environment) for _ in range(5))
            line = f"{release}: cold {cold:.1f} s, warm {warm:.2f} s"
            if release == KMAX_RELEASE:
                once = query(tree)
                line += (
                    f"; kmax on {release}: {KMAX_BUILD:.0f} s to build = {KMAX_BUILD / cold:.0f} × "
                    f"cold; one query {once * 1000:.1f} ms with its explanation, kmax "
                    f"{KMAX_QUERY[0]:.0f} to {KMAX_QUERY[1]:.0f} s = {KMAX_QUERY[0] / once:,.0f} × "
                    f"to {KMAX_QUERY[1] / once:,.0f} ×"
                )
            print(line)


if __name__ == "__main__":
    run()
