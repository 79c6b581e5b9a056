"""What follows for a CPU from flags that the kernel does not list."""

from __future__ import annotations

from matrix.expr.nodes import Scalar
from matrix.schema.values import Architecture


def fields_without_flags(flags: str, architecture: Architecture) -> dict[str, Scalar]:
    """Return the CPU fields that a whole line `flags` of /proc/cpuinfo or lscpu denies."""
    listed = set(flags.split())
    return {
        name: value
        for row in architecture.missing_flags
        if listed.isdisjoint(row.flags)
        for name, value in row.absent
    }
