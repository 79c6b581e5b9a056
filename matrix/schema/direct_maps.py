"""What other architectures' kernels say and do about the direct map, as plain frozen values.

One `DirectMap` per architecture that is not simulated, one `DirectMapRelease` per release, one
`DirectMapCell` per question. Every cell has the lines it was read from, or says why it is unknown.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from matrix.diagnostics import Location

UNKNOWN: Final = "unknown"

# Question: what is asked, and the answers it has beside `unknown` with what they mean.
QUESTIONS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "set_direct_map": (
        "ARCH_HAS_SET_DIRECT_MAP",
        {
            "selected": "always selected",
            "conditional": "selected under a condition",
            "not-selected": "not selected",
        },
    ),
    "predicate": (
        "can_set_direct_map()",
        {
            "always-true": "true, by default",
            "own-check": "a check of the architecture",
            "not-defined": "not defined",
        },
    ),
    "effect": (
        "set_direct_map_invalid_noflush()",
        {
            "unmaps": "unmaps the page",
            "unmaps-lowmem": "unmaps the page, but for highmem (32-bit)",
            "nothing": "does nothing for ordinary memory, returns 0",
            "stub": "a stub that returns 0",
        },
    ),
    "splits": (
        "splits a large entry",
        {"yes": "splits large entries", "no": "does not split"},
    ),
    "flushes": (
        "flushes the TLB",
        {
            "yes": "flushes the TLB",
            "on-split": "flushes the TLB only when it splits",
            "by-instruction": "no flush call: the instruction that replaces the entry purges it",
            "no": "does not flush",
        },
    ),
    "fails": ("can fail", {"yes": "can fail with -ENOMEM", "no": "does not fail"}),
    "sleeps": ("sleeps", {"yes": "may sleep", "no": "does not sleep"}),
    "secretmem": (
        "SECRETMEM",
        {
            "default-on": "on by default",
            "not-selectable": "cannot be built",
            "no-option": "no such option",
        },
    ),
    "syscall": (
        "memfd_secret(2)",
        {"wired": "in the syscall table", "none": "no such syscall"},
    ),
    "guest_memfd": (
        "KVM_GUEST_MEMFD",
        {
            "selected": "always selected",
            "conditional": "selected under a condition",
            "not-selected": "not selected",
            "no-option": "no such option",
        },
    ),
}


class Evidence(Struct, frozen=True, kw_only=True):
    """A place in the source tree and what stands there.

    `path` is relative to the tree, `lines` the first and last line (None: the whole file).
    `within` is the function or Kconfig entry (`config X86`) it stands in. Exactly one of these is
    set: `text`, whole lines as they are; `lacks`, words that stand nowhere there; `missing`, the
    file does not exist; `read`, what somebody read in a tree that is not given.
    """

    path: str
    lines: tuple[int, int] | None
    within: str | None
    text: str | None
    lacks: str | None
    missing: bool
    read: str | None
    location: Location

    @property
    def place(self) -> str:
        """Where it stands, `path:first-last`."""
        if self.lines is None:
            return self.path
        first, last = self.lines
        return f"{self.path}:{first}" if first == last else f"{self.path}:{first}-{last}"


class DirectMapCell(Struct, frozen=True, kw_only=True):
    """The answer to one of `QUESTIONS` with the condition it holds under, a note and sources."""

    question: str
    answer: str
    condition: str | None
    note: str | None
    sources: tuple[Evidence, ...]

    @property
    def meaning(self) -> str:
        """The answer in words."""
        return QUESTIONS[self.question][1].get(self.answer, UNKNOWN)


class DirectMapRelease(Struct, frozen=True, kw_only=True):
    """One release of one architecture.

    `grounded` is `tree` where the sources are of a tree that `verify_direct_maps` can compare
    with, `hand` where somebody read another tree. `absent` is what shows that the release does not
    have the architecture; there are no cells then.
    """

    release: str
    version: str
    grounded: str
    absent: tuple[Evidence, ...]
    cells: tuple[DirectMapCell, ...]
    location: Location

    def cell(self, question: str) -> DirectMapCell | None:
        """Return the answer to a question, None where the release lacks the architecture."""
        return next((cell for cell in self.cells if cell.question == question), None)

    @property
    def says_yes_does_nothing(self) -> bool:
        """Whether the check is true while the function that it is asked for does nothing."""
        predicate, effect = self.cell("predicate"), self.cell("effect")
        return bool(
            predicate
            and effect
            and predicate.answer == "always-true"
            and effect.answer in ("nothing", "stub")
        )


class DirectMap(Struct, frozen=True, kw_only=True):
    """The direct map of an architecture that is not simulated, oldest release first."""

    id: str
    title: str
    releases: tuple[DirectMapRelease, ...]
    location: Location
