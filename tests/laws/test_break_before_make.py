"""The break-before-make automaton against every content that a TLB can have."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from matrix.scenarios.arm64 import descriptors
from matrix.scenarios.arm64.descriptors import EntryHistory, Leaf

# One page at level 3, the same in a contiguous run, the block it lies in, another page, read-only,
# another memory type, and nothing.
PAGE = Leaf(3, descriptors.leaf(0x8000_0000, 3))
CONTIGUOUS = Leaf(3, descriptors.leaf(0x8000_0000, 3, contiguous=True))
BLOCK = Leaf(2, descriptors.leaf(0x8000_0000, 2))
OTHER = Leaf(3, descriptors.leaf(0x9000_0000, 3))
READ_ONLY = Leaf(3, PAGE.descriptor | descriptors.RDONLY)
DEVICE = Leaf(3, PAGE.descriptor | 3 << 2)
NOTHING = Leaf(3, 0)
HIDDEN = Leaf(3, descriptors.make_invalid(PAGE.descriptor, "present-invalid"))
LEAVES = (PAGE, CONTIGUOUS, BLOCK, OTHER, READ_ONLY, DEVICE, NOTHING, HIDDEN)

INVALIDATE_TLB = None
Action = Leaf | None

# What may not be in one TLB at once: (kind of difference, lifted by BBML).
_SIZES = {PAGE: 1, CONTIGUOUS: 16, BLOCK: 512, OTHER: 1, READ_ONLY: 1, DEVICE: 1}
_PLACES = {PAGE: "a", CONTIGUOUS: "a", BLOCK: "a", OTHER: "b", READ_ONLY: "a", DEVICE: "device"}


def conflict(one: Leaf, other: Leaf, *, bbml: bool) -> bool:
    """Two entries for one address of different size, or of one size that go to different places."""
    if _SIZES[one] != _SIZES[other]:
        return not bbml
    return _PLACES[one] != _PLACES[other]


def brute_force(start: Leaf, actions: Iterable[Action], *, bbml: bool) -> bool:
    """Keep every content the TLB may have; illegal as soon as two entries of one conflict.

    Before and after each action the TLB may or may not load the entry that is written.
    """
    written = start
    contents = _loads({frozenset()}, written)
    for action in actions:
        if action is INVALIDATE_TLB:
            contents = {frozenset()}
        else:
            written = action
        contents = _loads(contents, written)
        for content in contents:
            if any(conflict(a, b, bbml=bbml) for a, b in product(content, content) if a != b):
                return False
    return True


def _loads(contents: set[frozenset[Leaf]], written: Leaf) -> set[frozenset[Leaf]]:
    if not written.descriptor & descriptors.VALID:
        return contents
    return contents | {content | {written} for content in contents}


def automaton(start: Leaf, actions: Iterable[Action], *, bbml: bool) -> bool:
    history = EntryHistory(current=start)
    for action in actions:
        if action is INVALIDATE_TLB:
            history = history.invalidate_tlb()
            continue
        history, legal = history.write(action, bbml=bbml)
        if not legal:
            return False
    return True


@given(
    st.sampled_from(LEAVES),
    st.lists(st.sampled_from((*LEAVES, INVALIDATE_TLB)), max_size=8),
    st.booleans(),
)
def test_the_automaton_accepts_exactly_the_legal_orders(
    start: Leaf, actions: list[Action], bbml: bool
) -> None:
    assert automaton(start, actions, bbml=bbml) == brute_force(start, actions, bbml=bbml)


def test_all_orders_of_three_actions() -> None:
    for start in LEAVES:
        for actions in product((*LEAVES, INVALIDATE_TLB), repeat=3):
            for bbml in (False, True):
                expected = brute_force(start, actions, bbml=bbml)
                assert automaton(start, actions, bbml=bbml) == expected, (start, actions, bbml)


def test_break_before_make_is_what_it_says() -> None:
    assert automaton(BLOCK, [NOTHING, INVALIDATE_TLB, PAGE], bbml=False)
    assert not automaton(BLOCK, [PAGE], bbml=False)
    assert not automaton(BLOCK, [NOTHING, PAGE], bbml=False)
    assert not automaton(BLOCK, [INVALIDATE_TLB, PAGE], bbml=False)
    assert automaton(BLOCK, [PAGE], bbml=True)
    assert not automaton(PAGE, [OTHER], bbml=True)


def test_one_content_at_a_time_never_grows_stale_by_itself() -> None:
    history = EntryHistory(current=PAGE)
    again, legal = history.write(PAGE, bbml=False)
    assert legal
    assert again.stale == ()
    hidden, _ = history.write(HIDDEN, bbml=False)
    assert hidden.stale == (PAGE,)
    assert hidden.invalidate_tlb().stale == ()
