"""What a comparison of a profile with a tree finds: one value for all kinds."""

from __future__ import annotations

from msgspec import Struct

from matrix.diagnostics import Location, Severity


class Finding(Struct, frozen=True, kw_only=True):
    """One difference between a profile and a tree.

    `what` is the declaration (`function can_set_direct_map()`), `place` the line of the tree
    (`path:line`), `declared` and `source` what both say; `concerns` are all declarations that
    depend on the place, those nearest to the difference first.
    """

    code: str
    what: str
    message: str
    location: Location
    place: str
    declared: str = ""
    source: str = ""
    severity: Severity = Severity.ERROR
    concerns: tuple[str, ...] = ()

    @property
    def is_drift(self) -> bool:
        """Tell whether the profile no longer says what the source says."""
        return self.severity is Severity.ERROR

    @property
    def is_uncompared(self) -> bool:
        """Tell whether something of the profile was not compared."""
        return self.severity is Severity.WARNING


# What a check settled: (path, name of the piece) pairs that need no look at their words any more.
Settled = set[tuple[str, str]]
