"""Hypothesis generators of simulation inputs: every combination of fields, likely or not."""

from __future__ import annotations

from hypothesis import strategies as st

from matrix.scenarios.arm64.inputs import PageInputs
from matrix.scenarios.arm64.page import OPTIONS
from tests.unit.scenarios.by_inputs import DOMAINS

# Worlds of one arm64 page.
SCENARIOS = ("gmem", "secretmem")


def variants() -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    """A few mechanism options that differ from the series as posted."""
    one = st.sampled_from(
        [(option.name, value) for option in OPTIONS for value in list(option.values)[1:]]
    )
    chosen = st.lists(one, max_size=3, unique_by=lambda item: item[0])
    return chosen.map(lambda items: tuple(sorted(items)))


def simulation_inputs(
    variant: st.SearchStrategy[tuple[tuple[str, str], ...]] | None = None,
) -> st.SearchStrategy[PageInputs]:
    """Any inputs; also combinations that no kernel has, for the laws hold there as well."""
    values: dict[str, st.SearchStrategy[object]] = {
        name: st.sampled_from(words) if isinstance(words, tuple) else st.booleans()
        for name, words in DOMAINS.items()
    }
    values["scenario"] = st.sampled_from(SCENARIOS)
    values["page_shift"] = st.sampled_from((12, 14, 16))
    values["icache_min_line_shift"] = st.sampled_from((4, 0, 1))
    values["variant"] = st.one_of(st.just(()), variants()) if variant is None else variant
    return st.builds(PageInputs, **values)
