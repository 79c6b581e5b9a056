"""`matrix kernels census`: who uses a kernel address of the pages of a capability, in a tree."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from matrix.diagnostics import ExitCode
from matrix.flows.knowledge import Library
from matrix.kernel.source.census import AddressUse, Scope, reached
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import AliasCensus, AliasPages, AliasStop, AliasUser

# Whether a tree has the pages: `none` where its Kconfig has not even their symbol, `unknown` where
# it has, or is not at hand, and nothing at hand makes them.
PagesThere = Literal["there", "none", "unknown"]


_ENTRIES = ("config", "menuconfig")


class CensusRow(Struct, frozen=True, kw_only=True):
    """A use that a tree has, and what is declared of it; None: nothing, somebody must look."""

    use: AddressUse
    known: AliasUser | None


class Census(Struct, frozen=True, kw_only=True):
    """Every use in one tree.

    `gone` are places that were read in this release and that it has not, `absent` the roots that it
    has not, `stops` its functions that are not looked into. Without pages there are no rows.
    """

    capability: str
    version: str
    pages: AliasPages | None
    there: PagesThere
    rows: tuple[CensusRow, ...] = ()
    stops: tuple[AliasStop, ...] = ()
    gone: tuple[AliasUser, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """1 where a place is not classified, 4 where nobody can tell whether there are pages."""
        if any(row.known is None for row in self.rows):
            return ExitCode.FINDINGS
        return ExitCode.UNDECIDED if self.there == "unknown" else ExitCode.OK


def census(folder: Path, configs: tuple[Path, ...]) -> tuple[Census, ...]:
    """Return the census of each capability that declares one.

    Raises:
        InputError: MX1111 no tree, MX1114 a file that cannot be read.
    """
    tree = KernelTree(folder)
    return tuple(
        _taken(tree, capability.id, capability.alias_users)
        for capability in Library(configs).knowledge.capabilities
        if capability.alias_users is not None
    )


def _taken(tree: KernelTree, capability: str, declared: AliasCensus) -> Census:
    stops = tuple(stop.function for stop in declared.stops)
    scope = Scope(files=declared.files, roots=declared.roots, uses=declared.uses, stops=stops)
    found = reached(tree, scope)
    pages = declared.pages
    there = _pages_there(tree, pages, found.defined)
    if there == "none":
        return Census(capability=capability, version=tree.version, pages=pages, there=there)
    known = {(one.path, one.function, one.use): one for one in declared.places}
    rows = tuple(
        CensusRow(use=one, known=known.get((one.path, one.function, one.use))) for one in found.uses
    )
    seen = {(one.path, one.function, one.use) for one in found.uses}
    return Census(
        capability=capability,
        version=tree.version,
        pages=pages,
        there=there,
        rows=rows,
        stops=tuple(stop for stop in declared.stops if stop.function in found.defined),
        gone=tuple(one for key, one in known.items() if key not in seen and _expected(tree, one)),
        absent=tuple(root for root in declared.roots if root not in found.defined),
    )


def _expected(tree: KernelTree, place: AliasUser) -> bool:
    """Tell whether a place was read in this release, in a file that is at hand."""
    read_in = place.source.split(" ", 1)[0]
    in_this = f"{read_in}.".startswith(f"{tree.release}.") or not read_in[0].isdigit()
    return in_this and tree.has(place.path)


def _pages_there(tree: KernelTree, pages: AliasPages | None, defined: frozenset[str]) -> PagesThere:
    if pages is None or not defined.isdisjoint(pages.functions):
        return "there"
    entries = tree.pieces(pages.kconfig)
    if entries is None or any(
        entries.get(f"{keyword} {name}") for keyword in _ENTRIES for name in pages.symbols
    ):
        return "unknown"
    return "none"
