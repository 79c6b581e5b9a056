"""Covering arrays: few cells that hold every valid combination of options of any t axes.

A combination of t options is valid where some cell of the region holds all of them; others are
never asked for, and every row is a cell of the region. Hidden variables are no axes. Rows of any
strength grow axis after axis (`covering_axes.py`); a search then drops what is not needed of them
(`covering_mend.py`). Equal input gives equal rows on any machine.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator

from msgspec import Struct

from matrix.diagnostics import Diagnostic, UndecidedError
from matrix.solve.space import Region, Space, within_memory
from matrix.solve.walk import START, Walk

# The strengths that can be asked for. Faults that need more than four conditions at once were not
# found in the field (Kuhn, Wallace, Gallo, IEEE TSE 30/6, 2004: six at most, four nearly always).
STRENGTHS = range(1, 5)

# Most combinations to cover.
MOST_COMBINATIONS = 20_000_000

# Steps of the search, one per combination, but so many at most: a step looks at many combinations
# at once. None where rows × choices of axes are more than this: it would take too long.
_MOST_STEPS = 2_000
_MOST_MENDED = 1_000_000


class CoveringArray(Struct, frozen=True, kw_only=True):
    """Cells that together hold every valid combination of options of any `strength` axes.

    `rows` hold one option number per axis, in the order of the space, and are sorted, so the order
    is that of `Region.cells`. `combinations` is the exact number of valid combinations, `fewest` a
    bound below which no such array can be.
    """

    space: Space
    strength: int
    rows: tuple[tuple[int, ...], ...]
    combinations: int
    fewest: int

    def cells(self) -> Iterator[dict[str, str]]:
        """Yield the rows as cells: axis to option."""
        axes = self.space.variables
        for row in self.rows:
            pairs = zip(axes, row, strict=True)
            yield {axis.name: axis.options[option] for axis, option in pairs}


def covering_array(region: Region, strength: int, seed: int = 0) -> CoveringArray:
    """Return a covering array of the visible cells of a region.

    With fewer axes than `strength` every cell is a combination. Another `seed` decides otherwise
    between options that are worth the same.

    Raises:
        ValueError: a strength that is not in `STRENGTHS`.
        UndecidedError: MX0640, more than `MOST_COMBINATIONS` combinations.
        InputError: MX0654, a space that is too large.
    """
    if strength not in STRENGTHS:
        raise ValueError(f"strength {strength} is not one of {list(STRENGTHS)}")
    with within_memory():
        return _covering_array(region, strength, seed)


def _covering_array(region: Region, strength: int, seed: int) -> CoveringArray:
    space = region.space
    if region.is_empty():
        return CoveringArray(space=space, strength=strength, rows=(), combinations=0, fewest=0)
    walk = Walk(region)
    # With fewer axes than the strength all axes together are the one choice there is.
    effective = min(strength, len(walk.sizes))
    combinations = count_combinations(walk, effective)
    if combinations > MOST_COMBINATIONS:
        raise UndecidedError(_too_many(walk, effective, combinations))
    fewest = _fewest(walk, effective)
    rows = _rows(walk, effective, combinations, fewest, seed) if effective else [()]
    return CoveringArray(
        space=space,
        strength=strength,
        rows=tuple(sorted(rows)),
        combinations=combinations,
        fewest=fewest,
    )


def _rows(
    walk: Walk, strength: int, combinations: int, fewest: int, seed: int
) -> list[tuple[int, ...]]:
    # Both bring numpy, which no other answer of a study needs.
    from matrix.solve.covering_axes import axis_after_axis
    from matrix.solve.covering_mend import RowMender

    rows = axis_after_axis(walk, strength, seed)
    if len(rows) * math.comb(len(walk.sizes), strength) <= _MOST_MENDED:
        steps = min(_MOST_STEPS, combinations)
        mender = RowMender(walk, rows, strength, random.Random(seed))  # noqa: S311
        rows = mender.reduce(steps, fewest)
    return [tuple(row) for row in rows.tolist()]


def count_combinations(walk: Walk, strength: int) -> int:
    """Return the exact number of valid combinations of options of any `strength` axes.

    Axes that no constraint speaks about multiply: with those the elementary symmetric polynomials
    of their sizes are enough, whatever their number.
    """
    free = [size for size, bound in zip(walk.sizes, walk.is_bound, strict=True) if not bound]
    # symmetric[d]: the sum, over all choices of d free axes, of the product of their sizes. Degrees
    # downwards, so that no axis is multiplied with itself.
    symmetric = [1, *itertools.repeat(0, strength)]
    for size in free:
        for degree in range(strength, 0, -1):
            symmetric[degree] += size * symmetric[degree - 1]
    return sum(
        symmetric[strength - chosen]
        * sum(walk.count(START, axes) for axes in itertools.combinations(walk.bound, chosen))
        for chosen in range(strength + 1)
    )


def _fewest(walk: Walk, strength: int) -> int:
    """Return the most combinations that one choice of axes has: each needs a row of its own."""
    free = sorted(
        (size for size, bound in zip(walk.sizes, walk.is_bound, strict=True) if not bound),
        reverse=True,
    )
    # Free axes are interchangeable here: of n of them the n largest have most combinations.
    return max(
        math.prod(free[: strength - chosen]) * walk.count(START, axes)
        for chosen in range(strength + 1)
        if strength - chosen <= len(free)
        for axes in itertools.combinations(walk.bound, chosen)
    )


def _too_many(walk: Walk, strength: int, combinations: int) -> Diagnostic:
    weaker = next(
        (
            lower
            for lower in range(strength - 1, 0, -1)
            if count_combinations(walk, lower) <= MOST_COMBINATIONS
        ),
        None,
    )
    hint = "leave axes or options out"
    if weaker:
        hint = f"strength {weaker} has {count_combinations(walk, weaker):,} of them; or {hint}"
    return Diagnostic(
        code="MX0640",
        message=f"{combinations:,} combinations of {strength} options are valid, more than the "
        f"{MOST_COMBINATIONS:,} that are covered; no row was made",
        hint=hint,
    )
