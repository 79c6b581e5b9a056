"""A tree's Kconfig files read with kconfiglib, as entries of `matrix.kernel.kconfig.model`.

kconfiglib 14.1.0 is the last release (2020). Of what kernels added since it needs:

* `modules` as a line of its own: the same as `option modules`;
* `transitional`: the symbol is never written, and n unless an old `.config` sets it;
* `depends on X if Y`: `X || Y = n`, as menu_add_dep() (scripts/kconfig/menu.c) lowers it.

The last two only where the tree's own parser knows them. Only kconfiglib's parser is used: what
values a symbol may have is decided in `matrix.kernel.kconfig.rules`.

`$(shell,…)` and the macros built on it ask the toolchain. Such a call is answered from the recorded
answers; only `live` runs it. An unquoted call becomes a leaf of the expression (`Answer`), so that
one parse serves every toolchain.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import kconfiglib

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.kernel.kconfig.model import (
    NO,
    TRISTATES,
    YES,
    And,
    Answer,
    ChoiceEntry,
    ChoiceMode,
    Compare,
    Entry,
    Expression,
    Not,
    Operand,
    Or,
    Place,
    Ref,
    Text,
)
from matrix.kernel.kconfig.parser import Parser, Session
from matrix.kernel.kconfig.tree import KernelTree
from matrix.kernel.source.tree_files import read_tree_text

_VERSION = (14, 1, 0)
_ERROR = re.compile(r"\n?(?P<file>[^\s:]+):(?P<line>\d+): (?P<what>.*)", re.DOTALL)
_NOT_PARSED = re.compile(r"(?:error: )?couldn't parse '(?P<text>.*)': (?P<why>.*)", re.DOTALL)
_TYPES = {
    kconfiglib.BOOL: "bool",
    kconfiglib.TRISTATE: "tristate",
    kconfiglib.INT: "int",
    kconfiglib.HEX: "hex",
    kconfiglib.STRING: "string",
    kconfiglib.UNKNOWN: "unknown",
}
_RELATIONS = {
    kconfiglib.EQUAL: "=",
    kconfiglib.UNEQUAL: "!=",
    kconfiglib.LESS: "<",
    kconfiglib.LESS_EQUAL: "<=",
    kconfiglib.GREATER: ">",
    kconfiglib.GREATER_EQUAL: ">=",
}
_NOT_FOUND = re.compile(r"'(?P<name>[^']*)' not found \(in '(?P<text>.*?)'\)")


class ParsedTree:
    """A parsed tree: entries by name, made when they are asked for.

    `answers` are those used, by macro call; `unanswered` the calls that nobody recorded: either
    answer is possible. `files` are the Kconfig files read, relative to the root of the tree;
    `left_out` those below Documentation/ that the tree came without. Nothing else knows how
    kconfiglib stores what it parsed; equal expressions become one object.
    """

    def __init__(self, session: Session, parser: Parser) -> None:
        self.tree = session.tree
        self.answers = {call: session.answers[call] for call in sorted(session.asked)}
        self.unanswered = tuple(sorted(session.unanswered))
        self.files = tuple(dict.fromkeys(parser.kconfig_filenames))
        self.left_out = tuple(session.left_out)
        self._parser = parser
        self._entries: dict[str, Entry | None] = {}
        self._choices: dict[int, ChoiceEntry] = {}
        self._indices = {id(choice): index for index, choice in enumerate(parser.unique_choices)}
        self._expressions: dict[int, Expression] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all symbols that the tree defines, in the order of the files."""
        return tuple(symbol.name for symbol in self._parser.unique_defined_syms)

    def entry(self, name: str) -> Entry | None:
        """Return a symbol's entry, None where nothing defines it."""
        if name not in self._entries:
            symbol = self._parser.syms.get(name)
            defined = symbol is not None and symbol.nodes
            self._entries[name] = self._make_entry(symbol) if defined else None
        return self._entries[name]

    def completed(
        self, settings: Mapping[str, str], answers: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Return what conf makes of some settings: each symbol's value as a `.config` has it.

        `settings` are raw values by symbol (`y`, `100`, a string without quotes). A symbol that is
        off has the value `n`; one that conf writes no line for is not there. `answers` are those of
        the toolchain by macro call.
        """
        parser = self._parser
        # kconfiglib keeps what it computed; with other answers all of it is stale.
        parser.unset_values()
        parser._invalidate_all()
        for symbol in (*parser.const_syms.values(), *parser.syms.values()):
            if symbol.name.startswith("$("):  # as kconfiglib makes its own `n` and `y`
                answer = answers.get(symbol.name[2:-1], "n")
                symbol._cached_str_val = answer
                symbol._cached_tri_val = TRISTATES.get(answer, 0)
        for name, value in settings.items():
            symbol = parser.syms.get(name)
            if symbol is not None and symbol.nodes:
                symbol.set_value(value)
        asked = (parser.syms.get(name) for name, value in settings.items() if value == "m")
        modules = [symbol for symbol in asked if symbol is not None]
        # Asked for as m and y all the same: by what implies them, or by what selects them. Without
        # the implications, below, those that are selected stay y.
        promoted = [symbol for symbol in modules if symbol.nodes and symbol.tri_value > 1]
        weak = [(symbol, symbol.weak_rev_dep) for symbol in promoted]
        try:
            # kconfiglib makes y of an m that y implies; the kernel's conf has left it m since 5.7.
            for symbol in promoted:
                symbol.weak_rev_dep = parser.n
            parser._invalidate_all()
            return dict(_written(parser))
        finally:
            for symbol, condition in weak:
                symbol.weak_rev_dep = condition

    def choice(self, index: int) -> ChoiceEntry:
        """Return a choice by its number."""
        if index not in self._choices:
            found = self._parser.unique_choices[index]
            self._choices[index] = ChoiceEntry(
                index=index,
                title=next((node.prompt[0] for node in found.nodes if node.prompt), ""),
                type=_TYPES[found.orig_type],
                members=tuple(dict.fromkeys(member.name for member in found.syms)),
                places=_places(found),
                prompts=self._prompts(found),
                depends=self._expression(found.direct_dep),
                is_optional=bool(found.is_optional),
            )
        return self._choices[index]

    def _make_entry(self, symbol: Any) -> Entry:
        return Entry(
            name=symbol.name,
            type=_TYPES[symbol.orig_type],
            places=_places(symbol),
            prompts=self._prompts(symbol),
            defaults=tuple(
                (self._expression(value), self._expression(condition))
                for value, condition in symbol.defaults
            ),
            ranges=tuple(
                (self._operand(low), self._operand(high), self._expression(condition))
                for low, high, condition in symbol.ranges
            ),
            selected=self._expression(symbol.rev_dep),
            implied=self._expression(symbol.weak_rev_dep),
            depends=self._expression(symbol.direct_dep),
            choice=None if symbol.choice is None else self._indices[id(symbol.choice)],
        )

    def _prompts(self, item: Any) -> tuple[Expression, ...]:
        return tuple(self._expression(node.prompt[1]) for node in item.nodes if node.prompt)

    def _operand(self, symbol: Any) -> Operand:
        if symbol.name.startswith("$("):
            return Answer(symbol.name[2:-1])
        if symbol.is_constant:
            return Text(symbol.name)
        return Ref(symbol.name)

    def _expression(self, expression: Any) -> Expression:
        # kconfiglib shares the dependencies of a menu between its entries: by identity.
        key = id(expression)
        found = self._expressions.get(key)
        if found is None:
            found = self._expressions[key] = self._lower(expression)
        return found

    def _lower(self, expression: Any) -> Expression:
        if not isinstance(expression, tuple):
            if isinstance(expression, kconfiglib.Choice):
                return ChoiceMode(self._indices[id(expression)])
            if expression is self._parser.n:
                return NO
            return YES if expression is self._parser.y else self._operand(expression)
        match expression[0]:
            case kconfiglib.NOT:
                return Not(self._expression(expression[1]))
            case kconfiglib.AND:
                return And(tuple(map(self._expression, _terms(expression))))
            case kconfiglib.OR:
                return Or(tuple(map(self._expression, _terms(expression))))
            case relation:
                return Compare(
                    _RELATIONS[relation],
                    self._operand(expression[1]),
                    self._operand(expression[2]),
                )


def _written(parser: Parser) -> Iterator[tuple[str, str]]:
    """Yield the symbols that conf writes a line for, each with its raw value."""
    for symbol in parser.unique_defined_syms:
        line = symbol.config_string
        if line.startswith("CONFIG_"):
            yield symbol.name, line.rstrip("\n").partition("=")[2]
        elif line:
            yield symbol.name, "n"


def _places(item: Any) -> tuple[Place, ...]:
    return tuple(Place(node.filename, node.linenr) for node in item.nodes)


def _terms(expression: Any) -> list[Any]:
    """Return the operands of a chain of one operator, left to right, however deep it is nested."""
    operator, *operands = expression
    stack = operands[::-1]
    found = []
    while stack:
        operand = stack.pop()
        if isinstance(operand, tuple) and operand[0] is operator:
            # The operands without the operator, last first: the next one popped is the first.
            stack += operand[:0:-1]
        else:
            found.append(operand)
    return found


def parse_tree(
    tree: KernelTree,
    environment: Mapping[str, str],
    recorded: Mapping[str, str],
    *,
    live: bool = False,
) -> ParsedTree:
    """Parse the tree's Kconfig files; `live` runs what the tree asks the toolchain.

    Raises:
        InputError: MX1004 text nobody knows, MX1006 a file that is sourced and missing, MX1007
            another error of the tree, MX1011 a toolchain that cannot be run.
    """
    # Private names of kconfiglib are used here and in `parser.py`; another version may have none of
    # them, or mean something else by them.
    if kconfiglib.VERSION != _VERSION:
        raise _other_kconfiglib()
    variables = {
        **environment,
        "ARCH": tree.arch,
        "SRCARCH": tree.arch,
        "KERNELVERSION": tree.version,
        "srctree": ".",
    }
    session = Session(
        tree=tree,
        variables=variables,
        answers={} if live else dict(recorded),
        live=live,
        environment=dict(os.environ),
    )
    with _environment(tree):
        try:
            parser = Parser(session)
        # Ours, raised from within kconfiglib's calls: not to be taken for one of its errors below.
        except InputError:
            raise
        except (kconfiglib.KconfigError, OSError, RecursionError) as error:
            raise InputError(_diagnostic(tree, str(error))) from None
        except Exception as error:  # noqa: BLE001 - AttributeError, …: kconfiglib checks little
            raise InputError(_out_of_place(tree, session, error)) from None
    return ParsedTree(session, parser)


@contextmanager
def _environment(tree: KernelTree) -> Iterator[None]:
    """Show kconfiglib the tree's root, and nothing else of the process environment.

    It gives a tree the value of any variable that the tree names.
    """
    before = dict(os.environ)
    os.environ.clear()
    os.environ["srctree"] = str(tree.root)  # noqa: SIM112 - the kernel's own name
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _diagnostic(tree: KernelTree, message: str) -> Diagnostic:
    found = _ERROR.match(message)
    if found is None:
        return _other_error(tree, message)
    what = found["what"]
    missing = _NOT_FOUND.match(what)
    broken = _NOT_PARSED.match(what)
    location = _location(tree, found["file"], int(found["line"]), (missing or broken))
    if missing is not None:
        return Diagnostic(
            code="MX1006",
            message=f"`{missing['name']}` is sourced here, and the tree does not have it",
            location=location,
            hint="the tree is not whole: unpack it again, or add the file",
        )
    if broken is not None:
        return Diagnostic(
            code="MX1004",
            message=f"`{broken['text']}` is no Kconfig that this tree's parser is known to have: "
            f"{broken['why']}",
            location=location,
            hint="is the file damaged? a new construct of Kconfig needs a new release of matrix",
        )
    return _other_error(tree, what.split("\n")[0], location)


def _out_of_place(tree: KernelTree, session: Session, error: Exception) -> Diagnostic:
    what = f"what stands here does not belong to the entry above it ({type(error).__name__})"
    if session.place is None:
        return _other_error(tree, what)
    return _other_error(tree, what, _location(tree, *session.place, None))


def _other_kconfiglib() -> InputError:
    return InputError.of(
        code="MX1007",
        message=f"this is kconfiglib {'.'.join(map(str, kconfiglib.VERSION))}, not 14.1.0",
        hint="esp-idf-kconfig installs another package of that name: use an environment of its own",
    )


def _other_error(tree: KernelTree, what: str, location: Location | None = None) -> Diagnostic:
    return Diagnostic(
        code="MX1007",
        message=f"the tree's Kconfig cannot be read: {what.strip()}",
        location=location or Location(file=str(tree.root / "Kconfig")),
        hint="the kernel's own `make ARCH=… olddefconfig` says more",
    )


def _location(tree: KernelTree, file: str, line: int, found: re.Match[str] | None) -> Location:
    path = tree.root / file
    try:
        text = read_tree_text(tree.root, file).splitlines()[line - 1]
    except (OSError, IndexError):
        return Location(file=str(path), line=line, column=1)
    offending = found["text"] if found is not None else text.strip()
    column = max(0, text.find(offending)) + 1
    return Location(
        file=str(path), line=line, column=column, length=max(1, len(offending)), text=text
    )
