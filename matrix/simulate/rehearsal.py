"""One order of events that somebody chose: what it does, step by step, and what it finds.

For questions of the form "what if the guest reads first?", where the shortest trace that `simulate`
reports is another one.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location, unknown_word_hint
from matrix.simulate.events import EVENTS
from matrix.simulate.execution import machine_for
from matrix.simulate.inputs import SimulationInputs
from matrix.simulate.linear_map import linear_maps
from matrix.simulate.outcome import Step
from matrix.simulate.trace import ImpossibleEventError, replay
from matrix.simulate.world import ASSUMPTION, ASSUMPTIONS


class Rehearsal(Struct, frozen=True, kw_only=True):
    """The steps of the chosen order, and (name, message) of all that its last event found."""

    steps: tuple[Step, ...]
    found: tuple[tuple[str, str], ...]


def rehearse(
    inputs: SimulationInputs,
    events: Sequence[str],
    *,
    assumption: str = ASSUMPTIONS[ASSUMPTION][0],
    location: Location | None = None,
) -> Rehearsal:
    """Run `events` in this order after boot, with P where the largest mapping is.

    Raises InputError: MX0706 unknown event, MX0707 an event that cannot happen where it stands,
    MX0708 unknown value of the assumption.
    """
    known = [event.name for event in EVENTS]
    values = ASSUMPTIONS[ASSUMPTION]
    wrong = [
        _unknown("MX0706", "event", name, known, location) for name in events if name not in known
    ]
    if assumption not in values:
        wrong.append(_unknown("MX0708", f"value of {ASSUMPTION}", assumption, values, location))
    if wrong:
        raise InputError(wrong)
    machine = machine_for(inputs, linear_maps(inputs)[0], assumption=assumption)
    try:
        steps, found = replay(machine, events)
    except ImpossibleEventError as impossible:
        raise InputError(
            Diagnostic(
                code="MX0707",
                message=f"the event `{impossible.event}` cannot happen at step {impossible.step}",
                location=location,
                hint=(
                    f"possible there: {', '.join(impossible.possible)}"
                    if impossible.possible
                    else "nothing can happen there: the kernel died before"
                ),
            )
        ) from impossible
    return Rehearsal(steps=steps, found=found)


def _unknown(
    code: str, kind: str, word: str, known: Sequence[str], location: Location | None
) -> Diagnostic:
    hint = unknown_word_hint(word, known, "values" if kind.startswith("value") else f"{kind}s")
    message = f"unknown {kind} `{word}`"
    return Diagnostic(code=code, message=message, location=location, hint=hint)
