"""Kconfig symbols that C reads as numbers: `return CONFIG_KFENCE && …`.

include/generated/autoconf.h has no line for a symbol that is off, so the compiler knows no such
name; the preprocessor takes it as 0 and IS_ENABLED() asks by text (include/linux/kconfig.h:14-24).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import Struct

from matrix.diagnostics import Location
from matrix.expr.trees import names
from matrix.kernel.patch.excerpts import Definition
from matrix.kernel.source.c.tokens import tokenize

_PREFIX = "CONFIG_"
# include/linux/kconfig.h
_ASKS = ("IS_ENABLED", "IS_BUILTIN", "IS_MODULE", "IS_REACHABLE", "__is_defined", "defined")


class BareSymbol(Struct, frozen=True, kw_only=True):
    """A symbol that stands as a number in C; `under` are the names of the `#if`s around it."""

    name: str
    location: Location
    under: frozenset[str]


def bare_symbols(definition: Definition, macros: Collection[str]) -> Iterator[BareSymbol]:
    """Yield the symbols that a definition has as numbers; of an argument a macro may make text."""
    item, macro = definition.item, definition.macro
    tokens = list(item.tokens) if item is not None else []
    if macro is not None:
        tokens = list(tokenize(macro.replacement))
    for index, token in enumerate(tokens):
        if not token.text.startswith(_PREFIX):
            continue
        before = [one.text for one in tokens[max(0, index - 2) : index]]
        if before[1:] == ["("] and (before[0] in _ASKS or before[0] in macros):
            continue
        guard = definition.guard
        if item is not None:
            guard = definition.excerpt.source.preprocessed.guards[token.line]
        yield BareSymbol(
            name=token.text,
            location=definition.location if item is None else definition.excerpt.at_token(token),
            under=frozenset(name for condition in guard for name in names(condition)),
        )
