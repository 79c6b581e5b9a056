"""One capability asked of one kernel: requirements, predicate and simulation inputs, lowered once.

Takes a lowered kernel (`facts.FactProgram`), a capability and a predicate version; `ask` gives the
answer of one fully or partly known cell. Both the concrete flow (`cell.py`) and the symbolic one
(`study.py`) read these expressions, so they cannot disagree about what is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.behaviour import Behaviours
from matrix.analyze.evaluation import Evaluation
from matrix.analyze.facts import PREDICATE, FactProgram, LoweredAdvisory
from matrix.analyze.verdict import Verdict, decide
from matrix.diagnostics import Diagnostic, InputError, unknown_word_hint
from matrix.expr.evaluation import truth
from matrix.expr.nodes import Binary, Expression, Name, Value
from matrix.expr.trees import substitute
from matrix.schema.values import Capability, Condition, PredicateVersion
from matrix.simulate.inputs import SimulationInputs
from matrix.simulate.outcome import SimulationResult
from matrix.simulate.scenario import scenario_options

# The kernel boots only where every CPU has its granule; cells that cannot boot are no cells of a
# study, so an unrecorded granule is taken as supported and said in a note.
BOOTS = "granule_supported()"


class LoweredRequirement(Struct, frozen=True, kw_only=True):
    """A requirement of the capability over this kernel's names; None: the kernel lacks a name."""

    expression: Expression | None
    otherwise: str


class Conjunct(Struct, frozen=True, kw_only=True):
    """An operand of a predicate's outermost `&&`: as declared, in the kernel's words, lowered."""

    declared: Expression
    text: str
    lowered: Expression


class Question(Struct, frozen=True, kw_only=True):
    """What is asked of every cell of one kernel.

    `constraints` bound the cells that can exist. `predicate` is None where the release lacks a
    name in it (`lacking`): there the capability must be absent, or nothing can be said.
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

    def inputs(self, values: dict[str, Value]) -> SimulationInputs:
        """Return the simulation inputs that the values of `rows` make."""
        return SimulationInputs(
            **{name: _typed(name, value) for name, value in values.items()},  # type: ignore[arg-type]
            scenario=self.capability.scenario,
            variant=self.variant,
        )


class Leaf(Struct, frozen=True, kw_only=True):
    """The answer where everything that matters is known; `reason` is why it is absent."""

    verdict: Verdict
    predicate: bool | None = None
    inputs: SimulationInputs | None = None
    result: SimulationResult | None = None
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
    raise InputError(
        Diagnostic(
            code="MX0901",
            message=f"unknown predicate `{name}` of capability `{capability.id}`",
            hint=unknown_word_hint(name, known, "predicates"),
        )
    )


def lower_question(
    program: FactProgram,
    capability: Capability,
    predicate: PredicateVersion,
    constraints: tuple[Condition, ...] = (),
) -> Question:
    """Return the question of one capability and predicate version for one kernel.

    `constraints` are a study's own; those that name what the release lacks say nothing of it.
    """
    lacking = program.lacks(predicate.condition)
    lowered = None if lacking else program.lower_expression(predicate.condition)
    asked = {} if lowered is None else {PREDICATE: lowered}
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
        rows=tuple(program.simulation.items()),
        variant=scenario_options(
            capability.scenario, capability.scenario_options, capability.location
        ),
        advisories={
            name: replace(item, when=substitute(item.when, asked))
            for name, item in program.advisories.items()
        },
    )


def ask(question: Question, cell: Evaluation, behaviours: Behaviours) -> Leaf | Expression:
    """Return the answer of a cell, or an expression that is still unknown and must be settled."""
    boots = truth(cell.of(question.boots))
    if boots is False:
        return Leaf(verdict=Verdict.ABSENT, reason=_cannot_boot(cell))
    if boots is None and any(
        atom.startswith("CONFIG_") for atom in cell.undecided_atoms(question.boots)
    ):
        return question.boots
    undecided: Expression | None = None
    for requirement in question.requirements:
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
        hint="choose another predicate or another kernel",
    )


def _ask_present(question: Question, cell: Evaluation, behaviours: Behaviours) -> Leaf | Expression:
    if question.predicate is None:
        raise InputError(cannot_be_asked(question))
    predicate = truth(cell.of(question.predicate))
    if predicate is None:
        return question.predicate
    values: dict[str, Value] = {}
    for name, expression in question.rows:
        values[name] = cell.of(expression)
        if values[name] is None:
            return expression
    inputs = question.inputs(values)
    result = behaviours.result(inputs)
    violates = bool(result.violations)
    return Leaf(
        verdict=decide(predicate=predicate, violates=violates),
        predicate=predicate,
        inputs=inputs,
        result=result,
    )


def conjuncts(expression: Expression) -> Iterator[Expression]:
    """Yield the operands of the outermost `&&` of an expression."""
    match expression:
        case Binary("&&", left, right):
            yield from conjuncts(left)
            yield from conjuncts(right)
        case _:
            yield expression


def _lower_or_none(program: FactProgram, condition: Condition) -> Expression | None:
    return None if program.lacks(condition) else program.lower_expression(condition)


def _cannot_boot(cell: Evaluation) -> str:
    size = cell.value("PAGE_SIZE")
    granule = f"{size // 1024} kB" if isinstance(size, int) else "its"
    return f"the kernel cannot boot: not every CPU supports the {granule} translation granule"


# C says true == 1; the simulation's fields are typed, and equal inputs must be equal values.
_NUMBERS = frozenset({"page_shift", "icache_min_line_shift"})
_WORDS = frozenset({"split_gate", "invalid_encoding", "stage2_owner", "vm", "userspace_addr"})


def _typed(name: str, value: Value) -> Value:
    if name in _NUMBERS or name in _WORDS:
        return value
    return bool(value)
