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
_BY_KIND = {cost.kind: cost for cost in CHANGE_COSTS}
# An axis of distributions chooses a kernel, and its `.config` with it.
_COSTS = {**_BY_KIND, "distro": _BY_KIND["kernel"]}
# What a change of an axis costs, and what has to be done for it, by the kind of the axis.
WEIGHTS = {kind: cost.weight for kind, cost in _COSTS.items()}
ACTS = {kind: cost.act for kind, cost in _COSTS.items()}
