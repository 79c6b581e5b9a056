"""Declared functions and variables against what the source's own definition can be shown to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from matrix.expr.nodes import Binary, Constant, Expression
from matrix.expr.parser import parse
from matrix.expr.printer import to_c
from matrix.expr.trees import fold
from matrix.kernel.source.c.conversion import NotAnExpression
from matrix.kernel.source.c.derivation import Derived, derive, derive_macro
from matrix.kernel.source.c.items import Item
from matrix.kernel.source.c.preprocessor import Macro, conjunction
from matrix.kernel.source.c.tokens import spell
from matrix.kernel.source.truth.citations import citations
from matrix.kernel.source.truth.equivalence import equivalent
from matrix.kernel.source.truth.findings import Finding, Settled
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import Condition, KernelProfile


class Reading(Struct, frozen=True, kw_only=True):
    """What the source says a declared function or variable is; `piece` is where it says so.

    `alone`: nothing but the expression counts, so that an equal one is no drift. `bare`: a
    variable's initial value without the `#ifdef` around it, for who declares it so.
    """

    what: str
    declared: Condition
    expression: Expression | NotAnExpression
    path: str
    line: int
    piece: str
    alone: bool = False
    bare: Expression | NotAnExpression | None = None

    @property
    def text(self) -> str:
        """The expression in C, or why there is none."""
        if isinstance(self.expression, NotAnExpression):
            return f"no expression: {self.expression.reason}"
        return to_c(self.expression)

    @property
    def proves(self) -> bool:
        """Tell whether the source says what is declared."""
        return any(
            equivalent(found, self.declared.expression)
            for found in (self.expression, self.bare)
            if found is not None and not isinstance(found, NotAnExpression)
        )


def readings(profile: KernelProfile, tree: KernelTree) -> Iterator[Reading]:
    """Yield what the tree says of each declared function and variable that it defines."""
    paths: dict[str, list[str]] = {}
    for citation in citations(profile):
        paths.setdefault(citation.what, []).append(citation.path)
    for function in profile.functions:
        what = f"function {function.signature}"
        name = function.signature.removesuffix("()")
        for path in dict.fromkeys(paths.get(what, ())):
            source = tree.source(path)
            found = derive(source, name) if source else None
            if found is not None:
                yield Reading(
                    what=what,
                    declared=function.body,
                    expression=found.expression if isinstance(found, Derived) else found,
                    path=path,
                    line=found.line,
                    piece=f"function {name}",
                    alone=isinstance(found, Derived) and not found.guard,
                )
                break
    for variable in profile.variables:
        what = f"variable {variable.name}"
        for path in dict.fromkeys(paths.get(what, ())):
            source = tree.source(path)
            defined = source.variables(variable.name) if source else ()
            if defined:
                guarded, bare = _initial(defined[0])
                yield Reading(
                    what=what,
                    declared=variable.initial,
                    expression=guarded,
                    bare=bare,
                    path=path,
                    line=defined[0].line,
                    piece=f"variable {variable.name}",
                )
                break


def compare_values(
    profile: KernelProfile,
    tree: KernelTree,
    derived: Mapping[str, tuple[str, str]],
    settled: Settled,
) -> Iterator[Finding]:
    """Yield MX1101 for each function or variable whose value in the source is not the declared one.

    Where the evidence (`Evidence.derived`) says that a person read the declaration from the
    source's expression, the source must still say that expression.
    """
    for reading in readings(profile, tree):
        how, before = derived.get(reading.what, ("", ""))
        if reading.proves:
            settled.update({(reading.path, reading.piece)} if reading.alone else ())
            continue
        if how == "proved" or (how == "read" and not _same(reading, before)):
            settled.add((reading.path, reading.piece))
            was = f" (read from `{before}`)" if how == "read" else ""
            yield Finding(
                code="MX1101",
                what=reading.what,
                message=f"{reading.what} is not what the source says",
                location=reading.declared.location,
                place=f"{reading.path}:{reading.line}",
                declared=reading.declared.text + was,
                source=reading.text,
            )
    yield from _enumerators(profile, tree)


def _enumerators(profile: KernelProfile, tree: KernelTree) -> Iterator[Finding]:
    for citation in citations(profile):
        source = tree.source(citation.path) if citation.what.startswith("variable ") else None
        if source is None:
            continue
        variable = next(
            item for item in profile.variables if f"variable {item.name}" == citation.what
        )
        # Nobody cites the enum of a variable: it stands near the cited lines.
        for item in source.items_at(citation.first - 40, citation.last + 40):
            names = source.enumerators(item) if item.kind == "type" else {}
            declared = dict(variable.enumerators)
            if names.keys() & declared.keys() and names != declared:
                yield Finding(
                    code="MX1101",
                    what=citation.what,
                    message=f"the values of {citation.what} are not those of `enum {item.name}`",
                    location=variable.location,
                    place=f"{citation.path}:{item.line}",
                    declared=_numbered(declared),
                    source=_numbered(names),
                )


def _numbered(names: Mapping[str, int | None]) -> str:
    return ", ".join(f"{name} = {number}" for name, number in names.items())


def _same(reading: Reading, before: str) -> bool:
    if isinstance(reading.expression, NotAnExpression) or before.startswith("no expression"):
        return reading.text == before
    return equivalent(reading.expression, parse(before))


_Value = Expression | NotAnExpression


def _initial(item: Item) -> tuple[_Value, _Value]:
    """Return a variable's initial value, with the `#ifdef` around it (false elsewhere) and bare."""
    texts = [token.text for token in item.tokens]
    # C sets what has static storage and no initial value to 0 (C11 6.7.9).
    if "=" not in texts:
        return Constant(False), Constant(False)
    text = spell(item.tokens[texts.index("=") + 1 : -1])
    found = derive_macro(
        Macro(
            name=item.name,
            parameters=None,
            replacement=text,
            line=item.line,
            last_line=item.last_line,
            guard=item.guard,
        )
    )
    if isinstance(found, NotAnExpression):
        return found, found
    # `= IS_ENABLED(CONFIG_X)` says by itself where it is false; a constant under `#ifdef` does not.
    names_option = "CONFIG_" in to_c(found.expression)
    guarded = fold(Binary("&&", conjunction(item.guard), found.expression))
    return (guarded if names_option else found.expression), found.expression
