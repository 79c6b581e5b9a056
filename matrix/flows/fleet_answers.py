"""The answer of one host, where many hosts are alike.

Takes the texts of a row (kernel, `.config`, CPU, command line, VM kind), gives a `HostAnswer`.
Every text is looked at once; what hosts share of an answer the engine shares (`flows/answers.py`).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer, Fix
from matrix.analyze.cell.memory import DetectedCpu
from matrix.analyze.cell.verdict import WORKS
from matrix.analyze.facts.line_memory import LineMeaning
from matrix.diagnostics import Diagnostic, Gathered, InputError, Severity
from matrix.door.files import digest_of
from matrix.door.folders import regular_files
from matrix.expr.nodes import Value
from matrix.expr.position import shown
from matrix.expr.trees import names
from matrix.flows.answers import Answers, Build, Kept, Situation
from matrix.flows.arguments import choose_surroundings
from matrix.flows.evidence_request import asked_of, host_request, read_evidence
from matrix.flows.fleet_names import FleetNames, IdleWords
from matrix.flows.fleet_summary import HostAnswer, HostRow, check_line, spec_of
from matrix.flows.host_request import known_version
from matrix.flows.interpolation import answer_in, fixes_in, ported_back
from matrix.flows.kernel_choice import (
    absent_whatever_release,
    kernels_around,
    other_release_note,
    partial_note,
)
from matrix.flows.knowledge import Library, refuse_no_release
from matrix.flows.validate_job import ValidateRequest
from matrix.kernel.config.dotconfig import (
    DotConfig,
    load_dotconfig,
    no_dotconfig,
    read_dotconfig,
)
from matrix.kernel.cpu.resolve import resolve_system
from matrix.kernel.cpu.system import CpuSystem
from matrix.kernel.source.version import read_version
from matrix.schema.values import Capability, Distro, KernelProfile

_Key = TypeVar("_Key")
_Made = TypeVar("_Made")

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
# A table with more distinct values than this is answered all the same, from a memory begun anew:
# so many command lines take some hundred megabytes.
_MOST_KEPT = 300_000
# What is near to a CPU's name is looked for among all names of CPUs and machines.
_MOST_WRONG_SYSTEMS = 3_000


# Before the path of evidence that brings its own `.config`, in the place of a file's name.
_OF_EVIDENCE = "evidence:"
_NO_CONFIG = Diagnostic.note(
    code="MX1521",
    message="hosts without a `.config`: what it decides is unknown",
    hint="give a path in the column `config`, the SHA-256 of a file in --config-folder, or a "
    "distribution's kernel of configs/distros: debian-7.3",
)


class Shown(Struct, frozen=True, kw_only=True):
    """What evidence shows of a host, as the columns have it; empty where it shows nothing."""

    kernel: str
    config: str
    cpu: str
    cmdline: str
    settings: tuple[str, ...]


class Given(Struct, kw_only=True, eq=False):
    """The answer of hosts in one situation; `asked` and `fixes` only where a change may help."""

    answer: HostAnswer
    asked: tuple[tuple[Situation, ...], CpuSystem] | None = None
    fixes: tuple[Fix, ...] | None = None


class Around(Struct, frozen=True, kw_only=True, eq=False):
    """All that an answer rests on but the CPU; those alike in what counts are one object."""

    situations: tuple[Situation, ...]
    doubt: tuple[str, str] | None
    on: dict[tuple[DetectedCpu, ...], Given] = field(default_factory=dict)
    by_spec: dict[str, Given] = field(default_factory=dict)


class Placed(NamedTuple):
    """Where hosts stand but for their CPU, and what their command line says in vain."""

    around: Around
    idle: IdleWords | None


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
        config: str = "",
    ) -> None:
        self._library = library
        self._capability = capability
        self._answers = Answers(
            library, library.arch_of(capability), capability, predicate=predicate
        )
        self._architecture = self._answers.architecture
        self._settings = settings
        self._folder = folder
        self._config = config
        self._configs = Kept(self._load)
        self._shown_configs: dict[str, DotConfig] = {}
        self._builds = Kept(self._build)
        self._systems = Kept(self._system, _MOST_WRONG_SYSTEMS)
        self._options = Kept(self._choose)
        self._evidence = Kept(self._read_evidence)
        self._lines = Kept(self._read_line)
        self._distros = {one.id: one for one in library.knowledge.distros}
        self._history = library.name_history(self._architecture.id)
        self.names = FleetNames(self._history)
        # What `validate` says of the files, each once.
        self.remarks: dict[Diagnostic, None] = {}
        self._wrong: dict[HostRow, Given] = {}
        self._placed: dict[tuple[str, str, str, tuple[str, ...], str], Placed] = {}
        self._around: dict[tuple[object, ...], Around] = {}
        self._brought: dict[Build, str | None] = {}
        self._same: dict[HostAnswer, HostAnswer] = {}
        self._looked = 0
        # How many situations nobody looked for a fix of.
        self.without_fixes: set[int] = set()
        self._chosen = self._choose(("", ()))

    @property
    def surroundings(self) -> tuple[tuple[str, str], ...]:
        """The options that hold for all rows, but for their VM, as far as answers read them."""
        return self._answers.options_that_count(self._chosen)

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """All options that hold for all rows, in the order of the architecture's axes."""
        return tuple((axis, str(option)) for axis, option in self._chosen)

    def file_of(self, name: str) -> Path | None:
        """Return the file that a row names; None where none has the SHA-256 that it gives."""
        digest = _SHA256.fullmatch(name)
        return self._by_digest.get(digest[1].lower()) if digest else self._folder / name

    def reads_word(self, name: str) -> bool:
        """Tell whether a word of a command line may mean anything, by its name."""
        return self._answers.reads_word(name)

    def shown(self, evidence: str) -> Shown | None:
        """Return what a row's evidence shows; None where it is wrong."""
        return _right(self._evidence.of, evidence)

    def builds(self, kernel: str, config: str) -> tuple[Build, ...] | None:
        """Return what boots; None where that is wrong, or any release has the same answer."""
        builds = _right(self._builds.of, (kernel, config))
        return None if isinstance(builds, HostAnswer) else builds

    def knows_cpu(self, spec: str) -> bool:
        """Tell whether a CPU system is one."""
        return _right(self._systems.of, spec) is not None

    def knows_options(self, vm: str, settings: tuple[str, ...]) -> bool:
        """Tell whether the surroundings of a row are some."""
        return _right(self._options.of, (vm, settings)) is not None

    def knows_line(self, line: str) -> bool:
        """Tell whether a command line is one."""
        return _right(self._lines.of, line) is not None

    def given_to(self, row: HostRow) -> Given:
        """Return what is given to a row by itself; where it is wrong, the answer says in what."""
        found = self._wrong.get(row)
        if found is None:
            if len(self._wrong) > _MOST_KEPT:
                self._wrong.clear()
            found = self._wrong[row] = Given(answer=self._one(self._of_wrong(row)))
        return found

    def placed(self, row: HostRow) -> Placed:
        """Return where a row stands, all of whose parts are right, whatever its CPU."""
        key = (row.kernel, row.config, row.vm, row.settings, row.cmdline)
        found = self._placed.get(key)
        if found is None:
            if len(self._placed) > _MOST_KEPT:
                self._placed.clear()
                self._answers.lines.forget()
                self._lines.forget()
            found = self._placed[key] = self._place(row)
        return found

    def given(self, around: Around, spec: str) -> Given:
        """Return what is given on a CPU system; of equal situations it is one object."""
        given = around.by_spec.get(spec)
        if given is None:
            given = around.by_spec[spec] = self._given(around, self._systems.of(spec))
        return given

    def given_row(self, row: HostRow) -> Given:
        """Return what is given to a row, of which another process may have said that it is right.

        Raises:
            InputError: it is wrong.
        """
        if row.evidence:
            self._evidence.of(row.evidence)
        if self.builds(row.kernel, row.config) is None:
            return self.given_to(row)
        return self.given(self.placed(row).around, spec_of(row))

    def fixes(self, given: Given, most: int | None = None) -> tuple[Fix, ...]:
        """Return the verified changes that make the capability supported.

        Each situation is looked at once, and with `most` no more than so many of them.
        """
        if given.asked is None:
            return ()
        if given.fixes is None:
            if most is not None and self._looked >= most:
                self.without_fixes.add(id(given))
                return ()
            self._looked += 1
            given.fixes = fixes_in(self._answers, *given.asked)
        return given.fixes

    def _of_wrong(self, row: HostRow) -> HostAnswer:
        """Return all that is wrong with a row, or what is said of its `.config` alone."""
        parts: list[Callable[[], object]] = [
            partial(self._builds.of, (row.kernel, row.config)),
            partial(self._systems.of, spec_of(row)),
            partial(self._options.of, (row.vm, row.settings)),
            partial(check_line, row.cmdline),
            partial(self._answers.lines.of, row.cmdline),
        ]
        if row.evidence:
            parts.insert(0, partial(self._evidence.of, row.evidence))
        wrong = Gathered()
        for part in parts:
            wrong.of(part)
        if wrong.problems:
            return HostAnswer(problems=tuple(wrong.problems))
        builds = self._builds.of((row.kernel, row.config))
        if isinstance(builds, HostAnswer):
            return builds
        raise AssertionError(row)  # nothing is wrong with it

    def _place(self, row: HostRow) -> Placed:
        builds = self._builds.of((row.kernel, row.config))
        assert not isinstance(builds, HostAnswer)  # noqa: S101 - `placed` is asked for right rows
        options = self._options.of((row.vm, row.settings))
        situations = tuple(self._answers.situation(one, row.cmdline, options) for one in builds)
        situation, build = situations[0], builds[0]
        self._remark(*build.built_in.notes(situation.line, build.chosen.release))
        line = self._answers.lines.of(situation.line.text)
        # What a release between two profiles has nobody knows.
        idle = self.names.of(build.profile, line) if len(builds) == 1 else None
        doubt = next((one.doubt for one in builds if one.doubt), None)
        if build not in self._brought:
            own = build.config.release == build.chosen.release
            self._brought[build] = ported_back(self._capability, build) if own else None
        arounds = tuple(one.around for one in situations)
        key = (arounds, doubt, build.chosen.between, self._brought[build])
        around = self._around.get(key)
        if around is None:
            around = self._around[key] = Around(situations=situations, doubt=doubt)
        return Placed(around, idle)

    def _given(self, around: Around, system: CpuSystem) -> Given:
        situations = around.situations
        cpus = tuple(one.build.asked.memory.cpu(system) for one in situations)
        if cpus not in around.on:
            build = situations[0].build
            try:
                answer = answer_in(self._answers, situations, system, detailed=False)
            except InputError as error:
                around.on[cpus] = Given(answer=self._one(HostAnswer(problems=error.diagnostics)))
            else:
                given = _host_answer(answer, build.chosen.release)
                said = around.doubt[:1] if around.doubt and answer.predicate is not None else ()
                alone = len(situations) == 1
                given = replace(
                    given,
                    read_on=build.profile.verified_on.version if alone else None,
                    reasons=(*given.reasons, *said),
                )
                asked = None if answer.verdict in WORKS else (situations, system)
                around.on[cpus] = Given(answer=self._one(given), asked=asked)
        return around.on[cpus]

    def _one(self, answer: HostAnswer) -> HostAnswer:
        """Return the one object of equal answers: hosts are counted by it."""
        return self._same.setdefault(answer, answer)

    def _read_line(self, text: str) -> LineMeaning:
        check_line(text)
        return self._answers.lines.of(text)

    def _build(self, key: tuple[str, str]) -> tuple[Build, ...] | HostAnswer:
        """Return a kernel with its `.config`; the answer itself where any release has the same.

        Of a release between two profiles the two in its place.
        """
        kernel, name = key
        config = self._configs.of(name or self._config)
        version = read_version(kernel.removeprefix("Linux").strip()) if kernel else None
        release = version.release if version else (None if kernel else config.release)
        arch = self._architecture.id
        profile = self._profile(kernel, release)
        beside = (profile,) if profile else self._library.beside(release or "", arch)
        if version is not None:
            refuse_no_release(version)
        if profile is None:
            if kernel and not version:
                raise InputError(self._no_release(kernel))
            reason = absent_whatever_release(self._library, self._capability, config, release)
            if reason is not None:
                return _host_answer(self._answers.absent_anyway(reason), release or "unknown")
        if not beside:
            raise InputError(
                self._library.no_profile(release, arch) if release else self._no_release("")
            )
        asked = version.text if version else None
        around = kernels_around(self._library, beside, asked, config)
        builds = tuple(self._answers.build(config, chosen) for chosen in around)
        config = builds[0].config
        self._remark(*other_release_note(around[0], config), *config.diagnostics)
        if profile is not None:
            self._remark(*self._history.config(profile, config))
        return builds

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
            self._remark(_NO_CONFIG)
            return no_dotconfig("", None, self._architecture.id)
        if name.startswith(_OF_EVIDENCE):
            return self._shown_configs[name].narrowed(self._symbols)
        if name in self._distros:
            return self._of_distro(self._distros[name])
        path = self.file_of(name)
        if path is None:
            raise InputError.of(
                code="MX1507",
                message=f"no file in `{self._folder}` has the SHA-256 {name[:23]}…",
                hint="give the folder that holds the `.config`s with --config-folder",
            )
        config = load_dotconfig(path, arch=self._architecture.id, within=self._folder)
        self._remark(*config.diagnostics, *partial_note(config))
        return config.narrowed(self._symbols)

    def _of_distro(self, distro: Distro) -> DotConfig:
        """Return what is declared of a distribution's configuration."""
        lines = [
            f"CONFIG_{symbol}={value}" if value != "n" else f"# CONFIG_{symbol} is not set"
            for symbol, value in distro.kconfig
        ]
        config = read_dotconfig("\n".join(lines).encode(), distro.id, arch=distro.arch)
        version = distro.version or distro.release
        return replace(
            config, complete=distro.complete, release=distro.release, version=version
        ).narrowed(self._symbols)

    def _read_evidence(self, path: str) -> Shown:
        """Return what the evidence of a row shows of its host.

        Raises:
            InputError: what is wrong with it.
        """
        asked = asked_of(self._library, self._architecture.id)
        path_below = (str(self._folder / path),)
        shown = read_evidence(path_below, self._library, asked, within=self._folder)
        found = host_request(shown, ValidateRequest(files=()), self._library, needs_cpu=False)
        self._remark(*shown.remarks, *(one for one in found.diagnostics if one.code != "MX1621"))
        config = ""
        if shown.configs:
            config = f"{_OF_EVIDENCE}{path}"
            self._shown_configs[config] = shown.configs[0]
        return Shown(
            kernel=known_version(shown.machine.host) or "",
            config=config,
            cpu=found.request.cpus[0] if found.request.cpus else "",
            cmdline=found.request.cmdline or "",
            settings=found.request.settings,
        )

    def _remark(self, *said: Diagnostic) -> None:
        self.remarks.update(dict.fromkeys(said))

    @cached_property
    def _by_digest(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for path in regular_files(self._folder, hidden=True):
            with contextlib.suppress(OSError):  # one that nobody may read is none of ours
                found[digest_of(path)] = path
        return found

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
        formerly = (name for item in self._capability.requires for name in item.formerly)
        built_in = (rule.symbol for rule in self._architecture.built_in_line)
        others = ("CMDLINE", *formerly, *built_in)
        return frozenset((*named, *(item.name for item in declared), *asked_first, *others))

    def _system(self, spec: str) -> CpuSystem:
        if not spec:
            raise InputError.of(
                code="MX1508",
                message="the row names no CPU",
                hint="fill the column `cpu` (a SPEC) or `midrs` (MIDR_EL1 of each CPU type)",
            )
        cpus = self._library.knowledge_of(self._architecture.id)
        system = resolve_system(spec, cpus, self._architecture)
        self._remark(*system.diagnostics)
        return system

    def _choose(self, of_row: tuple[str, tuple[str, ...]]) -> tuple[tuple[str, Value], ...]:
        """Return the environment axes of a row: its VM kind, else --set, else what was shown."""
        vm, seen = of_row
        given = {text.partition("=")[0] for text in self._settings}
        mine = (text for text in seen if text.partition("=")[0] not in given)
        settings = (*mine, *self._settings)
        if vm:
            settings = (*(text for text in settings if not text.startswith("vm=")), f"vm={vm}")
        return self._answers.options(choose_surroundings(self._architecture, settings))


def _right(make: Callable[[_Key], _Made], key: _Key) -> _Made | None:
    """Return what is made of a part of a row; None where it is wrong."""
    try:
        return make(key)
    except InputError:
        return None


def _host_answer(answer: Answer, release: str) -> HostAnswer:
    return HostAnswer(
        release=release,
        verdict=answer.verdict,
        predicate=answer.predicate,
        outcome=answer.outcome,
        reasons=answer.reasons,
        defects=tuple(dict.fromkeys(defect.sentence for defect in answer.defects)),
        warnings=tuple(item for item in answer.diagnostics if item.severity is Severity.WARNING),
    )
