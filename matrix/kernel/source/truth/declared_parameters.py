"""Declared boot parameters against their parsers: registration, words, and what each word sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePath

from msgspec import Struct
from msgspec.structs import replace

from matrix.expr.nodes import Binary, Call, Constant, Expression, Name, Unary
from matrix.expr.printer import to_c
from matrix.expr.trees import fold, rewrite, walk
from matrix.kernel.source.c.conversion import NotAnExpression
from matrix.kernel.source.c.decisions import Leaf, Tree
from matrix.kernel.source.c.execution import STORES, execute
from matrix.kernel.source.c.items import Item
from matrix.kernel.source.c.preprocessor import conjunction
from matrix.kernel.source.c.source import CSource
from matrix.kernel.source.c.tokens import spell
from matrix.kernel.source.truth.citations import Citation, citations
from matrix.kernel.source.truth.equivalence import equivalent
from matrix.kernel.source.truth.findings import Finding
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import BootParameter, KernelProfile, ParameterParser

_STREAMS = {
    "early_param": "early",
    "__setup": "setup",
    "module_param_named": "module",
    "module_param": "module",
}
# What each returns for equal texts.
_COMPARES = {"strcmp": 0, "strncmp": 0, "parameq": 1, "sysfs_streq": 1}
# What a variable is set to, and where: {"rodata_full": [(condition, value), …]}.
Effects = Mapping[str, list[tuple[Expression, Expression]]]


class _Registration(Struct, frozen=True, kw_only=True):
    stream: str
    name: str
    item: Item
    path: str


def compare_parameters(
    profile: KernelProfile,
    tree: KernelTree,
    shown: set[str] | None = None,
    moves: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """Yield MX1102 where a parser is registered otherwise, or its words set other values.

    `shown` takes the parsers of which all that is declared was compared and is the same. `moves`
    are the citations that are elsewhere in this tree, with where; nothing where they are gone.
    """
    cited: dict[str, list[Citation]] = {}
    for citation in citations(profile):
        cited.setdefault(citation.what, []).append(_moved(citation, moves or {}))
    modelled = {variable.name for variable in profile.variables}
    for parameter in profile.parameters:
        for index, parser in enumerate(parameter.parsers):
            what = f"parameter {parameter.name}" + (f" #{index + 1}" if index else "")
            comparison = _Comparison(what, parameter, parser, modelled)
            compare = comparison.aliases if parser.stream == "idreg" else comparison.run
            findings = list(compare(_sources(tree, cited.get(what, ()))))
            yield from findings
            if comparison.complete and not findings and shown is not None:
                shown.add(what)


def _moved(citation: Citation, moves: Mapping[str, str]) -> Citation:
    """Return a citation where it is now; one that is gone covers no line."""
    path, colon, lines = moves.get(citation.text, citation.text).rpartition(":")
    first, _, last = lines.partition("-")
    if not colon:
        return replace(citation, first=0, last=-1)
    return replace(citation, path=path, first=int(first), last=int(last or first))


def _sources(tree: KernelTree, cited: Iterable[Citation]) -> list[tuple[Citation, CSource]]:
    found = ((citation, tree.source(citation.path)) for citation in cited)
    return [(citation, source) for citation, source in found if source is not None]


class _Comparison:
    """One declared parser against the sources it cites."""

    def __init__(
        self, what: str, parameter: BootParameter, parser: ParameterParser, modelled: set[str]
    ) -> None:
        self._what = what
        self._parameter = parameter
        self._parser = parser
        self._modelled = modelled
        self.complete = False  # whether nothing that is declared was left uncompared

    def run(self, sources: list[tuple[Citation, CSource]]) -> Iterator[Finding]:
        """Compare a parser that the kernel registers by a macro."""
        if not sources:
            return
        found = [registration for _, source in sources for registration in _registrations(source)]
        # One name may have parsers in several streams; `right` are those in the declared one.
        own = [item for item in found if _same_name(item.name, self._parameter.name)]
        right = [item for item in own if item.stream == self._parser.stream]
        if not own and self._searched(sources):
            return  # code that looks for the name in the line, and registers nothing
        if not right:
            first = sources[0][0]
            place = first.text if first.first else first.path
            place = f"{own[0].path}:{own[0].item.line}" if own else place
            has = ", ".join(spell(item.item.tokens) for item in own)
            yield self._finding(
                place,
                f"a parser of the stream `{self._parser.stream}` for `{self._parameter.name}`",
                has or f"no parser of `{self._parameter.name}` is registered in the cited files",
            )
            return
        yield from self._condition(right[0])
        if self._parser.stream == "module":
            yield from self._module(right[0])
        else:
            yield from self._words(sources, right[0])

    def _searched(self, sources: list[tuple[Citation, CSource]]) -> bool:
        """Tell whether cited code holds the parameter's name as a text."""
        return any(
            token.text == f'"{self._parameter.name}"'
            for citation, source in sources
            for item in source.items
            if item.line <= citation.last and item.last_line >= citation.first
            for token in item.tokens
        )

    def aliases(self, sources: list[tuple[Citation, CSource]]) -> Iterator[Finding]:
        """Compare the words of an alias table, `{ "kvm_arm.mode=nvhe", "arm64_sw.hvhe=0" }`."""
        declared = {str(effect.match) for effect in self._parser.effects if effect.match}
        if self._parser.grammar != "words" or not sources:
            return
        found: dict[str, int] = {}
        for _, source in sources:
            for item in source.items:
                for entry in source.table(item) if item.kind == "variable" else ():
                    alias = entry.values[0].strip('"') if entry.values else ""
                    name, _, word = alias.partition("=")
                    if word and _same_name(name, self._parameter.name):
                        found[word] = entry.line
        if declared != set(found):
            line = min(found.values(), default=sources[0][0].first)
            yield self._finding(
                f"{sources[0][0].path}:{line}",
                f"the words {', '.join(sorted(declared))}",
                f"the words {', '.join(sorted(found)) or 'none'}",
            )

    def _condition(self, registration: _Registration) -> Iterator[Finding]:
        guard = fold(conjunction(registration.item.guard))
        declared = self._parser.exists_if
        if declared is None or guard == Constant(True):
            return  # what a Makefile decides is not to be seen here
        if not equivalent(guard, declared.expression):
            yield self._finding(
                f"{registration.path}:{registration.item.line}",
                f"compiled in if {declared.text}",
                f"compiled in if {to_c(guard)}",
            )

    def _module(self, registration: _Registration) -> Iterator[Finding]:
        arguments = [spell(part) for part in registration.item.arguments]
        # module_param_named(name, variable, type, perm), module_param(variable, type, perm).
        named = len(arguments) > 3
        variable, kind = (arguments[1], arguments[2]) if named else (arguments[0], arguments[1])
        declared = {name for effect in self._parser.effects for name, _ in effect.assign}
        is_bool = self._parser.grammar == "kstrtobool"
        self.complete = is_bool
        if {variable} != declared or (kind == "bool") is not is_bool:
            yield self._finding(
                f"{registration.path}:{registration.item.line}",
                f"{self._parser.grammar} sets {', '.join(sorted(declared))}",
                spell(registration.item.tokens),
            )

    def _words(
        self, sources: list[tuple[Citation, CSource]], registration: _Registration
    ) -> Iterator[Finding]:
        """Compare what each word sets, where the parsers' paths can be followed."""
        trees: list[tuple[Citation, Item, Tree]] = []
        for citation, source in sources:
            cited = source.items_at(citation.first, citation.last)
            for item in dict.fromkeys((*cited, *source.functions(_handler(registration)))):
                if item.kind == "function":
                    tree = execute(source, item)
                    if isinstance(tree, NotAnExpression):
                        continue
                    trees.append((citation, item, tree))
        # A parser that sets nothing that the profile models is no evidence for or against it.
        relevant = [row for row in trees if _assigned(row[2]) & self._modelled]
        if not relevant:
            return
        self.complete = True
        words: dict[str | None, list[object]] = {}
        if self._parser.grammar == "words":
            # Words that only the source or only the profile has are compared, too.
            names = {word for _, _, tree in relevant for word in _compared(tree)}
            declared = {str(effect.match) for effect in self._parser.effects}
            words = {word: [] for word in sorted(names | declared)}
        else:
            words = {None: []}
        for word in words:
            yield from self._one_word(word, relevant)

    def _one_word(
        self, word: str | None, trees: list[tuple[Citation, Item, Tree]]
    ) -> Iterator[Finding]:
        declared = self._declared_effects(word)
        place, found = f"{trees[0][0].path}:{trees[0][1].line}", {}
        # Of a handler and what it calls, the first that sets something modelled for this word.
        for citation, item, tree in trees:
            effects = _effects(tree, word, item.parameters, self._parser.grammar)
            found = {name: rows for name, rows in effects.items() if name in self._modelled}
            if found:
                place = f"{citation.path}:{item.line}"
                break
        if not _same_effects(declared, found):
            head = f"`{word}`: " if word is not None else ""
            yield self._finding(place, head + _spell(declared), head + _spell(found))

    def _declared_effects(self, word: str | None) -> Effects:
        effects: dict[str, list[tuple[Expression, Expression]]] = {}
        for effect in self._parser.effects:
            if word is None or effect.match == word:
                when = effect.when.expression if effect.when else Constant(True)
                for name, value in effect.assign:
                    effects.setdefault(name, []).append((when, value.expression))
        return effects

    def _finding(self, place: str, declared: str, source: str) -> Finding:
        return Finding(
            code="MX1102",
            what=self._what,
            message=f"{self._what} is not parsed as declared",
            location=self._parser.location,
            place=place,
            declared=declared,
            source=source,
        )


def _registrations(source: CSource) -> Iterator[_Registration]:
    module = PurePath(source.file).stem
    for item in source.items:
        stream = _STREAMS.get(item.name) if item.kind == "call" else None
        if stream is None or not item.arguments:
            continue
        name = spell(item.arguments[0]).strip('"').removesuffix("=")
        if stream == "module":
            name = f"{module}.{name}"
        yield _Registration(stream=stream, name=name, item=item, path=source.file)


def _same_name(one: str, other: str) -> bool:
    return one.replace("-", "_") == other.replace("-", "_")


def _handler(registration: _Registration) -> str:
    return spell(registration.item.arguments[-1])


def _assigned(tree: Tree) -> set[str]:
    if isinstance(tree, Leaf):
        return {name for name, _ in tree.assigned}
    return _assigned(tree.then) | _assigned(tree.otherwise)


def _compared(tree: Tree) -> set[str]:
    """Return the words that a parser compares its text with."""
    if isinstance(tree, Leaf):
        return set()
    own = {
        word
        for node in walk(tree.condition)
        if isinstance(node, Call) and node.function in _COMPARES
        for argument in node.arguments
        if isinstance(argument, Constant) and isinstance(word := argument.value, str)
    }
    return own | _compared(tree.then) | _compared(tree.otherwise)


def _effects(tree: Tree, word: str | None, parameters: tuple[str, ...], grammar: str) -> Effects:
    """Return what a parser sets for a word (None: a text that its number parser accepts)."""

    def decide(node: Expression) -> Expression:
        match node:
            case Call(function, arguments) if function in _COMPARES:
                texts = [part.value for part in arguments if isinstance(part, Constant)]
                equal = _COMPARES[function]
                return Constant(equal if word in texts else 1 - equal)
            case Call(function, _) if STORES.fullmatch(function):
                accepted = grammar not in ("words", "presence")
                # get_option() returns how many numbers it read, the others 0 or an error.
                return Constant(int(accepted is (function == "get_option")))
            # The text is there: a test of the argument for NULL is passed.
            case Name(name) if name in parameters:
                return Constant(True)
        return node

    effects: dict[str, list[tuple[Expression, Expression]]] = {}
    for path, leaf in _paths(tree, Constant(True), decide):
        for name, value in leaf.assigned:
            # A parser that refused its text stored nothing.
            if word is None or value != Name("value"):
                effects.setdefault(name, []).append((path, value))
    return effects


def _paths(
    tree: Tree, path: Expression, decide: Callable[[Expression], Expression]
) -> Iterator[tuple[Expression, Leaf]]:
    """Yield the ends of the paths that can be taken, with the condition of each."""
    if isinstance(tree, Leaf):
        yield path, tree
        return
    condition = fold(rewrite(tree.condition, decide))
    for taken, inner in ((condition, tree.then), (Unary("!", condition), tree.otherwise)):
        # What the word decides is constant by now: such a path folds to false and ends here.
        reached = fold(Binary("&&", path, taken))
        if reached != Constant(False):
            yield from _paths(inner, reached, decide)


def _same_effects(one: Effects, other: Effects) -> bool:
    """Tell whether two tables set the same variables, values and conditions taken together."""
    if one.keys() != other.keys():
        return False
    for name, rows in one.items():
        # Value by value: the same value under the same condition, however the rows are cut.
        values = {to_c(_number(value)) for _, value in (*rows, *other[name])}
        for value in values:
            if not equivalent(_when(rows, value), _when(other[name], value)):
                return False
    return True


def _when(rows: list[tuple[Expression, Expression]], value: str) -> Expression:
    whole: Expression = Constant(False)
    for condition, found in rows:
        if to_c(_number(found)) == value:
            whole = fold(Binary("||", whole, condition))
    return whole


def _number(value: Expression) -> Expression:
    """Return a value as one spelling: `!!value` is `value != 0`."""
    match value:
        case Unary("!", Unary("!", operand)):
            return Binary("!=", operand, Constant(0))
    return value


def _spell(effects: Effects) -> str:
    parts = []
    for name, rows in sorted(effects.items()):
        for condition, value in rows:
            where = "" if condition == Constant(True) else f" if {to_c(condition)}"
            parts.append(f"{name} = {to_c(value)}{where}")
    return "; ".join(parts) or "nothing"
