"""What the flags of a CPU and the parameters of modules say of its fields."""

from __future__ import annotations

import re

from matrix.expr.nodes import Scalar
from matrix.schema.values import Architecture

# param_get_bool(), kernel/params.c:320-324 (6.18.2); of an int it is a number.
_SAYS = {"Y": 1, "1": 1, "N": 0, "0": 0}
_PARAMETER = re.compile(r"(?:^|/)sys/module/(\w+)/parameters/(\w+)$")


def fields_without_flags(flags: str, architecture: Architecture) -> dict[str, Scalar]:
    """Return the CPU fields that a whole line `flags` of /proc/cpuinfo or lscpu denies."""
    listed = set(flags.split())
    return {
        name: value
        for row in architecture.missing_flags
        if listed.isdisjoint(row.flags)
        for name, value in row.absent
    }


def parameter_value(text: str) -> int | None:
    """Return what a file of a bool parameter says, 1 or 0; None: it is none."""
    return _SAYS.get(text.strip())


def field_of_parameter(path: str, text: str, architecture: Architecture) -> tuple[str, int] | None:
    """Return the CPU field that a file below /sys/module tells, and its value; None: it is none."""
    place, value = _PARAMETER.search(path), parameter_value(text)
    if place is None or value is None:
        return None
    name = f"{place[1]}.{place[2]}"
    rows = architecture.module_parameters
    return next(((row.shows, value) for row in rows if row.parameter == name), None)
