"""Every name that is declared, over all folders: what the other checks look names up in.

Built from the files whose shape is right. `broken` says of which kinds some file is not: a name
of such a kind may be declared there, so that not finding it is no error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Location
from matrix.schema.files import Kind
from matrix.schema.reading.problems import Problems
from matrix.schema.values import (
    Architecture,
    Capability,
    Cpu,
    Distro,
    EnvironmentAxis,
    KernelProfile,
    RegisterField,
    SourceReference,
    Toolchain,
)


class Catalogue(Struct, frozen=True, kw_only=True):
    """Declared things by id. `kernels` are ordered by architecture and release, oldest first."""

    architectures: Mapping[str, Architecture]
    kernels: Mapping[str, KernelProfile]
    toolchains: Mapping[str, Toolchain]
    cpus: Mapping[str, Cpu]
    sources: Mapping[str, SourceReference]
    capabilities: Mapping[str, Capability]
    distros: Mapping[str, Distro]
    broken: frozenset[Kind]

    def knows_all(self, kind: Kind) -> bool:
        """Return whether every file of this kind could be read."""
        return kind not in self.broken

    def known(self, kind: Kind, names: Iterable[str], what: str = "") -> Known:
        """Return the names that files of a kind declare; `what` is what one is called."""
        return Known(kind=what or kind.value, names=names, complete=self.knows_all(kind))

    def of(self, arch: str) -> Catalogue:
        """Return what belongs to one architecture: nothing of another is meant by a name."""
        return replace(
            self,
            architectures={key: item for key, item in self.architectures.items() if key == arch},
            kernels={key: item for key, item in self.kernels.items() if item.arch == arch},
            cpus={key: item for key, item in self.cpus.items() if item.arch == arch},
            distros={key: item for key, item in self.distros.items() if item.arch == arch},
        )

    def fields(self) -> dict[str, RegisterField]:
        """Return the CPU fields by name, of all architectures unless it is `of` one."""
        return {
            field.name: field
            for architecture in self.architectures.values()
            for field in architecture.fields
        }

    def environment(self) -> dict[str, EnvironmentAxis]:
        """Return the environment axes by name, of all architectures unless it is `of` one."""
        return {
            axis.name: axis
            for architecture in self.architectures.values()
            for axis in architecture.environment
        }

    def symbol_types(self) -> dict[str, frozenset[str]]:
        """Return the Kconfig symbols that a profile reads and their types, over all releases."""
        found: dict[str, frozenset[str]] = {}
        for kernel in self.kernels.values():
            for symbol in kernel.symbols:
                found[symbol.name] = found.get(symbol.name, frozenset()) | {symbol.type}
        return found

    def expression_names(self) -> frozenset[str]:
        """Return what an expression over some profile may name, but symbols and mechanisms."""
        found: set[str] = set(self.environment())
        for architecture in self.architectures.values():
            found.update(function.signature for function in architecture.functions)
            found.update(cap.name for cap in architecture.cpucaps)
        for kernel in self.kernels.values():
            found.update(function.signature for function in kernel.functions)
            found.update(cap.name for cap in kernel.cpucaps)
            for variable in kernel.variables:
                found.update((variable.name, *(name for name, _ in variable.enumerators)))
        return frozenset(found)

    def known_symbols(self) -> Known:
        """Return the Kconfig symbols that some profile has, and how to add one."""
        arch = next(iter(self.architectures)) if len(self.architectures) == 1 else "…"
        return Known(
            kind="Kconfig symbol",
            names=self.symbol_types(),
            complete=self.knows_all(Kind.KERNEL),
            # The f-string halves the braces, and `format` in `check` does so again.
            advice="to add {0}, write `overlays/mine.yaml` into a folder for --configs: "
            f"`{{{{id: mine, arch: {arch}, kconfig: {{{{symbols: "
            '{{{0}: {{type: bool, prompt: "true", source: "path/Kconfig:line"}}}}}}}}`',
        )

    def kernel_names(self) -> dict[str, KernelProfile]:
        """Return the profiles of one architecture (`of`) by release."""
        return {kernel.release: kernel for kernel in self.kernels.values()}

    def cpu_names(self) -> dict[str, Cpu]:
        """Return the CPUs by id and alias."""
        found: dict[str, Cpu] = {}
        for cpu in self.cpus.values():
            found.update(dict.fromkeys((cpu.id, *cpu.aliases), cpu))
        return found

    def groups(self) -> dict[str, tuple[Cpu, ...]]:
        """Return the groups of CPUs and their members."""
        found: dict[str, tuple[Cpu, ...]] = {}
        for cpu in self.cpus.values():
            for group in cpu.groups:
                found[group] = (*found.get(group, ()), cpu)
        return found


class Known(Struct, frozen=True, kw_only=True):
    """The names of one kind that exist; `complete` is false where a file could not be read.

    `advice` says how to declare another one, `{}` being its name.
    """

    kind: str
    names: Iterable[str]
    complete: bool = True
    advice: str = ""

    def check(self, name: str, at: Location, problems: Problems) -> bool:
        """Return whether the name exists; add MX0221 where it does not."""
        if name in self.names:
            return True
        if self.complete:
            problems.unknown(self.kind, name, self.names, at, self.advice.format(name))
        return False
