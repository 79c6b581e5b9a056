"""Declarations, looked up by the names a user writes; kernels lowered once per run.

Takes the folders of `--configs`, gives profiles, capabilities, studies and CPUs, or a diagnostic
that lists what exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec.structs import replace

from matrix.analyze.facts.program import FactProgram, Lowered, lower, lowered
from matrix.analyze.facts.staleness import NameHistory
from matrix.diagnostics import Diagnostic, InputError, Location, unknown_word_hint
from matrix.door.kept import key_of, recall_value, remember_value
from matrix.door.package import code_of
from matrix.kernel.cpu.resolve import cpus_by_name, machine_named, resolve_system
from matrix.kernel.cpu.system import CpuSystem
from matrix.kernel.source.version import KernelVersion, read_version, why_no_release
from matrix.schema.compiled import knowledge
from matrix.schema.values import (
    Architecture,
    Capability,
    KernelProfile,
    Knowledge,
    MatrixStudy,
)

_RELEASE = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4})*")

# The study that is meant where a user names none.
DEFAULT_STUDY = "arm64-gmem-no-direct-map"


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


Declared = TypeVar("Declared", bound=_Identified)


class Library:
    """All declarations of one run: shipped ones, those of folders, and studies in files."""

    def __init__(self, folders: Sequence[Path] = (), studies: Sequence[Path] = ()) -> None:
        self.knowledge: Knowledge = knowledge(tuple(folders), tuple(studies))
        self._programs: dict[str, FactProgram] = {}
        self._histories: dict[tuple[str, bool], NameHistory] = {}
        self._kernels: dict[str, Mapping[str, KernelProfile]] = {}
        self._systems: dict[tuple[str, str], CpuSystem] = {}

    @cached_property
    def arch(self) -> str:
        """The architecture that is meant where nothing says another: the default study's.

        Declarations without that study are of one architecture, or each command is told.
        """
        studies = self.knowledge.studies
        default = [study.arch for study in studies if study.id == DEFAULT_STUDY]
        return (*default, *(profile.arch for profile in self.knowledge.kernels))[0]

    def kernels_of(self, arch: str) -> Mapping[str, KernelProfile]:
        """Return the profiles of an architecture by release, oldest first."""
        if arch not in self._kernels:
            mine = (profile for profile in self.knowledge.kernels if profile.arch == arch)
            ordered = sorted(mine, key=lambda profile: release_key(profile.release))
            self._kernels[arch] = {profile.release: profile for profile in ordered}
        return self._kernels[arch]

    def knowledge_of(self, arch: str) -> Knowledge:
        """Return the knowledge with the CPUs of one architecture: SPECs mean no others."""
        mine = tuple(cpu for cpu in self.knowledge.cpus if cpu.arch == arch)
        if len(mine) == len(self.knowledge.cpus):
            return self.knowledge
        return replace(self.knowledge, cpus=mine)

    def systems(self, specs: Iterable[str], arch: str) -> dict[str, CpuSystem]:
        """Return the system of each SPEC, resolved once for all studies.

        Raises:
            InputError: as `resolve_system`.
        """
        cpus = self.knowledge_of(arch)
        architecture = self.architecture(arch)
        found = {}
        named = None
        for spec in specs:
            if (arch, spec) not in self._systems:
                named = named or cpus_by_name(cpus)
                self._systems[arch, spec] = resolve_system(spec, cpus, architecture, named)
            found[spec] = self._systems[arch, spec]
        return found

    def arch_of_cpus(self, spec: str) -> str:
        """Return the architecture of the CPUs that a SPEC names first, else the usual one."""
        return (*self.archs_named(spec), self.arch)[0]

    def archs_named(self, spec: str) -> tuple[str, ...]:
        """Return the architectures that have what a SPEC names first, those of CPUs before."""
        name = re.split(r"[,+]", spec)[0].strip().lower()
        named = [cpu.arch for cpu in self.knowledge.cpus if name in (cpu.id, *cpu.aliases)]
        named += (
            one.arch
            for one in self.knowledge.machines
            if machine_named(name, self.knowledge, one.arch)
        )
        return tuple(dict.fromkeys(named))

    def architecture(self, name: str) -> Architecture:
        """Return an architecture by id."""
        return _find(self.knowledge.architectures, name, "architecture", "architectures")

    def arch_of(self, capability: Capability) -> str:
        """Return the architecture that a capability is asked on where nothing says another.

        That is the usual one, unless the studies of the capability are of others.
        """
        studies = self.knowledge.studies
        asked = sorted({study.arch for study in studies if study.capability == capability.id})
        return self.arch if not asked or self.arch in asked else asked[0]

    @cached_property
    def asking(self) -> Mapping[str, tuple[str, ...]]:
        """The capabilities that each architecture is asked about, for hints."""
        archs = [(item.id, self.arch_of(item)) for item in self.knowledge.capabilities]
        return {
            one.id: tuple(name for name, arch in archs if arch == one.id)
            for one in self.knowledge.architectures
        }

    def kernel(self, name: str, arch: str | None = None) -> KernelProfile:
        """Return a profile by release (`7.3`) or id (`linux-7.3-arm64`).

        A release that several architectures have is that of `arch` (None: of the usual one).

        Raises:
            InputError: MX0913, a release without a profile; MX0905, a word that is none; MX0687,
                several architectures have the release, and `arch` does not.
        """
        usual = arch or self.arch
        named = [one for one in self.knowledge.kernels if name in (one.release, one.id)]
        # False before True: the usual architecture's first.
        named.sort(key=lambda one: one.arch != usual)
        if len(named) == 1 or (named and named[0].arch == usual):
            return named[0]
        if named:
            places = " and ".join(f"{one.id} at {one.location}" for one in named)
            raise InputError.of(
                code="MX0687",
                message=f"`{name}` is a kernel of {' and of '.join(one.arch for one in named)}",
                hint=f"name one by its id: {places}",
            )
        version = read_version(name)
        known = {one.release for one in self.knowledge.kernels}
        if version is not None and version.release not in known:
            raise InputError(self.no_profile(version.release, usual))
        raise InputError.of(
            code="MX0905",
            message=f"unknown kernel `{name}`",
            hint=unknown_word_hint(
                name, {one.release for one in self.knowledge.kernels}, "kernels"
            ),
        )

    def release(self, name: str) -> str:
        """Return the release that a name means, of whatever architecture; MX0905: none."""
        named = (one.release for one in self.knowledge.kernels if name in (one.release, one.id))
        return next(named, None) or self.kernel(name).release

    def kernel_of_version(self, name: str, arch: str | None = None) -> KernelProfile:
        """Return the profile that answers for a release, an exact version (`6.1.90`) or an id.

        `arch` is as for `kernel`.
        """
        version = read_version(name)
        known = version and version.release in {one.release for one in self.knowledge.kernels}
        return self.kernel(version.release if known and version else name, arch)

    def around(self, name: str, arch: str | None = None) -> tuple[KernelProfile, ...]:
        """Return the profile that answers for a version, or the two beside a release without one.

        `arch` is as for `kernel`.

        Raises:
            InputError: MX1122, no release has the version; MX0913, it is older or newer than all;
                as `kernel`.
        """
        version = read_version(name)
        if version is not None:
            refuse_no_release(version)
            beside = self.beside(version.release, arch or self.arch)
            if beside and not any(name == one.id for one in self.knowledge.kernels):
                return beside
        return (self.kernel_of_version(name, arch),)

    def beside(self, release: str, arch: str) -> tuple[KernelProfile, ...]:
        """Return the nearest profiles around a release without one; (), where it is not between."""
        known = self.kernels_of(arch)
        below, above = self.neighbours(release, arch)
        if release in known or not below or not above:
            return ()
        return known[below[0]], known[above[0]]

    def capability(self, name: str) -> Capability:
        """Return a capability by id."""
        return _find(self.knowledge.capabilities, name, "capability", "capabilities")

    def study(self, name: str) -> MatrixStudy:
        """Return a study by id."""
        return _find(self.knowledge.studies, name, "study", "studies")

    def program(self, profile: KernelProfile) -> FactProgram:
        """Return the lowered facts of a profile."""
        if profile.id not in self._programs:
            architecture = self.architecture(profile.arch)
            self._programs[profile.id] = kept_program(self.knowledge, profile, architecture)
        return self._programs[profile.id]

    def name_history(self, arch: str, *, of_kernels: bool = True) -> NameHistory:
        """Return which releases of an architecture have which names.

        That is said of kernels; otherwise of what is declared: rows of overlays are names, too.
        """
        key = (arch, of_kernels)
        if key not in self._histories:
            known = tuple(self.kernels_of(arch).values())
            added = [one for one in self.knowledge.overlays if one.arch == arch]
            self._histories[key] = NameHistory(
                known, self.architecture(arch), added if of_kernels else ()
            )
        return self._histories[key]

    def neighbours(self, release: str, arch: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the releases with a profile before and after a release, the nearest first."""
        key = release_key(release)
        known = tuple(self.kernels_of(arch))
        below = tuple(name for name in reversed(known) if release_key(name) < key)
        above = tuple(name for name in known if release_key(name) > key)
        return below, above

    def no_profile(
        self, release: str, arch: str, location: Location | None = None, *, instead: str = ""
    ) -> Diagnostic:
        """Return that a release has no profile (MX0913); the hint names the nearest ones.

        `instead` is what else the user can do, for the end of the hint.
        """
        near = nearest_releases(release, self.kernels_of(arch), "profile")
        return Diagnostic(
            code="MX0913",
            message=f"there is no profile of Linux {release}",
            location=location,
            hint=f"{near}; {instead}" if instead else near,
        )


def refuse_no_release(version: KernelVersion, location: Location | None = None) -> None:
    """Refuse a version that no release has.

    Raises:
        InputError: MX1122.
    """
    why = why_no_release(version)
    if why is not None:
        raise InputError.of(
            code="MX1122",
            message=f"there is no Linux {version.short}: {why}",
            location=location,
            hint="write the version as `uname -r` says it",
        )


def release_key(release: str) -> tuple[int, ...]:
    """Return a release as numbers, so that 6.12 comes after 6.6; (), where it is none."""
    if not _RELEASE.fullmatch(release):
        return ()
    return tuple(int(part) for part in release.split("."))


def nearest_releases(word: str, known: Iterable[str], kind: str) -> str | None:
    """Return the hint that names the known releases around a version; None where it is none.

    Letters say nothing of how near releases are: 6.11.3 is no slip of 6.1.
    """
    version = read_version(word)
    keys = {key: name for name in known if (key := release_key(name))}
    if version is None or not keys or version.series in keys:
        return None
    below = max((key for key in keys if key < version.series), default=None)
    above = min((key for key in keys if key > version.series), default=None)
    near = [keys[key] for key in (below, above) if key is not None]
    return f"the nearest {kind}{'s are' if len(near) > 1 else ' is'} {' and '.join(near)}"


def _find(items: Iterable[Declared], name: str, kind: str, kinds: str) -> Declared:
    by_id = {item.id: item for item in items}
    if name in by_id:
        return by_id[name]
    raise InputError.of(
        code="MX0906",
        message=f"unknown {kind} `{name}`",
        hint=unknown_word_hint(name, by_id, kinds),
    )


# Under this name lowered profiles are kept.
_KIND = "program"


def kept_program(
    knowledge: Knowledge, profile: KernelProfile, architecture: Architecture
) -> FactProgram:
    """Return the lowered facts of a profile.

    What takes long of them is kept in the user's cache, under the declarations and the modules that
    lower them.

    Raises:
        InputError: as `lower`.
    """
    code = code_of("analyze/facts", "expr", "schema")
    is_declared = any(profile is one for one in knowledge.kernels) and any(
        architecture is one for one in knowledge.architectures
    )
    # Of a profile that was changed since it was read, nothing is known.
    if not knowledge.digest or code is None or not is_declared:
        return lower(profile, architecture)
    key = key_of(code, knowledge.digest.encode(), profile.id.encode(), profile.arch.encode())
    found = recall_value(_KIND, key, Lowered)
    program = lower(profile, architecture, found)
    if found is None:
        remember_value(_KIND, key, lowered(program))
    return program
