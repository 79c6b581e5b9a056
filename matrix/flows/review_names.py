"""What a check asks that neither its patch nor a profile defines, read in the tree it applies to.

A helper or macro of the check's own file, or of a header that this file includes, is given to the
reader as if the mail had quoted it, one name after the other, until only names that a profile has
are left, or those that the tree does not define there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from matrix.diagnostics import InputError
from matrix.expr.nodes import Call, Name
from matrix.expr.printer import to_c
from matrix.expr.trees import walk
from matrix.kernel.patch.apply import apply
from matrix.kernel.patch.check import PatchedCheck, find_check
from matrix.kernel.patch.diff import ADDED, Hunk, Patch, PatchedFile, PatchLine
from matrix.kernel.patch.excerpts import in_order
from matrix.kernel.patch.missing import Wanted
from matrix.kernel.source.c.items import Item
from matrix.kernel.source.c.preprocessor import Macro
from matrix.kernel.source.c.source import parse_c
from matrix.kernel.source.includes import declares, included
from matrix.kernel.source.truth.tree import KernelTree

# Helpers of helpers of the tree, as many as the patch may have of its own.
_MOST_NAMES = 50


def find_check_in(
    tree: KernelTree,
    patches: Sequence[Patch],
    wanted: Wanted,
    is_known: Callable[[Call | Name], bool],
) -> tuple[PatchedCheck, tuple[str, ...]]:
    """Return the check, and the names of it that were read in the tree.

    Raises:
        InputError: what `find_check` raises, MX1114 a file of the tree that cannot be read, MX1227
            a hunk that does not apply.
    """
    check = find_check(patches, wanted, is_known)
    if check.path is None or not tree.has(check.path):
        return check, ()
    now = apply(patches, lambda path: tree.text(path) if tree.has(path) else None, tree.version)
    headers = included(tree, check.path, wanted.architecture)
    texts = {path: now.get(path) or tree.text(path) for path in (check.path, *headers)}
    asked: list[str] = []
    # Above the patches, as what a macro is must be known before it is used; so their order is
    # settled here, for nothing numbers what the tree has.
    given = list(in_order(patches))
    while len(asked) < _MOST_NAMES:
        name = next((one for one in _unknown(check, is_known) if one not in asked), None)
        if name is None:
            break
        asked.append(name)
        quoted = _quoted(tree, texts, name, check.patch)
        if quoted is None:
            continue
        try:
            check = find_check([quoted, *given], wanted, is_known)
        except InputError:
            continue  # no expression: it stays a name that nobody knows
        given.insert(0, quoted)
    return check, tuple(name for name in asked if name in check.inlined)


def _unknown(check: PatchedCheck, is_known: Callable[[Call | Name], bool]) -> Iterator[str]:
    """Yield the names that no profile has, those of arguments before what is called with them."""
    for node in reversed(list(walk(check.expression))):
        if isinstance(node, Call) and not is_known(node):
            yield node.function
        elif isinstance(node, Name) and not is_known(node):
            yield node.identifier


def _quoted(tree: KernelTree, texts: dict[str, str], name: str, patch: Patch) -> Patch | None:
    """Return the definitions of a name in the first file that has some, as lines of a patch."""
    for path, text in texts.items():
        if not declares(text, name):
            continue
        lines = tuple(_definitions(text, path, name))
        if lines:
            first = lines[0].number
            # One hunk: definitions under `#if` and `#else` are variants of each other.
            hunk = Hunk(section="", line=first, start=first, lines=lines)
            mail = replace(patch.mail, file=str(tree.folder / path), subject=None)
            file = PatchedFile(path=path, hunks=(hunk,))
            return replace(patch, mail=mail, message=(), files=(file,))
    return None


def _definitions(text: str, path: str, name: str) -> Iterator[PatchLine]:
    """Yield the lines of each definition of a name, within the conditions around it."""
    source = parse_c(text, path)
    rows = text.split("\n")
    bodies = [one for one in source.items if one.kind == "function" and one.body is not None]
    found: tuple[Item | Macro, ...] = (*bodies, *source.preprocessed.macros)
    for one in found:
        if one.name != name:
            continue
        conditions = [f"#if {to_c(condition)}" for condition in one.guard]
        yield from (_line(condition, one.line) for condition in conditions)
        yield from (_line(rows[line - 1], line) for line in range(one.line, one.last_line + 1))
        yield from (_line("#endif", one.last_line) for _ in conditions)


def _line(text: str, number: int) -> PatchLine:
    # As an added line, since the reader takes no definition from mere context.
    return PatchLine(kind=ADDED, text=text, number=number, column=1)
