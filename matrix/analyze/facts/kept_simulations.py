"""Simulations, each made once on a machine: what earlier runs found is taken up.

Takes a scenario and inputs, gives what `matrix/explore/simulate.py` gives. A result is kept under
its inputs and the modules that decide it, in the user's cache (`matrix/door/kept.py`); what is
damaged there, or of another form, is simulated anew.
"""

from __future__ import annotations

from functools import cache

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from matrix.door.kept import key_of, recall_value, remember_value
from matrix.door.package import code_of
from matrix.explore.inputs import SimulationInputs
from matrix.explore.outcome import SimulationResult, Violation
from matrix.explore.scenario import AnyScenario
from matrix.explore.simulate import Broken
from matrix.explore.simulate import simulate as explore_anew
from matrix.explore.simulate import without_capability as explore_base_anew

_KIND = "simulation"


class _Found(Struct, frozen=True, kw_only=True):
    """What is kept of one result: all but its inputs, which are in the key."""

    violations: tuple[Violation, ...]
    advisories: tuple[Violation, ...]
    states: int
    transitions: int


@cache
def simulate(scenario: AnyScenario, inputs: SimulationInputs) -> SimulationResult:
    """Return what is found in one class; one that passed the bound is not kept."""
    key = _key(b"class", inputs)
    # The scenario itself is no part of the key: its module is, in `code_of`, and its name is in the
    # inputs.
    found = recall_value(_KIND, key, _Found)
    if found is not None:
        return SimulationResult(inputs=inputs, **asdict(found), complete=True)
    result = explore_anew(scenario, inputs)
    if result.complete:
        kept = _Found(**{name: getattr(result, name) for name in _Found.__struct_fields__})
        remember_value(_KIND, key, kept)
    return result


@cache
def without_capability(scenario: AnyScenario, inputs: SimulationInputs) -> tuple[Broken, ...]:
    """Return what the base kernel violates by itself."""
    key = _key(b"base", scenario.base(inputs))
    found = recall_value(_KIND, key, tuple[Broken, ...])
    if found is None:
        found = explore_base_anew(scenario, inputs)
        remember_value(_KIND, key, found)
    return found


def _key(what: bytes, inputs: SimulationInputs) -> str | None:
    code = code_of("explore", "scenarios")
    return None if code is None else key_of(what, code, msgspec.msgpack.encode(inputs))
