"""Patches applied to the files of a tree, in memory: what each file is once all are in.

A hunk goes where its old lines stand, nearest to the line that its header names, as `git apply`
with an offset would put it; without them it does not apply, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.kernel.patch.diff import Patch, PatchedFile


def apply(
    patches: Sequence[Patch], read: Callable[[str], str | None], tree: str
) -> Mapping[str, str]:
    """Return the text of every file that patches change, later patches over earlier ones.

    `read` gives a file of the tree by its path, None where it has none; `tree` names it.

    Raises:
        InputError: MX1227, every hunk that does not apply.
    """
    now: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for patch in patches:
        for file in patch.files:
            if file.path is None:
                place = Location(file=patch.file, line=file.hunks[0].line if file.hunks else 0)
                problems.append(_refused("the lines name no file", place, tree))
                continue
            before = now[file.path] if file.path in now else read(file.path)
            after = _applied(patch, file, before, tree, problems)
            now[file.path] = after
    if problems:
        raise InputError(problems)
    return now


def _applied(
    patch: Patch, file: PatchedFile, text: str | None, tree: str, problems: list[Diagnostic]
) -> str:
    lines = [] if text is None else text.split("\n")
    # By how many lines the hunks before have moved what follows: the next is looked for there.
    shift = 0
    for number, hunk in enumerate(file.hunks, start=1):
        old = [line.text for line in hunk.before()]
        new = [line.text for line in hunk.after()]
        at = place_of(lines, old, hunk.start - 1 + shift)
        cut = any(line.gap for line in hunk.lines)
        if at is None or cut or (text is None and old):
            why = "is cut short" if cut else "does not apply"
            has = "has no such file" if text is None else f"has no such lines near {hunk.start}"
            message = f"hunk {number} of {file.path} {why}: the tree of Linux {tree} {has}"
            problems.append(
                _refused(message, Location(file=patch.file, line=hunk.line, column=1), tree)
            )
            continue
        lines[at : at + len(old)] = new
        # A hunk of a new file starts at 0 (`@@ -0,0 +1,9 @@`).
        shift = at - max(0, hunk.start - 1) + len(new) - len(old)
    return "\n".join(lines)


def place_of(lines: Sequence[str], old: Sequence[str], wanted: int) -> int | None:
    """Return where the old lines stand, nearest to an index; None: nowhere."""
    wanted = max(0, wanted)
    last = len(lines) - len(old)
    found = [at for at in range(last + 1) if list(lines[at : at + len(old)]) == list(old)]
    return min(found, key=lambda at: abs(at - wanted), default=None)


def _refused(message: str, place: Location, tree: str) -> Diagnostic:
    return Diagnostic(
        code="MX1227",
        message=message,
        location=place,
        hint=f"give the tree that the patch was made for, or leave --tree out: the check is then "
        f"asked of the profiles, and not of {tree}",
    )
