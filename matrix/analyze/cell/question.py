"""One capability asked of one kernel: requirements, predicate and simulation inputs, lowered once.

Takes a lowered kernel (a `FactProgram`), a capability and a predicate version; `ask` gives the
answer of one fully or partly known cell. Both the concrete flow (`answering.py`) and the symbolic
one (`space/study.py`) read these expressions, so they cannot disagree about what is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.behaviour import Behaviours, Inputs, Result, TruthInputs, violates
from matrix.analyze.cell.verdict import Verdict, decide, verdicts_of, wanted_of
from matrix.analyze.facts.evaluation import Evaluation
from matrix.analyze.facts.program import PREDICATE, FactProgram, LoweredAdvisory
from matrix.analyze.facts.scenario_words import scenario_of
from matrix.diagnostics import Diagnostic, InputError, refuse, unknown_word_hint
from matrix.explore.inputs import SimulationInputs
from matrix.explore.scenario import AnyScenario, domains_of, required_of
from matrix.expr.evaluation import truth
from matrix.expr.nodes import Binary, Expression, Name, Value
from matrix.expr.trees import fold, names, substitute
from matrix.scenarios import scenario
from matrix.schema.values import Capability, Condition, PredicateVersion

# The kernel boots only where every CPU has its granule; cells that cannot boot are no cells of a
# study, so an unrecorded granule is taken as supported and said in a note.
BOOTS = "granule_supported()"


class LoweredRequirement(Struct, frozen=True, kw_only=True):
    """A requirement of the capability over this kernel's names; None: the kernel lacks a name."""

    expression: Expression | None
    otherwise: str


class LoweredSoWhat(Struct, frozen=True, kw_only=True):
    """What a verdict means; `expression` must hold besides, None: in any case."""

    verdict: str
    expression: Expression | None
    says: str


class Conjunct(Struct, frozen=True, kw_only=True):
    """An operand of a predicate's outermost `&&`: as declared, in the kernel's words, lowered."""

    declared: Expression
    text: str
    lowered: Expression


class Question(Struct, frozen=True, kw_only=True):
    """What is asked of every cell of one kernel.

    `constraints` bound the cells that can exist. `predicate` is None where the release lacks a
    name in it (`lacking`): there the capability must be absent, or nothing can be said.
    `rows` decide, with the predicate, the verdict: inputs of the simulation, or parts of the truth.
    `conjuncts` are the operands of its outermost `&&`. `advisories` say where what the simulation
    reports besides can happen.
    """

    program: FactProgram
    capability: Capability
    predicate_version: str
    boots: Expression
    constraints: tuple[Expression, ...]
    requirements: tuple[LoweredRequirement, ...]
    predicate: Expression | None
    conjuncts: tuple[Conjunct, ...]
    lacking: tuple[str, ...]
    rows: tuple[tuple[str, Expression], ...]
    variant: tuple[tuple[str, str], ...]
    advisories: Mapping[str, LoweredAdvisory]
    so_what: tuple[LoweredSoWhat, ...] = ()

    @property
    def scenario(self) -> AnyScenario | None:
        """The world that is simulated, if any."""
        return None if self.capability.scenario is None else scenario(self.capability.scenario)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts that a cell can have."""
        return verdicts_of(self.capability)

    @property
    def wanted(self) -> Verdict:
        """The verdict of a cell in which the capability works."""
        return wanted_of(self.capability.basis)

    @property
    def invariants(self) -> tuple[str, ...]:
        """What can be violated: of the simulation, or the parts of the declared truth."""
        if self.scenario is not None:
            return self.scenario.invariant_names
        return tuple(part.id for part in self.capability.truth)

    @property
    def operation_sources(self) -> Mapping[str, str]:
        """The source line of each step of a trace, as far as the release has one."""
        if self.capability.scenario is not None:
            return self.program.operation_sources
        return {part.id: part.condition.source or "" for part in self.capability.truth}

    def inputs(self, values: dict[str, Value]) -> Inputs:
        """Return what the values of `rows` make: what is simulated, or what holds."""
        if self.scenario is None:
            truths = self.capability.truth
            return TruthInputs(holds=tuple((part, bool(values[part.id])) for part in truths))
        domains = domains_of(self.scenario)
        # C says true == 1; the fields are typed, and equal inputs must be equal values.
        typed = {
            name: bool(value) if domains[name] is bool else value for name, value in values.items()
        }
        inputs: SimulationInputs = self.scenario.inputs(
            **typed, scenario=self.scenario.id, variant=self.variant
        )
        return inputs


class Leaf(Struct, frozen=True, kw_only=True):
    """The answer where everything that matters is known; `reason` is why it is absent."""

    verdict: Verdict
    predicate: bool | None = None
    inputs: Inputs | None = None
    result: Result | None = None
    reason: str | None = None


# Unknown atoms with the values tried, in the order they were tried.
Assigned = tuple[tuple[str, Value], ...]


class Completion(Struct, frozen=True, kw_only=True):
    """One way in which the unknown atoms may be, the answer there, and the atoms it rests on."""

    assigned: Assigned
    leaf: Leaf
    reads: frozenset[str]


def predicate_version(capability: Capability, version: str | None) -> PredicateVersion:
    """Return a predicate version by name, the capability's default for None.

    Raises:
        InputError: MX0901, no such version.
    """
    name = version or capability.default_predicate
    for predicate in capability.predicates:
        if predicate.name == name:
            return predicate
    known = [predicate.name for predicate in capability.predicates]
    raise InputError.of(
        code="MX0901",
        message=f"unknown predicate `{name}` of capability `{capability.id}`",
        hint=unknown_word_hint(name, known, "predicates"),
    )


def lower_question(
    program: FactProgram,
    capability: Capability,
    predicate: PredicateVersion,
    constraints: tuple[Condition, ...] = (),
) -> Question:
    """Return the question of one capability and predicate version for one kernel.

    `constraints` are a study's own; those that name what the release lacks say nothing of it.

    Raises:
        InputError: MX0290 a name that the release does not have, MX0693 a predicate that has
            nothing to do with the scenario of its capability, MX0701 no such scenario, MX0241 it is
            of another gate, MX0720 its architecture does not say what it takes.
    """
    lacking = program.lacks(predicate.condition)
    lowered = None if lacking else program.lower_expression(predicate.condition)
    asked = {} if lowered is None else {PREDICATE: lowered}
    simulated = scenario_of(capability)
    rows = _rows(program, capability, simulated)
    # Declared predicates alone: one that was synthesised, or comes out of a patch, may rightly ask
    # nothing that is simulated.
    if lowered is not None and simulated is not None and predicate in capability.predicates:
        _refuse_foreign(program, capability, predicate, lowered, rows)
    return Question(
        program=program,
        capability=capability,
        predicate_version=predicate.name,
        boots=Name(BOOTS),
        constraints=(
            *program.constraints,
            *(
                program.lower_expression(condition)
                for condition in constraints
                if not program.lacks(condition)
            ),
        ),
        requirements=tuple(
            LoweredRequirement(
                expression=_lower_or_none(program, requirement.condition),
                otherwise=requirement.otherwise,
            )
            for requirement in capability.requires
        ),
        predicate=lowered,
        conjuncts=()
        if lacking
        else tuple(
            Conjunct(
                declared=operand,
                text=program.lowering.said(operand),
                lowered=program.lowering.lower(operand),
            )
            for operand in conjuncts(predicate.condition.expression)
        ),
        lacking=tuple(sorted(lacking)),
        rows=rows,
        variant=()
        if simulated is None
        else simulated.chosen(capability.mechanism(capability.assumes_patch), capability.location),
        advisories={
            name: replace(item, when=substitute(item.when, asked))
            for name, item in program.advisories.items()
        },
        so_what=tuple(
            LoweredSoWhat(
                verdict=item.verdict,
                expression=None
                if item.condition is None
                else program.lower_expression(item.condition),
                says=item.says,
            )
            for item in capability.so_what
            if item.condition is None or not program.lacks(item.condition)
        ),
    )


def ask(question: Question, cell: Evaluation, behaviours: Behaviours) -> Leaf | Expression:
    """Return the answer of a cell, or an expression that is still unknown and must be settled."""
    boots = truth(cell.of(question.boots))
    if boots is False:
        return Leaf(verdict=Verdict.ABSENT, reason=_cannot_boot(cell))
    # Whether it boots is asked where a symbol decides it. What no CPU recorded of its granules is
    # taken as yes (`BOOTS`).
    if boots is None and any(
        atom.startswith("CONFIG_") for atom in cell.undecided_atoms(question.boots)
    ):
        return question.boots
    # All requirements before any is settled: one that is false ends it, whatever is unknown.
    undecided: Expression | None = None
    for requirement in question.requirements:
        # The release lacks a name in it, so the requirement says nothing of it. `symbolic.py` skips
        # it, too.
        if requirement.expression is None:
            continue
        holds = truth(cell.of(requirement.expression))
        if holds is False:
            return Leaf(verdict=Verdict.ABSENT, reason=requirement.otherwise)
        if holds is None and undecided is None:
            undecided = requirement.expression
    if undecided is not None:
        return undecided
    return _ask_present(question, cell, behaviours)


def cannot_be_asked(question: Question) -> Diagnostic:
    """Return the diagnostic of a predicate that names what the kernel lacks (MX0902)."""
    return Diagnostic(
        code="MX0902",
        message=f"predicate `{question.predicate_version}` cannot be asked of Linux "
        f"{question.program.release}: it has no `{'`, `'.join(question.lacking)}`",
        hint="choose another predicate or another kernel, or add it to that release in an overlay",
    )


def _ask_present(question: Question, cell: Evaluation, behaviours: Behaviours) -> Leaf | Expression:
    if question.predicate is None:
        raise InputError(cannot_be_asked(question))
    predicate = truth(cell.of(question.predicate))
    if predicate is None:
        return question.predicate
    # Not before: where the capability is absent its truth is not needed, and a release may lack it.
    refuse_lacking_truth((question,))
    values = cell.values_of(question.rows)
    if not isinstance(values, dict):
        return values
    inputs = question.inputs(values)
    result = behaviours.result(inputs)
    return Leaf(
        verdict=decide(predicate=predicate, violates=violates(result)),
        predicate=predicate,
        inputs=inputs,
        result=result,
    )


def names_read(question: Question) -> frozenset[str]:
    """Return every name that requirements, predicate and what judges it rest on."""
    asked = [item.expression for item in question.requirements if item.expression is not None]
    asked += [expression for _, expression in question.rows]
    asked += [question.predicate] if question.predicate is not None else []
    return question.program.below(asked)


def conjuncts(expression: Expression) -> Iterator[Expression]:
    """Yield the operands of the outermost `&&` of an expression."""
    match expression:
        case Binary("&&", left, right):
            yield from conjuncts(left)
            yield from conjuncts(right)
        case _:
            yield expression


def repeats_predicate(question: Question) -> bool:
    """Tell whether the truth of a capability demands what the predicate asks, and nothing else.

    What both say is compared down to what the kernel reads, whatever functions they name it by.
    """
    if question.predicate is None or question.capability.basis != "truth":
        return False

    def said(expression: Expression) -> frozenset[Expression]:
        definitions = question.program.definitions
        # It ends, for definitions are acyclic (`refuse_cycles`).
        while names(expression) & definitions.keys():
            expression = substitute(expression, definitions)
        return frozenset(conjuncts(fold(expression)))

    return said(question.predicate) == frozenset[Expression]().union(
        *(said(expression) for _, expression in question.rows)
    )


def _lower_or_none(program: FactProgram, condition: Condition) -> Expression | None:
    return None if program.lacks(condition) else program.lower_expression(condition)


def _refuse_foreign(
    program: FactProgram,
    capability: Capability,
    predicate: PredicateVersion,
    lowered: Expression,
    rows: tuple[tuple[str, Expression], ...],
) -> None:
    """Refuse a declared predicate that reads nothing of what its scenario simulates.

    It is the check of another feature, and what the simulation finds says nothing of it.
    """
    read = _read_by(program, (lowered,))
    # A predicate that reads nothing at all (`true`, `false`) is no other feature's: it is let
    # through.
    if read and not read & _read_by(program, (expression for _, expression in rows)):
        raise InputError.of(
            code="MX0693",
            location=predicate.condition.location,
            message=f"predicate `{predicate.name}` reads nothing that scenario "
            f"`{capability.scenario}` simulates ({capability.gates})",
            hint="leave `scenario` and `gates` out: declare `truth:` if you know what must "
            "hold where the kernel says yes, or neither for answers that are granted and "
            "not-granted",
        )


def _read_by(program: FactProgram, expressions: Iterable[Expression]) -> frozenset[str]:
    """Return the kernel variables and atoms on which expressions rest."""
    return program.below(expressions) - program.definitions.keys()


def _rows(
    program: FactProgram, capability: Capability, simulated: AnyScenario | None
) -> tuple[tuple[str, Expression], ...]:
    """Return what decides a verdict besides the predicate.

    Of a simulation those rows of the architecture that its scenario takes. A part of the truth that
    names what the release lacks is left out here: `refuse_lacking_truth`.
    """
    if simulated is not None:
        lacking = [name for name in required_of(simulated) if name not in program.simulation]
        if lacking:
            raise InputError.of(
                code="MX0720",
                location=capability.scenario_location,
                message=f"scenario `{simulated.id}` cannot be simulated for Linux "
                f"{program.release}: no row of its architecture says "
                f"`{'`, `'.join(lacking)}`",
                hint=f"it is a world of {simulated.arch}: ask about a kernel of it, or leave "
                "`scenario` out",
            )
        taken = domains_of(simulated)
        return tuple(item for item in program.simulation.items() if item[0] in taken)
    return tuple(
        (part.id, program.lower_expression(part.condition))
        for part in capability.truth
        if not program.lacks(part.condition)
    )


def simulated_scenario(capability: Capability) -> AnyScenario:
    """Return the scenario of a capability.

    Raises:
        InputError: MX0692, where it has none.
    """
    simulated = scenario_of(capability)
    if simulated is not None:
        return simulated
    raise InputError.of(
        code="MX0692",
        location=capability.location,
        message=f"capability `{capability.id}` has no scenario: nothing of it is simulated",
        hint="`matrix explain` shows what its check says of a cell, and why",
    )


def refuse_lacking_truth(questions: Iterable[Question]) -> None:
    """Refuse to judge releases that lack a name in the truth of their capability.

    Raises:
        InputError: MX0690, for each part of the truth that names what a release lacks.
    """
    problems = []
    for question in questions:
        release, profile = question.program.release, question.program.lowering.location
        for part in question.capability.truth:
            lacking = sorted(question.program.lacks(part.condition))
            if lacking:
                problems.append(
                    Diagnostic(
                        code="MX0690",
                        location=part.condition.location,
                        message=f"truth `{part.id}` of `{question.capability.id}` cannot be asked "
                        f"of Linux {release}: its profile ({profile}) has no "
                        f"`{'`, `'.join(lacking)}`",
                        hint="add it to that release in an overlay (where there is nothing of the "
                        'kind, a function with body: "false"), or ask about other releases',
                    )
                )
    refuse(problems)


def _cannot_boot(cell: Evaluation) -> str:
    size = cell.value("PAGE_SIZE")
    granule = f"{size // 1024} kB" if isinstance(size, int) else "its"
    return f"the kernel cannot boot: not every CPU supports the {granule} translation granule"
