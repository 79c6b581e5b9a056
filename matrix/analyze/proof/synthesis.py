"""What the predicate should be: the weakest sound condition over atoms the kernel can test.

Takes a solved study and atoms, gives an expression that is true for every combination of atoms that
only safe cells have. Combinations that no cell with the capability has are don't-cares. Where a
combination has safe and unsafe cells, the answer there is no, and the pair of cells is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.study import SolvedStudy
from matrix.diagnostics import InputError, Location
from matrix.expr.nodes import Binary, Constant, Expression, Unary
from matrix.expr.parser import parse
from matrix.expr.printer import to_c
from matrix.schema.values import (
    Atom,
    Capability,
    Condition,
    MatrixStudy,
    PredicateVersion,
    SynthesisDeclaration,
)
from matrix.solve.cover import cover
from matrix.solve.diagram import Diagram
from matrix.solve.nearest import nearest
from matrix.solve.space import FiniteVariable, Region, Space, union

SYNTHESISED = "synthesised"

# The combination of atoms of some cells: one truth per atom.
Combination = tuple[bool, ...]
# The literals of a conjunction: number of the atom, wanted truth.
Product = frozenset[tuple[int, bool]]


class Indistinguishable(Struct, frozen=True, kw_only=True):
    """A safe and an unsafe cell with the same atoms; two completions of one cell may be both."""

    safe: Mapping[str, str]
    unsafe: Mapping[str, str]
    atoms: tuple[tuple[str, bool], ...]


class Synthesis(Struct, frozen=True, kw_only=True):
    """The weakest sound predicate over `atoms`, the body of the C function that is declared.

    `expression` is in the kernel's words, `predicate` the same over the names of a profile, to be
    asked again. It is `exact` where it says yes to every safe cell.
    """

    function: str
    atoms: tuple[Atom, ...]
    expression: Expression
    predicate: PredicateVersion
    indistinguishable: Indistinguishable | None

    @property
    def exact(self) -> bool:
        """Whether the atoms tell every safe cell from every unsafe one."""
        return self.indistinguishable is None


class ComparedPredicate(Struct, frozen=True, kw_only=True):
    """One predicate over the cells asked for: verdicts, and what it gains and loses.

    `gained` cells are supported here and not under the study's own predicate, `lost` the reverse.
    """

    name: str
    verdicts: Mapping[Verdict, int]
    gained: int
    lost: int


class Elsewhere(Struct, frozen=True, kw_only=True):
    """Another study of the capability, in which a check that was synthesised is unsound."""

    study: MatrixStudy
    cells: int
    unsound: int


def declared_synthesis(capability: Capability) -> SynthesisDeclaration:
    """Return what a predicate of a capability may be made of.

    Raises:
        InputError: MX0691, where nothing tells sound from unsound, or no atoms are declared.
    """
    if capability.basis == "nothing":
        lacks = "neither `scenario` nor `truth`: nothing tells what its predicate should be"
        hint = "declare `truth:`, the conditions that must hold where the kernel says yes"
    elif capability.synthesis is None:
        lacks = "no `synthesis`: nothing tells what its predicate may test"
        hint = "declare `synthesis: {function: …, atoms: [{c: …}]}`"
    else:
        return capability.synthesis
    raise InputError.of(
        code="MX0691",
        location=capability.location,
        message=f"capability `{capability.id}` declares {lacks}",
        hint=hint,
    )


def synthesise(solved: SolvedStudy, declared: SynthesisDeclaration, within: Region) -> Synthesis:
    """Return the weakest sound predicate for the cells in `within`.

    Raises:
        InputError: MX0622, where the capability is absent from every cell.
    """
    known = _known_to_all(solved, declared.atoms, within)
    safe, unsafe = _combinations(solved, known, within)
    if not safe and not unsafe:
        raise InputError.of(
            code="MX0622",
            message="the capability is absent from every cell that was asked for",
            hint="choose other kernels or kinds of VM",
        )
    # Sound first: a combination that some unsafe cell has must be refused, at the cost of the safe
    # cells that have it as well.
    yes = [combination for combination in safe if combination not in unsafe]
    products = minimise(len(known), yes, list(unsafe))
    in_c = [parse(atom.c) for atom in known]
    meant = [parse(atom.meaning) for atom in known]
    expression = factored(products, meant)
    return Synthesis(
        function=declared.function,
        atoms=known,
        expression=factored(products, in_c),
        predicate=PredicateVersion(
            name=SYNTHESISED,
            condition=Condition(
                expression=expression,
                text=to_c(expression),
                location=Location(file="<synthesised>"),
            ),
            description="the weakest sound predicate over the atoms",
            location=Location(file="<synthesised>"),
        ),
        indistinguishable=_pair(solved, known, safe, unsafe),
    )


def _known_to_all(solved: SolvedStudy, atoms: Sequence[Atom], within: Region) -> tuple[Atom, ...]:
    """Return the atoms that every kernel with the capability has."""
    programs = [
        part.question.program
        for _, part in solved.kernels
        # Only these bind: of a kernel without the capability there is no cell to say yes or no to.
        if any(not (region & within).is_empty() for _, region in part.classes)
    ]
    return tuple(
        atom
        for atom in atoms
        if not any(program.lowering.missing(parse(atom.meaning)) for program in programs)
    )


def _combinations(
    solved: SolvedStudy, atoms: Sequence[Atom], within: Region
) -> tuple[dict[Combination, Region], dict[Combination, Region]]:
    """Return the combinations of atoms that safe and that unsafe cells have, with these cells.

    Cells here are complete: where a CPU property is unknown, each of its values is a cell.
    """
    found: tuple[dict[Combination, Region], dict[Combination, Region]] = ({}, {})
    for _, part in solved.kernels:
        present = [(alike.behaviour, alike.region & within) for alike in part.alike]
        present = [(inputs, region) for inputs, region in present if not region.is_empty()]
        if not present:
            continue
        lowering = part.question.program.lowering
        holds = [part.compiler.where(lowering.lower(parse(atom.meaning))) for atom in atoms]
        # Classes are put together before they are split: atoms are looked at twice, not once a
        # class.
        sums = {False: solved.backend.nothing(), True: solved.backend.nothing()}
        for inputs, region in present:
            sums[bool(solved.behaviours.result(inputs).violations)] |= region
        for violates, region in sums.items():
            for combination, cells in _split(region, holds):
                into = found[violates]
                into[combination] = into[combination] | cells if combination in into else cells
    return found


def _split(region: Region, holds: Sequence[Region]) -> list[tuple[Combination, Region]]:
    parts: list[tuple[Combination, Region]] = [((), region)]
    for where in holds:
        halves = [
            item
            for values, part in parts
            for item in (((*values, True), part & where), ((*values, False), part - where))
        ]
        parts = [(values, part) for values, part in halves if not part.is_empty()]
    return [] if region.is_empty() else parts


def minimise(
    count: int, yes: Collection[Combination], no: Collection[Combination]
) -> tuple[Product, ...]:
    """Return conjunctions of literals: one holds for each of `yes`, none for any of `no`.

    Combinations of the `count` atoms in neither may be in or out. Atoms are left out, the last
    first, while the rest tells `yes` from `no`; no literal and no conjunction can then be dropped.
    """
    # A space of the atoms alone, not the study's: two to the number of atoms is all there is to
    # cover.
    names = [str(number) for number in range(count)]
    variables = (FiniteVariable(name=name, options=("true", "false")) for name in names)
    backend = Diagram(Space(variables=tuple(variables)))

    def region_of(combinations: Collection[Combination]) -> Region:
        words = [["true" if value else "false" for value in values] for values in combinations]
        everything = backend.everything()
        return union(backend, (everything.at(dict(zip(names, row, strict=True))) for row in words))

    inside, outside = region_of(yes), region_of(no)
    # An atom can go where without it no combination is both; the last are the least wanted.
    for name in reversed(names):
        # Inside and outside lose it together: what was a don't-care may then belong to one of them.
        wider = inside.forget((name,)), outside.forget((name,))
        if (wider[0] & wider[1]).is_empty():
            inside, outside = wider
    return tuple(
        frozenset((int(name), options == ("true",)) for name, options in rule.when.items())
        for rule in cover(inside, ~(inside | outside))
    )


def factored(products: Sequence[Product], atoms: Sequence[Expression]) -> Expression:
    """Return a disjunction of conjunctions as one expression, common literals taken out."""
    if not products:
        return Constant(False)
    # Literals of every product are conjuncts of the whole; what is left of the products is a
    # disjunction, factored in its turn.
    common = frozenset.intersection(*products)
    rest = sorted((product - common for product in products), key=sorted)
    literals = [_literal(number, wanted, atoms) for number, wanted in sorted(common)]
    # A product of which nothing is left makes the disjunction true.
    if all(rest):
        literals.insert(_place(common, rest), _disjunction(rest, atoms))
    if not literals:
        return Constant(True)
    result = literals[0]
    for item in literals[1:]:
        result = Binary("&&", result, item)
    return result


def _disjunction(products: Sequence[Product], atoms: Sequence[Expression]) -> Expression:
    """Return the disjunction of products without a common literal; the most frequent taken out."""
    counts = {
        literal: sum(literal in product for product in products)
        for literal in sorted(frozenset.union(*products))
    }
    # Of equally frequent ones the first: `counts` is sorted, and `max` keeps the earliest.
    literal = max(counts, key=lambda item: counts[item])
    if counts[literal] > 1:
        groups = [[item for item in products if literal in item]]
        groups.extend([item] for item in products if literal not in item)
    else:
        groups = [[item] for item in products]
    terms = [factored(group, atoms) for group in groups]
    result = terms[0]
    for term in terms[1:]:
        result = Binary("||", result, term)
    return result


def _place(common: Product, rest: Sequence[Product]) -> int:
    """Return where a disjunction stands among the common literals: by its first atom."""
    first = min(number for product in rest for number, _ in product)
    return sum(number < first for number, _ in common)


def _literal(number: int, wanted: bool, atoms: Sequence[Expression]) -> Expression:  # noqa: FBT001
    return atoms[number] if wanted else Unary("!", atoms[number])


def _pair(
    solved: SolvedStudy,
    atoms: Sequence[Atom],
    safe: Mapping[Combination, Region],
    unsafe: Mapping[Combination, Region],
) -> Indistinguishable | None:
    """Return an unsafe cell near the baseline and the safe cell nearest to it with equal atoms."""
    for combination, region in unsafe.items():
        if combination not in safe:
            continue
        bad = nearest(region, dict(solved.study.baseline)) or {}
        good = nearest(safe[combination], bad) or {}
        return Indistinguishable(
            safe=good,
            unsafe=bad,
            atoms=tuple(zip((atom.c for atom in atoms), combination, strict=True)),
        )
    return None
