"""What set each name of a study's cell: its options, in words a reader can follow.

Takes one option per axis, gives `CellSettings`: which axis set a Kconfig symbol or a choice of the
surroundings, and which one wrote each parameter of the command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matrix.analyze.cell.assemble import command_line_of
from matrix.analyze.cell.derivation import (
    DEFAULT,
    ENVIRONMENT,
    KCONFIG,
    RELEASE,
    CellSettings,
    Origin,
)
from matrix.analyze.facts.boot_variables import boot_steps
from matrix.analyze.facts.program import FactProgram
from matrix.expr.nodes import Call, Name
from matrix.kernel.cpu.system import CpuSystem
from matrix.kernel.line.cmdline import read_command_line
from matrix.schema.values import Architecture, KernelProfile, Option


def study_settings(
    program: FactProgram,
    profile: KernelProfile,
    architecture: Architecture,
    options: Mapping[str, Option],
    system: CpuSystem | None,
) -> CellSettings:
    """Return what the options of a cell set; `options` has one per axis, in the study's order."""
    line = read_command_line(command_line_of(options.values()))
    return CellSettings(
        atoms={**_symbols(program, profile, options), **_surroundings(architecture, options)},
        line=line.text,
        steps=tuple(boot_steps(program, profile, line)),
        writers=tuple(_writers(options)),
        system=system,
    )


def _symbols(
    program: FactProgram, profile: KernelProfile, options: Mapping[str, Option]
) -> dict[str, Origin]:
    set_by = {
        symbol: f"{axis}={option.name}"
        for axis, option in options.items()
        for symbol, _ in option.kconfig
    }
    origins = {}
    for symbol in program.symbols:
        atom = f"CONFIG_{symbol}"
        if symbol in set_by:
            origins[atom] = Origin(kind=KCONFIG, text=set_by[symbol])
        elif atom in program.always_set:
            origins[atom] = Origin(kind=RELEASE, text=_demand(profile, atom))
        else:
            origins[atom] = Origin(kind=DEFAULT, text="off, as no axis of the study sets it")
    return origins


def _demand(profile: KernelProfile, atom: str) -> str:
    """Return why every `.config` of a release has a symbol set."""
    for constraint in profile.constraints:
        if constraint.condition.expression == Call("IS_ENABLED", (Name(atom),)):
            because = constraint.condition.because or constraint.condition.text
            return f"every `.config` of Linux {profile.release} has it: {because}"
    return f"every `.config` of Linux {profile.release} has it"


def _surroundings(architecture: Architecture, options: Mapping[str, Option]) -> dict[str, Origin]:
    set_by = {
        name: f"{axis}={option.name}"
        for axis, option in options.items()
        for name, _ in option.environment
    }
    origins = {}
    for axis in architecture.environment:
        chosen = set_by.get(axis.name)
        origins[axis.name] = (
            Origin(kind=ENVIRONMENT, text=chosen)
            if chosen
            else Origin(kind=DEFAULT, text=f"{axis.name}={axis.default}, as the study does not ask")
        )
    return origins


def _writers(options: Mapping[str, Option]) -> Iterator[tuple[range, str]]:
    """Yield which stretch of the command line each boot option wrote."""
    start = 0
    for axis, option in options.items():
        if option.cmdline:
            yield range(start, start + len(option.cmdline)), f"{axis}={option.name}"
            start += len(option.cmdline) + 1
