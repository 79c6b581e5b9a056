"""A scenario that a capability names: there must be one, of its gate, and of its architecture."""

from __future__ import annotations

from functools import cache

import pytest
from msgspec.structs import replace

from matrix.analyze.cell.question import lower_question
from matrix.analyze.facts.program import FactProgram
from matrix.diagnostics import Diagnostic, InputError
from matrix.flows.knowledge import Library
from matrix.schema.values import Capability


@cache
def library() -> Library:
    return Library(())


def capability() -> Capability:
    known = library().knowledge.capabilities
    return next(item for item in known if item.id == "gmem-no-direct-map")


def program() -> FactProgram:
    known = library().knowledge.kernels
    return library().program(next(item for item in known if item.id == "linux-7.3-arm64"))


def refused(asked: Capability, of: FactProgram) -> Diagnostic:
    with pytest.raises(InputError) as raised:
        lower_question(of, asked, asked.predicates[0])
    (found,) = raised.value.diagnostics
    return found


def test_a_scenario_that_there_is_not_is_told_where_it_stands() -> None:
    found = refused(replace(capability(), scenario="gmen"), program())
    assert found.code == "MX0701"
    assert found.location == capability().scenario_location
    assert found.hint is not None
    assert found.hint.startswith("did you mean `gmem`?")


def test_the_scenario_of_another_gate_is_refused() -> None:
    found = refused(replace(capability(), scenario="secretmem"), program())
    assert found.code == "MX0241"
    assert "`memfd_secret(2)`" in found.message
    assert "`GUEST_MEMFD_FLAG_NO_DIRECT_MAP`" in found.message


def test_an_architecture_that_does_not_say_what_it_takes_is_refused() -> None:
    rows = {name: row for name, row in program().simulation.items() if name not in ("fwb", "vm")}
    found = refused(capability(), replace(program(), simulation=rows))
    assert found.code == "MX0720"
    assert "`fwb`, `vm`" in found.message
    # Not having a row for what has a default is no fault.
    whole = {name: row for name, row in program().simulation.items() if name != "userspace_addr"}
    question = lower_question(
        replace(program(), simulation=whole), capability(), capability().predicates[0]
    )
    assert "userspace_addr" not in dict(question.rows)
