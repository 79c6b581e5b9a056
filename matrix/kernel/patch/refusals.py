"""A condition on which a function returns an error, as a patch changes it.

    -	if (!secretmem_enable)
    +	if (!secretmem_enable || !can_set_direct_map())
                return -ENOSYS;

A hunk shows such a test whole where the function itself is shown in part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from matrix.diagnostics import Location
from matrix.expr.nodes import Binary, Expression
from matrix.expr.parser import parse
from matrix.kernel.patch.diff import Hunk, Patch, PatchLine, lines_of
from matrix.kernel.patch.touched import defined_name
from matrix.kernel.source.c.derivation import negation

_TEST = re.compile(r"^[ \t]*if \((?P<test>[^;{}]*)\)\s*\n\s*return -E\w+;", re.MULTILINE)


class ChangedTest(Struct, frozen=True, kw_only=True):
    """What must hold for a function to go on, before and after a patch, and where that is."""

    before: Expression
    after: Expression
    path: str
    location: Location


def changed_test(patches: Sequence[Patch], function: str) -> ChangedTest | None:
    """Return the one test of a function that patches change; None: none, or more than one.

    Raises:
        InputError: MX0101 to MX0107, a test that is no condition of C.
    """
    found = []
    for patch, file, hunk in lines_of(patches):
        if defined_name(hunk.section) != function or file.path is None:
            continue
        old, new = _tests(hunk.before()), _tests(hunk.after())
        # Pairs by position: with another number of tests nothing says which was which.
        if len(old) == len(new):
            pairs = zip(old, new, strict=True)
            found += [(a, b, file.path, patch, hunk) for a, b in pairs if a != b]
    if len(found) != 1:
        return None
    (before, after, path, patch, hunk) = found[0]
    return ChangedTest(
        before=negated(parse(before)),
        after=negated(parse(after)),
        path=path,
        location=_place(patch, hunk),
    )


def negated(expression: Expression) -> Expression:
    """Return what holds where an expression does not, with `!` before single conditions only."""
    # The test refuses; what lets the function go on is its negation, spelled as people write it.
    match expression:
        case Binary("||", left, right):
            return Binary("&&", negated(left), negated(right))
        case Binary("&&", left, right):
            return Binary("||", negated(left), negated(right))
    return negation(expression)


def _tests(rows: Sequence[PatchLine]) -> list[str]:
    text = "\n".join(row.text for row in rows)
    return [" ".join(match["test"].split()) for match in _TEST.finditer(text)]


def _place(patch: Patch, hunk: Hunk) -> Location:
    changed = next(row for row in hunk.lines if row.kind != " ")
    return changed.place(patch.file)
