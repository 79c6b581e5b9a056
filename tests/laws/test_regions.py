"""Laws of the solver: the backends agree with each other, with evaluation and with plain sets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.diagnostics import InputError
from matrix.expr.evaluation import evaluate
from matrix.expr.nodes import Expression, Name, Value
from matrix.expr.trees import substitute
from matrix.solve.cover import cover
from matrix.solve.diagram import Diagram
from matrix.solve.partition import Compiler, Table
from matrix.solve.space import Backend, FiniteVariable, Region, Space
from tests.brute import Brute
from tests.strategies import SmallStudy, cell_sets, small_studies, spaces

Cells = frozenset[tuple[str, ...]]

# The acceptance asks for at least 200 studies in the plain run; the ci profile asks for more.
STUDIES = settings(max_examples=max(200, settings.default.max_examples if settings.default else 0))
BACKENDS = pytest.mark.parametrize("backend_type", [Brute, Diagram])


def compiler(study: SmallStudy, backend_type: type[Brute | Diagram]) -> Compiler:
    return Compiler(backend_type(study.space), study.definitions, study.tables)


def cells_of(region: Region) -> Cells:
    return frozenset(tuple(cell.values()) for cell in region.cells())


def region_of(backend: Backend, cells: Cells) -> Region:
    region = backend.nothing()
    for cell in cells:
        part = backend.everything()
        for variable, option in zip(backend.space.variables, cell, strict=True):
            part = part.restrict(variable.name, (option,))
        region |= part
    return region


def product(space: Space) -> Iterator[dict[str, str]]:
    names = [variable.name for variable in space.variables]
    for options in itertools.product(*(variable.options for variable in space.variables)):
        yield dict(zip(names, options, strict=True))


def value_at(study: SmallStudy, cell: Mapping[str, str], expression: Expression) -> Value:
    """The value by concrete evaluation: definitions and tables are looked up cell by cell."""

    def lookup(name: str) -> Value:
        for variable in study.space.all_variables:
            if variable.name == name:
                index = variable.options.index(cell[name])
                return variable.values[index] if variable.values else cell[name]
        if name in study.tables:
            table = study.tables[name]
            return evaluate(table.entries[cell[table.variable]], lookup)
        return evaluate(study.definitions[name], lookup)

    return evaluate(expression, lookup)


@STUDIES
@given(small_studies())
def test_backends_agree_on_partitions(study: SmallStudy) -> None:
    brute, diagram = compiler(study, Brute), compiler(study, Diagram)
    for name in study.names:
        expected, found = brute.partition(Name(name)), diagram.partition(Name(name))
        assert list(found) == list(expected)
        for value, region in expected.items():
            same = found[value]
            assert same.count() == region.count()
            assert list(same.cells()) == list(region.cells())
            assert same.support() == region.support()
            assert same.project_hidden().support() == region.project_hidden().support()
            assert (~same).count() == (~region).count()
            assert same.pick() == region.pick()
            assert same.sample(3, seed=1) == region.sample(3, seed=1)
            for variable in study.space.all_variables:
                assert same.options(variable.name) == region.options(variable.name)


@STUDIES
@given(small_studies(), st.data())
def test_backends_agree_on_joint_partitions(study: SmallStudy, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(study.names), max_size=3, unique=True))

    def joint(backend_type: type[Brute | Diagram]) -> list[object]:
        try:
            parts = compiler(study, backend_type).joint(names)
        except InputError as error:
            return [diagnostic.code for diagnostic in error.diagnostics]
        return [(values, list(region.cells())) for values, region in parts]

    assert joint(Diagram) == joint(Brute)


@STUDIES
@given(small_studies(max_hidden=0))
def test_partition_is_evaluation_of_every_cell(study: SmallStudy) -> None:
    symbolic = compiler(study, Diagram)
    for name in study.names:
        by_cell = {
            cell: value
            for value, region in symbolic.partition(Name(name)).items()
            for cell in cells_of(region)
        }
        assert by_cell == {
            tuple(cell.values()): value_at(study, cell, Name(name)) for cell in product(study.space)
        }


@given(small_studies(max_hidden=0), st.data())
def test_joint_partition_is_evaluation_of_every_cell(
    study: SmallStudy, data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.sampled_from(study.names), max_size=4, unique=True))
    expected = {
        tuple(cell.values()): tuple(value_at(study, cell, Name(name)) for name in names)
        for cell in product(study.space)
    }
    if any(None in values for values in expected.values()):
        with pytest.raises(InputError):
            compiler(study, Diagram).joint(names)
        return
    parts = compiler(study, Diagram).joint(names)
    found = {cell: tuple(values.values()) for values, part in parts for cell in cells_of(part)}
    assert found == expected
    assert len(parts) == len({tuple(values.values()) for values, _ in parts})
    assert sum(part.count() for _, part in parts) == len(expected)


@given(small_studies(), st.data())
def test_a_constraint_never_adds_cells(study: SmallStudy, data: st.DataObject) -> None:
    solver = compiler(study, Diagram)
    name, constraint = (data.draw(st.sampled_from(study.names)) for _ in range(2))
    for region in solver.partition(Name(name)).values():
        for allowed in solver.partition(Name(constraint)).values():
            both = region & allowed
            assert both.count() <= min(region.count(), allowed.count())
            assert cells_of(both) <= cells_of(region)


@given(small_studies())
def test_renaming_keeps_counts(study: SmallStudy) -> None:
    renamed = rename(study)
    before, after = compiler(study, Diagram), compiler(renamed, Diagram)
    for old, new in zip(study.names, renamed.names, strict=True):
        parts, renamed_parts = before.partition(Name(old)), after.partition(Name(new))
        assert [part.count() for part in parts.values()] == [
            part.count() for part in renamed_parts.values()
        ]


def rename(study: SmallStudy) -> SmallStudy:
    """The study with `new.` before every name."""
    mapping: dict[str, Expression] = {name: Name(f"new.{name}") for name in study.names}

    def renamed(variables: Sequence[FiniteVariable]) -> tuple[FiniteVariable, ...]:
        return tuple(
            FiniteVariable(name=f"new.{v.name}", options=v.options, values=v.values)
            for v in variables
        )

    return SmallStudy(
        space=Space(
            variables=renamed(study.space.variables),
            hidden=renamed(study.space.hidden),
            order=tuple(f"new.{name}" for name in study.space.order),
        ),
        definitions={
            f"new.{name}": substitute(tree, mapping) for name, tree in study.definitions.items()
        },
        tables={
            f"new.{name}": Table(
                variable=f"new.{table.variable}",
                entries={
                    option: substitute(tree, mapping) for option, tree in table.entries.items()
                },
            )
            for name, table in study.tables.items()
        },
    )


@given(small_studies())
def test_the_order_of_variables_changes_no_answer(study: SmallStudy) -> None:
    names = [variable.name for variable in study.space.all_variables]
    reordered = Space(
        variables=study.space.variables, hidden=study.space.hidden, order=tuple(reversed(names))
    )
    before = compiler(study, Diagram)
    after = Compiler(Diagram(reordered), study.definitions, study.tables)
    for name in study.names:
        parts, again = before.partition(Name(name)), after.partition(Name(name))
        assert list(parts) == list(again)
        for value, part in parts.items():
            assert list(again[value].cells()) == list(part.cells())
            assert again[value].sample(2, seed=7) == part.sample(2, seed=7)


@BACKENDS
@given(data=st.data())
def test_regions_are_sets_of_cells(
    backend_type: type[Brute | Diagram], data: st.DataObject
) -> None:
    space = data.draw(spaces(max_hidden=1))
    everything = frozenset(tuple(cell.values()) for cell in product(space))
    left, right = data.draw(cell_sets(space)), data.draw(cell_sets(space))
    backend = backend_type(space)
    a, b = region_of(backend, left), region_of(backend, right)
    assert cells_of(a) == left
    assert a.count() == len(left)
    assert a.is_empty() == (not left)
    assert cells_of(a & b) == left & right
    assert cells_of(a | b) == left | right
    assert cells_of(a - b) == left - right
    assert cells_of(~a) == everything - left
    assert (a <= b) == (left <= right)
    assert (a == b) == (left == right)
    assert a == region_of(backend, left)
    assert hash(a) == hash(region_of(backend, left))
    for index, variable in enumerate(space.variables):
        chosen = variable.options[: data.draw(st.integers(0, len(variable.options)))]
        assert cells_of(a.restrict(variable.name, chosen)) == {
            cell for cell in left if cell[index] in chosen
        }
        assert a.options(variable.name) == tuple(
            option for option in variable.options if any(cell[index] == option for cell in left)
        )
        assert cells_of(a.forget((variable.name,))) == {
            (*cell[:index], option, *cell[index + 1 :])
            for cell in left
            for option in variable.options
        }


@given(small_studies())
def test_projection_is_being_in_for_some_hidden_option(study: SmallStudy) -> None:
    solver = compiler(study, Diagram)
    seen = [variable.name for variable in study.space.variables]
    open_study = SmallStudy(
        space=Space(variables=study.space.all_variables),
        definitions=study.definitions,
        tables=study.tables,
    )
    for name in study.names:
        for value, region in solver.partition(Name(name)).items():
            cells = {
                tuple(cell[axis] for axis in seen)
                for cell in product(open_study.space)
                if value_at(open_study, cell, Name(name)) == value
            }
            assert cells_of(region) == cells
            assert cells_of(region.project_hidden()) == cells


@BACKENDS
@given(data=st.data())
def test_cells_come_in_the_order_of_the_space(
    backend_type: type[Brute | Diagram], data: st.DataObject
) -> None:
    space = data.draw(spaces())
    chosen = data.draw(cell_sets(space))
    region = region_of(backend_type(space), chosen)
    expected = [cell for cell in product(space) if tuple(cell.values()) in chosen]
    assert list(region.cells()) == expected
    limit = data.draw(st.integers(0, 5))
    assert list(region.cells(limit)) == expected[:limit]
    assert region.pick() == (expected[0] if expected else None)


@given(st.data())
def test_a_sample_is_cells_of_the_region_each_once(data: st.DataObject) -> None:
    space = data.draw(spaces())
    chosen = data.draw(cell_sets(space))
    region = region_of(Diagram(space), chosen)
    size, seed = data.draw(st.integers(0, 20)), data.draw(st.integers())
    sample = [tuple(cell.values()) for cell in region.sample(size, seed)]
    assert len(sample) == len(set(sample)) == min(size, len(chosen))
    assert set(sample) <= chosen
    assert sample == [
        cell for cell in map(tuple, map(dict.values, product(space))) if cell in sample
    ]


@STUDIES
@given(st.data())
def test_rules_cover_exactly_and_none_is_redundant_or_too_narrow(data: st.DataObject) -> None:
    space = data.draw(spaces(max_hidden=0))
    wanted, ignored = data.draw(cell_sets(space)), data.draw(cell_sets(space))
    ignored = ignored if data.draw(st.booleans()) else frozenset()
    backend = Diagram(space)
    rules = cover(region_of(backend, wanted), region_of(backend, ignored))
    conjunctions = [conjunction_cells(space, rule.when) for rule in rules]
    allowed = wanted | ignored
    assert wanted <= frozenset().union(*conjunctions) <= allowed
    for index, rule in enumerate(rules):
        others = frozenset().union(*conjunctions[:index], *conjunctions[index + 1 :])
        assert not wanted <= others
        assert cells_of(rule.region) == conjunctions[index] & wanted
        assert rule.cells == len(conjunctions[index] & wanted)
        for variable in space.variables:
            for option in variable.options:
                options = rule.when.get(variable.name, variable.options)
                if option not in options:
                    wider = {**rule.when, variable.name: (*options, option)}
                    assert not conjunction_cells(space, wider) <= allowed
    assert [rule.cells for rule in rules] == sorted((rule.cells for rule in rules), reverse=True)


def conjunction_cells(space: Space, when: Mapping[str, tuple[str, ...]]) -> Cells:
    return frozenset(
        tuple(cell.values())
        for cell in product(space)
        if all(cell[axis] in options for axis, options in when.items())
    )


@given(st.data())
def test_backends_agree_on_rules(data: st.DataObject) -> None:
    space = data.draw(spaces())
    wanted, ignored = data.draw(cell_sets(space)), data.draw(cell_sets(space))

    def rules(backend: Backend) -> list[object]:
        found = cover(region_of(backend, wanted), region_of(backend, ignored))
        return [(rule.when, rule.cells) for rule in found]

    assert rules(Diagram(space)) == rules(Brute(space))
