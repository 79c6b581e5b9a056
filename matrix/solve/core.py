"""The smallest unsatisfiable core: which constraints contradict each other, and none too many.

Takes any number of members and a function that says whether some of them can hold together; gives
the members of a core that has the fewest members of all. Removing any one of them makes the rest
satisfiable.

A first core comes from deletion. The smallest is found by the duality of cores and correction
sets: every core hits every correction set (what must be given up so that the rest can hold), so a
smallest hitting set of the correction sets known so far is a smallest core as soon as it is
unsatisfiable; if it is not, it shows a new correction set.

Ignatiev, Previti, Liffiton, Marques-Silva, "Smallest MUS Extraction with Minimal Hitting Set
Dualization", 2015; Liffiton, Sakallah, "Algorithms for Computing Minimal Unsatisfiable Subsets of
Constraints", 2008.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matrix.solve.space import Region, within_memory

Satisfiable = Callable[[frozenset[int]], bool]

# Cores of real studies have two to five members and need some dozens of rounds. Past the bound the
# core that deletion found is given: none of its members is idle, but a smaller core may exist.
_MAX_ROUNDS = 400


def smallest_core(count: int, satisfiable: Satisfiable) -> tuple[int, ...] | None:
    """Return the numbers of a smallest core of members 0 … count-1; None where all can hold.

    `satisfiable` must be monotone: what can hold together still can with fewer members. Among cores
    of equal size the answer is the same for equal input.
    """
    everything = frozenset(range(count))
    if satisfiable(everything):
        return None
    # None of its members is idle; only hitting sets with fewer members are looked at.
    found = _delete(everything, satisfiable)
    to_hit: list[frozenset[int]] = []
    for _ in range(_MAX_ROUNDS):
        candidate = _smallest_hitting_set(to_hit, len(found))
        if candidate is None:
            break
        # Every core hits all correction sets known, and no hitting set is smaller: a smallest core.
        if not satisfiable(candidate):
            return tuple(sorted(candidate))
        # What is outside of a largest satisfiable set must be given up: a correction set, and a new
        # one, for the candidate is disjoint from it.
        grown = _grow(candidate, everything, satisfiable)
        to_hit.append(everything - grown)
    return tuple(sorted(found))


def disjoint_cores(count: int, satisfiable: Satisfiable) -> tuple[tuple[int, ...], ...]:
    """Return smallest cores that share no member, without which all the other members can hold.

    Each is looked for when those before it are taken away, so the smallest comes first; no cores
    where all members can hold. Nothing at all must be satisfiable.
    """
    left = list(range(count))
    cores: list[tuple[int, ...]] = []

    def among(chosen: frozenset[int]) -> bool:
        return satisfiable(frozenset(left[index] for index in chosen))

    while (core := smallest_core(len(left), among)) is not None:
        cores.append(tuple(left[index] for index in core))
        left = [number for number in left if number not in cores[-1]]
    return tuple(cores)


def region_core(hard: Region, members: Sequence[Region]) -> tuple[int, ...] | None:
    """Return the numbers of a smallest core of regions inside `hard`; None where they meet.

    `hard` itself is taken for granted: it must not be empty.
    """
    # Kept by beginnings: sets whose first members are the same share these conjunctions. Deletion
    # goes from the last member back, so that it asks about little else.
    met: dict[frozenset[int], Region] = {frozenset(): hard}

    def meet(chosen: frozenset[int]) -> Region:
        open_: list[tuple[frozenset[int], int]] = []
        while chosen not in met:
            last = max(chosen)
            open_.append((chosen, last))
            chosen = chosen - {last}
        region = met[chosen]
        for longer, last in reversed(open_):
            region &= members[last]
            met[longer] = region
        return region

    with within_memory():
        return smallest_core(len(members), lambda chosen: not meet(chosen).is_empty())


def _delete(core: frozenset[int], satisfiable: Satisfiable) -> frozenset[int]:
    """Return a core within a core from which nothing can be taken."""
    for member in sorted(core, reverse=True):
        if not satisfiable(core - {member}):
            core = core - {member}
    return core


def _grow(
    chosen: frozenset[int], everything: frozenset[int], satisfiable: Satisfiable
) -> frozenset[int]:
    """Return a largest set around a satisfiable one to which nothing can be added."""
    for member in sorted(everything - chosen):
        if satisfiable(chosen | {member}):
            chosen = chosen | {member}
    return chosen


def _smallest_hitting_set(sets: Sequence[frozenset[int]], below: int) -> frozenset[int] | None:
    """Return a smallest set that meets each of `sets`; None where none is smaller than `below`."""
    # Iterative deepening: sizes are small, and the first that works is the smallest.
    for size in range(below):
        found = _hit(sets, frozenset(), size)
        if found is not None:
            return found
    return None


def _hit(
    sets: Sequence[frozenset[int]], chosen: frozenset[int], more: int
) -> frozenset[int] | None:
    """Return `chosen` with at most `more` members added so that it meets each set, or None."""
    missed = [item for item in sets if item.isdisjoint(chosen)]
    if not missed:
        return chosen
    # Sets that share nothing need a member each: a lower bound that prunes most branches.
    if _disjoint(missed) > more:
        return None
    # One of its members must be chosen: branching on the smallest set branches least.
    fewest: frozenset[int] = min(missed, key=len)
    for member in sorted(fewest):
        found = _hit(missed, chosen | {member}, more - 1)
        if found is not None:
            return found
    return None


def _disjoint(sets: Sequence[frozenset[int]]) -> int:
    """Return how many of the sets, chosen greedily, share nothing: each needs a member of its own.

    >>> _disjoint([frozenset({1, 2}), frozenset({2, 3}), frozenset({4})])
    2
    """
    used: frozenset[int] = frozenset()
    number = 0
    for item in sets:
        if used.isdisjoint(item):
            used |= item
            number += 1
    return number
