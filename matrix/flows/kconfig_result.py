"""A projected Kconfig tree as values: what is cached, shown and written into a profile."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

SCHEMA = "matrix/kconfig-project/1"


class Constraint(Struct, frozen=True, kw_only=True):
    """A condition in C that every realizable `.config` satisfies, and why."""

    c: str
    because: str
    source: str
    grounded: str = "tree"


class Projected(Struct, frozen=True, kw_only=True):
    """What a tree says about some symbols.

    `assignments` counts the realizable ones. `answers` were given by a live toolchain, empty where
    recorded ones were replayed; `unanswered` are questions that nobody recorded, either answer of
    which was taken as possible. `left_out` are sourced files below Documentation/ that the tree
    came without. `evidence` says what the tree's Kconfig language was read from. `prompts` are the
    symbols whose type, and the condition of whose prompt, are what the profile declares; `asked`
    are (symbol, type, condition as C) of the others, as the tree has them.
    """

    release: str
    version: str
    arch: str
    evidence: str
    symbols: tuple[str, ...]
    assignments: int
    constraints: tuple[Constraint, ...]
    answers: tuple[tuple[str, str], ...]
    unanswered: tuple[str, ...]
    left_out: tuple[str, ...]
    prompts: tuple[str, ...]
    asked: tuple[tuple[str, str, str], ...] = ()

    def for_release(self, release: str) -> tuple[Constraint, ...]:
        """Return the constraints as a profile of that release states them.

        Lines of another release's tree are no source of it: they go with the sentence.
        """
        if release == self.release:
            return self.constraints
        return tuple(
            replace(
                item,
                grounded=f"borrowed from {self.release}",
                because=f"{item.because} ({item.source} of {self.release})",
                source="",
            )
            for item in self.constraints
        )
