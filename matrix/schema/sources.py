"""Where the sources of a kernel profile must point: to lines of the release's tree, or a patch."""

from __future__ import annotations

import re
from collections.abc import Iterator

from matrix.diagnostics import Diagnostic, Location
from matrix.schema.values import KernelProfile

# `path:line`, `path:first-last`, several joined by `; `; or a part of a series: `v12 09/16 …`.
_LINES = r"[A-Za-z0-9_./-]+:[0-9]+(-[0-9]+)?"
_SOURCE = re.compile(rf"{_LINES}(; {_LINES})*|v[0-9]+ .+")


def sources_without_lines(profile: KernelProfile) -> Iterator[Diagnostic]:
    """Yield the sources of a profile in which nobody can look a line up (MX0688).

    A draft says itself, in `open`, what nobody has read yet.
    """
    for what, source, at in () if profile.open else _sources(profile):
        if not _SOURCE.fullmatch(source):
            yield Diagnostic(
                code="MX0688",
                location=at,
                message=f"the source of {what}, `{source}`, names no lines",
                hint="write `path:line` or `path:first-last` in the tree of the release and no "
                "more, several joined by `; `",
            )


def _sources(profile: KernelProfile) -> Iterator[tuple[str, str, Location]]:
    """Yield what a profile cites a source for, the source, and where that is declared."""
    yield from ((f"CONFIG_{item.name}", item.source, item.location) for item in profile.symbols)
    yield from ((item.name, item.source, item.location) for item in profile.variables)
    yield from ((item.name, item.source, item.location) for item in profile.cpucaps)
    yield from ((item.signature, item.source, item.location) for item in profile.functions)
    yield from ((f"mechanism {x.name}", x.source, x.location) for x in profile.mechanisms)
    yield from ((item.operation, item.source, item.location) for item in profile.operations)
    for constraint in profile.constraints:
        condition = constraint.condition
        if not constraint.grounded.startswith("borrowed"):  # its lines are of another release
            yield "the constraint", condition.source or "", condition.location
    for parameter in profile.parameters:
        for parser in parameter.parsers:
            yield f"{parameter.name}=", parser.source, parser.location
