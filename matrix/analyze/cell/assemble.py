"""From inputs to one `Cell`: a `.config`, a command line, a CPU system and the surroundings.

Takes what `kernel` read (or the options of a study's axes) and one release's facts program, gives
the atoms and kernel variables that `answering.py` evaluates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from matrix.analyze.cell.answering import Cell
from matrix.analyze.cell.question import Question
from matrix.analyze.facts.boot_variables import command_line_effects
from matrix.analyze.facts.program import BUILT_IN_LINE, FactProgram
from matrix.expr.nodes import Conditional, Expression, Name, Scalar, Value
from matrix.kernel.config.dotconfig import DotConfig
from matrix.kernel.cpu.detection import Detection, detect, detect_boot
from matrix.kernel.cpu.system import CpuSystem
from matrix.kernel.line.cmdline import CommandLine, LineReadings, read_command_line
from matrix.kernel.source.version import KernelVersion, read_version
from matrix.schema.values import Architecture, KernelProfile, MatrixStudy, Option


def config_atoms(program: FactProgram, config: DotConfig) -> dict[str, Value]:
    """Return the `CONFIG_` atoms of a `.config`; a partial one leaves what it lacks unknown.

    A symbol the release does not have is off whatever the file says.
    """
    declared = program.symbols
    return {
        atom: config.value(atom.removeprefix("CONFIG_"))
        if atom.removeprefix("CONFIG_") in declared
        else False
        for atom in sorted(program.atoms)
        if atom.startswith("CONFIG_")
    }


def dated_atoms(program: FactProgram, version: KernelVersion) -> dict[str, Value]:
    """Return what a version says of what came with a point release; None: it does not tell."""
    found: dict[str, Value] = {}
    for atom, mechanism in program.dated.items():
        has = version.has(mechanism.since.versions if mechanism.since else ())
        before = mechanism.since.before if mechanism.since else None
        found[atom] = None if has is None else (mechanism.value if has else before)
    return found


def dated_in_study(program: FactProgram, options: Iterable[Option]) -> dict[str, Value]:
    """Return the same for a study's options; without one of their own, for the version read."""
    for option in options:
        version = read_version(option.version)
        if version is not None:
            return dated_atoms(program, version)
    read = read_version(program.read_on)
    found = {} if read is None else dated_atoms(program, read)
    return {
        atom: mechanism.value if found.get(atom) is None else found[atom]
        for atom, mechanism in program.dated.items()
    }


def asked_of_file(question: Question, config: DotConfig) -> Question:
    """Return what is asked of a `.config`: no build made one with values that were refused.

    What builds can make says nothing of such a file.
    """
    return replace(question, constraints=()) if config.refused else question


def option_atoms(program: FactProgram, options: Iterable[Option]) -> dict[str, Value]:
    """Return the `CONFIG_` atoms that the options of a study set.

    What none sets is off, unless every `.config` of the release has it set; it is unknown under an
    option that stands for a partial `.config`. What no verdict rests on is unknown, too, unless an
    option is a whole `.config`.
    """
    chosen = tuple(options)
    whole = any(option.kernel and option.kconfig for option in chosen)
    atoms: dict[str, Value] = {
        atom: None if atom in program.advised and not whole else atom in program.always_set
        for atom in sorted(program.atoms)
        if atom.startswith("CONFIG_")
    }
    if any(option.partial for option in chosen):
        for symbol in program.symbols:
            atom = f"CONFIG_{symbol}"
            # What every `.config` has stays set: a fragment need not mention it.
            if atoms.get(atom) is False:
                atoms[atom] = None
    # Then what is said, whichever option stands first: off is said, too.
    for option in chosen:
        for symbol, text in option.kconfig:
            atom = f"CONFIG_{symbol}"
            if atom in atoms and symbol in program.symbols:
                atoms[atom] = symbol_value(text)
    return atoms


def symbol_value(text: str | int) -> Scalar:
    """Return the value of a Kconfig symbol as the expressions read it."""
    words: dict[str | int, Scalar] = {"y": True, "n": False}
    return words.get(text, text)


def surroundings_atoms(architecture: Architecture, chosen: Mapping[str, str]) -> dict[str, Value]:
    """Return the environment axes' atoms, the declared default where nothing is chosen."""
    return {axis.name: chosen.get(axis.name, axis.default) for axis in architecture.environment}


def cpu_atoms(
    program: FactProgram, system: CpuSystem
) -> tuple[dict[str, Value], dict[str, Detection]]:
    """Return the atoms of the CPU properties that the program reads, and how each is known."""
    read: dict[str, Detection] = {}
    for prefix, look in (("hw.", detect), ("boot_hw.", detect_boot)):
        caps = [cap for cap in program.cpucaps if f"{prefix}{cap.name}" in program.atoms]
        read.update((f"{prefix}{name}", found) for name, found in look(system, caps).items())
    return {atom: found.value for atom, found in read.items()}, read


def open_fields(
    detections: Mapping[str, Detection],
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the atoms whose value nobody knows, each with the CPU fields that would decide it."""
    return tuple(
        (atom, found.open_fields) for atom, found in detections.items() if found.value is None
    )


def variables_of(
    program: FactProgram, profile: KernelProfile, command_line: str | CommandLine
) -> dict[str, Expression]:
    """Return the kernel variables as the command line leaves them."""
    line = read_command_line(command_line) if isinstance(command_line, str) else command_line
    return command_line_effects(program, profile, line)


def read_variables(
    program: FactProgram, profile: KernelProfile, line: LineReadings
) -> dict[str, Expression]:
    """Return the kernel variables of a line that may have other readings, too."""
    others = [(symbol, variables_of(program, profile, text)) for symbol, text in line.others]
    return open_variables(variables_of(program, profile, line.text), others)


def open_variables(
    variables: Mapping[str, Expression], others: Sequence[tuple[str, Mapping[str, Expression]]]
) -> dict[str, Expression]:
    """Return variables that hang on whether the kernel has a symbol, where that changes them.

    `others` are (symbol, variables where it has it), the one that counts before the others first.
    """
    merged = dict(variables)
    # From the inside out: the one that counts before the others becomes the outermost `?:`.
    for symbol, other in reversed(others):
        has = Name(f"{BUILT_IN_LINE}{symbol}")
        merged = {
            name: item if item == other[name] else Conditional(has, other[name], item)
            for name, item in merged.items()
        }
    return merged


def study_options(study: MatrixStudy, cell: Mapping[str, str]) -> dict[str, Option]:
    """Return the option of each axis for a cell; axes the cell leaves out take the baseline."""
    chosen = {**dict(study.baseline), **cell}
    return {
        axis.name: next(option for option in axis.options if option.name == chosen[axis.name])
        for axis in study.axes
    }


def command_line_of(options: Iterable[Option]) -> str:
    """Return the command line that the boot options make, in the order of the axes."""
    # The order matters where a later parameter reads what an earlier one sets; two axes that set
    # the same variable are refused in a study (MX0610).
    return " ".join(option.cmdline for option in options if option.cmdline)


class StudyCells:
    """Makes the concrete cells of a study; what cells have in common is made once."""

    def __init__(self, systems: Mapping[str, CpuSystem], architecture: Architecture) -> None:
        self._systems = systems
        self._architecture = architecture
        self._cpus: dict[tuple[str, str], tuple[dict[str, Value], dict[str, Detection]]] = {}
        self._variables: dict[tuple[str, str], dict[str, Expression]] = {}

    def cell(
        self, program: FactProgram, profile: KernelProfile, options: Mapping[str, Option]
    ) -> Cell:
        """Return the cell that one option per axis makes."""
        chosen = tuple(options.values())
        surroundings = {name: value for option in chosen for name, value in option.environment}
        spec = next((option.cpu for option in chosen if option.cpu), None)
        atoms: dict[str, Value] = option_atoms(program, chosen)
        atoms.update(surroundings_atoms(self._architecture, surroundings))
        atoms.update(dated_in_study(program, chosen))
        detections: dict[str, Detection] = {}
        if spec is not None:
            values, detections = self._cpu(program, profile, spec)
            atoms.update(values)
        variables = self._variables_of(program, profile, command_line_of(chosen))
        return Cell(variables=variables, atoms=atoms, detections=detections)

    def _cpu(
        self, program: FactProgram, profile: KernelProfile, spec: str
    ) -> tuple[dict[str, Value], dict[str, Detection]]:
        key = (profile.id, spec)
        if key not in self._cpus:
            self._cpus[key] = cpu_atoms(program, self._systems[spec])
        return self._cpus[key]

    def _variables_of(
        self, program: FactProgram, profile: KernelProfile, command_line: str
    ) -> dict[str, Expression]:
        key = (profile.id, command_line)
        if key not in self._variables:
            self._variables[key] = variables_of(program, profile, command_line)
        return self._variables[key]
