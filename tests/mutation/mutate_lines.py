"""Change single lines of the package, drawn by a seed, and see whether a test fails.

    python -m tests.mutation.mutate_lines [--each 25] [--seed 0] [--only NUMBER…] [--files N]

Draws so many lines of each of four rooms and changes one thing in each: a comparison, a truth
value, a number, `and` for `or`, what is returned; or a statement or a branch is left out. A scratch
copy holds all changes at once, each behind a switch. A file of tests runs once without a change:
that says which of its tests are green, and which lines each reaches. Then a change is switched on,
and the tests run that reach its line, the nearest file and the quickest test first, until one
fails. What survives is read by a person: the change may mean the same.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from msgspec import Struct

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("analyze", "solve", "kernel", "render")
# Of the tests that reach a line, as many run as take so long without a change; and a change that
# makes them take longer than the limit counts as noticed: it does not end.
_CPU_SECONDS = 60
_LIMIT = 150

_SWITCH = '''"""Which change is on, and which lines were reached."""
ON = None
REACHED = set()


def on(number):
    if number == ON:
        return True
    REACHED.add(number)
    return False
'''
# What every process needs is imported once. No oxidd: its threads do not outlive a fork.
_LIBRARIES = ("jinja2", "pandas", "pydantic", "pyarrow.parquet", "ruamel.yaml")
_IMPORT = "from matrix.mutation_switch import on as _mutated"

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
# What is returned instead, by the first word of the annotation.
_EMPTY = {
    "bool": "False",
    "int": "0",
    "str": "''",
    "tuple": "()",
    "list": "[]",
    "dict": "{}",
    "Mapping": "{}",
    "Sequence": "()",
    "set": "set()",
    "frozenset": "frozenset()",
}


class Change(Struct, frozen=True, kw_only=True):
    """One change: columns `first` to `last` of a line say `text` instead; None leaves it out."""

    path: str
    line: int
    first: int
    last: int
    kind: str
    text: str | None

    @property
    def name(self) -> str:
        """What names the change in lists: its place and what it does there."""
        return f"{self.path}:{self.line}:{self.first + 1} {self.kind}: {self.text or 'left out'}"


def changes_of(path: str, source: str) -> list[Change]:
    """Return every change of one line inside the functions of a module, in the order of places."""
    places = _Places(path)
    places.visit(ast.parse(source))
    return sorted(places.found, key=lambda item: (item.line, item.first, item.last, item.name))


class _Places(ast.NodeVisitor):
    """Collects what can be changed inside functions."""

    def __init__(self, path: str) -> None:
        self.found: set[Change] = set()
        self._path = path
        # The annotation of what the function returns; None outside of every function.
        self._returns: str | None = None

    def _add(self, node: ast.expr | ast.stmt, kind: str, text: str | None) -> None:
        if self._returns is None or node.end_lineno != node.lineno or not node.end_col_offset:
            return
        self.found.add(
            Change(
                path=self._path,
                line=node.lineno,
                first=node.col_offset,
                last=node.end_col_offset,
                kind=kind,
                text=text,
            )
        )

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer, self._returns = self._returns, ast.unparse(node.returns) if node.returns else ""
        for part in node.body[1:] if ast.get_docstring(node) else node.body:
            self.visit(part)
        self._returns = outer

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            empty = _EMPTY.get((self._returns or "").partition("[")[0], "None")
            if ast.unparse(node.value) != empty:
                self._add(node.value, "returned constant", empty)
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        self._add(node.test, "branch removed", "False")
        self._add(node.test, "condition inverted", f"not ({ast.unparse(node.test)})")
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def generic_visit(self, node: ast.AST) -> None:
        # Places inside an f-string are not those of the file; a pattern takes no expression.
        if isinstance(node, ast.JoinedStr | ast.pattern | ast.arguments):
            return
        if isinstance(node, ast.expr):
            for kind, text in _of_expression(node):
                self._add(node, kind, text)
        elif isinstance(node, ast.stmt) and _can_go(node):
            self._add(node, "statement removed", None)
        super().generic_visit(node)


def _can_go(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets)
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.YieldFrom)
    return is_call or isinstance(node, ast.AugAssign | ast.Raise | ast.Continue | ast.Break)


def _of_expression(node: ast.expr) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=others):
            flipped = ast.Compare(left=left, ops=[_FLIPPED[type(operator)]()], comparators=others)
            yield "comparison flipped", ast.unparse(flipped)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "boolean inverted", ast.unparse(operand)
        case ast.BoolOp(op=operator, values=values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield "and/or", ast.unparse(ast.BoolOp(op=other, values=values))
        case ast.Constant(value=bool(value)):
            yield "boolean inverted", str(not value)
        case ast.Constant(value=int(value)):
            yield "number", str(value + 1)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as operator, right=right):
            sign = ast.Sub() if isinstance(operator, ast.Add) else ast.Add()
            yield "number", ast.unparse(ast.BinOp(left=left, op=sign, right=right))
        case ast.IfExp(orelse=orelse):
            yield "branch removed", ast.unparse(orelse)


def drawn(each: int, seed: int) -> list[Change]:
    """Return `each` changes of every room, no two of one line."""
    draw = random.Random(seed)  # noqa: S311 - a sample that can be drawn again
    chosen: list[Change] = []
    for room in ROOMS:
        every = [
            change
            for path in sorted((ROOT / "matrix" / room).rglob("*.py"))
            for change in changes_of(str(path.relative_to(ROOT)), path.read_text("utf-8"))
        ]
        draw.shuffle(every)
        lines: set[tuple[str, int]] = set()
        for change in every:
            if len(lines) < each and (change.path, change.line) not in lines:
                lines.add((change.path, change.line))
                chosen.append(change)
    return chosen


def switched(source: str, changes: Sequence[tuple[int, Change]]) -> str:
    """Return a module with each change behind its switch; at most one of a line."""
    lines = source.split("\n")
    for number, change in changes:
        # Columns of the syntax tree are bytes.
        line = lines[change.line - 1].encode()
        old = line[change.first : change.last].decode()
        new = f"if not _mutated({number}): {old}"
        if change.text is not None:
            new = f"(({change.text}) if _mutated({number}) else ({old}))"
        lines[change.line - 1] = line[: change.first].decode() + new + line[change.last :].decode()
    body = ast.parse(source).body
    # Behind the docstring and `from __future__`, on the same line, so that no line moves.
    last = max(node.end_lineno or 0 for node in body[:2] if not isinstance(node, ast.ClassDef))
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            last = node.lineno
    lines[last - 1] += f"; {_IMPORT}"
    return "\n".join(lines)


def copy(folder: Path, changes: Sequence[Change]) -> None:
    """Write the checkout into a folder, with every change behind its switch."""
    ignored = shutil.ignore_patterns(".git", ".venv", "*_cache", "__pycache__", ".hypothesis")
    shutil.copytree(ROOT, folder, ignore=ignored, symlinks=True, dirs_exist_ok=True)
    (folder / "matrix" / "mutation_switch.py").write_text(_SWITCH, "utf-8")
    by_path: defaultdict[str, list[tuple[int, Change]]] = defaultdict(list)
    for number, change in enumerate(changes):
        by_path[change.path].append((number, change))
    for path, of_file in by_path.items():
        text = switched((ROOT / path).read_text("utf-8"), of_file)
        compile(text, path, "exec")
        (folder / path).write_text(text, "utf-8")


class Reach(Struct, kw_only=True):
    """One green test: its CPU seconds, and the changes whose lines it reaches."""

    test: str
    seconds: float
    reached: tuple[int, ...]


class Watch:
    """A pytest plugin that notes what each test reaches, and the first one that fails."""

    def __init__(self) -> None:
        self.reaches: list[Reach] = []
        self.failed = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note what a test reaches, its fixtures with it."""
        reached = _switch().REACHED
        reached.clear()
        begun, failed = time.process_time(), self.failed
        result = yield
        if self.failed == failed:
            seconds = time.process_time() - begun
            self.reaches.append(
                Reach(test=item.nodeid, seconds=seconds, reached=tuple(sorted(reached)))
            )
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be imported."""
        if report.failed:
            self.failed = report.nodeid


def _switch() -> ModuleType:
    return importlib.import_module("matrix.mutation_switch")


class Runner:
    """Tries changes on the tests of a copy that holds them all, each in a process of its own."""

    def __init__(self, changes: Sequence[Change], folder: Path) -> None:
        self._changes = changes
        self._folder = folder

    def fate(self, number: int, files: Sequence[str]) -> str:
        """Return what became of a change: `killed by …`, `slow`, `survived` or `unreached`.

        The files of tests are tried in their order. `slow` are tests that do not end any more.
        """
        fate = "unreached"
        for file in files:
            near = [reach for reach in self._reaches(file) if number in reach.reached]
            near.sort(key=lambda reach: reach.seconds)
            if near:
                fate = self._on_tests(number, [reach.test for reach in _within(near)])
            if fate not in {"unreached", "survived"}:
                break
        return fate

    def nearest(self, number: int, files: Sequence[str]) -> list[str]:
        """Return files of tests, the one named after the changed module first."""
        module = Path(self._changes[number].path)
        dotted = ".".join(module.with_suffix("").parts)

        def distance(file: str) -> tuple[bool, bool, bool, str]:
            named = Path(file).name == f"test_{module.stem}.py"
            imports = dotted in (self._folder / "tree" / file).read_text("utf-8")
            # Tests of one room are quicker than those of commands.
            of_room = file.startswith(f"tests/unit/{module.parts[1]}/")
            return not named, not imports, not of_room, file

        return sorted(files, key=distance)

    def _reaches(self, file: str) -> list[Reach]:
        out = self._folder / "reaches" / file.replace("/", "+")

        def record() -> int:
            watch = Watch()
            self._run([file], watch)
            out.write_bytes(msgspec.json.encode(watch.reaches))
            return 0

        if not out.exists():
            out.parent.mkdir(exist_ok=True)
            code = _forked(record, limit=10 * _LIMIT)
            if code != 0:
                sys.stderr.write(f"{file} ended with {code} without a change: left out\n")
                out.write_bytes(b"[]")
        return msgspec.json.decode(out.read_bytes(), type=list[Reach])

    def _on_tests(self, number: int, tests: Sequence[str]) -> str:
        note = self._folder / "failed"
        note.unlink(missing_ok=True)

        def run() -> int:
            vars(_switch())["ON"] = number
            watch = Watch()
            self._run([*tests, "-x"], watch)
            if watch.failed:
                note.write_text(watch.failed, "utf-8")
            return 0

        code = _forked(run, limit=_LIMIT)
        if note.exists():
            return f"killed by {note.read_text('utf-8')}"
        return {0: "survived", -signal.SIGXCPU: "slow"}.get(code, f"ended with {code}")

    def _run(self, words: Sequence[str], watch: Watch) -> None:
        temporary = f"--basetemp={self._folder / 'tmp'}"
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", temporary]
        pytest.main([*options, *words], plugins=[watch])


def _within(near: Sequence[Reach]) -> list[Reach]:
    chosen: list[Reach] = []
    seconds = 0.0
    for reach in near:
        seconds += reach.seconds
        if seconds > _CPU_SECONDS and chosen:
            break
        chosen.append(reach)
    return chosen


def _forked(run: Callable[[], int], *, limit: int) -> int:
    """Run a function in a process of its own; its result, or the negative signal that ended it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
            code = run()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(arguments: Sequence[str]) -> int:
    """Draw, try and count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--each", type=int, default=25, help="changes of each room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", type=int, help="numbers of changes")
    parser.add_argument("--files", type=int, help="so many files of tests a change, the nearest")
    parser.add_argument("--folder", type=Path, help="keep the copy and what is reached here")
    parser.add_argument("--list", action="store_true", help="list the changes and end")
    asked = parser.parse_args(arguments)
    changes = drawn(asked.each, asked.seed)
    if asked.list:
        sys.stdout.writelines(f"{number:4} {item.name}\n" for number, item in enumerate(changes))
        return 0
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="mutants-"))
    tree = folder / "tree"
    copy(tree, changes)
    os.environ.setdefault("MATRIX_SHARED", str((ROOT / ".." / "shared").resolve()))
    os.environ["PYTHONPATH"] = str(tree)
    os.chdir(tree)
    sys.path[:] = [str(tree), *(entry for entry in sys.path if entry not in {"", str(ROOT)})]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # they are the copy's from here on
    for name in _LIBRARIES:
        importlib.import_module(name)
    files = [str(path.relative_to(tree)) for path in sorted(tree.glob("tests/**/test_*.py"))]
    runner = Runner(changes, folder)
    counts: Counter[str] = Counter()
    for number in range(len(changes)) if asked.only is None else asked.only:
        fate = runner.fate(number, runner.nearest(number, files)[: asked.files])
        counts[fate.partition(" ")[0]] += 1
        sys.stdout.write(f"{number:4} {changes[number].name}\n     {fate}\n")
        sys.stdout.flush()
    sys.stdout.write(", ".join(f"{count} {fate}" for fate, count in counts.most_common()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
