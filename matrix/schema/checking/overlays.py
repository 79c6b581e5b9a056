"""Overlays joined to what they are for: rows to profiles, facts and CPU fields to the architecture.

An overlay adds and never changes: a row that stands there already, or in another overlay for the
same release, is an error with both places.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Location
from matrix.schema.checking.catalogue import Catalogue
from matrix.schema.checking.distro_axis import release_numbers
from matrix.schema.documents.overlay import OverlayDocument, ReleaseSpan
from matrix.schema.files import Kind
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import Problems
from matrix.schema.values import Architecture, KernelProfile, Overlay

_COMPARED: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "": operator.eq,
}
# What is added to a profile, with what one row of it is called; constraints have no names.
_ROWS = {
    "symbols": "Kconfig symbol",
    "variables": "variable",
    "parameters": "boot parameter",
    "cpucaps": "cpucap",
    "functions": "function",
    "mechanisms": "mechanism",
}


class _Row(Struct, frozen=True, kw_only=True):
    """One declared name: of which kind, where, and in which overlay, None: in none."""

    kind: str
    name: str
    location: Location
    overlay: str | None = None


class OverlayMerger:
    """Joins the overlays of one load to profiles and architectures."""

    def __init__(self, catalogue: Catalogue, problems: Problems) -> None:
        self._catalogue = catalogue
        self._problems = problems

    def merge(
        self, overlays: Sequence[tuple[OverlayDocument, Node]]
    ) -> tuple[Catalogue, tuple[Overlay, ...]]:
        """Return the catalogue with the rows of the overlays, and the overlays."""
        kernels = dict(self._catalogue.kernels)
        architectures = dict(self._catalogue.architectures)
        known = self._catalogue.known(Kind.ARCHITECTURE, architectures)
        added: list[Overlay] = []
        for document, node in overlays:
            if not known.check(document.arch, node["arch"].location, self._problems):
                continue
            if document.arch not in architectures:
                continue
            overlay = document.completed(node, releases=self._releases(document, node))
            architecture = architectures[document.arch]
            self._check(_shared(architecture), _shared(overlay), added)
            architectures[document.arch] = replace(
                architecture,
                facts=(*architecture.facts, *overlay.facts),
                fields=(*architecture.fields, *overlay.fields),
            )
            everywhere = _rows_of(architecture)
            # Against the profile as it is by now: a row of an earlier overlay is in the way like
            # one of its own.
            for kernel in list(kernels.values()):
                if kernel.arch == overlay.arch and kernel.release in overlay.releases:
                    self._check([*everywhere, *_rows_of(kernel)], _rows_of(overlay), added)
                    kernels[kernel.id] = self._joined(kernel, overlay)
            added.append(overlay)
        return replace(self._catalogue, kernels=kernels, architectures=architectures), tuple(added)

    def _joined(self, kernel: KernelProfile, overlay: Overlay) -> KernelProfile:
        """Return a profile with the rows of an overlay; what it reads now is not unread any more.

        What kstrtobool() takes is the release's own: 5.10 knows no `true`, 7.3 knows `enable`.
        """
        symbols = {symbol.name for symbol in overlay.symbols}
        names = {parameter.name.replace("-", "_") for parameter in overlay.parameters}
        unread = kernel.unread_parameters
        own = _prefixes(kernel)
        parameters = []
        for parameter in overlay.parameters:
            parsers = tuple(
                replace(parser, prefixes=own)
                if parser.grammar == "kstrtobool" and not parser.prefixes
                else parser
                for parser in parameter.parsers
            )
            if any(one.grammar == "kstrtobool" and not one.prefixes for one in parsers):
                self._problems.add(
                    "MX0224",
                    f"nothing in the profile of Linux {kernel.release} says what kstrtobool() "
                    "takes there",
                    parameter.location,
                    "give `prefixes` in an overlay for this release, from lib/kstrtox.c",
                )
            parameters.append(replace(parameter, parsers=parsers))
        rows = {
            name: (*getattr(kernel, name), *getattr(overlay, name))
            for name in (*_ROWS, "constraints")
        }
        return replace(
            kernel,
            **{**rows, "parameters": (*kernel.parameters, *parameters)},
            unread_symbols=tuple(name for name in kernel.unread_symbols if name not in symbols),
            unread_parameters=tuple(x for x in unread if x.replace("-", "_") not in names),
        )

    def _releases(self, document: OverlayDocument, node: Node) -> tuple[str, ...]:
        """Return the releases with a profile that an overlay is for; MX0250 where one has none."""
        profiles = {
            kernel.release: kernel
            for kernel in self._catalogue.kernels.values()
            if kernel.arch == document.arch
        }
        at = node.get("releases")
        wanted = document.releases
        if isinstance(wanted, tuple):
            for item in at.children.values() if at else ():
                if item.data not in profiles:
                    self._add_unknown(document, str(item.data), profiles, item.location)
            return tuple(release for release in profiles if release in wanted)
        found = tuple(release for release in profiles if _within(release, wanted))
        # A span that meets no profile adds nothing at all, which nobody would notice.
        if not found and at is not None:
            self._add_unknown(document, at.raw.strip("\"'"), profiles, at.location)
        return found

    def _add_unknown(
        self,
        document: OverlayDocument,
        word: str,
        profiles: dict[str, KernelProfile],
        at: Location,
    ) -> None:
        if not self._catalogue.knows_all(Kind.KERNEL):
            return
        arch = self._catalogue.architectures[document.arch]
        message = f"overlay `{document.id}` is for `{word}`, of which {arch.id} has no profile"
        listed = ", ".join(profiles) or "no release"
        hint = f"{arch.id}, declared at {arch.location}, has profiles of {listed}"
        self._problems.add("MX0250", message, at, hint)

    def _check(
        self, declared: Sequence[_Row], rows: Sequence[_Row], added: Sequence[Overlay]
    ) -> None:
        """Say which rows stand there already: in the declaration, or from another overlay."""
        places = {(row.kind, _key(row)): row.location for row in declared}
        # Where a name stood first says whose it is: overlays have been joined to profiles by now.
        owners = {
            row.location: overlay.id
            for overlay in added
            for row in (*_rows_of(overlay), *_shared(overlay))
        }
        for row in rows:
            first = places.get((row.kind, _key(row)))
            if first is None:
                continue
            what = f"{row.kind} `{row.name}`"
            if first in owners:
                message = f"{what} is in two overlays, this one and `{owners[first]}`"
                hint = f"the other is at {first}; remove one, or give them other releases"
                self._problems.add("MX0252", message, row.location, hint)
            else:
                message = f"{what} is declared already, and an overlay only adds"
                hint = (
                    f"it stands at {first}; remove the row, leave out the releases that have it, "
                    "or override the whole file by its id"
                )
                self._problems.add("MX0251", message, row.location, hint)


def _within(release: str, wanted: str | ReleaseSpan) -> bool:
    key = release_numbers(release)
    if isinstance(wanted, ReleaseSpan):
        return (wanted.first is None or key >= release_numbers(wanted.first)) and (
            wanted.last is None or key <= release_numbers(wanted.last)
        )
    if wanted == "all":
        return True
    bound = wanted.lstrip("<>= ")
    return _COMPARED[wanted.removesuffix(bound).strip()](key, release_numbers(bound))


def _rows_of(declared: KernelProfile | Overlay | Architecture) -> list[_Row]:
    return [
        _Row(
            kind=kind,
            name=row.signature if attribute == "functions" else row.name,
            location=row.location,
        )
        for attribute, kind in _ROWS.items()
        # The mechanisms of an architecture are the values that one may have.
        if not (attribute == "mechanisms" and isinstance(declared, Architecture))
        for row in getattr(declared, attribute, ())
    ]


def _shared(declared: Overlay | Architecture) -> list[_Row]:
    """Return the rows that all releases of an architecture share."""
    kinds = (("fact", declared.facts), ("CPU field", declared.fields))
    return [
        _Row(kind=kind, name=row.name, location=row.location)
        for kind, rows in kinds
        for row in rows
    ]


def _key(row: _Row) -> str:
    """Return the name as it is compared: `-` and `_` of a boot parameter are equal."""
    return row.name.replace("-", "_") if row.kind == "boot parameter" else row.name


def _prefixes(kernel: KernelProfile) -> tuple[tuple[str, bool], ...]:
    """Return what kstrtobool() of a release takes: it is one function for all parameters."""
    parsers = (parser for parameter in kernel.parameters for parser in parameter.parsers)
    return next((parser.prefixes for parser in parsers if parser.prefixes), ())
