"""One option on its way into an axis: made by the expanders, kept or refused by `axes.py`."""

from __future__ import annotations

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


def found(option: Option, identity: str | None = None, *, written: bool = True) -> FoundOption:
    """Return an option that is right; it is identified by its name unless told otherwise."""
    name = option.name if identity is None else identity
    return FoundOption(option=option, identity=name, written=written)


def blank_option(name: str, location: Location) -> Option:
    """Return an option that stands for nothing yet; its title is its name."""
    return Option(name=name, title=name, location=location)
