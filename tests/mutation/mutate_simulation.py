"""Remove each micro-operation of the simulation, flip each condition, and see whether a test fails.

Run by hand: `python -m tests.mutation.mutate_simulation [--list] [NUMBER…]` from the root. A mutant
that no test kills is a survivor; `survivors.yaml` has the reason for each one that is accepted.
Rows that say the same (the fault of a read and of a write) are one kernel function and one mutant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from unittest.mock import patch

from _pytest.mark.structures import ParameterSet
from msgspec import Struct
from msgspec.structs import replace
from ruamel.yaml import YAML

from matrix.explore.scenario import AnyScenario
from matrix.explore.simulate import clear_cache
from matrix.scenarios import scenario
from matrix.scenarios.arm64.machine import Condition, Row
from tests.unit.explore import test_interleave, test_simulate
from tests.unit.scenarios import by_inputs, test_cases
from tests.unit.scenarios.simulation_inputs import SCENARIOS

# The worlds whose rows are changed; what they share is changed in all.
WORLDS = tuple(map(scenario, SCENARIOS))

SURVIVORS = Path(__file__).with_name("survivors.yaml")

# Accepted at most: 5 % of all mutants.
SHARE = 0.05

Key = tuple[str, tuple[str, ...], tuple[str, ...], str]


class Mutant(Struct, frozen=True, kw_only=True):
    """One change: `row` is left out, or condition `number` of its `when` or `unless` is flipped."""

    name: str
    key: Key
    side: str | None = None
    number: int = 0

    def applied(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """Return the rows with the change made wherever the row occurs."""
        changed: list[Row] = []
        for row in rows:
            if key_of(row) != self.key:
                changed.append(replace(row, body=self.applied(row.body)))
            elif self.side is not None:
                changed.append(replace(self._flipped(row), body=self.applied(row.body)))
        return tuple(changed)

    def _flipped(self, row: Row) -> Row:
        conditions = list(row.when if self.side == "when" else row.unless)
        conditions[self.number] = _not(conditions[self.number])
        if self.side == "when":
            return replace(row, when=tuple(conditions))
        return replace(row, unless=tuple(conditions))


def _not(condition: Condition) -> Condition:
    return Condition(
        name=f"not {condition.name}",
        holds=lambda machine, world: not condition.holds(machine, world),
        of_class=condition.of_class,
    )


def key_of(row: Row) -> Key:
    """Return what tells one row of the model from another."""
    effect = getattr(row.effect, "__qualname__", "") if row.effect else ""
    names = (tuple(item.name for item in side) for side in (row.when, row.unless))
    when, unless = names
    return (row.operation, when, unless, effect)


def mutants() -> list[Mutant]:
    """Return every mutant once, in the order of the events."""
    found: dict[str, Mutant] = {}
    for event in (event for world in WORLDS for event in world.events):
        for row in _all_rows(event.rows):
            for mutant in _of_row(row):
                found.setdefault(mutant.name, mutant)
    return list(found.values())


def _all_rows(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        yield row
        yield from _all_rows(row.body)


def _of_row(row: Row) -> Iterator[Mutant]:
    key = key_of(row)
    conditions = ", ".join([*key[1], *(f"unless {name}" for name in key[2])])
    where = f"{row.operation} [{conditions}]" if conditions else row.operation
    where += f" ({key[3]})" if key[3] else ""
    yield Mutant(name=f"without {where}", key=key)
    for side, items in (("when", row.when), ("unless", row.unless)):
        for number, item in enumerate(items):
            yield Mutant(
                name=f"flip {side} `{item.name}` of {where}", key=key, side=side, number=number
            )


def checks() -> Iterator[Callable[[], None]]:
    """Yield the tests that must kill a mutant, the quick ones first.

    Not the tests of the tables: that every name is used kills every removal and proves nothing.
    """
    for parameters in test_cases.REHEARSALS:
        yield _bound(test_cases.test_orders, parameters)
    for parameters in test_cases.CASES:
        yield _bound(test_cases.test_findings, parameters)
    yield test_simulate.test_two_flushes_are_counted
    for linear_map, settings in test_interleave.SOUND:
        yield partial(test_interleave.test_the_series_withstands_two_actors, linear_map, settings)
    yield test_interleave.test_a_deferred_flush_leaves_a_window_that_one_actor_does_not_show
    for settings in test_interleave.BASE:
        yield partial(test_interleave.test_the_base_kernel_withstands_two_actors, settings)
    yield test_interleave.test_a_trace_names_the_actors_and_begins_at_boot


def _bound(test: Callable[..., None], parameters: ParameterSet) -> Callable[[], None]:
    return partial(test, *parameters.values)


def kills(worlds: Sequence[AnyScenario]) -> bool:
    """Say whether a test fails with these worlds in place of the model's."""
    by_id = {world.id: world for world in worlds}
    with patch.object(by_inputs, "scenario_of", lambda inputs: by_id[inputs.scenario]):
        clear_cache()
        try:
            for check in checks():
                check()
        except Exception:  # noqa: BLE001 - whatever a mutated model raises, a test has failed
            return True
        finally:
            clear_cache()
    return False


def survives(mutant: Mutant) -> bool:
    """Say whether no test notices the mutant."""
    return not kills([_mutated(world, mutant) for world in WORLDS])


def _mutated(world: AnyScenario, mutant: Mutant) -> AnyScenario:
    events = [replace(event, rows=mutant.applied(event.rows)) for event in world.events]
    return replace(world, events=tuple(events))


def accepted() -> dict[str, str]:
    """Return the survivors that are known, each with the reason."""
    loaded: dict[str, str] = YAML(typ="safe", pure=True).load(SURVIVORS.read_text("utf-8")) or {}
    return loaded


def main(arguments: Sequence[str]) -> int:
    """Try the mutants (all, or those with the given numbers); 0 where every survivor is known."""
    every = mutants()
    if "--list" in arguments:
        sys.stdout.write("".join(f"{number:4} {item.name}\n" for number, item in enumerate(every)))
        return 0
    chosen = [every[int(number)] for number in arguments] or every
    if kills(WORLDS):
        sys.stderr.write("a test fails without any mutation\n")
        return 1
    survivors = []
    for mutant in chosen:
        if survives(mutant):
            survivors.append(mutant.name)
            sys.stdout.write(f"SURVIVES {mutant.name}\n")
    known = accepted()
    unknown = [name for name in survivors if name not in known]
    stale = [name for name in known if name not in survivors] if chosen == every else []
    share = len(survivors) / len(chosen)
    sys.stdout.write(f"{len(chosen)} mutants, {len(survivors)} survivors ({share:.1%})\n")
    sys.stdout.write("".join(f"without a reason: {name}\n" for name in unknown))
    sys.stdout.write("".join(f"no longer survives: {name}\n" for name in stale))
    too_many = chosen == every and share > SHARE
    return 1 if unknown or stale or too_many else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
