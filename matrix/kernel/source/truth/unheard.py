"""Names that a row of a draft asks for and no profile has: a new helper or cpucap.

A function whose body is another one in this release may ask what nobody has heard of. Without a
word the draft would lack it as if the kernel did: it gets a row. A function that only tests a
cpucap has what it returns; any other row is open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from matrix.expr.nodes import Call, Expression, Name
from matrix.expr.parser import parse
from matrix.expr.trees import calls
from matrix.kernel.source.c.derivation import Derived, derive
from matrix.kernel.source.truth.citations import citations, spell_citation
from matrix.kernel.source.truth.profile_rows import Row, Shown
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import KernelProfile

# How C asks for a cpucap: each is in the function's name.
_ASKS_CAP = ("cap", "has")
# Those that say the same once cpucaps are final (arch/arm64/include/asm/cpufeature.h:484-527 in
# 7.3).
_FINAL_TESTS = (
    *("cpus_have_final_cap", "cpus_have_cap", "cpus_have_const_cap"),
    *("alternative_has_cap_likely", "alternative_has_cap_unlikely"),
)


def unheard(
    profile: KernelProfile,
    tree: KernelTree,
    shown: Mapping[str, Shown],
    derived: Mapping[str, Expression],
    opened: Collection[str],
    known: Collection[str],
) -> Iterator[Row]:
    """Yield a row for each function or cpucap that one of the open rows asks for and nobody has.

    `shown` is what probes read, `derived` what the C says, `known` the words of all profiles. What
    a function asks that a file of the profile defines is looked at, too.
    """
    said_by_c = [row for row in derived.items() if row[0] in opened and row[0] not in shown]
    pending = [*_shown(shown, opened), *said_by_c]
    files = dict.fromkeys(one.path for one in citations(profile))
    said: set[str] = set()
    while pending:
        asking, expression = pending.pop(0)
        for call in calls(expression):
            kind, name, word = _asked(call)
            if not kind or word in known or word in said:
                continue
            said.add(word)
            found = _defined(word, files, tree) if kind == "function" else None
            if found is not None:
                pending.append((f"{kind} {name}", found[0]))
            yield _read_test(name, found) or _row(kind, name, asking, profile)


def _read_test(name: str, found: tuple[Expression, str] | None) -> Row | None:
    """Return the row of a function that returns whether there is a cpucap, and nothing else."""
    if found is None:
        return None
    match found[0]:
        case Call(function, (Name(cap),)) if function in _FINAL_TESTS:
            body = f'body: "cpus_have_final_cap({cap})"'
            text = f'  {name}: {{{body}, source: "{found[1]}"}}\n'
            return Row(section="functions", name=name, text=text, open=())
    return None


def _row(kind: str, name: str, asking: str, profile: KernelProfile) -> Row:
    """Return a row that says nothing: it is open, and so has no value in answers."""
    # A cpucap must test some field to load; being open, the row is not asked what it tests.
    field = next((one.field for one in profile.cpucaps if one.field), "")
    test = f"field: {field}, minimum: 1, scope: every_cpu"
    empty = 'body: "false"' if kind == "function" else test
    return Row(
        section=f"{kind}s",
        name=name,
        text=f'  {name}: {{{empty}, source: "unknown"}}\n',
        open=(f"{kind} {name}: no profile has it, and {asking} asks for it",),
    )


def _shown(shown: Mapping[str, Shown], opened: Collection[str]) -> Iterator[tuple[str, Expression]]:
    for row, found in shown.items():
        if row in opened and row.startswith("function ") and isinstance(found.value, str):
            yield row, parse(found.value)


def _asked(call: Call) -> tuple[str, str, str]:
    """Return the kind of row that a call asks for, its name, and the word of it; "" for none."""
    match call.arguments:
        case ():
            return "function", f"{call.function}()", call.function
        case (Name(cap),) if all(word in call.function for word in _ASKS_CAP):
            return "cpucap", cap, cap
    return "", "", ""


def _defined(name: str, files: Iterable[str], tree: KernelTree) -> tuple[Expression, str] | None:
    """Return what a function returns, as far as one of some files says, and its lines."""
    for path in files:
        source = tree.source(path) if path.endswith((".c", ".h")) else None
        found = derive(source, name) if source is not None else None
        if source is not None and isinstance(found, Derived):
            function = source.functions(name)
            last = function[0].last_line if function else found.line
            return found.expression, spell_citation(path, found.line, last)
    return None
