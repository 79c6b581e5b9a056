from __future__ import annotations

import pytest

from matrix.diagnostics import InputError
from matrix.solve.diagram import Diagram
from matrix.solve.space import FiniteVariable, Space, within_memory
from tests.brute import Brute

KERNEL = FiniteVariable(name="kernel", options=("6.12", "7.2", "7.3"))
ENTRY = FiniteVariable(name="entry", options=("el2", "el1"))
DIC = FiniteVariable(name="dic", options=("0", "1"), values=(0, 1))
SPACE = Space(variables=(KERNEL, ENTRY), hidden=(DIC,))

BACKENDS = pytest.mark.parametrize("backend_type", [Brute, Diagram])


@pytest.mark.parametrize("options", [(), ("a", "a")])
def test_options_are_different_and_at_least_one(options: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        FiniteVariable(name="x", options=options)


def test_a_variable_has_one_value_per_option() -> None:
    with pytest.raises(ValueError, match="one value per option"):
        FiniteVariable(name="x", options=("a", "b"), values=(1,))


def test_the_value_of_a_variable_is_its_option_unless_declared() -> None:
    assert KERNEL.value("7.2") == "7.2"
    assert DIC.value("1") == 1


def test_names_of_variables_are_different() -> None:
    with pytest.raises(ValueError, match="same name"):
        Space(variables=(KERNEL,), hidden=(KERNEL,))


def test_an_order_names_every_variable() -> None:
    with pytest.raises(ValueError, match="every variable once"):
        Space(variables=(KERNEL, ENTRY), order=("kernel",))


def test_a_variable_is_found_by_name() -> None:
    assert SPACE.variable("dic") is DIC
    with pytest.raises(KeyError):
        SPACE.variable("cpu")


@BACKENDS
def test_hidden_variables_are_not_counted(backend_type: type[Brute | Diagram]) -> None:
    everything = backend_type(SPACE).everything()
    half = everything.restrict("dic", ("1",))
    assert everything.count() == half.count() == 6
    assert half != everything
    assert half.project_hidden() == everything
    assert (~half).count() == 6
    assert half.support() == {"dic"}


@BACKENDS
def test_a_cell_is_a_part_of_a_region(backend_type: type[Brute | Diagram]) -> None:
    region = backend_type(SPACE).everything().restrict("kernel", ("7.2", "7.3"))
    assert region.at({"kernel": "7.3", "entry": "el1"}).count() == 1
    assert region.at({"kernel": "6.12"}).is_empty()
    assert region.at({}) == region


@BACKENDS
def test_options_under_which_a_region_looks_the_same_are_one_group(
    backend_type: type[Brute | Diagram],
) -> None:
    backend = backend_type(SPACE)
    el1 = backend.everything().restrict("entry", ("el1",))
    region = backend.everything().at({"kernel": "7.2"}) | el1
    assert region.split("kernel") == ((("6.12", "7.3"), el1), (("7.2",), backend.everything()))
    assert region.options("entry") == ("el2", "el1")
    assert (region - el1).options("entry") == ("el2",)


@BACKENDS
def test_unknown_variables_and_options_are_key_errors(
    backend_type: type[Brute | Diagram],
) -> None:
    everything = backend_type(SPACE).everything()
    with pytest.raises(KeyError):
        everything.restrict("cpu", ("a",))
    with pytest.raises(KeyError):
        everything.restrict("kernel", ("5.10",))


@BACKENDS
def test_a_space_without_axes_has_one_cell(backend_type: type[Brute | Diagram]) -> None:
    backend = backend_type(Space(variables=(), hidden=(DIC,)))
    assert backend.everything().count() == 1
    assert list(backend.everything().cells()) == [{}]
    assert backend.everything().pick() == {}
    assert backend.everything().sample(3, seed=0) == ({},)
    assert backend.nothing().count() == 0
    assert list(backend.nothing().cells()) == []
    assert backend.nothing().pick() is None


def test_regions_of_different_backends_do_not_mix() -> None:
    brute, diagram, other = Brute(SPACE), Diagram(SPACE), Diagram(SPACE)
    assert brute.everything() != diagram.everything()
    assert diagram.everything() != other.everything()
    with pytest.raises(TypeError):
        brute.everything() & diagram.everything()
    with pytest.raises(TypeError):
        diagram.everything() & other.everything()


def test_lack_of_memory_is_a_diagnostic() -> None:
    with pytest.raises(InputError) as caught, within_memory():
        raise MemoryError
    assert caught.value.diagnostics[0].code == "MX0654"
