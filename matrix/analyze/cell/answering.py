"""The concrete flow: one cell in, one `Answer` out.

Takes a `Question`, the cell's kernel variables and atoms, and what is known of each CPU property;
gives verdict, reasons, traces and, where the answer hangs on something nobody recorded, what that
is. Unknown atoms are not guessed: every value they may have is tried, but only where it matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.advice import advisories, defects, describe
from matrix.analyze.cell.answer import Answer, Defect, Finding, TraceLine, Unsettled
from matrix.analyze.cell.behaviour import Behaviours, violates
from matrix.analyze.cell.question import Assigned, Completion, Leaf, Question, ask
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.evaluation import Evaluation
from matrix.diagnostics import Diagnostic, InputError, UndecidedError
from matrix.explore.inputs import SimulationInputs
from matrix.explore.outcome import SimulationResult, Step, Violation
from matrix.expr.evaluation import truth
from matrix.expr.nodes import Expression, Value
from matrix.expr.printer import to_c
from matrix.kernel.cpu.detection import Detection
from matrix.schema.cpu_fields import weakest
from matrix.schema.values import Basis
from matrix.solve.core import disjoint_cores

# 2^12 completions are more than any real CPU or `.config` fragment needs; past it we say so.
_MAX_LEAVES = 4096
# Of a draft, whose unread rows multiply, so many are enough to know that verdicts differ.
_ENOUGH = 64


class Cell(Struct, frozen=True, kw_only=True):
    """One cell: the kernel variables left by the command line, and the atoms.

    `detections` tells, per CPU atom (`hw.X`, `boot_hw.X`), how its value is known.
    """

    variables: Mapping[str, Expression]
    atoms: Mapping[str, Value]
    detections: Mapping[str, Detection]


class Examined(Struct, frozen=True, kw_only=True):
    """What is known of a cell before it is put into words: its completions, and how firm they are.

    `question` is without the constraints that the cell contradicts; `cores` are their numbers, as
    they contradict each other and the cell. A cell that agrees in the values of `reads`, the
    unknown ones included, and in the confidence of its CPU properties, has the same; the words may
    hold the names of CPUs.
    """

    question: Question
    completions: tuple[Completion, ...]
    cores: tuple[tuple[int, ...], ...]
    notes: tuple[Diagnostic, ...]
    confidence: str
    reads: frozenset[str]


def settle(question: Question, cell: Cell, behaviours: Behaviours) -> tuple[Completion, ...]:
    """Return the answer under every completion of the unknown atoms that matter.

    Completions that break a constraint of the release or of the study are left out: a cell with
    no completion does not exist.

    Raises:
        UndecidedError: MX0903, where too many atoms are unknown.
    """
    return tuple(settling(question, cell, behaviours))


def settling(question: Question, cell: Cell, behaviours: Behaviours) -> Iterator[Completion]:
    """Yield what `settle` returns, for those whom a first completion may be enough."""
    start = Evaluation(question.program.definitions, cell.variables, cell.atoms)
    return _bounded(question, start, behaviours)


def _bounded(question: Question, start: Evaluation, behaviours: Behaviours) -> Iterator[Completion]:
    verdicts: set[Verdict] = set()
    draft = bool(question.program.lowering.unread)
    for number, completion in enumerate(_complete(question, start, (), behaviours)):
        verdicts.add(completion.leaf.verdict)
        # Counted is what survives the constraints: the bound is on the leaves, not on the work.
        if number == _MAX_LEAVES or (draft and number >= _ENOUGH and len(verdicts) > 1):
            raise UndecidedError.of(
                code="MX0903",
                message=f"more than {number} completions of what is unknown",
                hint="give a complete `.config`, or a CPU with fewer unknown fields",
            )
        yield completion


def exists(question: Question, cell: Cell, behaviours: Behaviours) -> bool:
    """Tell whether the cell can exist: some completion keeps every constraint."""
    start = Evaluation(question.program.definitions, cell.variables, cell.atoms)
    return next(_complete(question, start, (), behaviours), None) is not None


def as_it_stands(question: Question, cell: Cell, behaviours: Behaviours) -> Question:
    """Return the question without the constraints that the cell contradicts, if any."""
    start = Evaluation(question.program.definitions, cell.variables, cell.atoms)
    return _without(question, _contradicted(question, start, behaviours))


def answer(
    question: Question, cell: Cell, behaviours: Behaviours, *, detailed: bool = True
) -> Answer:
    """Return all that is known of one cell; without `detailed` neither facts nor confidence.

    A `.config` that the release's Kconfig could not have made is answered as it stands, without
    the constraints that it contradicts, and with a warning that names them (MX0919).
    """
    known = Evaluation(question.program.definitions, cell.variables, cell.atoms)
    examined = examine(question, cell, known, behaviours, detailed=detailed)
    given = in_words(examined, cell, known, behaviours, detailed=detailed)
    given = with_unbuildable(given, question, examined.cores)
    return replace(given, facts=_facts(question, known)) if detailed else given


def with_unbuildable(given: Answer, question: Question, cores: Sequence[tuple[int, ...]]) -> Answer:
    """Return an answer that says which constraints of a question its cell contradicts."""
    if not cores:
        return given
    note = unbuildable_note(question, cores)
    return replace(given, diagnostics=(*given.diagnostics, note))


def examine(
    question: Question, cell: Cell, known: Evaluation, behaviours: Behaviours, *, detailed: bool
) -> Examined:
    """Return what is known of a cell; `known` are its names. Without `detailed` no confidence."""
    completions = tuple(_bounded(question, known, behaviours))
    notes = granule_note(question, known)
    cores: tuple[tuple[int, ...], ...] = ()
    if not completions:
        cores = _contradicted(question, known, behaviours)
        question = _without(question, cores)
        completions = tuple(_bounded(question, known, behaviours))
    return Examined(
        question=question,
        completions=completions,
        cores=cores,
        notes=notes,
        confidence=_confidence(question, cell, known, completions, behaviours) if detailed else "",
        # Not the union of the completions' reads: what refuted the others was read as well, and a
        # cell that differs there may have completions that this one has not.
        reads=known.read_by_all,
    )


def verdict_alone(question: Question, known: Evaluation, behaviours: Behaviours) -> Verdict:
    """Return the verdict of `answer`: once two completions differ, no other one is looked for.

    Raises:
        UndecidedError: as `settle`, where all that was tried so far agrees.
    """
    verdicts: set[Verdict] = set()
    for completion in _bounded(question, known, behaviours):
        verdicts.add(completion.leaf.verdict)
        if len(verdicts) > 1:
            return Verdict.UNKNOWN
    if verdicts:
        return verdicts.pop()
    # Called again once at the most: what `disjoint_cores` leaves can hold together, so the next
    # round has a completion.
    cores = _contradicted(question, known, behaviours)
    return verdict_alone(_without(question, cores), known, behaviours)


def in_words(
    examined: Examined, cell: Cell, known: Evaluation, behaviours: Behaviours, *, detailed: bool
) -> Answer:
    """Return the answer of a cell, but for the facts; without `detailed` no advisories."""
    question, completions = examined.question, examined.completions
    if len({completion.leaf.verdict for completion in completions}) > 1:
        given = unknown_answer(question, completions, cell, examined.notes)
        return replace(given, so_what=_so_what(question, known, given)) if detailed else given
    leaf = _worst(completions)
    # Not the class's result: a reader compares the trace with the machine at hand, whose page size
    # and descriptors the representative of the class need not have.
    result = behaviours.exact(leaf.inputs) if leaf.inputs is not None else None
    reported = (
        advisories(question, known, completions, behaviours, cell.detections) if detailed else ()
    )
    given = Answer(
        basis=question.capability.basis,
        predicate=_agreed(completions),
        outcome=_OUTCOMES[None if result is None else violates(result)],
        violations=findings_of(question, result.violations if result else ()),
        advisories=findings_of(question, reported),
        verdict=leaf.verdict,
        confidence=examined.confidence,
        reasons=(*_outdated(question, cell, completions), *_reasons(question, known, leaf)),
        defects=defects(question, completions, cell.detections),
        diagnostics=examined.notes,
    )
    return replace(given, so_what=_so_what(question, known, given)) if detailed else given


def _so_what(question: Question, cell: Evaluation, given: Answer) -> str:
    """Return what an answer means to who runs the machine, and what would settle an unknown one."""
    # In declared order, the first that applies: so a row with a condition belongs before the one
    # without. A condition that is unknown here does not apply.
    rows = (item for item in question.so_what if item.verdict == given.verdict)
    meant = next(
        (row for row in rows if row.expression is None or truth(cell.of(row.expression)) is True),
        None,
    )
    if meant is None:
        return ""
    settled = next((item.settled_by for item in given.unsettled if item.settled_by), None)
    named = next((item.name for item in given.unsettled), None)
    others = len(given.unsettled) - 1
    more = f"{others} more open {'fact' if others == 1 else 'facts'}"
    if settled is not None:
        return f"{meant.says}; it is settled by {settled}{f', and {more}' if others else ''}"
    if named is None:
        return meant.says
    return f"{meant.says}; {f'{named} and {more} settle' if others else f'{named} settles'} it"


def unknown_answer(
    question: Question,
    completions: tuple[Completion, ...],
    cell: Cell,
    notes: tuple[Diagnostic, ...] = (),
) -> Answer:
    """Return the answer of a cell whose completions differ in the verdict, in its CPU's names."""
    unsettled = _unsettled(question, completions, cell)
    return Answer(
        basis=question.capability.basis,
        predicate=_agreed(completions),
        outcome="not-run",
        verdict=Verdict.UNKNOWN,
        confidence="unknown",
        reasons=_unknown_reasons(completions, unsettled),
        unsettled=unsettled,
        defects=defects(question, completions, cell.detections),
        diagnostics=notes,
    )


def _complete(
    question: Question,
    cell: Evaluation,
    assigned: Assigned,
    behaviours: Behaviours,
) -> Iterator[Completion]:
    """Yield the completions below one partial assignment, depth first."""
    # A partial assignment that breaks a constraint ends here, with all its completions.
    if cell.refutes(question.constraints):
        return
    found = ask(question, cell, behaviours)
    if isinstance(found, Leaf):
        yield Completion(assigned=assigned, leaf=found, reads=cell.reads)
        return
    # Only an atom that the question waits for is tried, and only the first: its values may make all
    # others idle. So the leaves are few, and each is a partial assignment that decides.
    atom = next(cell.undecided_atoms(found))
    for value in question.program.domain(atom):
        below = cell.with_atoms({atom: value})
        yield from _complete(question, below, (*assigned, (atom, value)), behaviours)


def facts_of(question: Question, cell: Cell) -> tuple[tuple[str, Value], ...]:
    """Return the facts of a cell, without asking anything of it."""
    return _facts(question, Evaluation(question.program.definitions, cell.variables, cell.atoms))


def _worst(completions: tuple[Completion, ...]) -> Leaf:
    """Return the leaf to show when all agree on the verdict: one with findings, if any has."""
    return max(
        (completion.leaf for completion in completions),
        key=lambda leaf: len(leaf.result.violations) if leaf.result else -1,
    )


def _agreed(completions: tuple[Completion, ...]) -> bool | None:
    values = {completion.leaf.predicate for completion in completions}
    return values.pop() if len(values) == 1 else None


def _facts(question: Question, cell: Evaluation) -> tuple[tuple[str, Value], ...]:
    return tuple((name, cell.of(expression)) for name, expression in question.program.facts.items())


def findings_of(question: Question, violations: Iterable[Violation]) -> tuple[Finding, ...]:
    """Return violations with the kernel lines of this release beside each micro-operation."""
    return tuple(
        Finding(
            invariant=violation.invariant,
            certainty=violation.certainty,
            message=violation.message,
            trace=trace_lines(question, violation.trace),
            lanes=tuple(step.after for step in violation.trace),
            release=question.program.release,
        )
        for violation in violations
    )


def trace_lines(question: Question, steps: Sequence[Step]) -> tuple[TraceLine, ...]:
    """Return what is done in the events of a trace, with the kernel lines of this release."""
    sources = question.operation_sources
    return tuple(
        TraceLine(
            event=step.event,
            operation=operation.name,
            detail=operation.detail,
            source=sources.get(operation.name),
            step=number,
            returns=operation.returns,
            changed=operation.changed,
            stays=operation.stays,
        )
        for number, step in enumerate(steps)
        for operation in step.operations
    )


def _unsettled(
    question: Question, completions: tuple[Completion, ...], cell: Cell
) -> tuple[Unsettled, ...]:
    """Return the atoms whose value makes a difference, all that was tried before it being equal."""
    # The completions are the leaves of a tree: an inner node is what was assigned before it, and
    # the atom that is tried there. An atom is decisive where two of its branches differ.
    branches: dict[tuple[Assigned, str], dict[Value, set[Verdict]]] = {}
    for completion in completions:
        for index, (atom, value) in enumerate(completion.assigned):
            values = branches.setdefault((completion.assigned[:index], atom), {})
            values.setdefault(value, set()).add(completion.leaf.verdict)
    decisive = {
        atom: None
        for (_, atom), values in branches.items()
        # Sets of verdicts, not single ones: below one value further atoms may still decide, and two
        # values that leave the same choice open do not differ themselves.
        if any(verdicts != next(iter(values.values())) for verdicts in values.values())
    }
    described = (describe(question.program, atom, cell.detections) for atom in decisive)
    return tuple(dict.fromkeys(described))  # two cpucaps may rest on the same fields


def _unknown_reasons(
    completions: tuple[Completion, ...], unsettled: tuple[Unsettled, ...]
) -> tuple[str, ...]:
    outcomes = " or ".join(sorted({completion.leaf.verdict for completion in completions}))
    names = dict.fromkeys(name for item in unsettled for name in item.names)
    depending = f"{outcomes}, depending on {' and '.join(names)}"
    return (depending, *(item.sentence for item in unsettled))


def _outdated(question: Question, cell: Cell, completions: tuple[Completion, ...]) -> Iterator[str]:
    """Yield what an older version than the one that was read has otherwise, if it was looked at."""
    for atom, mechanism in question.program.dated.items():
        since = mechanism.since
        if since is None or cell.atoms.get(atom) != since.before:
            continue
        if any(atom in completion.reads for completion in completions):
            yield f"{since.because}; fixed in {', '.join(since.versions)}"


def _reasons(question: Question, cell: Evaluation, leaf: Leaf) -> tuple[str, ...]:
    if leaf.reason:
        return (leaf.reason,)
    broken = tuple(violation.message for violation in leaf.result.violations) if leaf.result else ()
    basis = question.capability.basis
    if leaf.predicate:
        if basis == "truth" and broken:
            return (f"the check says yes, though {broken[0]}", *broken[1:])
        return broken or (_YES[basis],)
    said = question.program.lowering.said
    dated = {atom: cell.value(atom) for atom in question.program.dated}
    # Only what is false for sure: a part that is unknown did not make the predicate false.
    false_parts = [
        said(part.declared, dated)
        for part in question.conjuncts
        if truth(cell.of(part.lowered)) is False
    ]
    answer_is_no = f"the predicate is false: {', '.join(false_parts)}"
    if broken:
        return (f"{answer_is_no}; {_RIGHTLY[basis]}: {broken[0]}", *broken[1:])
    return (f"{answer_is_no}{_NO[basis]}",)


# What is said of a predicate by what judges it: where it holds and nothing is violated, where it
# does not hold and nothing would be, and before what would be.
_YES: dict[Basis, str] = {
    "simulation": "the predicate holds, and no violation is reachable",
    "truth": "the predicate holds, and so does every part of the truth",
    "nothing": "the predicate holds",
}
_NO: dict[Basis, str] = {
    "simulation": "; though nothing would be violated",
    "truth": "; though every part of the truth holds",
    "nothing": "",
}
_RIGHTLY: dict[Basis, str] = {
    "simulation": "were it forced to yes",
    "truth": "and rightly so",
    "nothing": "",
}
_OUTCOMES = {None: "not-run", False: "safe", True: "violates"}


def _contradicted(
    question: Question, known: Evaluation, behaviours: Behaviours
) -> tuple[tuple[int, ...], ...]:
    """Return the numbers of the constraints that a cell contradicts, core by core.

    Which member of a core the `.config` is wrong about nobody can say, so none of them is relied
    on; all other constraints are, since its settings keep them.
    """

    def satisfiable(chosen: frozenset[int]) -> bool:
        kept = tuple(question.constraints[number] for number in sorted(chosen))
        asked = replace(question, constraints=kept)
        # The atoms that are tried change with the constraints that are kept, so satisfiability is
        # asked of the same search that finds completions; a solver of its own could disagree with
        # it.
        return next(_complete(asked, known, (), behaviours), None) is not None

    return disjoint_cores(len(question.constraints), satisfiable)


def _without(question: Question, cores: tuple[tuple[int, ...], ...]) -> Question:
    aside = frozenset(number for core in cores for number in core)
    kept = (item for number, item in enumerate(question.constraints) if number not in aside)
    return replace(question, constraints=tuple(kept))


def _confidence(
    question: Question,
    cell: Cell,
    known: Evaluation,
    completions: tuple[Completion, ...],
    behaviours: Behaviours,
) -> str:
    """Return the weakest confidence among the CPU properties that could change the verdict alone.

    Where none could, of all known properties the answer reads.
    """
    reads = frozenset(atom for completion in completions for atom in completion.reads)
    read = {
        atom: detection
        for atom, detection in cell.detections.items()
        if atom in reads and detection.value is not None
    }
    verdicts = {completion.leaf.verdict for completion in completions}
    if len(verdicts) > 1:
        return "unknown"

    def decides(atom: str, detection: Detection) -> bool:
        # Whether the answer would be another one if what is recorded of this property were wrong.
        flipped = known.with_atoms({atom: not detection.value})
        others = set()
        for item in _bounded(question, flipped, behaviours):
            # The first other verdict is enough; the completions behind it may be thousands.
            if item.leaf.verdict not in verdicts:
                return True
            others.add(item.leaf.verdict)
        # No completion at all counts as another answer: with that value there would be no such
        # cell.
        return others != verdicts

    decisive = [item.confidence for atom, item in read.items() if decides(atom, item)]
    # An answer that no single property could change is as firm as the weakest it looked at: two
    # wrong ones together might change it.
    return weakest(decisive or [item.confidence for item in read.values()])


def said_besides(
    question: Question,
    cell: Cell,
    behaviours: Behaviours,
    inputs: SimulationInputs,
) -> tuple[SimulationResult, tuple[Defect, ...]]:
    """Return the simulation of a cell's `inputs`, its advisories as their conditions leave them.

    Beside it the defects of the kernel by itself. Both hang on what nobody recorded as the answer
    of the cell says, whichever run is shown.
    """
    varied = [
        replace(item, leaf=_varied(item.leaf, item.leaf.inputs, inputs, behaviours))
        if isinstance(item.leaf.inputs, SimulationInputs)
        else item
        for item in settle(question, cell, behaviours)
    ]
    known = Evaluation(question.program.definitions, cell.variables, cell.atoms)
    reported = advisories(question, known, varied, behaviours, cell.detections)
    result = replace(behaviours.exact(inputs), advisories=reported)
    return result, defects(question, varied, cell.detections)


def _varied(
    leaf: Leaf, own: SimulationInputs, shown: SimulationInputs, behaviours: Behaviours
) -> Leaf:
    """Return a leaf under the mechanism variant of the run that is shown."""
    inputs = replace(own, variant=shown.variant)
    return replace(leaf, inputs=inputs, result=behaviours.result(inputs))


def inputs_of(question: Question, cell: Cell, behaviours: Behaviours) -> SimulationInputs:
    """Return the simulation inputs that the answer of a cell shows.

    Where what nobody recorded leaves several and the verdict is one, they are those whose findings
    the answer has (`examine`): both speak of the same run.

    Raises:
        InputError: MX0918, where the capability is absent or the answer unknown; it says why.
    """
    completions = settle(question, cell, behaviours)
    unknown = len({completion.leaf.verdict for completion in completions}) > 1
    leaf = _worst(completions)
    # A predicate that nobody knows does not matter to what is simulated.
    behaves_alike = len({completion.leaf.inputs for completion in completions}) == 1
    if isinstance(leaf.inputs, SimulationInputs) and (behaves_alike or not unknown):
        return leaf.inputs
    reasons = (
        unknown_answer(question, completions, cell).reasons if unknown else (leaf.reason or "",)
    )
    answer_is = "unknown" if unknown else str(leaf.verdict)
    raise InputError.of(
        code="MX0918",
        message=f"there is nothing to simulate: the cell's answer is {answer_is}: "
        + "; ".join(reasons),
        hint="choose a cell in which the capability is present and its verdict known; "
        "`matrix explain` shows this one in full",
    )


def granule_note(question: Question, cell: Evaluation) -> tuple[Diagnostic, ...]:
    """Return that nobody knows whether the kernel boots, where it is so."""
    if cell.of(question.boots) is not None:
        return ()
    return (
        Diagnostic.note(
            code="MX0904",
            message="nobody recorded whether every CPU supports the kernel's translation granule",
            hint="the answer takes it that the kernel boots",
        ),
    )


def unbuildable_note(question: Question, cores: Sequence[Sequence[int]]) -> Diagnostic:
    """Return that no build has the settings, with the constraints of each core they contradict."""
    program = question.program
    # A study's own constraints come behind those of the release, and have no words of their own.
    own = map(to_c, question.constraints[len(program.constraints) :])
    texts = (*program.constraint_texts, *own)
    broken = "; ".join(" and ".join(texts[number] for number in core) for core in cores)
    return Diagnostic.warning(
        code="MX0919",
        message=f"the Kconfig of Linux {program.release} makes no such `.config`; it breaks: "
        f"{broken}",
        hint="is it of another release? the answer takes the settings as they stand, and drops no "
        "other constraint",
    )
