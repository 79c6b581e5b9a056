"""The answer of one host, where many hosts are alike.

Takes the texts of a row (kernel, `.config`, CPU, command line, VM kind), gives a `HostAnswer`.
Every text is looked at once; what hosts share of an answer the engine shares (`flows/answers.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer, Fix
from matrix.analyze.cell.memory import DetectedCpu
from matrix.diagnostics import Diagnostic, InputError, Severity
from matrix.expr.nodes import Value
from matrix.expr.position import shown
from matrix.expr.trees import names
from matrix.flows.answers import Answers, Build, Kept, Situation
from matrix.flows.arguments import choose_surroundings
from matrix.flows.fleet_names import FleetNames, IdleWords
from matrix.flows.fleet_row import HostRow, check_line, spec_of
from matrix.flows.fleet_summary import HostAnswer
from matrix.flows.kernel_choice import (
    absent_whatever_release,
    chosen_kernel,
    other_release_note,
    partial_note,
)
from matrix.flows.knowledge import Library
from matrix.kernel.config.dotconfig import DotConfig, load_dotconfig
from matrix.kernel.cpu.resolve import CpuSystem, resolve_system
from matrix.kernel.source.version import read_version
from matrix.schema.values import Capability, KernelProfile

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
# A table with more distinct values than this is answered all the same, from a memory begun anew:
# so many command lines take some hundred megabytes.
_MOST_KEPT = 300_000


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
        self._answers = Answers(
            library, library.arch_of(capability), capability, predicate=predicate
        )
        self._architecture = self._answers.architecture
        self._settings = settings
        self._folder = folder
        self._configs = Kept(self._load)
        self._builds = Kept(self._build)
        self._systems = Kept(self._system)
        self._options = Kept(self._choose)
        self._history = library.name_history(self._architecture.id)
        self.names = FleetNames(self._history)
        # What `validate` says of the files, each once.
        self.remarks: dict[Diagnostic, None] = {}
        self._rows: dict[HostRow, tuple[HostAnswer, IdleWords | None]] = {}
        self._given: dict[tuple[object, ...], HostAnswer] = {}
        self._chosen = self._choose("")

    @property
    def surroundings(self) -> tuple[tuple[str, str], ...]:
        """The options that hold for all rows, but for their VM, as far as answers read them."""
        return self._answers.options_that_count(self._chosen)

    def answer(self, row: HostRow) -> tuple[HostAnswer, IdleWords | None]:
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

    def fixes(self, row: HostRow) -> tuple[Fix, ...]:
        """Return the verified changes that make the capability supported on a row's host.

        Raises:
            InputError: the row is wrong.
        """
        build = self._builds.of((row.kernel, row.config))
        if isinstance(build, HostAnswer):
            return ()
        return self._answers.fixes(*self._asked(build, row))

    def _answer(self, row: HostRow) -> tuple[HostAnswer, IdleWords | None]:
        problems: list[Diagnostic] = []
        parts: tuple[Callable[[], object], ...] = (
            partial(self._builds.of, (row.kernel, row.config)),
            partial(self._systems.of, spec_of(row)),
            partial(self._options.of, row.vm),
            partial(check_line, row.cmdline),
            partial(self._answers.lines.of, row.cmdline),
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
        situation, cpu = self._asked(build, row)
        self._remark(*build.built_in.notes(situation.line, build.profile.release))
        line = self._answers.lines.of(situation.line.text)
        return self._given_in(situation, cpu), self.names.of(build.profile, line)

    def _asked(self, build: Build, row: HostRow) -> tuple[Situation, DetectedCpu]:
        """Return what a row asks about: its kernel in its situation, on its CPU."""
        situation = self._answers.situation(build, row.cmdline, self._options.of(row.vm))
        return situation, build.asked.memory.cpu(self._systems.of(spec_of(row)))

    def _given_in(self, situation: Situation, cpu: DetectedCpu) -> HostAnswer:
        """Return the answer of a host; equal ones are one object."""
        build = situation.build
        key = (situation.around, cpu, build.doubt)
        if key not in self._given:
            try:
                answer = self._answers.answer(situation, cpu, detailed=False)
            except InputError as error:
                given = HostAnswer(problems=error.diagnostics)
            else:
                given = _host_answer(answer, build.profile.release)
                said = build.doubt[:1] if build.doubt and answer.predicate is not None else ()
                given = replace(
                    given,
                    read_on=build.profile.verified_on.version,
                    reasons=(*given.reasons, *said),
                )
            self._given[key] = given
        return self._given[key]

    def _build(self, key: tuple[str, str]) -> Build | HostAnswer:
        """Return a kernel with its `.config`; the answer itself where any release has the same."""
        kernel, name = key
        config = self._configs.of(name)
        version = read_version(kernel.removeprefix("Linux").strip()) if kernel else None
        release = version.release if version else (None if kernel else config.release)
        profile = self._profile(kernel, release)
        if profile is None:
            if kernel and not version:
                raise InputError(self._no_release(kernel))
            reason = absent_whatever_release(self._library, self._capability, config, release)
            if reason is not None:
                return _host_answer(self._answers.absent_anyway(reason), release or "unknown")
            raise InputError(
                self._library.no_profile(release, self._architecture.id)
                if release
                else self._no_release("")
            )
        chosen = chosen_kernel(self._library, profile, version.text if version else None, config)
        build = self._answers.build(config, chosen)
        config = build.config
        self._remark(*other_release_note(chosen, config))
        self._remark(*config.diagnostics, *self._history.config(profile, config))
        return build

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

    def _choose(self, vm: str) -> tuple[tuple[str, Value], ...]:
        """Return the environment axes of a row: --set, and the row's own VM kind instead of it."""
        settings = self._settings
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
