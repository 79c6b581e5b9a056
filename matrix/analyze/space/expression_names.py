"""The names a claim may use, and what each stands for in one kernel; nothing is solved for it.

Takes expressions as a user wrote them, gives what is wrong with their names. In this order a name
is an axis, `verdict` or `predicate`, a public fact, a simulation input, the kernel's own. Functions
without operands may be written with or without their parentheses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from matrix.analyze.cell.question import Question
from matrix.diagnostics import Diagnostic, InputError, did_you_mean, unknown_word_hint
from matrix.expr.nodes import Binary, Call, Conditional, Constant, Expression, Name
from matrix.expr.position import Source
from matrix.expr.printer import to_c
from matrix.expr.trees import calls, rewrite, walk
from matrix.schema.values import Condition, MatrixStudy

VERDICT, PREDICATE, VIOLATES = "verdict", "predicate", "violates"


class ClaimNames:
    """What the claims of a study may speak of, over the questions asked of its kernels."""

    def __init__(self, study: MatrixStudy, questions: Sequence[Question]) -> None:
        self._questions = tuple(questions)
        self._axes = {
            axis.name: tuple(option.name for option in axis.options) for axis in study.axes
        }

    def lacking(self, question: Question, expressions: Iterable[Expression]) -> frozenset[str]:
        """Return the names of expressions that a kernel does not have."""
        lowering = question.program.lowering
        mine = self._own(question)
        found: set[str] = set()
        for expression in expressions:
            missing = lowering.missing(self.spelled(question, expression))
            found |= {name for name in missing if name not in mine and not _is_violates(name)}
        return frozenset(found)

    def problems(
        self, condition: Condition, expressions: Sequence[Expression]
    ) -> tuple[Diagnostic, ...]:
        """Return what is wrong with the names of a claim, over all releases of the study."""
        # What one release lacks is not asked of it; what all lack is a slip.
        lacked = frozenset.intersection(
            *(self.lacking(question, expressions) for question in self._questions)
        )
        problems = [self._unknown(condition, name) for name in sorted(lacked)]
        for call in violations_in(expressions):
            problems.extend(self._bad_violates(condition, call))
        if not problems:
            for expression in expressions:
                problems.extend(self._never_true(condition, expression))
        return tuple(problems)

    def meanings(self, question: Question) -> Mapping[str, Expression]:
        """Return what names other than axes and the kernel's own stand for, later ones first."""
        meanings = {**dict(question.rows), **question.program.facts}
        if question.predicate is not None:
            meanings[PREDICATE] = question.predicate
        return {name: item for name, item in meanings.items() if name not in self._axes}

    def _own(self, question: Question) -> frozenset[str]:
        """Return the names that are not the kernel's own."""
        return frozenset((VERDICT, *self._axes, *self.meanings(question)))

    def spelled(self, question: Question, expression: Expression) -> Expression:
        """Return an expression with its names spelled as the kernel and the study have them."""
        functions = question.program.lowering.functions
        mine = self._own(question)

        def spell(node: Expression) -> Expression:
            match node:
                # The kernel's own names last: an axis may be called as a function of some release
                # is.
                case Name(name) if name not in mine and name not in functions:
                    return Call(name, ()) if f"{name}()" in functions else node
                case Call(name, ()) if f"{name}()" not in functions and name in mine:
                    return Name(name)
            return node

        return rewrite(expression, spell)

    def _unknown(self, condition: Condition, name: str) -> Diagnostic:
        known = {VERDICT, PREDICATE, *self._axes}
        for question in self._questions:
            known.update(self.meanings(question))
        known.update(f"{VIOLATES}({name})" for name in self._questions[0].invariants)
        word = name.partition("(")[0]
        functions = {
            function
            for question in self._questions
            for function in question.program.lowering.functions
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
        known = self._questions[0].invariants
        if texts[0] not in known:
            hint = unknown_word_hint(texts[0], known, "invariants")
            if not known:
                hint = "the capability declares neither `scenario` nor `truth`: nothing is violated"
            yield _at(condition, "MX0624", f"unknown invariant `{texts[0]}`", texts[0], hint)
        pairs = [(name, value) for name, _, value in (text.partition("=") for text in texts[1:])]
        yield from self._wrong_options(pairs, condition)

    def _wrong_options(
        self, pairs: Sequence[tuple[str, str]], condition: Condition
    ) -> Iterator[Diagnostic]:
        scenario = self._questions[0].scenario
        if scenario is None:
            for name, _ in pairs:
                hint = "leave it out: mechanism options are of a simulation"
                yield _at(condition, "MX0623", "nothing is simulated here", name, hint)
            return
        try:
            scenario.chosen(pairs, condition.location)
        except InputError as error:
            yield from error.diagnostics

    def _never_true(self, condition: Condition, expression: Expression) -> Iterator[Diagnostic]:
        """Yield the comparisons of a name with a text it has in no cell of the study."""
        for node in walk(expression):
            match node:
                case Binary(
                    "==" | "!=", Name(name) | Call(name, ()), Constant(str() as text)
                ) | Binary("==" | "!=", Constant(str() as text), Name(name) | Call(name, ())):
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
            return tuple(word.value for word in self._questions[0].verdicts)
        found: dict[str, None] = {}
        for question in self._questions:
            definitions = question.program.definitions
            meaning = self.meanings(question).get(name) or definitions.get(f"{name}()")
            if meaning is not None:
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


def violations_in(expressions: Sequence[Expression]) -> list[Call]:
    """Return the `violates(…)` of expressions."""
    return [call for item in expressions for call in calls(item) if call.function == VIOLATES]


def _is_violates(name: str) -> bool:
    return name.startswith(f"{VIOLATES}(")


def _at(condition: Condition, code: str, message: str, word: str, hint: str) -> Diagnostic:
    """Return a diagnostic with its caret at the first use of a word."""
    return Source(condition.text, condition.location).at_word(code, message, word, hint=hint)
