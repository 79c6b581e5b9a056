"""What a reader of an answer must also know: advisories that can happen, defects of the kernel.

Takes what the simulation reports besides its violations, under every completion of what is unknown
of a cell; keeps what the declared condition allows (`advisories:` of the architecture), and says
what it needs and what it hangs on. A violation that is just as reachable without the capability is
a defect of the kernel by itself (`defects:` of its profile).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from matrix.analyze.cell.answer import Defect, Unsettled
from matrix.analyze.cell.behaviour import Behaviours, Result
from matrix.analyze.cell.question import Assigned, Completion, Question
from matrix.analyze.facts.evaluation import Evaluation
from matrix.analyze.facts.kept_simulations import without_capability
from matrix.analyze.facts.program import FactProgram
from matrix.analyze.facts.unread import UNREAD
from matrix.explore.inputs import SimulationInputs
from matrix.explore.outcome import Violation
from matrix.explore.simulate import Broken
from matrix.expr.evaluation import truth
from matrix.kernel.cpu.detection import Detection
from matrix.scenarios import scenario

# What is reported once: an advisory, and under which value of the assumption.
_Key = tuple[str, tuple[str, str] | None]

# Something besides must happen; nobody knows whether it can.
POSSIBLE, UNKNOWN = "possible", "unknown"


def is_defect(question: Question, violation: Violation) -> bool:
    """Say whether what was reported is a violation that the kernel has without the capability."""
    return violation.invariant in question.invariants


def advisories(
    question: Question,
    known: Evaluation,
    completions: Sequence[Completion],
    behaviours: Behaviours,
    detections: Mapping[str, Detection],
) -> tuple[Violation, ...]:
    """Return what is reported besides and can happen, with what it needs and what it hangs on."""
    possible = []
    for key, first in _reported(completions).items():
        holds = _holding(question, known, completions, key)
        # Unknown counts as possible: an advisory is left out only where no completion leads to it.
        if not any(value is not False for value in holds) or first.leaf.inputs is None:
            continue
        exact = _of(behaviours.exact(first.leaf.inputs), key)
        # A class has the findings of each of its cells; anything else is an error in `relevant` of
        # the scenario, and must not be passed over.
        if exact is None:
            raise AssertionError(f"{key[0]} is found in a class and not in its cell")
        # None is no yes: what hangs on something is said with what it hangs on.
        settled = all(holds)
        open_atoms = () if settled else _open(question, known, completions, key)
        possible.append(
            _worded(
                question,
                exact,
                [describe(question.program, item, detections) for item in open_atoms],
            )
        )
    return tuple(possible)


def defects(
    question: Question, completions: Sequence[Completion], detections: Mapping[str, Detection]
) -> tuple[Defect, ...]:
    """Return the violations that the kernel has by itself, under some completion at least.

    They are met where its check says no, too: the guest then runs without the capability.
    """
    broken = [
        without_capability(scenario(item.leaf.inputs.scenario), item.leaf.inputs)
        if isinstance(item.leaf.inputs, SimulationInputs)
        else ()
        for item in completions
    ]
    found = []
    for one in dict.fromkeys(one for of_cell in broken for one in of_cell):
        everywhere = all(one in of_cell for of_cell in broken)
        open_atoms = () if everywhere else _assigned(completions)
        hangs = dict.fromkeys(
            name
            for atom in open_atoms
            for name in describe(question.program, atom, detections).names
        )
        found.append(defect_of(question.program, one, tuple(hangs)))
    return tuple(found)


def defect_of(program: FactProgram, broken: Broken, hangs: tuple[str, ...] = ()) -> Defect:
    """Return a violation of the kernel by itself with what is declared about it."""
    invariant, assumption, message = broken
    declared = program.defects.get(invariant)
    return Defect(
        release=program.release,
        invariant=invariant,
        certainty=UNKNOWN if hangs else "=".join(assumption or ("certain",)),
        says=declared.says if declared else message,
        fixed_by=declared.fixed_by if declared else None,
        fixed_in=declared.fixed_in if declared else None,
        reported=declared.reported if declared else None,
        source=declared.source if declared else None,
        hangs_on=hangs,
    )


def same(one: Violation, other: Violation) -> bool:
    """Say whether two reports are of one thing, whatever their traces."""
    return _key(one) == _key(other)


def with_needs(question: Question, violation: Violation) -> Violation:
    """Return what is reported with what must happen besides."""
    rule = question.advisories.get(violation.invariant)
    if rule is None or rule.needs is None:
        return violation
    return replace(violation, message=f"{violation.message}; needs {rule.needs}", depends=POSSIBLE)


def hanging_on(violation: Violation, facts: Sequence[str]) -> Violation:
    """Return what is reported with what nobody recorded and it hangs on."""
    message = f"{violation.message}; hangs on {' and on '.join(facts)}"
    return replace(violation, message=message, depends=UNKNOWN)


def describe(program: FactProgram, atom: str, detections: Mapping[str, Detection]) -> Unsettled:
    """Return an atom that is unknown as a reader knows it, why it is, and what settles it."""
    detection = detections.get(atom)
    described = program.open_atoms.get(atom)
    if described is not None:
        name, why, settled_by = described
        return Unsettled(names=(name,), why=why, settled_by=settled_by)
    if detection is None and atom.startswith(UNREAD):
        why = "nobody has read it in the source yet: the profile is a draft"
        return Unsettled(names=(atom,), why=why, settled_by=None)
    if detection is None:
        return Unsettled(names=(atom,), why=_not_given(atom), settled_by=None)
    return Unsettled(
        names=detection.open_fields or (atom,),
        why=detection.reason or "nobody recorded it",
        settled_by=" or ".join(detection.settled_by) or None,
    )


def _worded(question: Question, violation: Violation, hangs: Sequence[Unsettled]) -> Violation:
    worded = with_needs(question, violation)
    return hanging_on(worded, tuple(dict.fromkeys(map(_open_text, hangs)))) if hangs else worded


def _open_text(fact: Unsettled) -> str:
    if fact.why == _not_given(fact.name):
        return f"{fact.name}, which is not given"
    settled = f", settled by {fact.settled_by}" if fact.settled_by else ""
    return f"{fact.name} ({fact.why}{settled})"


def _not_given(atom: str) -> str:
    return f"`{atom}` is not given"


def _reported(completions: Sequence[Completion]) -> dict[_Key, Completion]:
    """Return what any completion reports besides, with the first that does."""
    found: dict[_Key, Completion] = {}
    for completion in completions:
        result = completion.leaf.result
        for violation in result.advisories if result else ():
            found.setdefault(_key(violation), completion)
    return found


def _holding(
    question: Question, known: Evaluation, completions: Sequence[Completion], key: _Key
) -> list[bool | None]:
    """Say of each completion whether what is reported can happen there; None: nobody knows."""
    rule = question.advisories.get(key[0])
    # Completions that agree in what the condition may read agree in its value.
    read = frozenset(known.undecided_atoms(rule.when) if rule else ())
    values: dict[Assigned, bool | None] = {}

    def holds(item: Completion) -> bool | None:
        if item.leaf.result is None or _of(item.leaf.result, key) is None:
            return False
        if key[0] in question.invariants or rule is None:
            # A violation that the kernel has without the capability needs no rule; an advisory
            # without a rule in the architecture is one that nobody has declared, and is not shown.
            return key[0] in question.invariants
        agreed = tuple(pair for pair in item.assigned if pair[0] in read)
        if agreed not in values:
            values[agreed] = truth(known.with_atoms(dict(agreed)).of(rule.when))
        return values[agreed]

    return [holds(item) for item in completions]


def _open(
    question: Question, known: Evaluation, completions: Sequence[Completion], key: _Key
) -> Iterator[str]:
    """Yield the unknown atoms on which it hangs that something can happen, each once."""
    rule = question.advisories.get(key[0])
    atoms = dict.fromkeys(known.undecided_atoms(rule.when) if rule else ())
    # Not every completion reports it, so that which one holds matters, beside the rule's own atoms.
    if not all(item.leaf.result and _of(item.leaf.result, key) for item in completions):
        atoms.update(dict.fromkeys(_assigned(completions)))
    yield from atoms


def _assigned(completions: Sequence[Completion]) -> tuple[str, ...]:
    """Return the atoms whose values tell completions apart."""
    return tuple(dict.fromkeys(atom for item in completions for atom, _ in item.assigned))


def _key(violation: Violation) -> _Key:
    return violation.invariant, violation.assumption


def _of(result: Result, key: _Key) -> Violation | None:
    return next((item for item in result.advisories if _key(item) == key), None)
