"""The engine that every flow about real kernels asks: a situation in, an answer out.

Takes a kernel, its `.config`, the line of its boot loader, the surroundings and a CPU system; each
is looked at once (`Build`, `Situation`, `DetectedCpu`), and answers are kept by what they read
(`analyze/cell/memory.py`). `validate`, `fleet` and `probe` differ in what they read and in what
they say, never in how they answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cache, cached_property, partial
from typing import Generic, TypeVar

from msgspec import Struct

from matrix.analyze.cell.answer import Answer, Fix
from matrix.analyze.cell.answering import Cell
from matrix.analyze.cell.assemble import (
    asked_of_file,
    config_atoms,
    open_variables,
    read_variables,
    surroundings_atoms,
)
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.fix import Reline, find_fixes
from matrix.analyze.cell.memory import AnswerMemory, DetectedCpu, Surroundings
from matrix.analyze.cell.question import Question, lower_question, names_read, predicate_version
from matrix.analyze.cell.rebuild import Rebuild
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.line_memory import LineMemory
from matrix.diagnostics import Diagnostic, InputError
from matrix.expr.nodes import Expression, Value
from matrix.flows.kernel_choice import ChosenKernel, built_in_line, vendor_doubt
from matrix.flows.knowledge import Library
from matrix.flows.tree_check import TreeCheck
from matrix.kernel.config.dotconfig import DotConfig
from matrix.kernel.line.cmdline import BuiltInLine, LineReadings
from matrix.schema.values import Capability, KernelProfile

# Stands for any parameter that a fix may append to what the boot loader passes.
_APPENDED = "appended"

# Answers that are kept for files, by all that was given: those of some 60 on every CPU.
_MOST_GIVEN = 4096

_Key = TypeVar("_Key", bound=Hashable)
_Made = TypeVar("_Made")


class Kept(Generic[_Key, _Made]):
    """What was made of each key, or what was wrong with it.

    Behind `most_wrong` wrong keys no other one is looked at: finding out what is wrong takes longer
    than an answer, and a table may hold a million.
    """

    def __init__(self, make: Callable[[_Key], _Made], most_wrong: int = 20_000) -> None:
        self._make = make
        self._made: dict[_Key, _Made | InputError] = {}
        self._wrong = 0
        self._most_wrong = most_wrong
        self._not_looked_at: tuple[Diagnostic, ...] = ()

    def of(self, key: _Key) -> _Made:
        """Return what is made of a key.

        Raises:
            InputError: what was wrong with it, each time anew.
        """
        made = self._made.get(key)
        if made is None:
            if self._wrong > self._most_wrong:
                raise InputError(self._not_looked_at)
            try:
                made = self._make(key)
            except InputError as error:
                # One that was raised holds all that was being worked on.
                made = type(error)(error.diagnostics)
                self._count(made)
            self._made[key] = made
        if isinstance(made, InputError):
            raise type(made)(made.diagnostics)
        return made

    def _count(self, error: InputError) -> None:
        self._wrong += 1
        if self._wrong > self._most_wrong:
            message = f"not looked at: {self._wrong:,} others before it are wrong"
            last = error.diagnostics[0]
            said = Diagnostic(code=last.code, message=message, hint=last.hint)
            self._not_looked_at = (said,)

    def forget(self) -> None:
        """Forget everything."""
        self._made.clear()


class Asked(Struct, frozen=True, kw_only=True, eq=False):
    """What is asked of the builds of one kernel, and the names on which the answers rest."""

    memory: AnswerMemory
    reads: frozenset[str]


class Build(Struct, frozen=True, kw_only=True, eq=False):
    """A kernel with its `.config`, and the atoms that the file and the version set.

    `doubt` is what a vendor's version leaves open (`kernel_choice.vendor_doubt`).
    """

    chosen: ChosenKernel
    config: DotConfig
    built_in: BuiltInLine
    asked: Asked
    atoms: Mapping[str, Value]
    doubt: tuple[str, str] | None

    @property
    def profile(self) -> KernelProfile:
        """The profile that answers for it."""
        return self.chosen.profile

    @property
    def question(self) -> Question:
        """What is asked of it."""
        return self.asked.memory.question

    @property
    def rebuild(self) -> Rebuild:
        """The same `.config`, to be changed."""
        return Rebuild(question=self.question, profile=self.profile, config=self.config)


class Situation(Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """All that an answer may rest on but the CPU: a build, the line it reads, and the options.

    `around` is what of it counts: situations that are alike in that share their answers.
    """

    build: Build
    boot_loader: str
    line: LineReadings
    variables: Mapping[str, Expression]
    atoms: Mapping[str, Value]
    around: Surroundings

    def cell(self, cpu: DetectedCpu) -> Cell:
        """Return the whole cell on a CPU system."""
        atoms = {**self.atoms, **cpu.atoms}
        return Cell(variables=self.variables, atoms=atoms, detections=cpu.detections)

    @property
    def changeable(self) -> Hashable:
        """What fixes rest on besides the CPU: equal ones share them.

        Where the kernel would put an appended parameter (CMDLINE_FORCE: nowhere) counts, and so do
        the lines of the file beside what the model reads.
        """
        appended_to = self.build.built_in.readings(f"{self.boot_loader} {_APPENDED}")
        return self.around, self.line, appended_to, frozenset(self.build.rebuild.gates())

    @cached_property
    def reline(self) -> Reline:
        """The kernel variables with parameters appended to what the boot loader passes.

        Kept, since fixes on each CPU try the same ones.
        """
        # Not of the situation itself: with that it would live until Python looks for cycles, and
        # its file as long.
        return cache(partial(_relined, self.build, self.boot_loader))


def _relined(build: Build, boot_loader: str, appended: str) -> Mapping[str, Expression]:
    longer = build.built_in.readings(f"{boot_loader} {appended}".strip())
    return read_variables(build.question.program, build.profile, longer)


class Answers:
    """The answers about one capability so far, for any kernel of one architecture.

    Raises:
        InputError: MX0901, an unknown predicate version.
    """

    def __init__(
        self,
        library: Library,
        arch: str,
        capability: Capability,
        *,
        predicate: str | None = None,
        tree: TreeCheck | None = None,
    ) -> None:
        self.library = library
        self.architecture = library.architecture(arch)
        self.capability = capability
        self.predicate = predicate_version(capability, predicate)
        self.behaviours = Behaviours()
        self._tree = tree
        self._asked: dict[tuple[str, bool], Asked] = {}
        self._line_memory = LineMemory(library.kernels_of(arch).values())
        self.lines = Kept(self._line_memory.read)
        self._situations: dict[Hashable, Situation] = {}
        self._given: dict[Hashable, Answer] = {}

    def reads_word(self, name: str) -> bool:
        """Tell whether a word of a command line may mean anything, by its name."""
        return self._line_memory.reads(name)

    def build(self, config: DotConfig, chosen: ChosenKernel) -> Build:
        """Return a kernel with its `.config`.

        Raises:
            InputError: what lowering its profile finds wrong.
        """
        profile = chosen.profile
        program = self.library.program(profile)
        config = config.typed(program.symbols)
        # A file with refused values is asked without the constraints of its release
        # (`asked_of_file`): it must not share a question with the others.
        kind = (profile.id, bool(config.refused))
        if kind not in self._asked:
            question = lower_question(program, self.capability, self.predicate)
            question = asked_of_file(question, config)
            memory = AnswerMemory(question, self.behaviours)
            self._asked[kind] = Asked(memory=memory, reads=names_read(question))
        asked = self._asked[kind]
        return Build(
            chosen=chosen,
            config=config,
            built_in=built_in_line(self.library, profile, config, self._tree),
            asked=asked,
            atoms={**config_atoms(program, config), **chosen.atoms(program)},
            doubt=vendor_doubt(chosen, program, asked.reads),
        )

    def situation(
        self, build: Build, boot_loader: str, options: tuple[tuple[str, Value], ...]
    ) -> Situation:
        """Return a build that boots with a line in some surroundings.

        Raises:
            InputError: MX0401, the line holds a NUL.
        """
        line = build.built_in.readings(boot_loader)
        own = self.lines.of(line.text)
        others = tuple((symbol, self.lines.of(text)) for symbol, text in line.others)
        # By what the lines mean, not by their text: a thousand hosts differ in the name of their
        # root device.
        key = (build, own.number, tuple((name, other.number) for name, other in others), options)
        situation = self._situations.get(key)
        if situation is None:
            left = partial(self._line_memory.variables, build.question.program, build.profile)
            variables = open_variables(left(own), [(name, left(other)) for name, other in others])
            atoms = {**build.atoms, **dict(options)}
            situation = self._situations[key] = Situation(
                build=build,
                boot_loader=boot_loader,
                line=line,
                variables=variables,
                atoms=atoms,
                around=build.asked.memory.surroundings(variables, atoms),
            )
        return situation

    def forget_situations(self) -> None:
        """Forget the situations so far, and with them their files: no later one has the same.

        Once they are many, answers are forgotten by what they were given for; each question still
        has them by what they rest on.
        """
        self._situations.clear()
        if len(self._given) > _MOST_GIVEN:
            self._given.clear()
            for asked in self._asked.values():
                asked.memory.forget_surroundings()

    def answer(self, situation: Situation, cpu: DetectedCpu, *, detailed: bool = True) -> Answer:
        """Return the answer on a CPU system; without `detailed` neither facts nor confidence.

        Raises:
            InputError: MX0902, what the kernel lacks of the predicate.
        """
        key = (situation.around, cpu, detailed)
        given = self._given.get(key)
        if given is None:
            memory = situation.build.asked.memory
            given = self._given[key] = memory.answer(situation.around, cpu, detailed=detailed)
        return given

    def fixes(self, situation: Situation, cpu: DetectedCpu) -> tuple[Fix, ...]:
        """Return the verified changes that make the capability work; nothing of their costs."""
        rebuild, cell = situation.build.rebuild, situation.cell(cpu)
        return find_fixes(rebuild, cell, situation.reline, self.behaviours)

    def absent_anyway(self, reason: str) -> Answer:
        """Return the answer for a file that rules the capability out whatever the release."""
        return Answer(
            basis=self.capability.basis,
            predicate=None,
            outcome="not-run",
            verdict=Verdict.ABSENT,
            confidence="register",
            reasons=(reason,),
        )

    def options(self, chosen: Mapping[str, str]) -> tuple[tuple[str, Value], ...]:
        """Return the option of every environment axis, the declared one where none is chosen."""
        return tuple(surroundings_atoms(self.architecture, chosen).items())

    def options_that_count(
        self, options: tuple[tuple[str, Value], ...], reads: frozenset[str] | None = None
    ) -> tuple[tuple[str, str], ...]:
        """Return the options to say beside an answer: what it reads, and what departs from default.

        `reads` are the names one answer rests on; without them, all answers so far.
        """
        if reads is None:
            reads = frozenset().union(*(asked.reads for asked in self._asked.values()))
        declared = dict(self.options({}))
        return tuple(
            (axis, str(option))
            for axis, option in options
            if axis in reads or option != declared[axis]
        )
