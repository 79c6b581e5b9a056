"""One C file as the items it defines: the entry of this package.

`parse_c(text, file)` never fails: what is no C is left out of the items, and who looks for a name
that is not there gets nothing back. Lines count from 1 in the text given; who parses the added
lines of a patch keeps the list that maps them back.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from matrix.diagnostics import InputError
from matrix.expr.evaluation import evaluate
from matrix.expr.parser import parse
from matrix.kernel.source.c.items import Item, split_items
from matrix.kernel.source.c.preprocessor import Guard, Macro, Preprocessed, preprocess
from matrix.kernel.source.c.tokens import Token, matching, spell, split_at, tokenize


class TableEntry(Struct, frozen=True, kw_only=True):
    """One entry of an initialised table: `{ .type = X, MACRO(a, b) }` or `MACRO(a, b)`.

    `fields` are the designated initialisers, name to C text; `values` the other parts in order, as
    C text; `guard` the `#ifdef`s around the entry inside of the table and around the table.
    """

    tokens: tuple[Token, ...]
    fields: tuple[tuple[str, str], ...]
    values: tuple[str, ...]
    guard: Guard

    @property
    def line(self) -> int:
        """The first line."""
        return self.tokens[0].line

    @property
    def last_line(self) -> int:
        """The last line."""
        return self.tokens[-1].line

    def field(self, name: str) -> str | None:
        """Return the C text of `.name = …`, None without one."""
        return dict(self.fields).get(name)


class CSource(Struct, frozen=True, kw_only=True, eq=False):
    """A parsed file; `file` is the path that is shown to people. Equal only to itself."""

    file: str
    text: str
    preprocessed: Preprocessed
    items: tuple[Item, ...]

    def functions(self, name: str) -> tuple[Item, ...]:
        """Return every definition of a function: more than one where `#ifdef` chooses."""
        return self._named("function", name)

    def variables(self, name: str) -> tuple[Item, ...]:
        """Return every definition of a variable or table."""
        return self._named("variable", name)

    def types(self, name: str) -> tuple[Item, ...]:
        """Return every definition of a struct, enum, union or typedef."""
        return self._named("type", name)

    def calls(self, name: str) -> tuple[Item, ...]:
        """Return the macro calls between the functions: `early_param("rodata", …);`."""
        return self._named("call", name)

    def macros(self, name: str) -> tuple[Macro, ...]:
        """Return every `#define` of a name."""
        return tuple(macro for macro in self.preprocessed.macros if macro.name == name)

    def items_at(self, first: int, last: int) -> tuple[Item, ...]:
        """Return the items of which a line lies between two lines, both inclusive."""
        return tuple(item for item in self.items if item.line <= last and item.last_line >= first)

    def table(self, item: Item) -> tuple[TableEntry, ...]:
        """Return the entries of an initialised table; none for what has no `= { … }`."""
        index = 0
        # Over brackets: an attribute or a dimension may hold an `=` of its own.
        while index < len(item.tokens) and item.tokens[index].text != "=":
            opens = item.tokens[index].text in ("(", "[", "{")
            index = (matching(item.tokens, index) if opens else index) + 1
        opening = index + 1
        if opening >= len(item.tokens) or item.tokens[opening].text != "{":
            return ()
        inner = item.tokens[opening + 1 : matching(item.tokens, opening)]
        return tuple(self._entry(tuple(part)) for part in split_at(inner, ","))

    def enumerators(self, item: Item) -> dict[str, int | None]:
        """Return the names of an enum in order with their numbers; none for another type.

        A number that is not written as one, nor as an expression of those before it, is None, and
        so are those that are counted from it.
        """
        if item.body is None or "enum" not in (token.text for token in item.tokens[: item.body]):
            return {}
        found: dict[str, int | None] = {}
        inner = item.tokens[item.body + 1 : matching(item.tokens, item.body)]
        # C counts on from the last number; after one that is not read nothing is known.
        following: int | None = 0
        for part in split_at(inner, ","):
            if len(part) > 2:
                following = _number(spell(part[2:]), found)
            found[part[0].text] = following
            following = None if following is None else following + 1
        return found

    def tables_of(self, function: Item, name: str) -> tuple[TableEntry, ...]:
        """Return the entries of a table that a function declares for itself (`static const …`)."""
        for index, token in enumerate(function.tokens):
            if token.text == name and function.body is not None and index > function.body:
                rest = function.tokens[index:]
                end = next((at for at, other in enumerate(rest) if other.text == ";"), len(rest))
                declared = Item(
                    kind="variable", name=name, tokens=rest[:end], body=None, guard=function.guard
                )
                if entries := self.table(declared):
                    return entries
        return ()

    def _named(self, kind: str, name: str) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.kind == kind and item.name == name)

    def _entry(self, tokens: tuple[Token, ...]) -> TableEntry:
        guard = self.preprocessed.guards[tokens[0].line]
        fields: list[tuple[str, str]] = []
        values: list[str] = []
        inner = tokens[1 : matching(tokens, 0)] if tokens[0].text == "{" else tokens
        for part in split_at(inner, ","):
            # The kernel's field macros may stand without a comma before them, after another one.
            texts = [token.text for token in part]
            if texts[0] == "." and "=" in texts:
                at = texts.index("=")
                fields.append(("".join(texts[1:at]), spell(part[at + 1 :])))
            else:
                values.append(spell(part))
        return TableEntry(tokens=tokens, fields=tuple(fields), values=tuple(values), guard=guard)


def parse_c(text: str, file: str) -> CSource:
    r"""Read a C file: its items with their `#if` conditions, its macros.

    >>> source = parse_c('#ifdef CONFIG_A\\nstatic int f(int a) { return a; }\\n#endif', "a.c")
    >>> [(item.kind, item.name, item.line, item.parameters) for item in source.items]
    [('function', 'f', 2, ('a',))]
    """
    preprocessed = preprocess(text)
    tokens = tokenize(preprocessed.text)
    return CSource(
        file=file,
        text=text,
        preprocessed=preprocessed,
        items=tuple(split_items(tokens, preprocessed)),
    )


def _number(text: str, names: Mapping[str, int | None]) -> int | None:
    try:
        value = evaluate(parse(text), names.get)
    except InputError:
        return None
    return int(value) if isinstance(value, int) else None


def body_text(source: CSource, function: Item) -> tuple[str, int]:
    """Return the text of a function's body with its brackets, and the line it begins on."""
    if function.body is None:
        return "{}", function.line
    opening = function.tokens[function.body]
    closing = function.tokens[matching(function.tokens, function.body)]
    return source.preprocessed.text[opening.offset : closing.offset + 1], opening.line


def local_names(source: CSource, function: Item) -> frozenset[str]:
    """Return the names that belong to a function alone: parameters, local variables, labels."""
    from matrix.kernel.source.c.syntax import declared_names, parse_statements

    text, line = body_text(source, function)
    return frozenset(function.parameters) | declared_names(parse_statements(text, line))
