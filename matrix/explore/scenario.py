"""What there is to explore, as one value: the events of a small world and what must hold in it.

A scenario is built of rows, each a micro-operation of the kernel with the conditions under which
the kernel skips it. The types of its machine (what a class decides at boot), of its state (what is
left between two events) and of its world (the state while an event runs) are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Generic, TypeAlias, TypeVar, get_args

from msgspec import Struct, field
from msgspec.structs import fields

from matrix.diagnostics import Diagnostic, InputError, Location, unknown_word_hint
from matrix.explore.inputs import SimulationInputs
from matrix.explore.outcome import Lane, MicroOperation

# An event of this actor never happens while another actor runs.
SYSTEM = "system"


class Machine(Struct, frozen=True, kw_only=True):
    """What one run of the exploration decides before the first event; a scenario adds its own.

    `place` tells the machines of one class apart. `options` are those of the mechanism with their
    defaults filled in; `with_capability` is false for the base kernel, which never uses it;
    `assumption` is the value of the scenario's assumption; `concurrent` that two actors run.
    """

    place: str
    options: Mapping[str, str]
    assumption: str = ""
    with_capability: bool = True
    concurrent: bool = False


class World(Struct, kw_only=True):
    """The state while an event runs: a scenario adds the fields of its state, and its registers.

    `found` collects (invariant or advisory, message); `stopped` is set when the event is over
    early, `crashed` when the kernel cannot go on; `assumed` that the assumption decided something.
    `log` records micro-operations when a trace is wanted.
    """

    stopped: bool = False
    crashed: bool = False
    found: list[tuple[str, str]] = field(default_factory=list)
    assumed: bool = False
    log: list[MicroOperation] | None = None


I = TypeVar("I", bound=SimulationInputs)  # noqa: E741 - beside M, S and W
M = TypeVar("M", bound=Machine)
S = TypeVar("S")
W = TypeVar("W", bound=World)


class Option(Struct, frozen=True, kw_only=True):
    """One mechanism option: `values` maps each word to what it means, the default first."""

    name: str
    values: dict[str, str]

    @property
    def default(self) -> str:
        """Return the word for the mechanism as it is."""
        return next(iter(self.values))


class Assumption(Struct, frozen=True, kw_only=True):
    """A choice that the architecture leaves to implementations: every value is explored."""

    name: str
    values: tuple[str, ...]


class Invariant(Struct, Generic[M, W], frozen=True, kw_only=True):
    """What must never happen.

    A micro-operation records what it sees itself; one with `holds` is looked at when an event is
    over, with two actors after every micro-operation. `excused`: where the base kernel breaks it as
    well it is an advisory. `alone`: it speaks of one actor, for another could always undo it.
    """

    name: str
    forbids: str
    excused: bool = True
    alone: bool = False
    holds: Callable[[M, W], bool] | None = None


class Advisory(Struct, frozen=True, kw_only=True):
    """Something that is reported and never decides.

    In which cells it can happen, and what must happen besides, is declared
    (`advisories:` in configs/architectures).
    """

    name: str
    reports: str


class Operation(Struct, frozen=True, kw_only=True):
    """One micro-operation; `detail` is a format string over the scenario's `words`.

    The name is the key under which a kernel profile gives its source line. `where` says whose code
    it is, so that a profile knows which ones it must have: kernel (a release has a line for it),
    series (the patch under review), option (code that only a mechanism option adds) or hardware.
    """

    name: str
    description: str
    detail: str
    where: str = "kernel"


class Condition(Struct, Generic[M, W], frozen=True, kw_only=True):
    """A condition in the kernel's words; `of_class` ones depend on nothing but the machine."""

    name: str
    holds: Callable[[M, W], bool]
    of_class: bool = False


class Row(Struct, Generic[M, W], frozen=True, kw_only=True):
    """One micro-operation: done when all of `when` and none of `unless` hold.

    `body` is the code it calls, skipped with it. `effect` may be None: the row is then only a call.
    `takes` and `drops` name locks; such rows exist in the two-actor mode only.
    """

    operation: str
    effect: Callable[[M, W], None] | None = None
    when: tuple[Condition[M, W], ...] = ()
    unless: tuple[Condition[M, W], ...] = ()
    body: tuple[Row[M, W], ...] = ()
    takes: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()


class Event(Struct, Generic[M, S, W], frozen=True, kw_only=True):
    """One thing that can happen: `offered` looks at the class, `enabled` at the state as well.

    `start` prepares the task that runs it.
    """

    name: str
    actor: str
    rows: tuple[Row[M, W], ...]
    enabled: Callable[[M, S], bool] = lambda _machine, _state: True
    offered: Callable[[M], bool] = lambda _machine: True
    start: Callable[[M, W], None] | None = None


class Remnant(Struct, Generic[M, W], frozen=True, kw_only=True):
    """A micro-operation that is never done: what stays when the kernel dies before it.

    The task that oopses is killed with what it holds. Nothing here decides a verdict; the trace
    ends with it, for it is what the others meet next. `stays` gets the locks held.
    """

    operation: str
    stays: Callable[[M, W, tuple[str, ...]], bool]


class Scenario(Struct, Generic[I, M, S, W], frozen=True, kw_only=True, eq=False):
    """One simulated world.

    What it is:

    * `gates`: what the predicate allows, in the words that a capability repeats.
    * `arch`: the architecture whose `simulation:` rows give the fields of `inputs`.
    * `options`, `assumption`: what a reviewer may vary, and what is explored for every value.
    * `relevant`: the class that stands for an equal one; `base`: that of the kernel without the
      capability, in which its options do not matter.

    What can happen:

    * `machines`: one for each place that a class treats differently; `start`: the state after boot,
      `boot`: the micro-operations that led there, each with the world it was done in.
    * `opened`: a state as a world, `closed`: the state that a world leaves.
    * `events`: of several shortest traces the one with earlier events is reported.

    With two actors, `first_actor` is one of them in every pair, if it can do anything at all;
    `excludes` names the locks that a lock keeps others from (itself where it is not there);
    `shared` are the fields of the world that tasks have in common besides the state, `registers`
    those that each has for itself.

    What is said: `operations` and the `words` of their details; `described`: a state as lanes, of
    which `unbuilt` stands before boot. Text and pictures of a trace show these and know no other.
    """

    id: str
    title: str
    arch: str
    gates: str
    inputs: type[I]
    operations: tuple[Operation, ...]
    events: tuple[Event[M, S, W], ...]
    invariants: tuple[Invariant[M, W], ...]
    machines: Callable[[I], tuple[M, ...]]
    start: Callable[[M], S]
    boot: Callable[[M], Iterable[tuple[str, W]]]
    opened: Callable[[S], W]
    closed: Callable[[W], S]
    described: Callable[[M, S], tuple[Lane, ...]]
    unbuilt: tuple[Lane, ...] = ()
    words: Mapping[str, Callable[[M, W], str]] = {}
    options: tuple[Option, ...] = ()
    assumption: Assumption | None = None
    advisories: tuple[Advisory, ...] = ()
    remnants: tuple[Remnant[M, W], ...] = ()
    relevant: Callable[[I], I] = lambda inputs: inputs
    base: Callable[[I], I] = lambda inputs: inputs
    first_actor: str = ""
    excludes: Mapping[str, tuple[str, ...]] = {}
    shared: tuple[str, ...] = ()
    registers: tuple[str, ...] = ()

    @property
    def assumed(self) -> tuple[str, ...]:
        """Return the values of the assumption; one empty word where nothing is assumed."""
        return self.assumption.values if self.assumption is not None else ("",)

    def assumption_of(self, value: str) -> tuple[str, str] | None:
        """Return the assumption as a violation names it."""
        return None if self.assumption is None else (self.assumption.name, value)

    @property
    def invariant_names(self) -> tuple[str, ...]:
        """Return what can be violated, in the order in which it is reported."""
        return tuple(invariant.name for invariant in self.invariants)

    def chosen(
        self, options: Iterable[tuple[str, str]], location: Location | None = None
    ) -> tuple[tuple[str, str], ...]:
        """Return the chosen options that differ from the defaults, sorted: the `variant` of inputs.

        Raises InputError (MX0702 option, MX0703 value, MX0704 given twice) with all that is wrong.
        """
        wrong: list[Diagnostic] = []
        values = {option.name: option.values for option in self.options}
        seen: dict[str, str] = {}
        for name, value in options:
            if name not in values:
                wrong.append(unknown("MX0702", "scenario option", name, values, location))
            elif value not in values[name]:
                kind = f"value of scenario option `{name}`"
                wrong.append(unknown("MX0703", kind, value, values[name], location))
            elif seen.setdefault(name, value) != value:
                message = f"scenario option `{name}` is given twice, "
                message += f"as `{seen[name]}` and `{value}`"
                hint = "leave one of them"
                wrong.append(
                    Diagnostic(code="MX0704", message=message, location=location, hint=hint)
                )
        if wrong:
            raise InputError(wrong)
        defaults = defaults_of(self.options)
        return tuple(
            sorted((name, value) for name, value in seen.items() if defaults[name] != value)
        )


# Whoever looks a scenario up by its id cannot know the types of its world.
AnyScenario: TypeAlias = Scenario[Any, Any, Any, Any]


@cache
def domains_of(scenario: AnyScenario) -> Mapping[str, type | tuple[str, ...]]:
    """Return the scenario's own inputs with what each may be: bool, int or one of these words."""
    return {
        item.name: get_args(item.type) or item.type
        for item in fields(scenario.inputs)
        if item.name not in SimulationInputs.__struct_fields__
    }


@cache
def required_of(scenario: AnyScenario) -> tuple[str, ...]:
    """Return the scenario's own inputs that have no default."""
    own = domains_of(scenario)
    return tuple(
        item.name for item in fields(scenario.inputs) if item.required and item.name in own
    )


def defaults_of(options: Iterable[Option]) -> dict[str, str]:
    """Return the default of each option."""
    return {option.name: option.default for option in options}


def unknown(
    code: str, kind: str, word: str, known: Iterable[str], location: Location | None
) -> Diagnostic:
    """Return the diagnostic of a word that is none of those known."""
    return Diagnostic(
        code=code,
        message=f"unknown {kind} `{word}`",
        location=location,
        hint=unknown_word_hint(word, known, f"{kind.partition(' of ')[0]}s"),
    )
