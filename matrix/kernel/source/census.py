"""Where kernel code that can get at a page uses a kernel address of it.

Reachability is by name and over-approximates: a function or an initialised table reaches each
function and table of the files at hand that a name in it may mean, so also those that it only
points to. What a name cannot mean is C's own rule: a member (`ops->read`), a parameter or a local
variable of that name, and a `static` function of another `.c` file. What is only compared with a
pointer (`mapping->a_ops == &shmem_aops`) is not called by that. Names that a macro pastes together
are seen by the roots that name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from matrix.door.folders import found_below
from matrix.kernel.source.c.items import Item
from matrix.kernel.source.c.tokens import Token
from matrix.kernel.source.truth.tree import KernelTree

_COMPARED = frozenset({"==", "!="})
_MEMBER = frozenset({".", "->"})
# What may stand after the name in a declaration of it, and words that make none of `word name ;`.
_AFTER_DECLARED = frozenset({"=", ";", ",", "["})
_NO_TYPE = frozenset({"return", "goto", "else", "case", "sizeof", "typeof", "do"})
_BEFORE_STATEMENT = frozenset({";", "{", "}", "struct", "union", "enum", "const"})


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
    """What is looked at: patterns of files, the functions to begin with, the names called.

    `stops` are functions that are not looked into: no page of interest gets there.
    """

    files: tuple[str, ...]
    roots: tuple[str, ...]
    uses: tuple[str, ...]
    stops: tuple[str, ...] = ()


class Reached(Struct, frozen=True, kw_only=True):
    """What a tree has: its uses by file, line and name, and every name that is `defined` there."""

    uses: tuple[AddressUse, ...]
    defined: frozenset[str]


class _Place(Struct, frozen=True, eq=False):
    """One definition of a name."""

    path: str
    item: Item

    @property
    def own(self) -> bool:
        """Whether it is `static` in a `.c` file, so that no other file can name it."""
        head = self.item.tokens[: self.item.body]
        return self.path.endswith(".c") and any(token.text == "static" for token in head)


_Definitions = Mapping[str, Sequence[_Place]]


def reached(tree: KernelTree, scope: Scope) -> Reached:
    """Return every use that is reached from the roots; InputError MX1114."""
    definitions = _definitions(tree, scope.files)
    names = frozenset(scope.uses)
    found = [
        AddressUse(path=place.path, function=place.item.name, use=use, lines=lines, chain=chain)
        for place, chain in _chains(definitions, scope).items()
        for use, lines in _called(place.item, names)
    ]
    return Reached(
        uses=tuple(sorted(found, key=lambda one: (one.path, one.lines, one.use))),
        defined=frozenset(definitions),
    )


def _definitions(tree: KernelTree, files: Iterable[str]) -> _Definitions:
    definitions: dict[str, list[_Place]] = {}
    # A set: patterns may overlap, and a function seen twice would be reported twice.
    paths = {file for pattern in files for file in found_below(tree.folder, pattern)}
    for file in sorted(paths):
        path = file.relative_to(tree.folder).as_posix()
        source = tree.source(path)
        for item in () if source is None else source.items:
            if item.body is not None and item.kind in ("function", "variable"):
                definitions.setdefault(item.name, []).append(_Place(path, item))
    return definitions


def _chains(definitions: _Definitions, scope: Scope) -> Mapping[_Place, tuple[str, ...]]:
    """Return every definition that is reached with the shortest way to it."""
    chains: dict[_Place, tuple[str, ...]] = {
        place: (root,) for root in scope.roots for place in definitions.get(root, ())
    }
    stops = frozenset(scope.stops)
    waiting = list(chains)
    # Breadth first, so the first chain to a definition is a shortest one.
    for place in waiting:
        for name in _named(place.item):
            if name in stops:
                continue
            for other in _meant(definitions.get(name, ()), place.path):
                if other not in chains:
                    chains[other] = (*chains[place], name)
                    waiting.append(other)
    return chains


def _meant(places: Sequence[_Place], path: str) -> Sequence[_Place]:
    """Return the definitions that a name in a file may mean."""
    if any(place.own and place.path == path for place in places):
        return [place for place in places if place.path == path]
    return [place for place in places if not place.own]


def _named(item: Item) -> Iterator[str]:
    """Yield the names in a body that may be those of other functions and tables."""
    body = item.tokens[item.body :]
    local = _locals(item, body)
    for index in range(1, len(body) - 1):
        token = body[index]
        if token.kind != "name" or body[index - 1].text in _MEMBER or token.text in local:
            continue
        if not _is_compared(body, index):
            yield token.text


def _is_compared(body: Sequence[Token], index: int) -> bool:
    """Tell whether a name, or its address, stands beside a comparison and is not called there."""
    before = index - 2 if body[index - 1].text == "&" else index - 1
    after = body[index + 1].text
    return after in _COMPARED or (after != "(" and body[before].text in _COMPARED)


def _locals(item: Item, body: Sequence[Token]) -> frozenset[str]:
    """Return the parameters of a function, and the variables that its body declares."""
    if item.kind != "function":
        return frozenset()
    found = set(item.parameters)
    for index in range(2, len(body) - 1):
        token, after = body[index], body[index + 1]
        if token.kind == "name" and after.text in _AFTER_DECLARED:
            start = index - 1
            while start > 0 and body[start].text == "*":
                start -= 1
            kind, opening = body[start], body[start - 1].text
            if kind.kind == "name" and kind.text not in _NO_TYPE and opening in _BEFORE_STATEMENT:
                found.add(token.text)
    return frozenset(found)


def _called(item: Item, names: frozenset[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    found: dict[str, list[int]] = {}
    for token, following in pairwise(item.tokens[item.body :]):
        if token.text in names and following.text == "(":
            found.setdefault(token.text, []).append(token.line)
    yield from ((name, tuple(lines)) for name, lines in found.items())
