"""What a change costs: the weights by which fixes and nearest cells are compared."""

from __future__ import annotations

from msgspec import Struct


class ChangeCost(Struct, frozen=True, kw_only=True):
    """What changing one axis of a kind costs, and what has to be done for it."""

    kind: str
    weight: int
    act: str


# What is cheap to change comes first (design: boot parameter < rebuild < other kernel < other CPU).
# Each kind costs ten of the one before, since no study has ten axes of one kind worth changing: so
# any change of the command line is nearer than a rebuild. The surroundings stand before the CPU:
# another kind of VM or entry level is another set-up of the same machine.
CHANGE_COSTS = (
    ChangeCost(kind="boot", weight=1, act="another command line"),
    ChangeCost(kind="kconfig", weight=10, act="a rebuild"),
    ChangeCost(kind="kernel", weight=100, act="another kernel"),
    ChangeCost(kind="environment", weight=1_000, act="other surroundings"),
    ChangeCost(kind="cpu", weight=10_000, act="another CPU"),
)
WEIGHTS = {cost.kind: cost.weight for cost in CHANGE_COSTS}
