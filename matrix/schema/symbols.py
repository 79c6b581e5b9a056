"""What is declared of Kconfig symbols by name alone: of CONFIG_CMDLINE, and of names nobody has."""

from __future__ import annotations

from msgspec import Struct

from matrix.diagnostics import Location


class BuiltInLine(Struct, frozen=True, kw_only=True):
    """The symbols of a release that say what CONFIG_CMDLINE is to it, without `CONFIG_`."""

    symbols: tuple[str, ...]
    source: str
    location: Location


class BuiltInLineRule(Struct, frozen=True, kw_only=True):
    """What a symbol makes of CONFIG_CMDLINE: it is `appended`, stands `alone`, or `fills-in`.

    `elsewhere` says who has the symbol where the release itself lacks it, None: nobody is known to.
    """

    symbol: str
    effect: str
    source: str
    location: Location
    elsewhere: str | None = None


class Misnomer(Struct, frozen=True, kw_only=True):
    """A name that people write for a Kconfig symbol and that no kernel has, and why they do."""

    name: str
    symbol: str
    because: str | None
    location: Location
