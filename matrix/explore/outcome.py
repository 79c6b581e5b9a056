"""What the simulation found: traces of named micro-operations, per violated invariant.

The kernel source line of a micro-operation is not known here; `flows` attaches it from the
profile by the operation's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from matrix.explore.inputs import SimulationInputs


class Lane(Struct, frozen=True, kw_only=True):
    """One part of the state, as a frame of a trace shows it.

    `word` is what there is room for in a picture, `detail` all of it, page-table entries in hex
    among it. It `holds` nothing, something, or something that is out of date.
    """

    name: str
    word: str
    detail: str
    holds: Literal["nothing", "current", "stale"] = "current"


def details(lanes: Iterable[Lane]) -> dict[str, str]:
    """Return the lanes by name, in all detail."""
    return {lane.name: lane.detail for lane in lanes}


class MicroOperation(Struct, frozen=True, kw_only=True):
    """One thing done: `name` is the key of the profile's source line, `detail` what it touched.

    `returns` is the condition on which a call came back and had done nothing, empty where it did;
    `changed` are the names of the lanes that it changed. `stays`: nothing is done, the kernel died;
    it is what that leaves.
    """

    name: str
    detail: str
    returns: str = ""
    changed: tuple[str, ...] = ()
    stays: bool = False


class Step(Struct, frozen=True, kw_only=True):
    """One event of a trace with its micro-operations, and the state before and after it."""

    event: str
    operations: tuple[MicroOperation, ...]
    before: tuple[Lane, ...]
    after: tuple[Lane, ...]


class Violation(Struct, frozen=True, kw_only=True):
    """A broken invariant or an advisory with its shortest trace.

    `assumption` is (name, value), None: under every value. `depends` says of an advisory that
    something outside of the simulation must be so, too: `possible` or `unknown`.
    """

    invariant: str
    assumption: tuple[str, str] | None
    message: str
    trace: tuple[Step, ...]
    depends: str | None = None

    @property
    def certainty(self) -> str:
        """Return `certain`, `assumption=value`, or the word of `depends`."""
        return self.depends or "=".join(self.assumption or ("certain",))


class SimulationResult(Struct, frozen=True, kw_only=True):
    """All that was found for one behaviour class; `complete` is false past the state bound."""

    inputs: SimulationInputs
    violations: tuple[Violation, ...]
    advisories: tuple[Violation, ...]
    states: int
    transitions: int
    complete: bool


class TwoActorResult(Struct, frozen=True, kw_only=True):
    """What two actors at once can break, within `bound` (words) from `starts` states.

    `states` counts the nodes of all interleavings; `complete` is false past the bound on them. A
    step of a trace is what one actor does before the other one goes on; its event names the actor.
    """

    inputs: SimulationInputs
    violations: tuple[Violation, ...]
    bound: str
    starts: int
    states: int
    complete: bool
