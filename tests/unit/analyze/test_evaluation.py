"""What is kept of a cell is kept for the right expression and given up when an atom changes."""

from __future__ import annotations

from matrix.analyze.facts.evaluation import Evaluation
from matrix.expr.nodes import Name
from matrix.expr.parser import parse

DEFINITIONS = {"sum": parse("a + b"), "twice": parse("sum * 2"), "other": parse("c")}


def cell(**atoms: int | None) -> Evaluation:
    return Evaluation(DEFINITIONS, {}, atoms)


def test_a_short_lived_expression_is_not_taken_for_a_later_one() -> None:
    # A freed expression's identity is given to the next one of its size, sooner or later.
    evaluation = cell(a=1, b=2, c=3)
    values = [evaluation.of(parse(f"a + {number}")) for number in range(2_000)]
    assert values == [1 + number for number in range(2_000)]


def test_reads_are_the_atoms_an_answer_rests_on() -> None:
    evaluation = cell(a=1, b=2, c=3)
    assert evaluation.of(Name("twice")) == 6
    assert evaluation.reads == {"a", "b"}
    assert evaluation.of(parse("false && other")) is False
    assert evaluation.reads == {"a", "b"}
    assert evaluation.of(Name("other")) == 3
    assert evaluation.reads == {"a", "b", "c"}


def test_a_changed_atom_changes_what_depends_on_it_and_nothing_else() -> None:
    evaluation = cell(a=1, b=2, c=3)
    assert (evaluation.value("twice"), evaluation.value("other")) == (6, 3)
    changed = evaluation.with_atoms({"a": 5})
    assert (changed.value("twice"), changed.value("other")) == (14, 3)
    assert changed.reads == {"a", "b", "c"}
    assert evaluation.value("twice") == 6


def test_undecided_atoms_are_the_unknown_ones_it_leads_to() -> None:
    evaluation = cell(a=None, b=2, c=None)
    assert list(evaluation.undecided_atoms(Name("twice"))) == ["a"]
    both = evaluation.undecided_atoms(parse("other || twice"))
    assert sorted(both) == ["a", "c"]


def test_a_kernel_variable_that_is_not_set_yet_is_unknown() -> None:
    definitions = {"full": parse("rodata || c"), "other": parse("c")}
    start = Evaluation(definitions, {}, {"c": False})
    assert (start.value("full"), start.value("other")) == (None, False)
    assert list(start.undecided_atoms(Name("full"))) == ["rodata"]
    decided = start.with_names({"rodata": parse("a == 1")}, {})
    assert list(decided.undecided_atoms(Name("full"))) == ["a"]
    known = decided.with_names({}, {"a": 1})
    assert (known.value("full"), known.value("other")) == (True, False)
    # Another command line: what rests on the variable is given up, though no atom changed.
    assert known.reads >= {"rodata", "a"}
    other = known.with_names({"rodata": parse("a == 2")}, {})
    assert (other.value("full"), other.value("other")) == (False, False)
    assert known.value("full") is True


def test_the_first_false_expression_refutes_and_nothing_behind_it_is_read() -> None:
    evaluation = cell(a=1, b=None, c=0)
    assert not evaluation.refutes([parse("a"), parse("b"), Name("sum")])
    assert evaluation.reads == {"a", "b"}
    other = cell(a=1, b=None, c=0)
    assert other.refutes([Name("other"), parse("b")])
    assert other.reads == {"c"}
    assert not other.refutes([])


def test_rows_have_values_up_to_the_first_that_is_unknown() -> None:
    evaluation = cell(a=1, b=2, c=None)
    rows = [("one", parse("a")), ("sum", Name("sum")), ("other", Name("other"))]
    assert evaluation.values_of(rows[:2]) == {"one": 1, "sum": 3}
    assert evaluation.reads == {"a", "b"}
    assert evaluation.values_of(rows) is rows[2][1]
    assert evaluation.reads == {"a", "b", "c"}
