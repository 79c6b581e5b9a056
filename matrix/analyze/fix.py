"""The smallest change that makes a cell supported, verified by evaluating the changed cell.

Takes a cell whose verdict is not `supported` and tries one change at a time, cheapest kind first:
a boot parameter, then a Kconfig symbol. What a fix says has been evaluated; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from matrix.analyze.answer import Fix
from matrix.analyze.behaviour import Behaviours
from matrix.analyze.cell import Cell, settle
from matrix.analyze.evaluation import Evaluation
from matrix.analyze.question import Question
from matrix.analyze.verdict import Verdict
from matrix.expr.evaluation import truth
from matrix.expr.nodes import Expression
from matrix.schema.values import KernelProfile, ParameterParser

# Appends a parameter to what the boot loader passes, and gives the kernel variables then.
Reline = Callable[[str], Mapping[str, Expression]]

_NUMBERS = ("0", "100")
_SWITCHES = ("on", "off", "1", "0")


def find_fixes(
    question: Question, profile: KernelProfile, cell: Cell, reline: Reline, behaviours: Behaviours
) -> tuple[Fix, ...]:
    """Return the single changes of the cheapest kind that make the cell supported."""
    for candidates in (_boot_changes(profile, cell, reline), _kconfig_changes(question, cell)):
        found = tuple(
            Fix(change=(change,), verdict=Verdict.SUPPORTED)
            for change, changed in candidates
            if is_supported(question, changed, behaviours)
        )
        if found:
            return found
    return ()


def is_supported(question: Question, cell: Cell, behaviours: Behaviours) -> bool:
    """Tell whether a cell is supported under every completion of what is unknown."""
    completions = settle(question, cell, behaviours)
    return {completion.leaf.verdict for completion in completions} == {Verdict.SUPPORTED}


def _boot_changes(
    profile: KernelProfile, cell: Cell, reline: Reline
) -> Iterator[tuple[tuple[str, str], Cell]]:
    """Yield the cells with one boot parameter appended (the last valid occurrence wins)."""
    for parameter in profile.parameters:
        texts = dict.fromkeys(
            text
            for parser in parameter.parsers
            if parser.stream != "idreg"
            for text in _texts(parser)
        )
        for text in texts:
            variables = reline(f"{parameter.name}={text}")
            if variables == cell.variables:
                continue
            changed = Cell(variables=variables, atoms=cell.atoms, detections=cell.detections)
            yield (f"boot.{parameter.name}", text), changed


def _texts(parser: ParameterParser) -> Iterator[str]:
    """Yield values a parser accepts: all of a table's words, one of each kind otherwise."""
    match parser.grammar:
        case "words":
            yield from (effect.match for effect in parser.effects if isinstance(effect.match, str))
        case "kstrtobool":
            yield from _SWITCHES
        case "get_option" | "kstrtoul":
            yield from _NUMBERS
        case _:
            return


def _kconfig_changes(question: Question, cell: Cell) -> Iterator[tuple[tuple[str, str], Cell]]:
    """Yield the cells with one boolean symbol flipped that the release's constraints allow."""
    for atom, value in cell.atoms.items():
        if not atom.startswith("CONFIG_") or not isinstance(value, bool):
            continue
        changed = Cell(
            variables=cell.variables,
            atoms={**cell.atoms, atom: not value},
            detections=cell.detections,
        )
        evaluation = Evaluation(question.program.definitions, changed.variables, changed.atoms)
        if all(
            truth(evaluation.of(constraint)) is not False for constraint in question.constraints
        ):
            symbol = atom.removeprefix("CONFIG_")
            yield (f"kconfig.{symbol}", "n" if value else "y"), changed
