"""The answer of one host, where many hosts are alike.

Takes the texts of a row (kernel, `.config`, CPU, command line, VM kind), gives a `HostAnswer`.
Every text is looked at once; hosts whose kernel is in the same situation share their answers, and
situations that agree in all an answer rests on share it, too (`analyze/cell/memory.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping
from functools import cached_property, partial
from pathlib import Path

from msgspec import Struct

from matrix.analyze.cell.answer import Fix
from matrix.analyze.cell.answering import Cell
from matrix.analyze.cell.assemble import (
    asked_of_file,
    config_atoms,
    cpu_atoms,
    open_variables,
    read_variables,
    surroundings_atoms,
)
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.fix import find_fixes
from matrix.analyze.cell.memory import AnswerMemory, Situation
from matrix.analyze.cell.question import Question, lower_question, predicate_version
from matrix.analyze.cell.rebuild import Rebuild
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.line_memory import LineMeaning, LineMemory
from matrix.diagnostics import Diagnostic, InputError, Severity
from matrix.expr.nodes import Expression, Value
from matrix.expr.position import shown
from matrix.expr.trees import names
from matrix.flows.arguments import choose_surroundings
from matrix.flows.fleet_kept import Kept
from matrix.flows.fleet_names import FleetNames, IdleWords
from matrix.flows.fleet_row import HostRow, check_line, spec_of
from matrix.flows.fleet_summary import HostAnswer
from matrix.flows.kernel_choice import (
    absent_whatever_release,
    built_in_line,
    chosen_kernel,
    other_release_note,
    vendor_doubt,
)
from matrix.flows.knowledge import Library
from matrix.flows.stale_names import names_read
from matrix.flows.validate_file import partial_note
from matrix.kernel.config.dotconfig import DotConfig, load_dotconfig
from matrix.kernel.cpu.detection import Detection
from matrix.kernel.cpu.resolve import CpuSystem, resolve_system
from matrix.kernel.line.cmdline import BuiltInLine
from matrix.kernel.source.version import read_version
from matrix.render.defects import sentences
from matrix.schema.values import Capability, KernelProfile

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
# A table with more distinct values than this is answered all the same, from a memory begun anew:
# so many command lines take some hundred megabytes.
_MOST_KEPT = 300_000

# Other lines that a kernel may read: the symbol that it must have, and the line.
_OtherLines = tuple[tuple[str, LineMeaning], ...]


class _Build(Struct, frozen=True, kw_only=True):
    """A kernel and its `.config`, with the atoms that the file and the version set.

    `number` is its own; `doubt` is what a vendor's version leaves open.
    """

    number: int
    built_in: BuiltInLine
    profile: KernelProfile
    question: Question
    memory: AnswerMemory
    atoms: Mapping[str, Value]
    doubt: tuple[str, ...]


class _Cpu(Struct, frozen=True, kw_only=True):
    """What a kernel detects on a CPU system; where it detects the same, `alike` is equal."""

    atoms: Mapping[str, Value]
    detections: Mapping[str, Detection]
    alike: int


class FleetAnswers:
    """The answers of one fleet so far.

    Raises:
        InputError: an unknown predicate version, a wrong setting.
    """

    def __init__(
        self,
        library: Library,
        capability: Capability,
        *,
        predicate: str | None,
        settings: tuple[str, ...],
        folder: Path,
    ) -> None:
        self._library = library
        self._capability = capability
        self._predicate = predicate_version(capability, predicate)
        self._architecture = library.architecture(library.arch)
        self._settings = settings
        self._folder = folder
        chosen = choose_surroundings(self._architecture, settings)
        self.surroundings = tuple(
            (axis, str(option))
            for axis, option in surroundings_atoms(self._architecture, chosen).items()
        )
        self._behaviours = Behaviours()
        self._memories: dict[tuple[str, bool], tuple[Question, AnswerMemory]] = {}
        self._configs = Kept(self._load)
        self._builds = Kept(self._build)
        self._systems = Kept(self._system)
        self._cpus: dict[tuple[str, str], _Cpu] = {}
        self._cpu_numbers: dict[frozenset[tuple[str, Value]], int] = {}
        self._surroundings = Kept(self._choose)
        self._line_memory = LineMemory(library.knowledge.kernels)
        self._lines = Kept(self._line_memory.read)
        self._history = library.name_history(library.arch)
        self.names = FleetNames(self._history)
        # What `validate` says of the files, each once.
        self.remarks: dict[Diagnostic, None] = {}
        self._rows: dict[HostRow, tuple[HostAnswer, IdleWords | None]] = {}
        # Both kept elsewhere, so that their identities stay theirs.
        self._given: dict[tuple[int, int], tuple[HostAnswer, IdleWords | None]] = {}
        self._situations: dict[Hashable, Situation] = {}
        self._alike: dict[Hashable, Situation] = {}
        self._pairs: dict[Hashable, HostAnswer] = {}

    def answer(self, row: HostRow) -> tuple[HostAnswer, IdleWords | None]:
        """Return the answer of a row; where the row is wrong, the answer says in what.

        Beside it what the row's command line says in vain; equal ones are one object.
        """
        found = self._rows.get(row)
        if found is None:
            if len(self._rows) + len(self._lines) > _MOST_KEPT:
                self._rows.clear()
                self._lines.forget()
            found = self._rows[row] = self._answer(row)
        return found

    def fixes(self, row: HostRow) -> tuple[Fix, ...]:
        """Return the verified changes that make the capability supported on a row's host.

        Raises:
            InputError: the row is wrong.
        """
        build = self._builds.of((row.kernel, row.config))
        if isinstance(build, HostAnswer):
            return ()
        question, profile = build.question, build.profile
        cpu, detections = cpu_atoms(question.program, self._systems.of(spec_of(row)))
        surroundings = self._surroundings.of(row.vm)

        def variables(appended: str) -> Mapping[str, Expression]:
            line = build.built_in.readings(f"{row.cmdline} {appended}".strip())
            return read_variables(question.program, profile, line)

        cell = Cell(
            variables=variables(""),
            atoms={**build.atoms, **surroundings, **cpu},
            detections=detections,
        )
        rebuild = Rebuild(question=question, profile=profile, config=build.built_in.config)
        return find_fixes(rebuild, cell, variables, self._behaviours)

    def _answer(self, row: HostRow) -> tuple[HostAnswer, IdleWords | None]:
        problems: list[Diagnostic] = []
        parts: tuple[Callable[[], object], ...] = (
            partial(self._builds.of, (row.kernel, row.config)),
            partial(self._systems.of, spec_of(row)),
            partial(self._surroundings.of, row.vm),
            partial(check_line, row.cmdline),
            partial(self._lines.of, row.cmdline),
        )
        for part in parts:
            try:
                part()
            except InputError as error:
                problems.extend(error.diagnostics)
        if problems:
            return HostAnswer(problems=tuple(problems)), None
        build = self._builds.of((row.kernel, row.config))
        if isinstance(build, HostAnswer):
            return build, None
        read = build.built_in.readings(row.cmdline)
        self._remark(*build.built_in.notes(read, build.profile.release))
        line = self._lines.of(read.text)
        others = tuple((symbol, self._lines.of(text)) for symbol, text in read.others)
        situation = self._situation(build, line, others, row.vm)
        system = self._systems.of(spec_of(row))
        cpu = self._cpu(build, system)
        found = self._pairs.get((id(situation), cpu.alike))
        found = found or self._pairs.get((id(situation), system.spec))
        if found is None:
            found = self._ask(build, situation, cpu)
            # What is unknown is said in the names of this very CPU.
            own = found.verdict is Verdict.UNKNOWN
            self._pairs[id(situation), system.spec if own else cpu.alike] = found
        given = (found, self.names.of(build.profile, line))
        return self._given.setdefault((id(given[0]), id(given[1])), given)

    def _situation(
        self, build: _Build, line: LineMeaning, others: _OtherLines, vm: str
    ) -> Situation:
        """Return what of a host no CPU changes; equal ones are one object."""
        numbers = tuple((symbol, other.number) for symbol, other in others)
        key = (build.number, line.number, numbers, vm)
        found = self._situations.get(key)
        if found is None:
            left = partial(self._line_memory.variables, build.question.program, build.profile)
            made = build.memory.situation(
                open_variables(left(line), [(symbol, left(other)) for symbol, other in others]),
                {**build.atoms, **self._surroundings.of(vm)},
            )
            content = (
                build.profile.id,
                build.doubt,
                frozenset(made.atoms.items()),
                frozenset(made.variables.items()),
            )
            found = self._situations[key] = self._alike.setdefault(content, made)
        return found

    def _cpu(self, build: _Build, system: CpuSystem) -> _Cpu:
        key = (build.profile.id, system.spec)
        if key not in self._cpus:
            atoms, detections = cpu_atoms(build.question.program, system)
            values = frozenset(atoms.items())
            number = self._cpu_numbers.setdefault(values, len(self._cpu_numbers))
            self._cpus[key] = _Cpu(atoms=atoms, detections=detections, alike=number)
        return self._cpus[key]

    def _ask(self, build: _Build, situation: Situation, cpu: _Cpu) -> HostAnswer:
        try:
            given = build.memory.answer(situation, cpu.atoms, cpu.detections)
        except InputError as error:
            return HostAnswer(problems=error.diagnostics)
        return HostAnswer(
            release=build.profile.release,
            read_on=build.profile.verified_on.version,
            verdict=given.verdict,
            predicate=given.predicate,
            outcome=given.outcome,
            reasons=(*given.reasons, *(build.doubt if given.predicate is not None else ())),
            defects=sentences(given.defects),
            warnings=tuple(item for item in given.diagnostics if item.severity is Severity.WARNING),
        )

    def _build(self, key: tuple[str, str]) -> _Build | HostAnswer:
        """Return a kernel with its `.config`; the answer itself where any release has the same."""
        kernel, name = key
        config = self._configs.of(name)
        told = read_version(kernel.removeprefix("Linux").strip()) if kernel else None
        release = told.release if told else (None if kernel else config.release)
        profile = self._profile(kernel, release)
        if profile is None:
            if kernel and not told:
                raise InputError(self._no_release(kernel))
            reason = absent_whatever_release(self._library, self._capability, config, release)
            if reason is None:
                raise InputError(
                    self._library.no_profile(release, self._architecture.id)
                    if release
                    else self._no_release("")
                )
            return HostAnswer(
                release=release or "unknown",
                verdict=Verdict.ABSENT,
                outcome="not-run",
                reasons=(reason,),
            )
        chosen = chosen_kernel(self._library, profile, told.text if told else None, config)
        program = self._library.program(profile)
        config = config.typed(program.symbols)
        self._remark(*other_release_note(chosen, config))
        self._remark(*config.diagnostics, *self._history.config(profile, config))
        kind = (profile.id, bool(config.refused))
        if kind not in self._memories:
            question = lower_question(program, self._capability, self._predicate)
            question = asked_of_file(question, config)
            self._memories[kind] = (question, AnswerMemory(question, self._behaviours))
        question, memory = self._memories[kind]
        doubt = vendor_doubt(chosen, program, names_read(question))
        return _Build(
            number=len(self._builds),
            built_in=built_in_line(self._library, profile, config),
            profile=profile,
            question=question,
            memory=memory,
            atoms={**config_atoms(program, config), **chosen.atoms(program)},
            doubt=doubt[:1] if doubt else (),
        )

    def _profile(self, kernel: str, release: str | None) -> KernelProfile | None:
        known = self._library.kernels_of(self._architecture.id)
        named = (one for one in known.values() if one.id == kernel)
        return next(named, None) or known.get(release or "")

    def _no_release(self, kernel: str) -> Diagnostic:
        known = ", ".join(self._library.kernels_of(self._architecture.id))
        return Diagnostic(
            code="MX1506",
            message=f"`{shown(kernel)}` names no kernel release",
            hint=f"write it as `uname -r` does, 7.3.0-rc7-arm64; known are {known}",
        )

    def _load(self, name: str) -> DotConfig:
        """Return the file a row names by its path or its SHA-256; only what the model reads."""
        if not name:
            raise InputError(
                Diagnostic(
                    code="MX1507",
                    message="the row names no `.config`",
                    hint="give a path, or the SHA-256 of a file in --config-folder",
                )
            )
        digest = _SHA256.fullmatch(name)
        path = self._by_digest.get(digest[1].lower()) if digest else self._folder / name
        if path is None:
            raise InputError(
                Diagnostic(
                    code="MX1507",
                    message=f"no file in `{self._folder}` has the SHA-256 {name[:23]}…",
                    hint="give the folder that holds the `.config`s with --config-folder",
                )
            )
        config = load_dotconfig(path, arch=self._architecture.id)
        self._remark(*config.diagnostics, *partial_note(config))
        return config.narrowed(self._symbols)

    def _remark(self, *said: Diagnostic) -> None:
        self.remarks.update(dict.fromkeys(said))

    @cached_property
    def _by_digest(self) -> dict[str, Path]:
        files = sorted(path for path in self._folder.rglob("*") if path.is_file())
        return {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in files}

    @cached_property
    def _symbols(self) -> frozenset[str]:
        """The symbols that any release, its prompts, or what a capability requires, reads."""
        named = re.findall(
            r"CONFIG_(\w+)", " ".join(item.condition.text for item in self._capability.requires)
        )
        declared = [item for kernel in self._library.knowledge.kernels for item in kernel.symbols]
        asked_first = (
            name.removeprefix("CONFIG_")
            for item in declared
            if item.prompt is not None
            for name in names(item.prompt.expression)
        )
        built_in = (rule.symbol for rule in self._architecture.built_in_line)
        return frozenset(
            (*named, *(item.name for item in declared), *asked_first, "CMDLINE", *built_in)
        )

    def _system(self, spec: str) -> CpuSystem:
        if not spec:
            raise InputError(
                Diagnostic(
                    code="MX1508",
                    message="the row names no CPU",
                    hint="fill the column `cpu` (a SPEC) or `midrs` (MIDR_EL1 of each CPU type)",
                )
            )
        cpus = self._library.knowledge_of(self._architecture.id)
        return resolve_system(spec, cpus, self._architecture)

    def _choose(self, vm: str) -> Mapping[str, str]:
        """Return the environment axes of a row: --set, and the row's own VM kind instead of it."""
        settings = self._settings
        if vm:
            settings = (*(text for text in settings if not text.startswith("vm=")), f"vm={vm}")
        chosen = choose_surroundings(self._architecture, settings)
        return {
            name: str(value)
            for name, value in surroundings_atoms(self._architecture, chosen).items()
        }
