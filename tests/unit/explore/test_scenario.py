"""Scenarios, options and events by name: what is unknown is told with what is known."""

from __future__ import annotations

import pytest

from matrix.diagnostics import InputError, Location, format_diagnostic
from matrix.explore.scenario import defaults_of
from matrix.scenarios import every_scenario, known_scenario, scenario
from tests.unit.scenarios.by_inputs import rehearse
from tests.unit.scenarios.simulation_cases import inputs_of

PLACE = Location(file="capability.yaml", line=3, column=11, text="scenario: gmen")


def test_defaults_are_left_out_and_the_rest_is_sorted() -> None:
    chosen = [("tlb-flush", "none"), ("guest", "any"), ("folio", "large")]
    assert scenario("gmem").chosen(chosen) == (("folio", "large"), ("tlb-flush", "none"))
    defaults = defaults_of(scenario("secretmem").options)
    assert scenario("secretmem").chosen(defaults.items()) == ()


def test_everything_that_is_wrong_is_told_at_once() -> None:
    chosen = [
        ("tlb-flsh", "none"),
        ("guest", "no-exect"),
        ("folio", "large"),
        ("folio", "small"),
    ]
    with pytest.raises(InputError) as raised:
        scenario("gmem").chosen(chosen, PLACE)
    found = raised.value.diagnostics
    assert [item.code for item in found] == ["MX0702", "MX0703", "MX0704"]
    assert all(item.location == PLACE for item in found)
    hints = [item.hint or "" for item in found]
    assert hints[0].startswith("did you mean `tlb-flush`?")
    assert hints[1] == "did you mean `no-exec`? known values: any, no-exec"
    assert "as `large` and `small`" in found[2].message


def test_an_unknown_scenario_is_told_with_those_there_are() -> None:
    with pytest.raises(InputError) as raised:
        known_scenario("gmen", PLACE)
    (found,) = raised.value.diagnostics
    assert format_diagnostic(found).startswith(
        "capability.yaml:3:11: error[MX0701]: unknown scenario `gmen`"
    )
    hint = found.hint or ""
    assert hint.startswith("did you mean `gmem`?")
    assert all(one.id in hint for one in every_scenario())


def test_the_same_word_twice_is_no_contradiction() -> None:
    chosen = [("folio", "large"), ("folio", "large")]
    assert scenario("gmem").chosen(chosen) == (("folio", "large"),)


def test_every_word_is_explained() -> None:
    for one in every_scenario():
        assert one.title
        assert one.gates
        for option in one.options:
            assert len(option.values) > 1
            assert all(option.values.values())


def test_unknown_events_and_values_are_told_at_once() -> None:
    with pytest.raises(InputError) as raised:
        rehearse(inputs_of(), ["guest reed", "falocate"], assumption="fault", location=PLACE)
    found = raised.value.diagnostics
    assert [item.code for item in found] == ["MX0706", "MX0706", "MX0708"]
    hints = [item.hint or "" for item in found]
    assert hints[0].startswith("did you mean `guest read`? known events: ")
    assert hints[1].startswith("did you mean `fallocate`?")
    assert hints[2] == "did you mean `faults`? known values: faults, ignored, performed"


def test_an_event_that_cannot_happen_tells_what_can() -> None:
    with pytest.raises(InputError) as raised:
        rehearse(inputs_of(), ["fallocate", "fallocate"])
    (found,) = raised.value.diagnostics
    assert found.code == "MX0707"
    assert found.message == "the event `fallocate` cannot happen at step 2"
    assert "guest read" in (found.hint or "")


def test_nothing_happens_after_the_kernel_died() -> None:
    inputs = inputs_of(settings={"fwb": False})
    with pytest.raises(InputError) as raised:
        rehearse(inputs, ["guest read", "guest read"])
    assert raised.value.diagnostics[0].hint == "nothing can happen there: the kernel died before"


def test_an_event_of_another_scenario_is_unknown() -> None:
    with pytest.raises(InputError) as raised:
        rehearse(inputs_of(settings={"scenario": "secretmem"}), ["guest read"])
    assert raised.value.diagnostics[0].code == "MX0706"
