"""The check that a review proposes, as a patch would have it: in place of the patch's own hunk.

A function that looks into its argument cannot stand in a header that only declares the argument's
type; it is then no `static` one either, and the header keeps its declaration, with the line
`#define NAME NAME` of the patch, by which generic code knows that the architecture has the check.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher, unified_diff

from msgspec import Struct

from matrix.analyze.facts.implied import Implied
from matrix.flows.review_result import ReviewResult
from matrix.kernel.patch.apply import place_of
from matrix.kernel.patch.diff import ADDED
from matrix.render.proposed_check import c_function

# Lines of a diff around a change: one fewer than git has, for a mail is short.
_CONTEXT = 2
# Behind four columns of indent a mailer leaves a line alone.
_WIDTH = 76
_OPENS, _CLOSES = re.compile(r"\s*#\s*if"), re.compile(r"\s*#\s*endif")
_ELSE = re.compile(r"\s*#\s*el")


class Proposal(Struct, frozen=True, kw_only=True):
    """The function, the lines that the header has of it (none where it stays), and both as a diff.

    `diff` is empty where the mail has not the whole hunk, or nobody declared where the function
    goes. It applies to the tree without the hunk; one whose last lines a reply cut needs
    `git apply -C1`. With a tree it is one of that tree, and empty where the hunk has no place.
    """

    function: str
    header: tuple[str, ...]
    diff: str


def proposal(result: ReviewResult) -> Proposal:
    """Return the proposed check with the storage class of its place."""
    check = result.check
    expression, declaration = result.synthesis.expression, result.synthesis.function
    if result.moves:
        function = c_function(expression, declaration, "", filled=True)
        header = (f"{declaration};", *_define(result, _WIDTH))
        return Proposal(function=function, header=header, diff=_diff(result, function, moved=True))
    storage = ("static " if check.is_static else "") + ("inline " if check.is_inline else "")
    function = c_function(expression, declaration, storage, filled=True)
    diff = _diff(result, function, moved=False)
    function = "\n".join((*_define(result, _WIDTH), function))
    return Proposal(function=function, header=(), diff=diff)


def _define(result: ReviewResult, width: int) -> tuple[str, ...]:
    name = result.check.name
    if result.check.named_macro is None:
        return ()
    line = f"#define {name} {name}"
    return (line,) if len(line) <= width else (f"#define {name} \\", f"\t{name}")


def _diff(result: ReviewResult, function: str, *, moved: bool) -> str:
    check, hunk = result.check, result.check.hunk
    end = result.function.goes_to if result.function is not None else None
    after = hunk.after()
    mine = {row.number for row in check.rows}
    # A diff must apply: not with lines cut out, nor for a function that is not in the hunk whole.
    if (
        check.path is None
        or not hunk.start
        or any(row.gap for row in hunk.lines)
        or not mine <= {row.number for row in after}
        or (moved and end is None)
    ):
        return ""
    gone = _idle_directives(result)
    body = function.rstrip("\n").split("\n")
    put = [f"{result.synthesis.function};"] if moved else body
    new: list[str] = []
    for row in after:
        if row.number == check.rows[0].number:
            new += put
        if row.number not in mine and row.number not in gone:
            new.append(row.text)
    old = [row.text for row in hunk.before()]
    if result.tree is not None:
        return _diff_of_tree(result, old, new, body)
    parts = [_file_header(check.path), *_hunks(old, new, hunk.start, hunk.section)]
    if moved and end is not None:
        lines = [*end.lines, "", *body]
        parts += [_file_header(end.path), *_hunks(end.lines, lines, end.line, end.section)]
    return "\n".join(parts)


def _diff_of_tree(
    result: ReviewResult, old: Sequence[str], new: Sequence[str], function: Sequence[str]
) -> str:
    """Return the change of the files of a tree; nothing where the hunk has no place there.

    What the function needs is included behind the last header that its file includes.
    """
    tree, stands, path = result.tree, result.stands_in, result.check.path
    if tree is None or stands is None or path is None or not {stands, path} <= tree.files.keys():
        return ""
    now = {name: list(lines) for name, lines in tree.files.items()}
    at = place_of(now[path], old, result.check.hunk.start - 1)
    if at is None:
        return ""
    now[path][at : at + len(old)] = new
    # The hunk has the declaration then, and the body goes to the end of its own file.
    if stands != path:
        now[stands] += ["", *function]
    headers = [f"#include <{header}>" for header in dict.fromkeys(tree.needs.values())]
    behind = [number for number, line in enumerate(now[stands]) if line.startswith("#include <")]
    now[stands][behind[-1] + 1 if behind else 0 : behind[-1] + 1 if behind else 0] = headers
    parts: list[str] = []
    for name in dict.fromkeys((path, stands)):
        parts += unified_diff(tree.files[name], now[name], f"a/{name}", f"b/{name}", lineterm="")
    return "\n".join(parts)


def _file_header(path: str) -> str:
    return f"--- a/{path}\n+++ b/{path}"


def _idle_directives(result: ReviewResult) -> set[int]:
    """Return the lines of an `#if` around the function that is always true, and of its `#endif`."""
    always = {
        answer.location.line
        for answer in result.kconfig
        if answer.directive is not None
        and not result.check.is_generic
        and all(
            item.status == Implied.ALWAYS
            for item in answer.kernels
            if item.release in result.kernels
        )
    }
    found: set[int] = set()
    open_lines: list[tuple[int, bool]] = []
    for row in result.check.hunk.after():
        if _OPENS.match(row.text):
            open_lines.append((row.number, row.number in always))
        elif _ELSE.match(row.text) and open_lines:
            open_lines[-1] = (open_lines[-1][0], False)
        elif _CLOSES.match(row.text) and open_lines:
            number, goes = open_lines.pop()
            found |= {number, row.number} if goes else set()
    # What the patch opens and the quotation does not close, it closes where that was cut.
    added = {row.number for row in result.check.hunk.lines if row.kind == ADDED}
    return found | {number for number, goes in open_lines if goes and number in added}


def _hunks(old: Sequence[str], new: Sequence[str], start: int, section: str) -> Iterator[str]:
    """Yield unified hunks of two texts that begin at a line of a file."""
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_CONTEXT):
        first, last = group[0], group[-1]
        ranges = ((first[1], last[2]), (first[3], last[4]))
        heads = [f"{start + a}{f',{b - a}' if b - a != 1 else ''}" for a, b in ranges]
        yield f"@@ -{heads[0]} +{heads[1]} @@ {section}".rstrip()
        for kind, a, b, c, d in group:
            if kind == "equal":
                yield from (f" {line}" for line in old[a:b])
            else:
                yield from (f"-{line}" for line in old[a:b])
                yield from (f"+{line}" for line in new[c:d])
