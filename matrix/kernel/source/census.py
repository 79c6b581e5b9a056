"""Where kernel code that can get at a page uses a kernel address of it.

Reachability is by name and over-approximates: a function or an initialised table reaches every
function and table of the files at hand whose name stands in it, so also those that it only points
to. Names that a macro pastes together are seen by the roots that name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from msgspec import Struct

from matrix.door.folders import found_below
from matrix.kernel.source.c.items import Item
from matrix.kernel.source.truth.tree import KernelTree


class AddressUse(Struct, frozen=True, kw_only=True):
    """A call in a function: `use` is what is called, on `lines` of `path`.

    `chain` are the functions from a root to this one, the shortest there is.
    """

    path: str
    function: str
    use: str
    lines: tuple[int, ...]
    chain: tuple[str, ...]


class Scope(Struct, frozen=True, kw_only=True):
    """What is looked at: patterns of files, the functions to begin with, the names called."""

    files: tuple[str, ...]
    roots: tuple[str, ...]
    uses: tuple[str, ...]


def address_uses(tree: KernelTree, scope: Scope) -> tuple[AddressUse, ...]:
    """Return every use that is reached, by file, line and name; InputError MX1114."""
    nodes = _nodes(tree, scope.files)
    chains = _chains(nodes, scope.roots)
    names = frozenset(scope.uses)
    found = [
        AddressUse(path=path, function=name, use=use, lines=lines, chain=chain)
        for name, chain in chains.items()
        for path, item in nodes[name]
        for use, lines in _called(item, names)
    ]
    return tuple(sorted(found, key=lambda one: (one.path, one.lines, one.use)))


def absent_roots(tree: KernelTree, scope: Scope) -> tuple[str, ...]:
    """Return the roots that none of the files at hand defines."""
    nodes = _nodes(tree, scope.files)
    return tuple(root for root in scope.roots if root not in nodes)


def _nodes(tree: KernelTree, files: Iterable[str]) -> Mapping[str, list[tuple[str, Item]]]:
    nodes: dict[str, list[tuple[str, Item]]] = {}
    # A set: patterns may overlap, and a function seen twice would be reported twice.
    paths = {file for pattern in files for file in found_below(tree.folder, pattern)}
    for file in sorted(paths):
        path = file.relative_to(tree.folder).as_posix()
        source = tree.source(path)
        for item in () if source is None else source.items:
            if item.body is not None and item.kind in ("function", "variable"):
                nodes.setdefault(item.name, []).append((path, item))
    return nodes


def _chains(
    nodes: Mapping[str, list[tuple[str, Item]]], roots: Iterable[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return every name that is reached with the shortest way to it."""
    chains: dict[str, tuple[str, ...]] = {root: (root,) for root in roots if root in nodes}
    waiting = list(chains)
    # Breadth first, so the first chain to a name is a shortest one.
    for name in waiting:
        for _, item in nodes[name]:
            for token in item.tokens[item.body :]:
                if token.kind == "name" and token.text in nodes and token.text not in chains:
                    chains[token.text] = (*chains[name], token.text)
                    waiting.append(token.text)
    return chains


def _called(item: Item, names: frozenset[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    found: dict[str, list[int]] = {}
    for token, following in pairwise(item.tokens[item.body :]):
        if token.text in names and following.text == "(":
            found.setdefault(token.text, []).append(token.line)
    yield from ((name, tuple(lines)) for name, lines in found.items())
