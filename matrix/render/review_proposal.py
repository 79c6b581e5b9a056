"""The check that a review proposes, as a patch would have it: where it stands, and what beside it.

A function that looks into its argument cannot stand in a header that only declares the argument's
type; it is then no `static` one either, and the header keeps its declaration, with the line
`#define NAME NAME` of the patch, by which generic code knows that the architecture has the check.
"""

from __future__ import annotations

from msgspec import Struct

from matrix.expr.trees import names
from matrix.flows.review_result import ReviewResult
from matrix.kernel.patch.inlining import VM
from matrix.render.proposed_check import c_function

# Behind four columns of indent a mailer leaves a line alone.
_WIDTH = 76


class Proposal(Struct, frozen=True, kw_only=True):
    """The function, and the lines that the header has of it: none where it stays where it is."""

    function: str
    header: tuple[str, ...]


def proposal(result: ReviewResult) -> Proposal:
    """Return the proposed check with the storage class of its place."""
    check = result.check
    expression, declaration = result.synthesis.expression, result.synthesis.function
    named = _define(check.name) if check.named_macro is not None else ()
    if moves(result):
        return Proposal(
            function=c_function(expression, declaration, ""),
            header=(f"{declaration};", *named),
        )
    storage = ("static " if check.is_static else "") + ("inline " if check.is_inline else "")
    function = c_function(expression, declaration, storage)
    return Proposal(function="\n".join((*named, function)), header=())


def _define(name: str) -> tuple[str, ...]:
    line = f"#define {name} {name}"
    return (line,) if len(line) <= _WIDTH else (f"#define {name} \\", f"\t{name}")


def moves(result: ReviewResult) -> bool:
    """Return whether the proposed check looks into an argument that its header only declares."""
    declared = result.function is not None and result.check.path in result.function.incomplete_in
    return declared and VM in names(result.synthesis.expression)
