"""The smallest change that makes a cell supported, verified by evaluating the changed cell.

Takes a cell whose verdict is not `supported` and looks for the changes of least total weight: boot
parameters to append and Kconfig symbols to set, at most `MOST_CHANGES` together. Nothing cheaper is
overlooked within that bound, and what a fix says has been evaluated.

The search decides one parameter or symbol after the other, cheapest first (Dijkstra 1959), and only
those that matter: what is not decided yet is unknown, so that one evaluation with three values ends
whole families of changes (without FWB no command line and no `.config` helps).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answer import Fix
from matrix.analyze.cell.answering import Cell, as_it_stands, exists, settling
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.change_costs import WEIGHTS
from matrix.analyze.cell.question import Leaf, Question, ask
from matrix.analyze.cell.rebuild import Rebuild
from matrix.analyze.facts.evaluation import Evaluation
from matrix.diagnostics import UndecidedError
from matrix.expr.nodes import Expression, Value
from matrix.schema.values import KernelProfile, ParameterParser

# Appends parameters to what the boot loader passes, and gives the kernel variables then. The same
# ones are asked for again and again: whoever gives it keeps what it found.
Reline = Callable[[str], Mapping[str, Expression]]

# More changes at once are another kernel rather than a fix; so are more proposals than a few.
MOST_CHANGES = 3
_MOST_FIXES = 8

# `0` and `100` as in `FactProgram.domain`. Spellings without an effect of their own are dropped
# (`_choices`).
_NUMBERS = ("0", "100")
_SWITCHES = ("on", "off", "1", "0")


class _Knob(Struct, frozen=True, kw_only=True):
    """A boot parameter or a Kconfig symbol that a person can change: `names` are what it decides.

    `values` are what it can be given, as written and, for a symbol, as its atom's value. `opens`
    are symbols that must be switched on before it can be set.
    """

    name: str
    weight: int
    names: frozenset[str]
    values: tuple[tuple[str, Value], ...]
    opens: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """`boot`, `kconfig` or `make`."""
        return self.name.partition(".")[0]

    @property
    def parts(self) -> int:
        """How many changes it is."""
        return 1 + len(self.opens)


class _Node(Struct, frozen=True, kw_only=True):
    """What is decided so far: the knobs that stay, and those that change with their values."""

    evaluation: Evaluation
    decided: frozenset[str]
    changed: tuple[tuple[_Knob, str, Value], ...]


def find_fixes(
    rebuild: Rebuild, cell: Cell, reline: Reline, behaviours: Behaviours
) -> tuple[Fix, ...]:
    """Return the changes of least weight that make the cell supported, each verified.

    None of the changes of one fix can be left out, and a person can make each: symbols without a
    prompt follow (`Rebuild`). Where the release's Kconfig could not have made the `.config`, boot
    parameters take its settings as they stand; a change of a symbol, or `make olddefconfig` alone,
    must also make it one that Kconfig can make.
    """
    question = rebuild.question
    if question.predicate is None:
        return ()
    parameters = tuple(_parameters(rebuild.profile))
    made: tuple[_Knob, ...] = ()
    if not exists(question, cell, behaviours):
        # A broken `.config` that a command line can save needs no rebuild: so the constraints that
        # it breaks are set aside first, and only where no line helps is a rebuild looked for.
        standing = replace(rebuild, question=as_it_stands(question, cell, behaviours))
        found = _Search(standing, cell, reline, behaviours, parameters).fixes()
        if found:
            return found
        made = (_OLDDEFCONFIG,)
    knobs = (*parameters, *(replace(knob, names=rebuild.followers) for knob in made))
    knobs = (*knobs, *_symbols(rebuild, cell))
    return _Search(rebuild, cell, reline, behaviours, knobs).fixes()


def is_supported(question: Question, cell: Cell, behaviours: Behaviours) -> bool:
    """Tell whether the capability works in a cell under every completion of what is unknown."""
    there_is_one = False
    # Most changes that are tried fail, and of an incomplete `.config` in the first completions.
    for completion in settling(question, cell, behaviours):
        if completion.leaf.verdict is not question.wanted:
            return False
        there_is_one = True
    return there_is_one


class _Search(Struct, frozen=True, dict=True):
    """One search: a cell, and the knobs that can change it."""

    rebuild: Rebuild
    cell: Cell
    reline: Reline
    behaviours: Behaviours
    knobs: tuple[_Knob, ...]

    @property
    def question(self) -> Question:
        """What is asked."""
        return self.rebuild.question

    def fixes(self) -> tuple[Fix, ...]:
        """Return the fixes of least weight, those of the knobs declared first before others."""
        # Between equal costs the turn decides: nodes have no order, and the result must not hang on
        # one.
        turns = itertools.count()
        waiting = [(0, next(turns), self._start())]
        best: int | None = None
        found: list[tuple[tuple[_Knob, str], ...]] = []
        # Costs never fall along a path, so what is popped first is cheapest; after the first fix
        # only those that cost as much are looked for.
        while waiting and (best is None or waiting[0][0] <= best):
            cost, _, node = heapq.heappop(waiting)
            if self._is_hopeless(node):
                continue
            knob = self._next(node)
            if knob is not None:
                for child, price in self._below(node, knob):
                    heapq.heappush(waiting, (cost + price, next(turns), child))
            elif self._works(node):
                best = cost
                found.append(tuple((knob, text) for knob, text, _ in node.changed))
        order = {knob.name: index for index, knob in enumerate(self.knobs)}
        ordered = [tuple(sorted(fix, key=lambda change: order[change[0].name])) for fix in found]
        ordered.sort(key=lambda fix: [order[knob.name] for knob, _ in fix])
        return tuple(
            Fix(change=_written_out(fix), verdict=self.question.wanted)
            for fix in ordered[:_MOST_FIXES]
        )

    def _start(self) -> _Node:
        # At first all that a knob can change is unknown: what is false now is false whatever they
        # do.
        open_names = frozenset().union(*(knob.names for knob in self.knobs))
        evaluation = Evaluation(
            self.question.program.definitions,
            {name: body for name, body in self.cell.variables.items() if name not in open_names},
            {name: value for name, value in self.cell.atoms.items() if name not in open_names},
        )
        return _Node(evaluation=evaluation, decided=frozenset(), changed=())

    def _is_hopeless(self, node: _Node) -> bool:
        """Tell whether nothing that is still open can help: known answers never change."""
        if node.evaluation.refutes((*self.question.constraints, *self._needed)):
            return True
        answer = ask(self.question, node.evaluation, self.behaviours)
        return isinstance(answer, Leaf) and answer.verdict is not self.question.wanted

    def _next(self, node: _Node) -> _Knob | None:
        """Return the knob to decide next, None where the node is to be tried as it is."""
        # Nothing further may change, so what is undecided stays as it is, which is how `_works`
        # evaluates.
        if _parts(node) == MOST_CHANGES:
            return None
        constraints = self.question.constraints
        answer = ask(self.question, node.evaluation, self.behaviours)
        # The question waits for something: a knob that decides it. If none of what it waits for is
        # a knob's, what else supported cells need is looked at.
        if not isinstance(answer, Leaf):
            # In this order: what the answer waits for now, then what any supported cell needs, so
            # that knobs that matter to nothing are never tried.
            return self._undecided(node, (answer, *self._needed, *self._rows, *constraints))
        # It looks supported by what is decided. If it is not, an undecided constraint stands
        # against it: a changed symbol may need another one.
        return None if self._works(node) else self._undecided(node, constraints)

    @cached_property
    def _needed(self) -> tuple[Expression, ...]:
        """What must hold in every supported cell."""
        question = self.question
        asked = (question.boots, *(item.expression for item in question.requirements))
        return tuple(item for item in (*asked, question.predicate) if item is not None)

    @cached_property
    def _rows(self) -> tuple[Expression, ...]:
        return tuple(row for _, row in self.question.rows)

    def _undecided(self, node: _Node, expressions: tuple[Expression, ...]) -> _Knob | None:
        """Return a knob that some of the expressions, unknown so far, wait for."""
        for expression in expressions:
            for atom in node.evaluation.undecided_atoms(expression):
                for knob in self._knobs_of.get(atom, ()):
                    if knob.name not in node.decided:
                        return knob
        return None

    @cached_property
    def _knobs_of(self) -> dict[str, list[_Knob]]:
        found: dict[str, list[_Knob]] = {}
        for knob in self.knobs:
            for name in knob.names:
                found.setdefault(name, []).append(knob)
        return found

    def _below(self, node: _Node, knob: _Knob) -> Iterator[tuple[_Node, int]]:
        """Yield the node with the knob left alone, and with each of its values; with the costs."""
        # Left alone is a choice, too: it makes what the knob decides known, at no cost.
        yield self._decide(node, knob, node.changed), 0
        # A symbol behind closed menus counts with what must be opened first.
        if _parts(node) + knob.parts <= MOST_CHANGES:
            for text, value in self._choices(knob):
                yield self._decide(node, knob, (*node.changed, (knob, text, value))), knob.weight

    def _decide(
        self, node: _Node, knob: _Knob, changed: tuple[tuple[_Knob, str, Value], ...]
    ) -> _Node:
        decided = node.decided | {knob.name}
        # A variable is known as soon as every parameter that can set it is decided.
        names = {
            name
            for name in knob.names
            if all(other.name in decided for other in self._knobs_of[name])
        }
        cell = self._changed(changed)
        variables = {name: cell.variables[name] for name in names if name in cell.variables}
        atoms = {name: cell.atoms[name] for name in names if name in cell.atoms}
        evaluation = node.evaluation.with_names(variables, atoms)
        return _Node(evaluation=evaluation, decided=decided, changed=changed)

    def _changed(self, changed: tuple[tuple[_Knob, str, Value], ...]) -> Cell:
        """Return the whole cell with some knobs changed and all others left alone."""
        appended = [
            f"{knob.name.removeprefix('boot.')}={text}"
            for knob, text, _ in changed
            if knob.kind == "boot"
        ]
        set_to = {
            knob.name.replace("kconfig.", "CONFIG_"): value
            for knob, _, value in changed
            if knob.kind == "kconfig"
        }
        variables = self.reline(" ".join(appended)) if appended else self.cell.variables
        cell = Cell(variables=variables, atoms=self.cell.atoms, detections=self.cell.detections)
        if all(knob.kind == "boot" for knob, _, _ in changed):
            return cell
        return self.rebuild.cell(cell, set_to)

    def _choices(self, knob: _Knob) -> tuple[tuple[str, Value], ...]:
        """Return the values of a knob that change something (the last valid occurrence wins).

        Of values with the same effect (`on` and `1`) the first is enough.
        """
        if knob.name not in self._chosen:
            kept = []
            # What the line says already changes nothing.
            effects: list[Mapping[str, Expression]] = [self.cell.variables]
            for text, value in knob.values:
                if knob.kind == "boot":
                    effect = self._changed(((knob, text, value),)).variables
                    # Effects are compared over the whole line: where a later occurrence overrules
                    # the appended one (an alias of another stream), appending changes nothing.
                    if effect in effects:
                        continue
                    effects.append(effect)
                kept.append((text, value))
            self._chosen[knob.name] = tuple(kept)
        return self._chosen[knob.name]

    @cached_property
    def _chosen(self) -> dict[str, tuple[tuple[str, Value], ...]]:
        return {}

    def _works(self, node: _Node) -> bool:
        try:
            return is_supported(self.question, self._changed(node.changed), self.behaviours)
        # Too much is unknown to verify it, and what is not verified is no fix.
        except UndecidedError:
            return False


def _parameters(profile: KernelProfile) -> Iterator[_Knob]:
    """Yield the boot parameters with the values that some parser of theirs accepts."""
    for parameter in profile.parameters:
        texts = dict.fromkeys(
            text
            for parser in parameter.parsers
            if parser.stream != "idreg"
            for text in _texts(parser)
        )
        if texts:
            yield _Knob(
                name=f"boot.{parameter.name}",
                weight=WEIGHTS["boot"],
                names=parameter.sets,
                values=tuple((text, None) for text in texts),
            )


def _texts(parser: ParameterParser) -> Iterator[str]:
    """Yield values a parser accepts: all of a table's words, one of each kind otherwise."""
    match parser.grammar:
        case "words" | "word-prefixes":
            yield from (effect.match for effect in parser.effects if isinstance(effect.match, str))
        case "kstrtobool":
            yield from _SWITCHES
        case "get_option" | "kstrtoul":
            yield from _NUMBERS
        case _:
            return


# Without a change of its own it makes what has no prompt fit the release.
_OLDDEFCONFIG = _Knob(
    name="make", weight=WEIGHTS["kconfig"], names=frozenset(), values=(("olddefconfig", None),)
)


def _symbols(rebuild: Rebuild, cell: Cell) -> Iterator[_Knob]:
    """Yield the Kconfig symbols that a person can set and whose value is known."""
    program = rebuild.question.program
    for symbol in program.symbols:
        atom = f"CONFIG_{symbol}"
        value = cell.atoms.get(atom)
        if not isinstance(value, bool | int) or atom in program.always_set:
            continue
        opens = rebuild.openings(atom)
        if opens is None:
            continue
        unsaid = not rebuild.is_written(atom)
        yield _Knob(
            name=f"kconfig.{symbol}",
            weight=WEIGHTS["kconfig"] * (1 + len(opens)),
            names=rebuild.moved_by(atom),
            # What the file does not say has a default, once it is asked for.
            values=tuple(
                (_written(other), other)
                for other in program.domain(atom)
                if unsaid or other != value
            ),
            opens=opens,
        )


def _parts(node: _Node) -> int:
    return sum(knob.parts for knob, _, _ in node.changed)


def _written_out(fix: tuple[tuple[_Knob, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return a fix as its changes, what must be switched on first before what it opens."""
    changes: dict[str, str] = {}
    for knob, text in fix:
        for symbol in knob.opens:
            changes.setdefault(f"kconfig.{symbol}", "y")
        changes[knob.name] = text
    return tuple(changes.items())


def _written(value: Value) -> str:
    """Return a symbol's value as a `.config` writes it."""
    return {True: "y", False: "n"}[value] if isinstance(value, bool) else str(value)
