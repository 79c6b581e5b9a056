"""What a scenario is told of a cell: one frozen value, the same for every cell of a class."""

from __future__ import annotations

from msgspec import Struct


class SimulationInputs(Struct, frozen=True, kw_only=True):
    """One behaviour class of one scenario.

    A scenario adds its own fields, each a bool, an int or a `Literal` of words; nothing is unknown
    here, because unknown facts are quantified over by the caller. `scenario` is its id; `variant`
    the options of the mechanism that differ from their defaults, sorted pairs.
    """

    scenario: str
    variant: tuple[tuple[str, str], ...] = ()
