"""One option on its way into an axis: made by the expanders, kept or refused by `axes.py`."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from matrix.diagnostics import Location
from matrix.schema.values import Option


class FoundOption(Struct, frozen=True, kw_only=True):
    """One option, or None where it is wrong; `identity` is equal for options that mean the same.

    `written` is false for the members of `all` and of a group, which may overlap.
    """

    option: Option | None
    identity: str = ""
    written: bool = True


WRONG = FoundOption(option=None)


def found(
    name: str,
    location: Location,
    identity: str | None = None,
    *,
    written: bool = True,
    **stands_for: Any,
) -> FoundOption:
    """Return an option that is right, with fields of `Option`; its title is its name.

    It is identified by its name unless told otherwise.
    """
    option = Option(**{"name": name, "title": name, "location": location, **stands_for})
    return FoundOption(option=option, identity=identity or name, written=written)
