"""`kconfig project` on each real tree: cold, warm, and one query once the clauses are there.

The baseline is kmax 4.10 (klocalizer) as it was measured on the same class of machine on 7.3, once:
69 s to build its formulas, then 10 s at least for each query. It is not run here: it needs Python
3.12 and cannot parse 6.12. Needs the shared kernel trees; MATRIX_SHARED names them.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.measuring import MATRIX, SHARED, Figure, cpu, figure, run
from matrix.flows.knowledge import Library
from matrix.kernel.kconfig.encoding import encode
from matrix.kernel.kconfig.reading import parse_tree
from matrix.kernel.kconfig.tree import open_tree
from matrix.solve.projection import explain

KMAX_BUILD, KMAX_QUERY, KMAX_RELEASE = 69.0, 10.0, "7.3"
RELEASES = ("5.10", "6.1", "6.12", "7.2", "7.3")


def query(tree: Path) -> float:
    """Return the time of one question: why is there no KVM without KVM_GUEST_MEMFD?"""
    toolchain = Library().knowledge.toolchains[0]
    parsed = parse_tree(
        open_tree(tree, "arm64"), dict(toolchain.environment), dict(toolchain.answers)
    )
    clauses = encode(parsed, ["KVM", "KVM_GUEST_MEMFD"])
    kvm, guest_memfd = clauses.atoms.values()
    owners, seconds = cpu(partial(explain, clauses, (-kvm, guest_memfd)))
    if not owners:
        raise AssertionError("the tree no longer says so")
    return seconds


def figures() -> Iterator[Figure]:
    """Measure."""
    archives = SHARED / "data" / "kernels"
    if not archives.is_dir():
        print(f"no kernel trees in {archives} (set MATRIX_SHARED)")
        return
    with tempfile.TemporaryDirectory() as scratch:
        cache = {"MATRIX_CACHE_DIR": f"{scratch}/cache"}
        run([*MATRIX, "kernels", "list"], environment=cache)
        for release in RELEASES:
            tree = Path(scratch) / release
            with tarfile.open(archives / f"linux-{release}-subset.tar.xz") as archive:
                archive.extractall(tree, filter="data")
            if not (tree / "Makefile").exists():
                (tree,) = tree.iterdir()
            command = (*MATRIX, "kconfig", "project", "--tree", str(tree), "--kernel", release)
            name = f"Kconfig of {release} projected"
            cold = run(command, environment=cache).cpu
            yield figure(name, cold, most=60.0)
            warm = run(command, runs=5, environment=cache).cpu
            yield figure(f"{name} again", warm, most=0.3)
            if release == KMAX_RELEASE:
                kmax = "kmax, measured once"
                yield figure(name, cold, beside=(kmax, KMAX_BUILD))
                yield figure("a query with explanation", query(tree), beside=(kmax, KMAX_QUERY))
