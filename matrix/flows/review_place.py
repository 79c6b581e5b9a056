"""Where in a tree the check that a review proposes stands, and what it needs there."""

from __future__ import annotations

from pathlib import Path

from matrix.expr.trees import calls
from matrix.flows.review_result import PlaceInTree, ReviewResult
from matrix.kernel.source.includes import declares, declaring_header, included
from matrix.kernel.source.truth.tree import KernelTree


def in_tree(result: ReviewResult, folder: Path, arch: str) -> PlaceInTree:
    """Return the files that the proposed check changes, and what it has to include there.

    Raises:
        InputError: MX1111 no tree, MX1114 a file that cannot be read.
    """
    tree = KernelTree(folder)
    stands = result.stands_in
    paths = {path for path in (result.check.path, stands) if path is not None and tree.has(path)}
    needs: dict[str, str] = {}
    lacks: list[str] = []
    if stands in paths:
        seen = [tree.text(path) for path in (stands, *included(tree, stands, arch))]
        for name in dict.fromkeys(call.function for call in calls(result.synthesis.expression)):
            if any(declares(text, name) for text in seen):
                continue
            header = declaring_header(tree, name, arch)
            if header is None:
                lacks.append(name)
            else:
                needs[name] = header
    return PlaceInTree(
        version=tree.version,
        files={path: tuple(tree.text(path).splitlines()) for path in sorted(paths)},
        needs=needs,
        lacks=tuple(lacks),
    )
