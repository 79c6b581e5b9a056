"""One order of events that somebody chose: what it does, step by step, and what it finds.

For questions of the form "what if the guest reads first?", where the shortest trace that `simulate`
reports is another one.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import InputError, Location
from matrix.explore.outcome import Step
from matrix.explore.scenario import I, M, S, Scenario, W, unknown
from matrix.explore.trace import ImpossibleEventError, replay


class Rehearsal(Struct, frozen=True, kw_only=True):
    """The steps of the chosen order, and (name, message) of all that its last event found."""

    steps: tuple[Step, ...]
    found: tuple[tuple[str, str], ...]


def rehearse(
    scenario: Scenario[I, M, S, W],
    inputs: I,
    events: Sequence[str],
    *,
    assumption: str | None = None,
    location: Location | None = None,
) -> Rehearsal:
    """Run `events` in this order after boot, in the first of the class's places.

    Of the assumption its first value holds unless another is given. Raises InputError: MX0706
    unknown event, MX0707 an event that cannot happen where it stands, MX0708 unknown value of the
    assumption.
    """
    known = [event.name for event in scenario.events]
    wrong = [
        unknown("MX0706", "event", name, known, location) for name in events if name not in known
    ]
    value = scenario.assumed[0] if assumption is None else assumption
    if value not in scenario.assumed:
        kind = f"value of {scenario.assumption.name}" if scenario.assumption else "value of nothing"
        wrong.append(unknown("MX0708", kind, value, scenario.assumed, location))
    if wrong:
        raise InputError(wrong)
    machine = replace(scenario.machines(inputs)[0], assumption=value)
    try:
        steps, found = replay(scenario, machine, events)
    except ImpossibleEventError as impossible:
        raise InputError.of(
            code="MX0707",
            message=f"the event `{impossible.event}` cannot happen at step {impossible.step}",
            location=location,
            hint=(
                f"possible there: {', '.join(impossible.possible)}"
                if impossible.possible
                else "nothing can happen there: the kernel died before"
            ),
        ) from impossible
    return Rehearsal(steps=steps, found=found)
