"""The names a claim may use, and what each is in one kernel of a solved study.

Takes expressions as a user wrote them, gives regions, or what is wrong with a name. In this order
a name is an axis, `verdict` or `predicate`, a public fact, a simulation input, the kernel's own. A
function without operands may be written with or without its parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from matrix.analyze.study import SolvedStudy
from matrix.analyze.symbolic import KernelRegions
from matrix.analyze.verdict import Verdict
from matrix.diagnostics import Diagnostic, InputError, did_you_mean, unknown_word_hint
from matrix.expr.nodes import Binary, Call, Conditional, Constant, Expression, Name, Value
from matrix.expr.position import Source
from matrix.expr.printer import to_c
from matrix.expr.trees import calls, names, rewrite, substitute, walk
from matrix.schema.values import Condition
from matrix.simulate.outcome import INVARIANTS
from matrix.simulate.scenario import scenario_options
from matrix.solve.partition import Compiler
from matrix.solve.space import Region

VERDICT, PREDICATE, VIOLATES = "verdict", "predicate", "violates"


class ClaimNames:
    """What claims may speak of, over one solved study; each name is compiled when first used."""

    def __init__(self, solved: SolvedStudy) -> None:
        self._solved = solved
        self._axes = {
            axis.name: tuple(option.name for option in axis.options) for axis in solved.study.axes
        }
        # Per kernel and `violates(…)`: where it was asked, where it holds there, and as what.
        self._asked: dict[tuple[Compiler, str], tuple[Region, Region, str]] = {}

    def where(self, part: KernelRegions, expression: Expression, within: Region) -> Region:
        """Return the part of a kernel's cells where an expression is true.

        What stands behind an `&&` is asked only where the rest of it is true: of another mechanism
        a simulation is asked for each class there.

        Raises:
            InputError: MX0653, where it is neither true nor false.
        """
        operands: list[Expression] = []
        while isinstance(expression, Binary) and expression.operator == "&&":
            operands.append(expression.right)
            expression = expression.left
        for operand in (expression, *reversed(operands)):
            within = self._where(part, self._spelled(part, operand), within)
        return within

    def _where(self, part: KernelRegions, expression: Expression, within: Region) -> Region:
        meanings = dict(self._meanings(part))
        if VERDICT in names(expression) and VERDICT not in part.compiler.names():
            # Outside the space there is no verdict; a partition is of everything.
            regions: dict[Value, Region] = {"": ~self._solved.valid}
            regions.update((word.value, self._solved.verdicts[word]) for word in Verdict)
            _tell(part, VERDICT, regions)
        for call in _violations((expression,)):
            meanings[to_c(call)] = Name(self._known_violating(part, call, within))
        lowered = part.question.program.lowering.lower(expression)
        return part.compiler.where(substitute(lowered, meanings), within)

    def lacking(self, part: KernelRegions, expressions: Iterable[Expression]) -> frozenset[str]:
        """Return the names of expressions that a kernel does not have."""
        lowering = part.question.program.lowering
        mine = self._own(part)
        found: set[str] = set()
        for expression in expressions:
            missing = lowering.missing(self._spelled(part, expression))
            found |= {name for name in missing if name not in mine and not _is_violates(name)}
        return frozenset(found)

    def problems(
        self, condition: Condition, expressions: Sequence[Expression]
    ) -> tuple[Diagnostic, ...]:
        """Return what is wrong with the names of a claim, over all releases of the study."""
        parts = [part for _, part in self._solved.kernels]
        lacked = frozenset.intersection(*(self.lacking(part, expressions) for part in parts))
        problems = [self._unknown(condition, name) for name in sorted(lacked)]
        for call in _violations(expressions):
            problems.extend(self._bad_violates(condition, call))
        if not problems:
            for expression in expressions:
                problems.extend(self._never_true(condition, expression))
        return tuple(problems)

    def _meanings(self, part: KernelRegions) -> Mapping[str, Expression]:
        """Return what names other than axes and the kernel's own stand for, later ones first."""
        question = part.question
        meanings = {**dict(question.rows), **question.program.facts}
        if question.predicate is not None:
            meanings[PREDICATE] = question.predicate
        return {name: item for name, item in meanings.items() if name not in self._axes}

    def _own(self, part: KernelRegions) -> frozenset[str]:
        """Return the names that are not the kernel's own."""
        return frozenset((VERDICT, *self._axes, *self._meanings(part)))

    def _spelled(self, part: KernelRegions, expression: Expression) -> Expression:
        """Return an expression with its names spelled as the kernel and the study have them."""
        functions = part.question.program.lowering.functions
        mine = self._own(part)

        def spell(node: Expression) -> Expression:
            match node:
                case Name(name) if name not in mine and name not in functions:
                    return Call(name, ()) if f"{name}()" in functions else node
                case Call(name, ()) if f"{name}()" not in functions and name in mine:
                    return Name(name)
            return node

        return rewrite(expression, spell)

    def _known_violating(self, part: KernelRegions, call: Call, within: Region) -> str:
        """Return the name under which the compiler knows where an invariant is broken.

        It is right inside `within`; where more is asked for later, that is another name.
        """
        key = (part.compiler, to_c(call))
        nothing = self._solved.backend.nothing()
        scope, violating, name = self._asked.get(key, (nothing, nothing, ""))
        if name and within <= scope:
            return name
        violating = violating | self._violating(part, call, within - scope)
        name = f"{key[1]} #{len(part.compiler.names())}"
        _tell(part, name, {True: violating, False: ~violating})
        self._asked[key] = (scope | within, violating, name)
        return name

    def _violating(self, part: KernelRegions, call: Call, within: Region) -> Region:
        """Return the cells of classes met in `within` in which an invariant is broken.

        Operands of the call are the invariant and another mechanism, if one is asked about.
        """
        invariant, *chosen = (item.value for item in call.arguments if isinstance(item, Constant))
        question = part.question
        variant = dict(question.variant)
        for text in map(str, chosen):
            option, _, value = text.partition("=")
            variant[option] = value
        options = scenario_options(question.capability.scenario, variant.items())
        region = self._solved.backend.nothing()
        for inputs, cells in part.classes:
            if (cells & within).is_empty():
                continue
            result = self._solved.behaviours.result(replace(inputs, variant=options))
            if any(violation.invariant == invariant for violation in result.violations):
                region = region | cells
        return region

    def _unknown(self, condition: Condition, name: str) -> Diagnostic:
        known = {VERDICT, PREDICATE, *self._axes}
        for _, part in self._solved.kernels:
            known.update(self._meanings(part))
        known.update(f"{VIOLATES}({invariant})" for invariant in INVARIANTS)
        word = name.partition("(")[0]
        functions = {
            function
            for _, part in self._solved.kernels
            for function in part.question.program.lowering.functions
        }
        near = did_you_mean(name, known) or did_you_mean(f"{word}()", functions)
        listing = unknown_word_hint("", known, "names besides the kernel's own")
        hint = f"{near} {listing}" if near else listing
        return _at(condition, "MX0624", f"unknown name `{name}`", word, hint)

    def _bad_violates(self, condition: Condition, call: Call) -> Iterator[Diagnostic]:
        values = [item.value for item in call.arguments if isinstance(item, Constant)]
        texts = [value for value in values if isinstance(value, str)]
        if not texts or len(texts) != len(call.arguments) or any("=" not in t for t in texts[1:]):
            yield _at(
                condition,
                "MX0623",
                f"`{to_c(call)}` is not an invariant and mechanism options",
                VIOLATES,
                'write `violates("alias-access")` or `violates("alias-access", "guest=no-exec")`',
            )
            return
        if texts[0] not in INVARIANTS:
            hint = unknown_word_hint(texts[0], INVARIANTS, "invariants")
            yield _at(condition, "MX0624", f"unknown invariant `{texts[0]}`", texts[0], hint)
        pairs = [(name, value) for name, _, value in (text.partition("=") for text in texts[1:])]
        yield from _wrong_options(self._solved, pairs, condition)

    def _never_true(self, condition: Condition, expression: Expression) -> Iterator[Diagnostic]:
        """Yield the comparisons of a name with a text it has in no cell of the study."""
        for node in walk(expression):
            match node:
                case Binary("==" | "!=", Name(name), Constant(str() as text)) | Binary(
                    "==" | "!=", Constant(str() as text), Name(name)
                ):
                    known = self._texts(name)
                    if known and text not in known:
                        hint = unknown_word_hint(text, known, f"values of {name}")
                        message = f"`{name}` is never `{text}`"
                        yield _at(condition, "MX0625", message, text, hint)

    def _texts(self, name: str) -> tuple[str, ...]:
        """Return the texts a name can be worth; nothing for what is no text."""
        if name in self._axes:
            return self._axes[name]
        if name == VERDICT:
            return tuple(word.value for word in Verdict)
        found: dict[str, None] = {}
        for _, part in self._solved.kernels:
            meaning = self._meanings(part).get(name)
            if meaning is not None:
                definitions = part.question.program.definitions
                found.update(dict.fromkeys(_outcomes(meaning, definitions)))
        return tuple(found)


def _outcomes(expression: Expression, definitions: Mapping[str, Expression]) -> Iterator[str]:
    """Yield the texts an expression can be worth, in any study: those of its arms."""
    match expression:
        case Constant(str() as text):
            yield text
        case Conditional(_, then, otherwise):
            yield from _outcomes(then, definitions)
            yield from _outcomes(otherwise, definitions)
        case Name(name) if name in definitions:
            yield from _outcomes(definitions[name], definitions)


def _violations(expressions: Sequence[Expression]) -> list[Call]:
    return [call for item in expressions for call in calls(item) if call.function == VIOLATES]


def _tell(part: KernelRegions, name: str, regions: Mapping[Value, Region]) -> None:
    part.compiler.know(
        name, {value: region for value, region in regions.items() if not region.is_empty()}
    )


def _is_violates(name: str) -> bool:
    return name.startswith(f"{VIOLATES}(")


def _wrong_options(
    solved: SolvedStudy, pairs: Sequence[tuple[str, str]], condition: Condition
) -> Iterator[Diagnostic]:
    scenario = solved.kernels[0][1].question.capability.scenario
    try:
        scenario_options(scenario, pairs, condition.location)
    except InputError as error:
        yield from error.diagnostics


def _at(condition: Condition, code: str, message: str, word: str, hint: str) -> Diagnostic:
    """Return a diagnostic with its caret at the first use of a word."""
    found = re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", condition.text) if word else None
    return Source(condition.text, condition.location).diagnostic(
        code,
        message,
        found.start() if found else 0,
        len(word) if found else len(condition.text),
        hint=hint,
    )
