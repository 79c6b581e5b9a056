"""Answers kept by what they rest on: whoever asks about many cells asks here.

Takes the cells of one question, gives what `answering.answer` gives. An answer rests only on the
names that were read on the way to it; two cells that agree in those have the same one. So a fleet
of a million hosts needs a few thousand evaluations, and a folder of `.config`s one for each way in
which they differ where it matters.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from operator import itemgetter
from typing import Generic, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.answering import (
    Cell,
    Examined,
    examine,
    in_words,
    verdict_alone,
    with_unbuildable,
)
from matrix.analyze.cell.assemble import cpu_atoms
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.question import Question
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.evaluation import Evaluation
from matrix.expr.nodes import Constant, Expression, Value
from matrix.kernel.cpu.detection import Detection
from matrix.kernel.cpu.system import CpuSystem

_Made = TypeVar("_Made")
_Cores = tuple[tuple[int, ...], ...]

# Builds whose names are kept as far as they were worked out, for their other command lines: each
# takes some 16 KiB, and of files that all differ none is asked for again.
_MOST_BEGUN = 256


class _Values(dict[str, Value | Expression]):
    """The names of a cell; one that nothing was said of is unknown."""

    def __missing__(self, name: str) -> None:
        return None

    def copy(self) -> _Values:
        """Return the same names, to be changed."""
        return _Values(self)


class _Patterns(Generic[_Made]):
    """What was worked out, by the names that were read for it and the values they had."""

    def __init__(self) -> None:
        self._patterns: dict[tuple[str, ...], dict[object, _Made]] = {}

    def find(self, values: _Values) -> _Made | None:
        """Return what was kept for these values, None where nothing was."""
        # Few patterns, many cells: those that take the same way read the same names.
        # Patterns are not exclusive, and need not be: whichever names agree, what was kept under
        # them read nothing else.
        for names, kept in self._patterns.items():
            made = kept.get(_values_of(names, values))
            if made is not None:
                return made
        return None

    def keep(self, names: AbstractSet[str], values: _Values, made: _Made) -> None:
        """Keep what was made of these values, of which `names` were read."""
        pattern = tuple(sorted(names))
        self._patterns.setdefault(pattern, {})[_values_of(pattern, values)] = made


def _values_of(names: tuple[str, ...], values: _Values) -> object:
    return itemgetter(*names)(values) if names else None


class _Kept(Struct, frozen=True, kw_only=True):
    """What cells that agree in their constraints share."""

    examined: _Patterns[Examined] = field(default_factory=_Patterns)
    answers: _Patterns[tuple[Answer, _Cores]] = field(default_factory=_Patterns)
    verdicts: _Patterns[Verdict] = field(default_factory=_Patterns)


class Surroundings(Struct, frozen=True, kw_only=True, eq=False):
    """A cell without its CPU: its atoms, and the kernel variables that only a CPU decides.

    The other variables stand among the atoms, and so do the definitions that no CPU decides: cells
    that differ in a symbol and not in what the kernel makes of it have the same answer. Constraints
    that no CPU decides are none of the `question`'s any more: those that are kept bind nothing, and
    each that is not (`broken`) is set aside as a core by itself. `open` are the numbers of the
    others. Cells that agree in these share `kept`, the answers without and with details. Those of
    equal content are one object.
    """

    question: Question
    broken: tuple[int, ...]
    open: tuple[int, ...]
    variables: Mapping[str, Expression]
    atoms: Mapping[str, Value]
    kept: tuple[_Kept, _Kept]


class DetectedCpu(Struct, frozen=True, kw_only=True, eq=False):
    """What one kernel detects on a CPU system; those of which it knows the same are one object.

    `knowledge` has a number for each detection, `confidence` one for its value and confidence.
    """

    atoms: Mapping[str, Value]
    detections: Mapping[str, Detection]
    knowledge: Mapping[str, Value]
    confidence: Mapping[str, Value]


class AnswerMemory:
    """The answers of one question so far."""

    def __init__(self, question: Question, behaviours: Behaviours) -> None:
        self.question = question
        self.behaviours = behaviours
        self._surroundings: dict[object, Surroundings] = {}
        # By the numbers of the open constraints alone, not by content: what is kept is found by the
        # values that were read, and everything else of the surroundings is such a value.
        self._by_constraints: dict[tuple[int, ...], tuple[Question, tuple[_Kept, _Kept]]] = {}
        self._facts: dict[str, _Patterns[tuple[Value, frozenset[str]]]] = {
            name: _Patterns() for name in question.program.facts
        }
        self._all_facts: _Patterns[tuple[tuple[str, Value], ...]] = _Patterns()
        self._boots: _Patterns[tuple[bool]] = _Patterns()
        self._begun: dict[object, tuple[Mapping[str, Expression], Evaluation]] = {}
        self._numbers: dict[Hashable, int] = {}
        self._systems: dict[str, DetectedCpu] = {}
        self._cpus: dict[tuple[Value, ...], DetectedCpu] = {}

    def surroundings(
        self, variables: Mapping[str, Expression], atoms: Mapping[str, Value]
    ) -> Surroundings:
        """Return a cell's part that no CPU changes, with all that follows from it worked out."""
        program = self.question.program
        # What is decided without any CPU is the same on all of them: it is a value from here on,
        # and need not be read again.
        evaluation = self._like_before(variables, atoms)
        # What came with a point release is named in the reasons, so that it must be seen read.
        others = (program.atoms - atoms.keys()) | program.dated.keys()
        known = {
            **atoms,
            **evaluation.decided_without(others, (*variables, *program.definitions)),
        }
        undecided = {name: item for name, item in variables.items() if name not in known}
        constraints = evaluation.folded_without(others, self.question.constraints)
        decided = [item.value if isinstance(item, Constant) else None for item in constraints]
        broken = tuple(number for number, value in enumerate(decided) if value is False)
        left = tuple(number for number, value in enumerate(decided) if value is None)
        content = (frozenset(known.items()), frozenset(undecided.items()), broken, left)
        if content not in self._surroundings:
            if left not in self._by_constraints:
                own = tuple(constraints[number] for number in left)
                asked = replace(self.question, constraints=own)
                self._by_constraints[left] = asked, (_Kept(), _Kept())
            asked, kept = self._by_constraints[left]
            self._surroundings[content] = Surroundings(
                question=asked,
                broken=broken,
                open=left,
                variables=undecided,
                atoms=known,
                kept=kept,
            )
        return self._surroundings[content]

    def forget_surroundings(self) -> None:
        """Forget the parts of cells that no CPU changes; equal ones share their answers still."""
        self._surroundings.clear()
        self._begun.clear()

    def _like_before(
        self, variables: Mapping[str, Expression], atoms: Mapping[str, Value]
    ) -> Evaluation:
        """Return the names of a cell; what no changed variable touches is known from before."""
        key = frozenset(atoms.items())
        if key not in self._begun:
            if len(self._begun) == _MOST_BEGUN:
                del self._begun[next(iter(self._begun))]
            begun = Evaluation(self.question.program.definitions, variables, atoms)
            self._begun[key] = variables, begun
            return begun
        before, begun = self._begun[key]
        if before.keys() != variables.keys():
            return Evaluation(self.question.program.definitions, variables, atoms)
        # Identity first: most variables of two command lines are the very same object.
        changed = {
            name: item
            for name, item in variables.items()
            if item is not before[name] and item != before[name]
        }
        return begun.with_names(changed, {})

    def cpu(self, system: CpuSystem) -> DetectedCpu:
        """Return what the kernel detects on a system."""
        if system.spec not in self._systems:
            atoms, detections = cpu_atoms(self.question.program, system)
            knowledge = {atom: self._number(item) for atom, item in detections.items()}
            confidence = {
                atom: self._number((item.value, item.confidence))
                for atom, item in detections.items()
            }
            cpu = DetectedCpu(
                atoms=atoms, detections=detections, knowledge=knowledge, confidence=confidence
            )
            self._systems[system.spec] = self._cpus.setdefault(tuple(knowledge.values()), cpu)
        return self._systems[system.spec]

    def _number(self, known: Hashable) -> int:
        return self._numbers.setdefault(known, len(self._numbers))

    def answer(self, around: Surroundings, cpu: DetectedCpu, *, detailed: bool) -> Answer:
        """Return the answer of a cell; without `detailed` neither facts nor confidence.

        Its completions are kept by the values and the confidence of what they read, its words by
        all that is known of it: they have the names of CPUs.
        """
        atoms = {**around.atoms, **cpu.atoms}
        cell = Cell(variables=around.variables, atoms=atoms, detections=cpu.detections)
        values = _Values(atoms)
        values.update(cell.variables)
        facts = self._facts_of(cell, values) if detailed else ()
        kept = around.kept[detailed]
        worded = values.copy()
        # Words name CPUs, so two cells share them only where the same is known of their CPUs; what
        # they rest on (`examined`) only needs the same values with the same confidence.
        worded.update(cpu.knowledge)
        found = kept.answers.find(worded)
        if found is None:
            # A new one, not the begun evaluation of the surroundings: what this answer reads must
            # be noted from the start, or the pattern it is kept under would be too short.
            known = Evaluation(self.question.program.definitions, cell.variables, atoms)
            if detailed:
                values.update(cpu.confidence)
            examined = kept.examined.find(values)
            if examined is None:
                examined = examine(around.question, cell, known, self.behaviours, detailed=detailed)
                kept.examined.keep(examined.reads | cell.variables.keys(), values, examined)
            given = in_words(examined, cell, known, self.behaviours, detailed=detailed)
            reads = examined.reads | known.read_by_all | cell.variables.keys()
            found = given, examined.cores
            kept.answers.keep(reads, worded, found)
        given = with_unbuildable(found[0], self.question, _cores(around, found[1]))
        return replace(given, facts=facts) if detailed else given

    def verdict(self, around: Surroundings, cpu: DetectedCpu) -> Verdict:
        """Return the verdict of `answer`, for who needs nothing else of it."""
        values = _Values({**around.atoms, **cpu.atoms, **around.variables})
        kept = around.kept[False].verdicts
        found = kept.find(values)
        if found is None:
            definitions = self.question.program.definitions
            known = Evaluation(definitions, around.variables, {**around.atoms, **cpu.atoms})
            found = verdict_alone(around.question, known, self.behaviours)
            kept.keep(known.read_by_all | around.variables.keys(), values, found)
        return found

    def hangs_on_granule(self, around: Surroundings, cpu: DetectedCpu) -> bool:
        """Tell whether it is unknown if the kernel boots on a CPU, and no matter of the `.config`.

        It is one where the page size is not known.
        """
        values = _Values({**around.atoms, **cpu.atoms, **around.variables})
        found = self._boots.find(values)
        if found is None:
            boots = self.question.boots
            definitions = self.question.program.definitions
            known = Evaluation(definitions, around.variables, {**around.atoms, **cpu.atoms})
            found = (
                known.of(boots) is None
                and not any(atom.startswith("CONFIG_") for atom in known.undecided_atoms(boots)),
            )
            self._boots.keep(known.read_by_all | around.variables.keys(), values, found)
        return found[0]

    def _facts_of(self, cell: Cell, values: _Values) -> tuple[tuple[str, Value], ...]:
        """Return the facts of a cell: all by what they read, else each by what it alone reads."""
        found = self._all_facts.find(values)
        if found is not None:
            return found
        evaluation = Evaluation(self.question.program.definitions, cell.variables, cell.atoms)
        read: set[str] = set()
        made = []
        for name, expression in self.question.program.facts.items():
            kept = self._facts[name].find(values)
            if kept is None:
                value = evaluation.of(expression)
                kept = value, evaluation.reads_of(expression)
                # Fact by fact: cells that differ in what one fact reads share the others.
                self._facts[name].keep(kept[1], values, kept)
            made.append((name, kept[0]))
            read |= kept[1]
        found = tuple(made)
        self._all_facts.keep(read, values, found)
        return found


def _cores(around: Surroundings, found: _Cores) -> _Cores:
    """Return the cores of a cell among all constraints, in the order that `disjoint_cores` has.

    One member alone comes first, the lower the earlier; those that were `found` are numbers of the
    open constraints.
    """
    own = [tuple(around.open[number] for number in core) for core in found]
    alone = sorted([*((number,) for number in around.broken), *(x for x in own if len(x) == 1)])
    return (*alone, *(core for core in own if len(core) > 1))
