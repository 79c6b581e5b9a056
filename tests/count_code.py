"""Count the lines of code of `matrix/`, room by room: neither comments, docstrings nor blank lines.

Run it from the root of the checkout: `python tests/count_code.py`. The size is a promise of the
project (docs/architecture.md), so what is counted stands here and is tested.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from pathlib import Path
from typing import NamedTuple

_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


class Lines(NamedTuple):
    """How many lines hold code, and how many hold nothing but a comment."""

    code: int
    comments: int


def count(source: str) -> Lines:
    """Count a module's lines: a line is code where it holds a token that is no docstring's.

    Raises:
        SyntaxError: the source is not Python.
    """
    documented = _docstring_lines(ast.parse(source))
    code: set[int] = set()
    comments: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        lines = range(token.start[0], token.end[0] + 1)
        if token.type == tokenize.COMMENT:
            comments.update(lines)
        elif token.type not in _SILENT:
            code.update(lines)
    code -= documented
    return Lines(code=len(code), comments=len(comments - code))


def _docstring_lines(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0] if node.body else None
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return lines


def by_room(root: Path) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Return code lines, comment lines and files of each folder right below `root`."""
    code: Counter[str] = Counter()
    comments: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for path in sorted(root.rglob("*.py")):
        room = path.relative_to(root).parts[0] if path.parent != root else "(top)"
        lines = count(path.read_text(encoding="utf-8"))
        code[room] += lines.code
        comments[room] += lines.comments
        files[room] += 1
    return code, comments, files


def main() -> None:
    """Print the table of rooms."""
    code, comments, files = by_room(Path(__file__).resolve().parents[1] / "matrix")
    for room, lines in sorted(code.items(), key=lambda pair: -pair[1]):
        print(f"{room:<12} {files[room]:>4} files {lines:>7,} lines of code")
    share = 100 * comments.total() / code.total()
    print(f"{'all':<12} {files.total():>4} files {code.total():>7,} lines of code")
    print(f"{share:.1f} comment lines per 100 lines of code")


if __name__ == "__main__":
    main()
