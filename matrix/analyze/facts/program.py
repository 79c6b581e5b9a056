"""A kernel profile lowered once to expressions over atoms: what every later stage evaluates.

Takes a profile and its architecture, gives a `FactProgram`. Calls become names
(`can_set_direct_map()`), so the concrete evaluation (`cell/answering.py`) and the symbolic
one (`space/symbolic.py`) read the same definitions and nothing else.

Atoms, the names that no definition explains:

* `CONFIG_X`: a Kconfig symbol; `hw.X` and `boot_hw.X`: whether the system's CPUs, or the boot CPU
  alone, have what cpucap X looks for; an environment axis (`entry`, `vm` …);
* a kernel variable (`rodata_full`): `boot_variables.py` says what the command line leaves it at;
* `mechanism.X` where X came with a point release: the exact version says which side of it holds;
* `built_in_line.X` where only vendors' kernels have symbol X: whether this kernel is one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import asdict

from matrix.analyze.facts.lowering import (
    PARSED_VALUE,
    Lowering,
    conditions,
    refuse_cycles,
    refuse_unknown_names,
)
from matrix.analyze.facts.scenario_words import impossible_inputs
from matrix.diagnostics import InputError, refuse
from matrix.expr.nodes import Binary, Constant, Expression, Name, Value
from matrix.expr.trees import names
from matrix.schema.values import (
    Architecture,
    BaseDefect,
    Condition,
    CpuCap,
    FactDeclaration,
    KconfigConstraint,
    KernelProfile,
    Mechanism,
)

__all__ = [
    "BUILT_IN_LINE",
    "PARSED_VALUE",
    "PREDICATE",
    "FactProgram",
    "LoweredAdvisory",
    "Lowering",
    "OpenAtom",
    "lower",
]

# Atoms of symbols that make CONFIG_CMDLINE something and that the release itself lacks.
BUILT_IN_LINE = "built_in_line."


class OpenAtom(NamedTuple):
    """How a reader is told of an atom that is unknown: what it is, why, and what settles it."""

    name: str
    why: str
    settled_by: str


# In an advisory's condition this name is the check that is asked about.
PREDICATE = "predicate"


class LoweredAdvisory(Struct, frozen=True, kw_only=True):
    """Where an advisory can happen in this release, and what must happen besides (None: nothing).

    `when` may name `PREDICATE`, which `question.py` fills in.
    """

    when: Expression
    needs: str | None


class Lowered(Struct, frozen=True, kw_only=True):
    """What takes long of a `FactProgram`, and can be kept between runs."""

    definitions: dict[str, Expression]
    atoms: frozenset[str]
    constraints: tuple[Expression, ...]
    facts: dict[str, Expression]
    simulation: dict[str, Expression]
    advisories: dict[str, LoweredAdvisory]
    advised: frozenset[str]


class FactProgram(Lowered, frozen=True, kw_only=True):
    """One kernel as expressions, read on one version of its release (`read_on`).

    `definitions` is acyclic; `variables` are the names the command line sets. `facts`,
    `simulation` and `advisories` hold the rows this release has. `operation_sources` maps
    micro-operations of the simulation to kernel lines, `sources` definitions to theirs.
    `always_set` are the symbols that every `.config` of the release has set, `advised` those that
    nothing but the conditions of advisories reads; `constraint_texts` say what each constraint
    says, with its source line. `open_atoms` says of atoms that no CPU and no `.config` decides what
    they are.
    """

    release: str
    read_on: str
    variables: frozenset[str]
    symbols: Mapping[str, str]
    constraint_texts: tuple[str, ...]
    always_set: frozenset[str]
    cpucaps: tuple[CpuCap, ...]
    sources: Mapping[str, str]
    operation_sources: Mapping[str, str]
    open_atoms: Mapping[str, OpenAtom]
    defects: Mapping[str, BaseDefect]
    lowering: Lowering

    @property
    def dated(self) -> Mapping[str, Mechanism]:
        """The atoms that the exact version decides."""
        return self.lowering.dated

    def lacks(self, condition: Condition) -> frozenset[str]:
        """Return the names of a condition that this release does not have."""
        return self.lowering.missing(condition.expression)

    def lower_expression(
        self, condition: Condition, also: frozenset[str] = frozenset()
    ) -> Expression:
        """Return a condition over this release's names and those in `also`.

        Raises:
            InputError: MX0290, a name the release does not have.
        """
        missing = self.lacks(condition) - also
        if missing:
            raise InputError(self.lowering.unknown(sorted(missing), condition))
        return self.lowering.lower(condition.expression)

    def below(self, expressions: Iterable[Expression]) -> frozenset[str]:
        """Return every name that expressions lead to."""
        seen: set[str] = set()
        waiting = [name for expression in expressions for name in names(expression)]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                if name in self.definitions:
                    waiting.extend(names(self.definitions[name]))
        return frozenset(seen)

    def domain(self, atom: str) -> tuple[Value, ...]:
        """Return the values an unknown atom may have.

        Integer symbols enter expressions only through a comparison with 0: 0 and 100, the default
        of KFENCE_SAMPLE_INTERVAL, stand for all.
        """
        dated = self.dated.get(atom)
        if dated is not None and dated.since is not None:
            return (dated.value, dated.since.before)
        kind = self.symbols.get(atom.removeprefix("CONFIG_"))
        return (0, 100) if kind == "int" else (False, True)


def lower(
    profile: KernelProfile, architecture: Architecture, known: Lowered | None = None
) -> FactProgram:
    """Return a profile as expressions over atoms.

    `known` is what an earlier run made of the same profile, which is then not checked once more.

    Raises:
        InputError: MX0290 unknown names, MX0291 a definition that needs itself, MX0292 a boot
            parameter that sets no declared variable, MX0685 and MX0686 rows that make no inputs of
            the simulation.
    """
    lowering = Lowering(profile, architecture)
    found = known or _lowered(profile, architecture, lowering)
    return FactProgram(
        **asdict(found),
        release=profile.release,
        read_on=profile.verified_on.version,
        variables=frozenset(variable.name for variable in profile.variables),
        symbols={symbol.name: symbol.type for symbol in profile.symbols},
        constraint_texts=tuple(
            f"{item.condition.because or item.condition.text}"
            f" ({item.condition.source or item.grounded})"
            for item in read_constraints(profile, lowering)
        ),
        cpucaps=tuple(lowering.cpucaps.values()),
        sources={
            **{function.signature: function.source for function in lowering.functions.values()},
            **{f"cap.{cap.name}": cap.source for cap in lowering.cpucaps.values()},
            **{variable.name: variable.source for variable in profile.variables},
        },
        open_atoms=dict(_open_atoms(profile, architecture)),
        operation_sources={row.operation: row.source for row in profile.operations},
        defects={
            defect.invariant: defect
            for defect in profile.defects
            # Nobody has read whether this kernel still has it.
            if ("mechanism", defect.mechanism) not in lowering.unread
        },
        # Lowered, `IS_ENABLED(CONFIG_X)` is `CONFIG_X != false`: a constraint of that form alone
        # demands X.
        always_set=frozenset(filter(None, map(_demanded_symbol, found.constraints))),
        lowering=lowering,
    )


def lowered(program: FactProgram) -> Lowered:
    """Return what is kept of a program."""
    return Lowered(**{name: getattr(program, name) for name in Lowered.__struct_fields__})


def _lowered(profile: KernelProfile, architecture: Architecture, lowering: Lowering) -> Lowered:
    """Return the expressions of a profile, checked."""
    refuse_unknown_names(profile, lowering)
    definitions: dict[str, Expression] = {
        function.signature: lowering.body(function) for function in lowering.functions.values()
    }
    for cap in lowering.cpucaps.values():
        definitions.update(lowering.cap_definitions(cap))
    # Before anything evaluates: `Evaluation` and the compiler follow definitions without a guard.
    refuse_cycles(profile, lowering, definitions)
    impossible = tuple(impossible_inputs(profile, architecture, lowering))
    refuse(impossible)
    facts = _rows(architecture.facts, lowering)
    simulation = _rows(architecture.simulation, lowering)
    constraints = tuple(
        lowering.lower(constraint.condition.expression)
        for constraint in read_constraints(profile, lowering)
    )
    advisories = {
        row.name: LoweredAdvisory(when=lowering.lower(row.condition.expression), needs=row.needs)
        for row in architecture.advisories
        if not lowering.missing(row.condition.expression) - {PREDICATE}
    }
    deciding = (*definitions.values(), *facts.values(), *simulation.values())
    roots = (*deciding, *constraints, *(item.when for item in advisories.values()))
    # Rows of boot parameters are no definitions, yet read symbols and caps: these are atoms as
    # well, or a command line would meet a name that no cell has a value for.
    declared = (
        lowering.lower(condition.expression) for condition, _ in conditions(profile, lowering)
    )
    read = frozenset(
        name for root in (*roots, *declared, *lowering.unread.variables()) for name in names(root)
    )
    read -= PARSED_VALUE | {PREDICATE}
    variables = frozenset(variable.name for variable in profile.variables)
    environment = frozenset(axis.name for axis in architecture.environment)
    symbols = frozenset(f"CONFIG_{symbol.name}" for symbol in profile.symbols)
    return Lowered(
        definitions=definitions,
        # All of the environment and of the symbols, read or not: cells are made from axes and
        # `.config`s, which set them.
        atoms=(read | environment | symbols | lowering.dated.keys())
        - definitions.keys()
        - variables,
        constraints=constraints,
        facts=facts,
        simulation=simulation,
        advisories=advisories,
        advised=_symbols(item.when for item in advisories.values()) - _symbols(deciding),
    )


def read_constraints(profile: KernelProfile, lowering: Lowering) -> tuple[KconfigConstraint, ...]:
    """Return the constraints of a profile; what nobody has read of a draft rules nothing out."""
    return () if lowering.unread.constraints else profile.constraints


def _open_atoms(
    profile: KernelProfile, architecture: Architecture
) -> Iterator[tuple[str, OpenAtom]]:
    for mechanism in profile.mechanisms:
        if mechanism.since is not None:
            yield (
                f"mechanism.{mechanism.name}",
                OpenAtom(
                    name="the point release",
                    why=f"before {', '.join(mechanism.since.versions)} {mechanism.since.because}",
                    settled_by="the exact version",
                ),
            )
    has = profile.built_in_line.symbols if profile.built_in_line else ()
    for rule in architecture.built_in_line:
        # A release with the symbol says in its `.config` whether it is set: nothing is open then.
        if rule.symbol not in has:
            elsewhere = f"; {rule.elsewhere}" if rule.elsewhere else ""
            lacks = f"Linux {profile.release} has no such symbol" if has else "nobody has read it"
            yield (
                f"{BUILT_IN_LINE}{rule.symbol}",
                OpenAtom(
                    name=f"CONFIG_{rule.symbol}",
                    why=f"{lacks}{elsewhere}: CONFIG_CMDLINE is {rule.effect}, or as without it",
                    settled_by="the tree that it was built from (--tree)",
                ),
            )


def _symbols(expressions: Iterable[Expression]) -> frozenset[str]:
    return frozenset(
        name for item in expressions for name in names(item) if name.startswith("CONFIG_")
    )


def _demanded_symbol(constraint: Expression) -> str | None:
    """Return the symbol of a constraint that says nothing but that it is set."""
    match constraint:
        case Binary("!=", Name(identifier), Constant(False)):
            return identifier
        case _:
            return None


def _rows(rows: Iterable[FactDeclaration], lowering: Lowering) -> dict[str, Expression]:
    """Return the rows a release has; where it lacks a name, `otherwise` if there is one."""
    lowered: dict[str, Expression] = {}
    for row in rows:
        if not lowering.missing(row.condition.expression):
            lowered[row.name] = lowering.lower(row.condition.expression)
        elif row.otherwise is not None:
            lowered[row.name] = Constant(row.otherwise)
    return lowered
