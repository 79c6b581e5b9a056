"""How C's operators act on partitions: expressions as regions per value.

Pure functions from partitions to partitions; `partition.py` says which expressions they are of.
Values are computed by `matrix.expr.evaluation`, so that a cell evaluated by itself and a cell
counted among billions cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from matrix.expr.evaluation import apply_binary, apply_unary, truth
from matrix.expr.nodes import Value
from matrix.solve.space import Region

# Disjoint regions, none empty, that together are everything. C's equal values are one key (true is
# 1). The key None is where C gives no value: a division by zero, the truth of a text.
Partition = Mapping[Value, Region]

# A joint partition in the making: one value per name so far, and where they hold.
Part = tuple[tuple[Value, ...], Region]


class Collector:
    """A partition in the making: empty regions are left out, those of equal values united."""

    def __init__(self) -> None:
        self.parts: dict[Value, Region] = {}

    def add(self, value: Value, region: Region) -> None:
        """Give the value to a region that has none yet."""
        if not region.is_empty():
            known = self.parts.get(value)
            self.parts[value] = region if known is None else known | region

    def add_within(self, place: Region, partition: Partition) -> None:
        """Take over a partition inside a place."""
        if not place.is_empty():
            for value, region in partition.items():
                self.add(value, region & place)


def truths(partition: Partition, nothing: Region) -> tuple[Region, Region, Region]:
    """Return where the value is true, where it is false, and where it is neither."""
    parts = {True: nothing, False: nothing, None: nothing}
    for value, region in partition.items():
        parts[truth(value)] |= region
    return parts[True], parts[False], parts[None]


def unary(operator: str, operand: Partition) -> Partition:
    """Return the partition of `!x`, `-x` or `~x`."""
    result = Collector()
    for value, region in operand.items():
        result.add(apply_unary(operator, value), region)
    return result.parts


def binary(operator: str, left: Partition, right: Partition) -> Partition:
    """Return the partition of a binary operator, `&&` and `||` among them."""
    result = Collector()
    for left_value, left_region in left.items():
        for right_value, right_region in right.items():
            both = left_region & right_region
            if not both.is_empty():
                result.add(apply_binary(operator, left_value, right_value), both)
    return result.parts


def conditional(
    condition: tuple[Region, Region, Region], then: Partition, otherwise: Partition
) -> Partition:
    """Return the partition of `?:` from the `truths` of its condition.

    Where the condition is neither true nor false, the value is what both arms agree on.
    """
    true, false, neither = condition
    result = Collector()
    result.add_within(true, then)
    result.add_within(false, otherwise)
    if not neither.is_empty():
        for value, region in then.items():
            here = region & neither
            agreed = here & otherwise[value] if value in otherwise else here - here
            result.add(value, agreed)
            result.add(None, here - agreed)
    return result.parts


def refine(parts: Iterable[Part], partition: Partition) -> Iterator[Part]:
    """Yield the parts cut by one more partition; a part inside one region is passed on whole."""
    for values, region in parts:
        rest = region
        for value, where in partition.items():
            piece = rest & where
            if piece.is_empty():
                continue
            yield (*values, value), piece
            if piece == rest:
                break
            rest -= piece
