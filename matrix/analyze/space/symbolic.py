"""One kernel's part of a study's space: names as functions of the axes, verdicts as regions.

Takes a `Question` and a study, gives regions: the valid cells, the absent ones by reason, where the
predicate holds, and one region per behaviour class. Everything a concrete cell evaluates one by one
(`cell/answering.py`) is here compiled over the whole space from the same expressions.

A name is tied to the axes by a table: a Kconfig symbol or a kernel variable to the axis whose
options set it, a CPU property to the CPU axis. What nobody recorded of a CPU is a hidden variable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from matrix.analyze.cell.assemble import (
    cpu_atoms,
    dated_in_study,
    open_fields,
    symbol_value,
    variables_of,
)
from matrix.analyze.cell.behaviour import Inputs
from matrix.analyze.cell.question import Question, refuse_lacking_truth
from matrix.analyze.facts.program import FactProgram
from matrix.analyze.facts.unread import UNREAD
from matrix.diagnostics import Diagnostic, InputError
from matrix.expr.nodes import Constant, Expression, Name, Value
from matrix.kernel.cpu.system import CpuSystem
from matrix.schema.values import Architecture, Axis, KernelProfile, MatrixStudy, Option
from matrix.solve.diagram import Diagram
from matrix.solve.partition import Compiler, Table
from matrix.solve.space import Backend, FiniteVariable, Region, Space

_OFF_ON = ("no", "yes")
# Simulation inputs are compiled under names of their own, apart from the kernel's.
_ROW = "simulation."

# By unknown atom of a CPU property, the fields that would decide it.
OpenFields = tuple[tuple[str, tuple[str, ...]], ...]


class SystemSeen(Struct, frozen=True, kw_only=True):
    """What one kernel detects on a system: the atoms of its CPU properties, and why some are open.

    Two systems of equal atoms may lack other fields: a cpucap has a field and a list of models.
    """

    atoms: Mapping[str, Value]
    open_fields: OpenFields


class CompiledKernel(Struct, frozen=True, kw_only=True):
    """A kernel, what compiles its expressions over a study, and what it sees of each SPEC."""

    profile: KernelProfile
    question: Question
    compiler: Compiler
    seen: Mapping[str, SystemSeen]


class AlikeClasses(Struct, frozen=True, kw_only=True):
    """Classes of one behaviour: the numbers of the classes, their regions, and all of these."""

    behaviour: Inputs
    parts: tuple[tuple[int, Region], ...]
    region: Region


class KernelRegions(Struct, frozen=True, kw_only=True):
    """What one kernel answers over the study's space; regions still tell hidden values apart.

    `compiler` knows every name of the kernel, so that a later stage can ask for more. `seen` is
    what the kernel sees of each system, by SPEC. `alike` are the classes by their behaviour, each
    with its parts, once somebody has merged them: no predicate changes that.
    """

    question: Question
    compiler: Compiler
    seen: Mapping[str, SystemSeen]
    valid: Region
    absent: tuple[tuple[str, Region], ...]
    predicate: Region
    classes: tuple[tuple[Inputs, Region], ...]
    alike: tuple[AlikeClasses, ...] = ()


def compiled_kernels(
    study: MatrixStudy,
    questions: Sequence[tuple[KernelProfile, Question]],
    architecture: Architecture,
    systems: Mapping[str, CpuSystem],
) -> tuple[Backend, tuple[CompiledKernel, ...]]:
    """Return the space of a study, and each kernel with what compiles its expressions over it.

    Raises:
        InputError: MX0610, two boot axes that set the same kernel variable.
    """
    programs = [question.program for _, question in questions]
    # What each kernel detects on each system is the slowest part, so that it is done once.
    fields = _fields(systems)
    seen = [_systems_seen(program, systems, fields) for program in programs]
    backend = Diagram(_study_space(study, programs, systems, seen))
    return backend, tuple(
        CompiledKernel(
            profile=profile,
            question=question,
            compiler=_compiler(backend, study, question, profile, architecture, cpus),
            seen=own,
        )
        for (profile, question), own in zip(questions, seen, strict=True)
        for cpus in (_cpu_tables(study, question.program, systems, own),)
    )


def _fields(systems: Mapping[str, CpuSystem]) -> Mapping[str, int]:
    """Return a number for each system, equal for those of as many CPUs with equal fields."""
    numbers: dict[object, int] = {}
    return {
        spec: numbers.setdefault(
            tuple(tuple((item.name, item.value) for item in cpu.fields) for cpu in system.cpus),
            len(numbers),
        )
        for spec, system in systems.items()
    }


def _systems_seen(
    program: FactProgram, systems: Mapping[str, CpuSystem], fields: Mapping[str, int]
) -> Mapping[str, SystemSeen]:
    """Return what a kernel detects on each system; those of which it sees the same share it.

    It sees the values of fields, and which of its lists of models a MIDR is in.
    """
    # A MIDR enters only through the lists that it is in: CPUs that share all of these are one.
    lists = dict.fromkeys(cap.midrs for cap in program.cpucaps if cap.midrs)
    known: dict[object, SystemSeen] = {}
    found = {}
    for spec, system in systems.items():
        listed = tuple(cpu.midr.in_ranges(ranges) for cpu in system.cpus for ranges in lists)
        key = (fields[spec], listed)
        if key not in known:
            atoms, detections = cpu_atoms(program, system)
            known[key] = SystemSeen(atoms=atoms, open_fields=open_fields(detections))
        found[spec] = known[key]
    return found


def _study_space(
    study: MatrixStudy,
    programs: Sequence[FactProgram],
    systems: Mapping[str, CpuSystem],
    seen: Sequence[Mapping[str, SystemSeen]],
) -> Space:
    """Return the space of a study: its axes, and a hidden variable for whatever is unknown.

    That are properties of CPUs, and what nobody has read yet of a drafted profile.
    """
    unknown: dict[str, None] = {}
    for program in programs:
        unknown.update((f"?{name}", None) for name in _unread(program))
        if not systems:
            unknown.update((f"?{name}", None) for name in _cpu_properties(program))
    for own in seen:
        # Thousands of CPUs share what a kernel sees of them.
        # `_systems_seen` gives systems that the kernel cannot tell apart one object, so identity is
        # enough. How many types a system has is part of the kind, for that decides the names of its
        # hidden variables (`_hidden`).
        kinds = {(id(system), len(systems[spec].names) == 1): spec for spec, system in own.items()}
        for spec in kinds.values():
            for atom, value in own[spec].atoms.items():
                if value is None:
                    # One variable for all CPUs that lack it: a cell has one CPU, and hidden
                    # variables are forgotten cell by cell.
                    unknown[_hidden(atom, systems[spec])] = None
    variables = tuple(
        FiniteVariable(name=axis.name, options=tuple(option.name for option in axis.options))
        for axis in study.axes
    )
    hidden = tuple(
        FiniteVariable(name=name, options=_OFF_ON, values=(False, True)) for name in unknown
    )
    hidden = (*hidden, *_open_dates(study, programs), *_unset_symbols(study, programs))
    # What is unknown of a CPU is tested right behind the CPU: far from it, the diagram would carry
    # each open property through all axes between.
    order: list[str] = []
    for variable in variables:
        order.append(variable.name)
        if variable.name in {axis.name for axis in study.axes if axis.kind == "cpu"}:
            order.extend(variable.name for variable in hidden)
    # A study without an axis of CPUs can still have hidden variables: symbols, dates, unread rows.
    if len(order) < len(variables) + len(hidden):
        order.extend(variable.name for variable in hidden)
    return Space(variables=variables, hidden=hidden, order=tuple(order))


def _open_dates(study: MatrixStudy, programs: Sequence[FactProgram]) -> tuple[FiniteVariable, ...]:
    """Return a hidden variable for each dated fact that some option's version does not tell."""
    options = [option for axis in study.axes for option in axis.options if option.version]
    domains = {
        atom: program.domain(atom)
        for program in programs
        for option in options
        for atom, value in dated_in_study(program, (option,)).items()
        if value is None
    }
    return tuple(_choice(atom, domain) for atom, domain in domains.items())


def _choice(atom: str, domain: Sequence[Value]) -> FiniteVariable:
    known = tuple(value for value in domain if value is not None)
    return FiniteVariable(name=_unset(atom), options=tuple(map(str, known)), values=known)


def _unset_symbols(
    study: MatrixStudy, programs: Sequence[FactProgram]
) -> tuple[FiniteVariable, ...]:
    """Return a hidden variable for each symbol that some partial `.config` does not mention."""
    partial = [option for axis in study.axes for option in axis.options if option.partial]
    found: dict[str, FiniteVariable] = {}
    for program in programs:
        for symbol in program.symbols:
            atom = f"CONFIG_{symbol}"
            if all(symbol in dict(option.kconfig) for option in partial):
                continue
            # One variable for all options and kernels: a cell has one of each, and the variable is
            # forgotten before anybody counts.
            found[atom] = _choice(atom, program.domain(atom))
    return tuple(found.values())


def kernel_regions(backend: Backend, study: MatrixStudy, kernel: CompiledKernel) -> KernelRegions:
    """Return what a kernel answers over its part of the space."""
    question, compiler = kernel.question, kernel.compiler
    rows = [f"{_ROW}{name}" for name, _ in question.rows]
    valid = of_kernel(backend.everything(), study, kernel.profile)
    for axis in study.axes:
        # A cell is a `.config`, not the name of one: options that are the same to this kernel count
        # once, or releases with fewer symbols would have more equal cells.
        if axis.kind == "kconfig":
            valid = valid.restrict(axis.name, distinct_options(axis, question.program, study))
    for constraint in question.constraints:
        valid = valid & compiler.where(constraint)
    # Requirements in order, each of what is left: a cell has the reason of the first that fails.
    remaining = valid
    absent: list[tuple[str, Region]] = []
    for requirement in question.requirements:
        if requirement.expression is None:
            continue
        holds = compiler.where(requirement.expression)
        failing = remaining - holds
        if not failing.is_empty():
            absent.append((requirement.otherwise, failing))
        remaining = remaining & holds
    predicate = backend.nothing()
    classes: tuple[tuple[Inputs, Region], ...] = ()
    if not remaining.is_empty() and question.predicate is not None:
        # Only now: a release in which the capability is nowhere present needs none of the truth's
        # names.
        refuse_lacking_truth((question,))
        predicate = compiler.where(question.predicate) & remaining
        classes = tuple(
            (_inputs(question, values), region)
            # Split inside `remaining` only: elsewhere nothing is simulated, and inputs that occur
            # nowhere else would be classes of their own.
            for values, region in compiler.joint(tuple(rows), within=remaining)
        )
    return KernelRegions(
        question=question,
        compiler=compiler,
        seen=kernel.seen,
        valid=valid,
        absent=tuple(absent),
        predicate=predicate,
        classes=classes,
    )


def _compiler(
    backend: Backend,
    study: MatrixStudy,
    question: Question,
    profile: KernelProfile,
    architecture: Architecture,
    cpus: Mapping[str, Table | Expression],
) -> Compiler:
    """Return what compiles one kernel's expressions; `cpus` are the tables of CPU properties."""
    program = question.program
    axes = {axis.name for axis in study.axes}
    names: dict[str, Table | Expression] = {
        **{name: Name(f"?{name}") for name in _unread(program)},
        **_kconfig_tables(study, program),
        **_dated_tables(study, program),
        **_variable_tables(study, program, profile),
        **{
            environment.name: Constant(environment.default)
            for environment in architecture.environment
            if environment.name not in axes
        },
        **cpus,
    }
    return Compiler(
        backend,
        {
            **program.definitions,
            **{f"{_ROW}{name}": expression for name, expression in question.rows},
            **{name: item for name, item in names.items() if not isinstance(item, Table)},
        },
        {name: item for name, item in names.items() if isinstance(item, Table)},
    )


def _inputs(question: Question, values: Mapping[str, Value]) -> Inputs:
    return question.inputs({name.removeprefix(_ROW): value for name, value in values.items()})


def of_kernel(region: Region, study: MatrixStudy, profile: KernelProfile) -> Region:
    """Return the part of a region that is a kernel's."""
    for axis in study.axes:
        if axis.chooses_kernel:
            mine = [option.name for option in axis.options if option.kernel == profile.id]
            region = region.restrict(axis.name, mine)
    return region


def distinct_options(axis: Axis, program: FactProgram, study: MatrixStudy) -> tuple[str, ...]:
    """Return the options of a Kconfig axis that differ in this kernel.

    Options that differ only in symbols the release does not have are one `.config`; the baseline's
    option stands for them, otherwise the first, so that no cell is counted twice.
    """
    names = option_groups(axis, program, study)
    return tuple(option.name for option in axis.options if option.name in names)


def option_groups(
    axis: Axis, program: FactProgram, study: MatrixStudy
) -> dict[str, tuple[str, ...]]:
    """Return the options of a Kconfig axis by the one that stands for them in this kernel."""
    baseline = dict(study.baseline).get(axis.name)
    ordered = sorted(axis.options, key=lambda option: option.name != baseline)
    alike: dict[tuple[tuple[str, str | int], ...], list[str]] = {}
    for option in ordered:
        known = tuple(
            sorted((symbol, text) for symbol, text in option.kconfig if symbol in program.symbols)
        )
        # `n` and no line at all are one `.config`.
        meaningful = tuple((symbol, text) for symbol, text in known if text != "n")
        alike.setdefault(meaningful, []).append(option.name)
    return {names[0]: tuple(names) for names in alike.values()}


def _unread(program: FactProgram) -> tuple[str, ...]:
    return tuple(sorted(atom for atom in program.atoms if atom.startswith(UNREAD)))


def _kconfig_tables(study: MatrixStudy, program: FactProgram) -> dict[str, Table | Expression]:
    tables: dict[str, Table | Expression] = {}
    # What no option mentions is not off under an option that is a part of a `.config`.
    partial = next((one for one in study.axes if any(item.partial for item in one.options)), None)
    for atom in sorted(program.atoms):
        if not atom.startswith("CONFIG_"):
            continue
        symbol = atom.removeprefix("CONFIG_")
        always = atom in program.always_set
        axis = (_axis_of_symbol(study, symbol) or partial) if symbol in program.symbols else None
        if axis is None:
            # No option of any axis mentions it: off, unless no `.config` of the release can do
            # without.
            tables[atom] = Constant(always)
            continue
        entries = {
            option.name: _symbol_entry(option, symbol, atom, always=always)
            for option in axis.options
        }
        tables[atom] = Table(variable=axis.name, entries=entries)
    return tables


def _dated_tables(study: MatrixStudy, program: FactProgram) -> dict[str, Table | Expression]:
    """Return what came with a point release, by the axis whose options have a version, if any."""
    dated = (one for one in study.axes if any(option.version for option in one.options))
    axis = next(dated, study.axes[0])
    by_option = {option.name: dated_in_study(program, (option,)) for option in axis.options}
    return {
        atom: Table(
            variable=axis.name,
            entries={
                name: Name(_unset(atom)) if (value := row[atom]) is None else Constant(value)
                for name, row in by_option.items()
            },
        )
        for atom in program.dated
    }


def _symbol_entry(option: Option, symbol: str, atom: str, *, always: bool) -> Expression:
    """Return what an option makes of a symbol; a partial `.config` may leave it unknown."""
    given = dict(option.kconfig).get(symbol)
    # What a fragment does not say is open, but for what every `.config` of the release has.
    if given is None and option.partial and not always:
        return Name(_unset(atom))
    return Constant(always if given is None else symbol_value(given))


def _unset(atom: str) -> str:
    """Return the hidden variable of what an option does not tell: a symbol, a dated fact."""
    return f"?{atom}"


def _axis_of_symbol(study: MatrixStudy, symbol: str) -> Axis | None:
    for axis in study.axes:
        if any(symbol == name for option in axis.options for name, _ in option.kconfig):
            return axis
    return None


def _cpu_properties(program: FactProgram) -> tuple[str, ...]:
    return tuple(sorted(atom for atom in program.atoms if atom.startswith(("hw.", "boot_hw."))))


def _cpu_tables(
    study: MatrixStudy,
    program: FactProgram,
    systems: Mapping[str, CpuSystem],
    seen: Mapping[str, SystemSeen],
) -> dict[str, Table | Expression]:
    axis = next((axis for axis in study.axes if axis.kind == "cpu"), None)
    if axis is None:
        # A study need not name CPUs. Then nothing is known of any, as in one of its cells.
        return {name: Name(f"?{name}") for name in _cpu_properties(program)}
    # CPUs that this kernel cannot tell apart are one entry, however many they are.
    kinds: dict[tuple[int, bool], list[str]] = {}
    specs = {option.name: option.cpu or option.name for option in axis.options}
    for name, spec in specs.items():
        kinds.setdefault((id(seen[spec]), len(systems[spec].names) == 1), []).append(name)
    alike = {names[0]: tuple(names) for names in kinds.values()}
    entries: dict[str, dict[str, Expression]] = {}
    for name in alike:
        for atom, value in seen[specs[name]].atoms.items():
            entries.setdefault(atom, {})[name] = (
                Name(_hidden(atom, systems[specs[name]])) if value is None else Constant(value)
            )
    return {
        atom: Table(variable=axis.name, entries=row, alike=alike) for atom, row in entries.items()
    }


def _variable_tables(
    study: MatrixStudy, program: FactProgram, profile: KernelProfile
) -> dict[str, Table | Expression]:
    """Return every kernel variable as a function of the one boot axis that can change it."""
    initial = variables_of(program, profile, "")
    tables: dict[str, Table | Expression] = dict(initial)
    setters: dict[str, str] = {}
    for axis in study.axes:
        if axis.kind != "boot":
            continue
        effects = {
            option.name: variables_of(program, profile, option.cmdline or "")
            for option in axis.options
        }
        for variable, untouched in initial.items():
            row = {name: variables[variable] for name, variables in effects.items()}
            # Compared as expressions, not as values: what a parameter sets may hang on the CPU or
            # on symbols.
            if all(expression == untouched for expression in row.values()):
                continue
            if variable in setters:
                raise InputError(_two_axes(axis, setters[variable], variable))
            setters[variable] = axis.name
            tables[variable] = Table(variable=axis.name, entries=row)
    return tables


def _two_axes(axis: Axis, other: str, variable: str) -> Diagnostic:
    return Diagnostic(
        code="MX0610",
        location=axis.location,
        message=f"axes `{other}` and `{axis.name}` both set the kernel variable `{variable}`",
        hint="the order of their parameters would matter: put their options into one axis",
    )


def _hidden(atom: str, system: CpuSystem) -> str:
    """Return the hidden variable of an unknown property.

    With one CPU type the boot CPU's property is the system's.
    """
    single = len(system.names) == 1
    return f"?{atom.replace('boot_hw.', 'hw.') if single else atom}"
