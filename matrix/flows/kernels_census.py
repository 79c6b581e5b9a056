"""`matrix kernels census`: who uses a kernel address of the pages of a capability, in a tree."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from matrix.diagnostics import ExitCode
from matrix.flows.knowledge import Library
from matrix.kernel.source.census import AddressUse, Scope, absent_roots, address_uses
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import AliasUser


class CensusRow(Struct, frozen=True, kw_only=True):
    """A use that a tree has, and what is declared of it; None: nothing, somebody must look."""

    use: AddressUse
    known: AliasUser | None


class Census(Struct, frozen=True, kw_only=True):
    """Every use in one tree; `gone`: declared places that it has not, `absent`: such roots."""

    capability: str
    version: str
    rows: tuple[CensusRow, ...]
    gone: tuple[AliasUser, ...]
    absent: tuple[str, ...]

    @property
    def exit_code(self) -> ExitCode:
        """1 where a place is not classified."""
        unknown = any(row.known is None for row in self.rows)
        return ExitCode.FINDINGS if unknown else ExitCode.OK


def census(folder: Path, configs: tuple[Path, ...]) -> tuple[Census, ...]:
    """Return the census of each capability that declares one.

    Raises:
        InputError: MX1111 no tree, MX1114 a file that cannot be read.
    """
    tree = KernelTree(folder)
    found = []
    for capability in Library(configs).knowledge.capabilities:
        declared = capability.alias_users
        if declared is None:
            continue
        scope = Scope(files=declared.files, roots=declared.roots, uses=declared.uses)
        known = {(one.path, one.function, one.use): one for one in declared.places}
        uses = address_uses(tree, scope)
        there = {(one.path, one.function, one.use) for one in uses}
        found.append(
            Census(
                capability=capability.id,
                version=tree.version,
                rows=tuple(
                    CensusRow(use=one, known=known.get((one.path, one.function, one.use)))
                    for one in uses
                ),
                gone=tuple(one for key, one in known.items() if key not in there),
                absent=absent_roots(tree, scope),
            )
        )
    return tuple(found)
