"""Hypothesis generators of simulation inputs: every combination of fields, likely or not."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import fields

from matrix.simulate.inputs import DOMAINS, SimulationInputs
from matrix.simulate.scenario import OPTIONS

_SWITCHES = [field.name for field in fields(SimulationInputs) if field.type == "bool"]


def variants() -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    """A few mechanism options that differ from the series as posted."""
    one = st.sampled_from(
        [(option.name, value) for option in OPTIONS for value in list(option.values)[1:]]
    )
    chosen = st.lists(one, max_size=3, unique_by=lambda item: item[0])
    return chosen.map(lambda items: tuple(sorted(items)))


def simulation_inputs(
    variant: st.SearchStrategy[tuple[tuple[str, str], ...]] | None = None,
) -> st.SearchStrategy[SimulationInputs]:
    """Any inputs; also combinations that no kernel has, for the laws hold there as well."""
    values: dict[str, st.SearchStrategy[object]] = {name: st.booleans() for name in _SWITCHES}
    values |= {name: st.sampled_from(words) for name, words in DOMAINS.items()}
    values["page_shift"] = st.sampled_from((12, 14, 16))
    values["icache_min_line_shift"] = st.sampled_from((4, 0, 1))
    values["variant"] = st.one_of(st.just(()), variants()) if variant is None else variant
    return st.builds(SimulationInputs, **values)
