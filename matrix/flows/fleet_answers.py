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
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer, Fix
from matrix.analyze.cell.verdict import WORKS
from matrix.diagnostics import Diagnostic, InputError, Severity
from matrix.door.files import digest_of
from matrix.door.folders import regular_files
from matrix.expr.nodes import Value
from matrix.expr.position import shown
from matrix.expr.trees import names
from matrix.flows.answers import Answers, Build, Kept, Situation
from matrix.flows.arguments import choose_surroundings
from matrix.flows.evidence_request import host_request, read_evidence
from matrix.flows.fleet_names import FleetNames, IdleWords
from matrix.flows.fleet_row import HostRow, check_line, spec_of
from matrix.flows.fleet_summary import HostAnswer
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
from matrix.kernel.cpu.resolve import CpuSystem, resolve_system
from matrix.kernel.source.version import read_version
from matrix.schema.values import Capability, Distro, KernelProfile

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
# A table with more distinct values than this is answered all the same, from a memory begun anew:
# so many command lines take some hundred megabytes.
_MOST_KEPT = 300_000


# Before the path of evidence that brings its own `.config`, in the place of a file's name.
_OF_EVIDENCE = "evidence:"
_NO_CONFIG = Diagnostic(
    code="MX1521",
    severity=Severity.NOTE,
    message="hosts without a `.config`: what it decides is unknown",
    hint="give a path in the column `config`, the SHA-256 of a file in --config-folder, or a "
    "distribution's kernel of configs/distros: debian-7.3",
)


class _Shown(Struct, frozen=True, kw_only=True):
    """What evidence shows of a host, as the columns have it; empty where it shows nothing."""

    kernel: str
    config: str
    cpu: str
    cmdline: str
    settings: tuple[str, ...]


class _Given(Struct, kw_only=True):
    """The answer of hosts in one situation; `asked` and `fixes` only where a change may help."""

    answer: HostAnswer
    asked: tuple[tuple[Situation, ...], CpuSystem] | None = None
    fixes: tuple[Fix, ...] | None = None


class Answered(NamedTuple):
    """What is said of a row: its answer, its situation, and what its command line says in vain."""

    answer: HostAnswer
    given: _Given | None = None
    idle: IdleWords | None = None


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
        self._ported_back: dict[Build, str | None] = {}
        self._builds = Kept(self._build)
        self._systems = Kept(self._system)
        self._options = Kept(self._choose)
        self._evidence = Kept(self._read_evidence)
        self._distros = {one.id: one for one in library.knowledge.distros}
        self._history = library.name_history(self._architecture.id)
        self.names = FleetNames(self._history)
        # What `validate` says of the files, each once.
        self.remarks: dict[Diagnostic, None] = {}
        self._rows: dict[HostRow, Answered] = {}
        self._given: dict[tuple[object, ...], _Given] = {}
        self._looked = 0
        # How many situations nobody looked for a fix of.
        self.without_fixes: set[int] = set()
        self._chosen = self._choose(("", ()))

    @property
    def surroundings(self) -> tuple[tuple[str, str], ...]:
        """The options that hold for all rows, but for their VM, as far as answers read them."""
        return self._answers.options_that_count(self._chosen)

    def filled(self, row: HostRow) -> HostRow:
        """Return a row with what it lacks and its evidence shows; as it is where that is wrong."""
        if not row.evidence:
            return row
        try:
            shown = self._evidence.of(row.evidence)
        except InputError:
            return row
        return row._replace(
            kernel=row.kernel or shown.kernel,
            config=row.config or shown.config,
            cpu=row.cpu or ("" if row.midrs else shown.cpu),
            cmdline=row.cmdline or shown.cmdline,
            settings=shown.settings,
        )

    def answer(self, row: HostRow) -> Answered:
        """Return the answer of a row; where the row is wrong, the answer says in what.

        Beside it what the row's command line says in vain; equal ones are one object.
        """
        found = self._rows.get(row)
        if found is None:
            if len(self._rows) + len(self._answers.lines) > _MOST_KEPT:
                self._rows.clear()
                self._answers.lines.forget()
            found = self._rows[row] = self._answer(row)
        return found

    def fixes(self, row: HostRow, most: int | None = None) -> tuple[Fix, ...]:
        """Return the verified changes that make the capability supported on a row's host.

        Each situation is looked at once, and with `most` no more than so many of them.
        """
        given = self.answer(row).given
        if given is None or given.asked is None:
            return ()
        if given.fixes is None:
            if most is not None and self._looked >= most:
                self.without_fixes.add(id(given))
                return ()
            self._looked += 1
            given.fixes = fixes_in(self._answers, *given.asked)
        return given.fixes

    def _answer(self, row: HostRow) -> Answered:
        problems: list[Diagnostic] = []
        parts: tuple[Callable[[], object], ...] = (
            partial(self._builds.of, (row.kernel, row.config)),
            partial(self._systems.of, spec_of(row)),
            partial(self._options.of, (row.vm, row.settings)),
            partial(check_line, row.cmdline),
            partial(self._answers.lines.of, row.cmdline),
        )
        if row.evidence:
            parts = (partial(self._evidence.of, row.evidence), *parts)
        for part in parts:
            try:
                part()
            except InputError as error:
                problems.extend(error.diagnostics)
        if problems:
            return Answered(HostAnswer(problems=tuple(problems)))
        builds = self._builds.of((row.kernel, row.config))
        if isinstance(builds, HostAnswer):
            return Answered(builds)
        situations, system = self._asked(builds, row)
        situation, build = situations[0], builds[0]
        self._remark(*build.built_in.notes(situation.line, build.chosen.release))
        line = self._answers.lines.of(situation.line.text)
        # What a release between two profiles has nobody knows.
        idle = self.names.of(build.profile, line) if len(builds) == 1 else None
        given = self._given_in(situations, system)
        return Answered(given.answer, given, idle)

    def _asked(
        self, builds: tuple[Build, ...], row: HostRow
    ) -> tuple[tuple[Situation, ...], CpuSystem]:
        """Return what a row asks about: its kernel, or the two beside it, and its CPU system."""
        options = self._options.of((row.vm, row.settings))
        situations = (self._answers.situation(one, row.cmdline, options) for one in builds)
        return tuple(situations), self._systems.of(spec_of(row))

    def _given_in(self, situations: tuple[Situation, ...], system: CpuSystem) -> _Given:
        """Return what is given in a situation; equal ones are one object."""
        build = situations[0].build
        doubt = next((one.build.doubt for one in situations if one.build.doubt), None)
        own = build.config.release == build.chosen.release
        around = tuple((one.around, one.build.asked.memory.cpu(system)) for one in situations)
        if own and build not in self._ported_back:
            self._ported_back[build] = ported_back(self._capability, build)
        symbol = self._ported_back[build] if own else None
        key = (around, doubt, build.chosen.between, symbol)
        if key not in self._given:
            try:
                answer = answer_in(self._answers, situations, system, detailed=False)
            except InputError as error:
                self._given[key] = _Given(answer=HostAnswer(problems=error.diagnostics))
            else:
                given = _host_answer(answer, build.chosen.release)
                said = doubt[:1] if doubt and answer.predicate is not None else ()
                alone = len(situations) == 1
                given = replace(
                    given,
                    read_on=build.profile.verified_on.version if alone else None,
                    reasons=(*given.reasons, *said),
                )
                asked = None if answer.verdict in WORKS else (situations, system)
                self._given[key] = _Given(answer=given, asked=asked)
        return self._given[key]

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

    def _read_evidence(self, path: str) -> _Shown:
        """Return what the evidence of a row shows of its host.

        Raises:
            InputError: what is wrong with it.
        """
        shown = read_evidence((str(self._folder / path),), self._library, within=self._folder)
        asked = ValidateRequest(files=())
        found = host_request(shown, asked, self._library, needs_cpu=False)
        self._remark(*shown.remarks, *(one for one in found.diagnostics if one.code != "MX1621"))
        config = ""
        if shown.configs:
            config = f"{_OF_EVIDENCE}{path}"
            self._shown_configs[config] = shown.configs[0]
        return _Shown(
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
            raise InputError(
                Diagnostic(
                    code="MX1508",
                    message="the row names no CPU",
                    hint="fill the column `cpu` (a SPEC) or `midrs` (MIDR_EL1 of each CPU type)",
                )
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
