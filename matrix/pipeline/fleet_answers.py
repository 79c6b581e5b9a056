"""The answer of one host, where many hosts are alike.

Takes the texts of a row (kernel, `.config`, CPU, command line, VM kind), gives a `HostAnswer`.
Every text is looked at once; hosts whose kernel is in the same situation share their answers, and
situations that agree in all an answer rests on share it, too (`analyze/memory.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from matrix.analyze.answer import Fix
from matrix.analyze.assemble import (
    asked_of_file,
    config_atoms,
    cpu_atoms,
    surroundings_atoms,
    variables_of,
)
from matrix.analyze.behaviour import Behaviours
from matrix.analyze.cell import Cell
from matrix.analyze.fix import find_fixes
from matrix.analyze.line_memory import LineMeaning, LineMemory
from matrix.analyze.memory import AnswerMemory, Situation
from matrix.analyze.question import Question, lower_question, predicate_version
from matrix.analyze.verdict import Verdict
from matrix.diagnostics import Diagnostic, InputError
from matrix.expr.nodes import Expression, Value
from matrix.expr.position import shown
from matrix.kernel.cmdline import effective_command_line
from matrix.kernel.cpu import CpuSystem, resolve_system
from matrix.kernel.detection import Detection
from matrix.kernel.dotconfig import DotConfig, load_dotconfig
from matrix.pipeline.absence import absent_reason
from matrix.pipeline.arguments import choose_surroundings
from matrix.pipeline.fleet_names import FleetNames, IdleWords
from matrix.pipeline.knowledge import Library
from matrix.render.defects import sentences
from matrix.render.fleet import HostAnswer
from matrix.schema.values import Capability, KernelProfile

_RELEASE = re.compile(r"v?(\d{1,4}\.\d{1,4})(?!\d)", re.ASCII)
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
_BETWEEN_MIDRS = re.compile(r"[;,+\s]+")
# The symbols that decide which command line the kernel reads.
_BUILT_IN_LINE = ("CMDLINE", "CMDLINE_FORCE", "CMDLINE_EXTEND", "CMDLINE_FROM_BOOTLOADER")
# A table with more distinct values than this is answered all the same, from a memory begun anew:
# so many command lines take some hundred megabytes.
_MOST_KEPT = 300_000

_Key = TypeVar("_Key", bound=Hashable)
_Made = TypeVar("_Made")


class HostRow(NamedTuple):
    """What a row says of its host, as text; empty where it says nothing."""

    kernel: str
    config: str
    cpu: str
    midrs: str
    cmdline: str
    vm: str


class _Build(Struct, frozen=True, kw_only=True):
    """A kernel and its `.config`, with the atoms that the file sets; `number` is its own."""

    number: int
    config: DotConfig
    profile: KernelProfile
    question: Question
    memory: AnswerMemory
    atoms: Mapping[str, Value]


class _Cpu(Struct, frozen=True, kw_only=True):
    """What a kernel detects on a CPU system; where it detects the same, `alike` is equal."""

    atoms: Mapping[str, Value]
    detections: Mapping[str, Detection]
    alike: int


class _Kept(Generic[_Key, _Made]):
    """What was made of each key, or what was wrong with it."""

    def __init__(self, make: Callable[[_Key], _Made]) -> None:
        self._make = make
        self._made: dict[_Key, _Made | InputError] = {}

    def __len__(self) -> int:
        return len(self._made)

    def of(self, key: _Key) -> _Made:
        """Return what is made of a key.

        Raises:
            InputError: what was wrong with it, each time anew.
        """
        made = self._made.get(key)
        if made is None:
            try:
                made = self._make(key)
            except InputError as error:
                made = error
            self._made[key] = made
        if isinstance(made, InputError):
            raise made
        return made

    def forget(self) -> None:
        """Forget everything."""
        self._made.clear()


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
        self._architecture = library.architecture("arm64")
        self._settings = settings
        self._folder = folder
        choose_surroundings(self._architecture, settings)
        self._behaviours = Behaviours()
        self._memories: dict[tuple[str, bool], tuple[Question, AnswerMemory]] = {}
        self._configs = _Kept(self._load)
        self._builds = _Kept(self._build)
        self._systems = _Kept(self._system)
        self._cpus: dict[tuple[str, str], _Cpu] = {}
        self._cpu_numbers: dict[frozenset[tuple[str, Value]], int] = {}
        self._surroundings = _Kept(self._choose)
        self._line_memory = LineMemory(library.knowledge.kernels)
        self._lines = _Kept(self._line_memory.read)
        self.names = FleetNames(library.name_history("arm64"))
        self._rows: dict[HostRow, tuple[HostAnswer, IdleWords | None]] = {}
        # Both kept elsewhere, so that their identities stay theirs.
        self._given: dict[tuple[int, int], tuple[HostAnswer, IdleWords | None]] = {}
        self._situations: dict[tuple[int, int, str], Situation] = {}
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
        cpu, detections = cpu_atoms(question.program, self._systems.of(_spec(row)))
        surroundings = self._surroundings.of(row.vm)

        def variables(appended: str) -> Mapping[str, Expression]:
            text = effective_command_line(f"{row.cmdline} {appended}".strip(), build.config)
            return variables_of(question.program, profile, text)

        cell = Cell(
            variables=variables(""),
            atoms={**build.atoms, **surroundings, **cpu},
            detections=detections,
        )
        return find_fixes(question, profile, cell, variables, self._behaviours)

    def _answer(self, row: HostRow) -> tuple[HostAnswer, IdleWords | None]:
        problems: list[Diagnostic] = []
        parts: tuple[Callable[[], object], ...] = (
            partial(self._builds.of, (row.kernel, row.config)),
            partial(self._systems.of, _spec(row)),
            partial(self._surroundings.of, row.vm),
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
        line = self._lines.of(effective_command_line(row.cmdline, build.config))
        situation = self._situation(build, line, row.vm)
        system = self._systems.of(_spec(row))
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

    def _situation(self, build: _Build, line: LineMeaning, vm: str) -> Situation:
        """Return what of a host no CPU changes; equal ones are one object."""
        key = (build.number, line.number, vm)
        found = self._situations.get(key)
        if found is None:
            made = build.memory.situation(
                self._line_memory.variables(build.question.program, build.profile, line),
                {**build.atoms, **self._surroundings.of(vm)},
            )
            content = (
                build.profile.id,
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
            verdict=given.verdict,
            predicate=given.predicate,
            outcome=given.outcome,
            reasons=given.reasons,
            defects=sentences(given.defects),
        )

    def _build(self, key: tuple[str, str]) -> _Build | HostAnswer:
        """Return a kernel with its `.config`; the answer itself where any release has the same."""
        kernel, name = key
        config = self._configs.of(name)
        profile = self._profile(kernel, config)
        if profile is None:
            release = _release(kernel) or config.release or "unknown"
            reason = absent_reason(self._capability, config)
            if reason is None:
                raise InputError(self._no_profile(kernel or release))
            return HostAnswer(
                release=release, verdict=Verdict.ABSENT, outcome="not-run", reasons=(reason,)
            )
        program = self._library.program(profile)
        config = config.typed(program.symbols)
        kind = (profile.id, bool(config.refused))
        if kind not in self._memories:
            question = lower_question(program, self._capability, self._predicate)
            question = asked_of_file(question, config)
            self._memories[kind] = (question, AnswerMemory(question, self._behaviours))
        question, memory = self._memories[kind]
        return _Build(
            number=len(self._builds),
            config=config,
            profile=profile,
            question=question,
            memory=memory,
            atoms=config_atoms(question.program, config),
        )

    def _profile(self, kernel: str, config: DotConfig) -> KernelProfile | None:
        for profile in self._library.knowledge.kernels:
            if profile.id == kernel:
                return profile
        release = _release(kernel) if kernel else config.release
        return self._library.kernels_by_release.get(release or "")

    def _no_profile(self, kernel: str) -> Diagnostic:
        release = _release(kernel)
        if release is None:
            known = ", ".join(self._library.kernels_by_release)
            return Diagnostic(
                code="MX1506",
                message=f"`{shown(kernel)}` names no kernel release",
                hint=f"write it as `uname -r` does, 7.3.0-rc7-arm64; known are {known}",
            )
        return self._library.no_profile(release)

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
        return load_dotconfig(path).narrowed(self._symbols)

    @cached_property
    def _by_digest(self) -> dict[str, Path]:
        files = sorted(path for path in self._folder.rglob("*") if path.is_file())
        return {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in files}

    @cached_property
    def _symbols(self) -> frozenset[str]:
        """The symbols that any release, or what a capability requires, reads."""
        named = re.findall(
            r"CONFIG_(\w+)", " ".join(item.condition.text for item in self._capability.requires)
        )
        declared = (
            item.name for kernel in self._library.knowledge.kernels for item in kernel.symbols
        )
        return frozenset((*named, *declared, *_BUILT_IN_LINE))

    def _system(self, spec: str) -> CpuSystem:
        if not spec:
            raise InputError(
                Diagnostic(
                    code="MX1508",
                    message="the row names no CPU",
                    hint="fill the column `cpu` (a SPEC) or `midrs` (MIDR_EL1 of each CPU type)",
                )
            )
        return resolve_system(spec, self._library.knowledge, self._architecture)

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


def _spec(row: HostRow) -> str:
    """Return the CPU system of a row as a SPEC; equal MIDRs are one CPU type."""
    if row.cpu or not row.midrs:
        return row.cpu
    midrs = (text for text in _BETWEEN_MIDRS.split(row.midrs) if text)
    return "+".join(f"midr={midr}" for midr in dict.fromkeys(midrs))


def _release(kernel: str) -> str | None:
    found = _RELEASE.match(kernel.removeprefix("Linux").strip())
    return found[1] if found else None
