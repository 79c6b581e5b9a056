"""The simulated worlds, one module each, found by their ids.

A module of this room exports one value, `SCENARIO`; its name is the id, with `_` for `-`. Nothing
else names them: a new module is a new scenario. What several of them share is in a folder.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from matrix.diagnostics import InputError, Location
from matrix.door.package import modules_of
from matrix.explore.scenario import AnyScenario, unknown


@cache
def scenario_ids() -> tuple[str, ...]:
    """Return the id of every scenario, sorted; none of them is imported."""
    return tuple(sorted(name.replace("_", "-") for name in modules_of("scenarios")))


@cache
def scenario(id: str) -> AnyScenario:  # noqa: A002 - what it is
    """Return a scenario by its id.

    Raises KeyError for an id that `known_scenario` did not let pass.
    """
    if id not in scenario_ids():
        raise KeyError(id)
    found: AnyScenario = import_module(f"{__name__}.{id.replace('-', '_')}").SCENARIO
    return found


def known_scenario(id: str, location: Location | None = None) -> AnyScenario:  # noqa: A002
    """Return the scenario that a declaration names.

    Raises InputError: MX0701, there is none.
    """
    if id not in scenario_ids():
        raise InputError(unknown("MX0701", "scenario", id, scenario_ids(), location))
    return scenario(id)


def every_scenario() -> tuple[AnyScenario, ...]:
    """Return all scenarios, sorted by id."""
    return tuple(map(scenario, scenario_ids()))
