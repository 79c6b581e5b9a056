"""Every hypothesis generator of the laws: expressions, valuations, small studies."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st
from msgspec import Struct

from matrix.expr.lexer import MAX_INTEGER, MIN_INTEGER
from matrix.expr.nodes import Binary, Call, Conditional, Constant, Expression, Name, Unary, Value
from matrix.expr.parser import PRECEDENCE, UNARY_OPERATORS, WORDS
from matrix.expr.trees import rewrite
from matrix.solve.partition import Table
from matrix.solve.space import FiniteVariable, Space

# The names of generated expressions: few, so that the same one occurs often.
NAMES = ("a", "b", "boot.rodata", "CONFIG_KVM", "cap.ARM64_HAS_STAGE2_FWB")


def values() -> st.SearchStrategy[Value]:
    """A value of C or unknown; small numbers and few texts, so that equal ones are drawn often."""
    return st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 70),
        st.sampled_from(("el1", "el2", "m", "")),
        st.integers(MIN_INTEGER, MAX_INTEGER),
    )


def valuations() -> st.SearchStrategy[dict[str, Value]]:
    """A value, perhaps unknown, for each of `NAMES`."""
    return st.fixed_dictionaries({name: values() for name in NAMES})


def constants() -> st.SearchStrategy[Constant]:
    """A literal of any kind, texts with every character that can be quoted among them."""
    anything = st.one_of(
        st.booleans(),
        st.integers(-3, 70),
        st.integers(MIN_INTEGER, MAX_INTEGER),
        st.sampled_from(("el1", "el2", "m")),
        st.text(),
    )
    return anything.map(Constant)


def identifiers() -> st.SearchStrategy[str]:
    """A C identifier, perhaps with dots, that is not a word of the language."""
    plain = st.from_regex(
        r"[A-Za-z_][A-Za-z0-9_]{0,6}(\.[A-Za-z_][A-Za-z0-9_]{0,6})?", fullmatch=True
    )
    return plain.filter(lambda text: text not in WORDS)


def expressions(*, calls: bool = True) -> st.SearchStrategy[Expression]:
    """A tree of any form over `NAMES`, a few other identifiers and literals."""
    leaves: st.SearchStrategy[Expression] = st.one_of(
        st.sampled_from(NAMES).map(Name), constants(), identifiers().map(Name)
    )
    return st.recursive(leaves, lambda inner: _compound(inner, calls=calls), max_leaves=12)


def conditions() -> st.SearchStrategy[Expression]:
    """A tree without calls whose names are all among `NAMES`, for laws about values."""
    leaves: st.SearchStrategy[Expression] = st.one_of(st.sampled_from(NAMES).map(Name), constants())
    return st.recursive(leaves, lambda inner: _compound(inner, calls=False), max_leaves=12)


def _compound(
    inner: st.SearchStrategy[Expression], *, calls: bool
) -> st.SearchStrategy[Expression]:
    forms: list[st.SearchStrategy[Expression]] = [
        st.builds(Unary, st.sampled_from(UNARY_OPERATORS), inner),
        st.builds(Binary, st.sampled_from(sorted(PRECEDENCE)), inner, inner),
        st.builds(Binary, st.sampled_from(("&&", "||", "==")), inner, inner),
        st.builds(Conditional, inner, inner, inner),
    ]
    if calls:
        arguments = st.lists(inner, max_size=3).map(tuple)
        forms.append(st.builds(Call, identifiers(), arguments))
    return st.one_of(forms)


def mutated_texts(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A text with a few characters deleted, inserted or replaced."""

    @st.composite
    def mutate(draw: st.DrawFn) -> str:
        text = draw(texts)
        for _ in range(draw(st.integers(0, 4))):
            start = draw(st.integers(0, len(text)))
            end = min(len(text), start + draw(st.integers(0, 3)))
            text = text[:start] + draw(st.text(max_size=3)) + text[end:]
        return text

    return mutate()


class SmallStudy(Struct, frozen=True, kw_only=True):
    """A space of at most some hundred assignments with names defined over it."""

    space: Space
    definitions: Mapping[str, Expression]
    tables: Mapping[str, Table]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that an expression over the study may use."""
        variables = (variable.name for variable in self.space.all_variables)
        return (*variables, *self.tables, *self.definitions)


# Option texts of generated axes, and what hidden fields are worth under them.
OPTIONS = ("on", "off", "noalias", "el2", "v3")
FIELDS = (0, 1, True, "pipt", 2)


@st.composite
def spaces(draw: st.DrawFn, *, max_hidden: int = 2) -> Space:
    """A space of two to four axes and up to two hidden variables, one to five options each."""
    sizes = draw(_AXIS_SIZES)
    hidden_sizes = draw(_FIELD_SIZES)[:max_hidden]
    visible = tuple(
        FiniteVariable(name=f"axis{number}", options=OPTIONS[:size])
        for number, size in enumerate(sizes)
    )
    hidden = tuple(
        FiniteVariable(name=f"field{number}", options=OPTIONS[:size], values=FIELDS[:size])
        for number, size in enumerate(hidden_sizes)
    )
    names = tuple(variable.name for variable in (*visible, *hidden))
    turn = draw(_TURNS)
    orders = ((), names[::-1], names[turn:] + names[:turn])
    return Space(variables=visible, hidden=hidden, order=orders[turn % 3])


_AXIS_SIZES = st.lists(st.sampled_from((3, 2, 4, 1, 5)), min_size=2, max_size=4)
_FIELD_SIZES = st.lists(st.integers(1, 3), max_size=2)
_TURNS = st.integers(0, 5)


def _study_compound(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.builds(Unary, st.sampled_from(UNARY_OPERATORS), inner),
        st.builds(Binary, st.sampled_from(("&&", "||")), inner, inner),
        st.builds(Binary, st.sampled_from(("==", "<", "+", "-", "*", "/")), inner, inner),
        st.builds(Conditional, inner, inner, inner),
    )


# Trees whose leaves are numbered places. One strategy for all studies: building strategies inside a
# draw costs more than drawing.
_PLACES: st.SearchStrategy[Expression] = st.integers(0, 999).map(lambda place: Name(str(place)))
_SHAPES = _study_compound(st.recursive(_PLACES, _study_compound, max_leaves=8))


def _fill(shape: Expression, leaves: Sequence[Expression]) -> Expression:
    """Put a leaf into every place of a shape."""

    def leaf(node: Expression) -> Expression:
        return leaves[int(node.identifier) % len(leaves)] if isinstance(node, Name) else node

    return rewrite(shape, leaf)


def _leaves_of(variable: FiniteVariable) -> tuple[Expression, ...]:
    """What expressions say about a variable: that it has one of its options, or its value."""
    name = Name(variable.name)
    if variable.values:
        return (name,)
    compared = (Binary("==", name, Constant(option)) for option in variable.options)
    return (*compared, Binary("!=", name, Constant(variable.options[0])))


@st.composite
def small_studies(draw: st.DrawFn, *, max_hidden: int = 2) -> SmallStudy:
    """A space with up to two tables and four definitions, each over the names before it."""
    space = draw(spaces(max_hidden=max_hidden))
    leaves: list[Expression] = [Constant(1)]
    for variable in space.all_variables:
        leaves.extend(_leaves_of(variable))
    # A bare axis is a text, without truth or order: some expressions have no value somewhere.
    leaves.append(Name(space.variables[0].name))
    tables: dict[str, Table] = {}
    for number, place in enumerate(draw(_TABLE_PLACES)):
        variable = space.variables[place % len(space.variables)]
        entries = {option: _fill(draw(_SHAPES), leaves) for option in variable.options}
        tables[f"cap.X{number}"] = Table(variable=variable.name, entries=entries)
    leaves.extend(map(Name, tables))
    definitions: dict[str, Expression] = {}
    for number, shape in enumerate(draw(_DEFINITION_SHAPES)):
        name = f"fact{number}()"
        definitions[name] = _fill(shape, leaves)
        leaves.append(Name(name))
    return SmallStudy(space=space, definitions=definitions, tables=tables)


_TABLE_PLACES = st.lists(st.integers(0, 3), max_size=2)
_DEFINITION_SHAPES = st.lists(_SHAPES, min_size=1, max_size=4)


@st.composite
def cell_sets(draw: st.DrawFn, space: Space) -> frozenset[tuple[str, ...]]:
    """Any set of visible cells, each a tuple of options in the order of the axes."""
    options = (variable.options for variable in space.variables)
    bits = int.from_bytes(draw(_BITS))
    return frozenset(
        cell for number, cell in enumerate(itertools.product(*options)) if bits >> number & 1
    )


# One bit per cell of the largest space.
_BITS = st.binary(min_size=79, max_size=79)
