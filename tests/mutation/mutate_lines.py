"""Change single lines of the package, drawn by a seed, and see whether a test fails.

    python -m tests.mutation.mutate_lines [--each 25] [--seed 0] [--folder DIR]
        [--only NUMBER… [--tests FILE…]]

Draws so many lines of each of four rooms and changes one thing in each: a comparison, a truth
value, a number, `and` for `or`, what is returned; or a statement or a branch is left out. A scratch
copy holds all changes at once, each behind a switch. A file of tests runs once without a change:
that says which of its tests are green, and which lines each reaches. Then a change is switched on,
and the tests run that reach its line, the quickest first, until one fails. First all changes meet
the near tests, of their room and of files that name their module; what is left meets the files that
have most words of the module's name. What only a program reaches that a test starts is not seen:
`--tests` runs tests whatever they reach, and their programs change with them.

A folder keeps the draw, the package as it was then, what is reached and what became of each change:
the same command goes on where it ended, and `--only` tries changes again on the tests of today.
What survives is read by a person: the change may mean the same, or the line may be of no use.
"""

from __future__ import annotations

import argparse
import ast
import filecmp
import hashlib
import importlib
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import hypothesis
import msgspec
import pytest
from msgspec import Struct

ROOT = Path(__file__).resolve().parent.parent.parent
UNREACHED, SURVIVED = _OPEN = "unreached", "survived"
ROOMS = ("analyze", "solve", "kernel", "render")
# Of the tests that reach a line, near or far, as many run as take so long without a change.
_CPU_SECONDS = 30
# So many files that are not near are looked at.
_OTHERS = 12
# What takes longer in all is ended: without a change the file is known by the tests that ran till
# then; with one, the change counts as noticed.
_LIMIT = 150

_SWITCH = '''"""Which change is on, for programs of a test too, and which lines were reached."""
import os

ON = int(os.environ.get("MATRIX_CHANGE", "-1"))
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
_LINE = msgspec.json.Encoder()

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
    """Return `each` changes of every room, no two of one line.

    An edit of the package changes the draw only where it is: a change is drawn by what its line
    says, not by its place.
    """
    chosen: list[Change] = []
    for room in ROOMS:
        every: list[tuple[bytes, Change]] = []
        for path in sorted((ROOT / "matrix" / room).rglob("*.py")):
            name, source = str(path.relative_to(ROOT)), path.read_text("utf-8")
            lines = source.split("\n")
            for item in changes_of(name, source):
                words = f"{seed} {name} {lines[item.line - 1]} {item.first} {item.kind} {item.text}"
                every.append((hashlib.sha256(words.encode()).digest(), item))
        of_line: dict[tuple[str, int], Change] = {}
        for _, change in sorted(every, key=lambda pair: pair[0]):
            of_line.setdefault((change.path, change.line), change)
        chosen += [*of_line.values()][:each]
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
    """Write the checkout into a folder, with every change behind its switch.

    A package that is there already stays as it is: the changes are those of its lines.
    """
    kept = (folder / "matrix" / "mutation_switch.py").exists()
    names = [".git", ".venv", "*_cache", "__pycache__", ".hypothesis", *(["matrix"] * kept)]
    ignored = shutil.ignore_patterns(*names)
    shutil.copytree(
        ROOT, folder, ignore=ignored, symlinks=True, dirs_exist_ok=True, copy_function=_take
    )
    by_path: defaultdict[str, list[tuple[int, Change]]] = defaultdict(list)
    for number, change in enumerate(() if kept else changes):
        by_path[change.path].append((number, change))
    for path, of_file in by_path.items():
        text = switched((ROOT / path).read_text("utf-8"), of_file)
        compile(text, path, "exec")
        (folder / path).write_text(text, "utf-8")
    (folder / "matrix" / "mutation_switch.py").write_text(_SWITCH, "utf-8")


def _take(source: str, target: str) -> None:
    # What is the same stays: another run may be reading it.
    if not (Path(target).exists() and filecmp.cmp(source, target)):
        shutil.copy2(source, target)


class Reach(Struct, kw_only=True):
    """One green test: its CPU seconds, and the changes whose lines it reaches.

    `shared` are lines that were reached before it in its file: it may see what they left.
    """

    test: str
    seconds: float
    reached: frozenset[int]
    shared: frozenset[int]

    @property
    def all(self) -> frozenset[int]:
        """Return what it reaches or may see."""
        return self.reached | self.shared


class Watch:
    """A pytest plugin that notes what each test reaches, and the first one that fails."""

    def __init__(self, note: Callable[[Reach], object]) -> None:
        self.failed = ""
        self._note = note
        self._before: frozenset[int] = frozenset()
        self._begun = _cpu_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note what a test reaches, its fixtures with it."""
        reached = _switch().REACHED
        # What is left from collection was reached as modules were imported.
        self._before |= reached
        reached.clear()
        begun, failed = _cpu_seconds(), self.failed
        result = yield
        if self.failed == failed:
            self._note(
                Reach(
                    test=item.nodeid,
                    seconds=_cpu_seconds() - begun,
                    reached=frozenset(reached),
                    shared=self._before,
                )
            )
        if _cpu_seconds() - self._begun > _LIMIT:
            item.session.shouldstop = "it takes too long"
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be imported."""
        if report.failed:
            self.failed = self.failed or report.nodeid


def _cpu_seconds() -> float:
    # With the programs that a test starts.
    return sum(os.times()[:4])


def _switch() -> ModuleType:
    return importlib.import_module("matrix.mutation_switch")


class Runner:
    """Tries changes on the tests of a copy that holds them all, each in a process of its own."""

    def __init__(self, changes: Sequence[Change], folder: Path) -> None:
        self._changes = changes
        self._folder = folder
        tree = folder / "tree"
        self._files = {
            str(path.relative_to(tree)): path.read_text("utf-8")
            for path in sorted(tree.glob("tests/**/test_*.py"))
        }

    def fate(self, number: int, files: Iterable[str]) -> str:
        """Return what became of a change that meets some files of tests.

        That is `killed by …`, `slow` (tests do not end any more), `survived`, `unreached`; or
        `doubtful` where the test fails in this company without the change too.
        """
        tests = self._reaching(number, files)
        return self.fate_on(number, tests) if tests else UNREACHED

    def fate_on(self, number: int, tests: Sequence[str]) -> str:
        """Return what became of a change on these tests, whatever they reach."""
        code, failed = self._failing(number, tests)
        if not failed:
            return {0: SURVIVED, -signal.SIGXCPU: "slow"}.get(code, f"ended with {code}")
        # Else the file failed as it was imported.
        company = tests[: tests.index(failed) + 1] if failed in tests else [failed]
        _, before = self._failing(None, company)
        return f"doubtful: {before}" if before else f"killed by {failed}"

    def near(self, number: int) -> list[str]:
        """Return the files of its room, and the laws and others that name what it changes."""
        return self._files_of(number, near=True)

    def others(self, number: int) -> list[str]:
        """Return the other files that have most of its words."""
        return self._files_of(number, near=False)[:_OTHERS]

    def _files_of(self, number: int, *, near: bool) -> list[str]:
        module = Path(self._changes[number].path)
        dotted, room = ".".join(module.with_suffix("").parts), ".".join(module.parts[:2])

        def is_near(file: str, text: str) -> bool:
            of_room = file.startswith("tests/laws/") and f"{room}." in text
            return dotted in text or of_room or file.startswith(f"tests/unit/{module.parts[1]}/")

        found = [file for file, text in self._files.items() if is_near(file, text) is near]
        words = module.stem.split("_")
        return sorted(
            found, key=lambda file: -sum(self._files[file].lower().count(word) for word in words)
        )

    def _reaching(self, number: int, files: Iterable[str]) -> list[str]:
        """Return the quickest tests that reach a change, then those that see what it left.

        Files are asked until their tests take long enough.
        """
        found: list[Reach] = []
        for file in files:
            if sum(reach.seconds for reach in found) < _CPU_SECONDS:
                found += [reach for reach in self._reaches(file) if number in reach.all]
        chosen: list[str] = []
        seconds = 0.0
        for reach in sorted(found, key=lambda item: (number not in item.reached, item.seconds)):
            seconds += reach.seconds
            if seconds > _CPU_SECONDS and chosen:
                break
            chosen.append(reach.test)
        return chosen

    def _reaches(self, file: str) -> list[Reach]:
        digest = hashlib.sha256(self._files[file].encode()).hexdigest()[:12]
        out = self._folder / "reaches" / f"{file.replace('/', '+')}-{digest}"
        if not out.exists():
            unfinished = self._folder / f"reaches-{os.getpid()}"
            unfinished.write_bytes(b"")

            def record() -> None:
                with unfinished.open("ab", buffering=0) as notes:
                    self._run([file], lambda reach: notes.write(_LINE.encode_lines([reach])))

            code = _forked(record)
            if code not in {0, -signal.SIGXCPU}:
                message = f"{file} ended with {code} without a change"
                raise RuntimeError(message)
            out.parent.mkdir(exist_ok=True)
            unfinished.replace(out)
        return msgspec.json.Decoder(Reach).decode_lines(out.read_bytes())

    def _failing(self, number: int | None, tests: Sequence[str]) -> tuple[int, str]:
        """Run tests until one fails: how the process ended, and which one failed."""
        note = self._folder / f"failed-{os.getpid()}"
        note.unlink(missing_ok=True)

        def run() -> None:
            if number is not None:
                os.environ["MATRIX_CHANGE"] = str(number)
            failed = self._run([*tests, "-x"], lambda _: None)
            if failed:
                note.write_text(failed, "utf-8")

        code = _forked(run)
        return code, note.read_text("utf-8") if note.exists() else ""

    def _run(self, words: Sequence[str], note: Callable[[Reach], object]) -> str:
        watch = Watch(note)
        temporary = f"--basetemp={self._folder / f'tmp-{os.getppid()}'}"
        # Hypothesis is imported already, which pytest warns of.
        warned = "-Wignore::pytest.PytestAssertRewriteWarning"
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", warned, temporary]
        code = pytest.main([*options, *words], plugins=[watch])
        if code == pytest.ExitCode.NO_TESTS_COLLECTED or (
            code == pytest.ExitCode.USAGE_ERROR and not watch.failed
        ):
            message = f"there is no test in {' '.join(words)}"
            raise RuntimeError(message)
        return watch.failed


def _forked(run: Callable[[], None]) -> int:
    """Run a function in a process of its own: 0, 1, or the negative signal that ended it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            resource.setrlimit(resource.RLIMIT_CPU, (_LIMIT, _LIMIT + 5))
            run()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _enter(tree: Path) -> None:
    """Have what is imported from here on be the copy's, but for what is slow to import."""
    os.environ.setdefault("MATRIX_SHARED", str((ROOT / ".." / "shared").resolve()))
    os.environ["PYTHONPATH"] = str(tree)
    os.chdir(tree)
    sys.path[:] = [str(tree), *(entry for entry in sys.path if entry not in {"", str(ROOT)})]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    for name in _LIBRARIES:
        importlib.import_module(name)
    # A failing example need not be the smallest, only the same each time.
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile(
        "mutants",
        hypothesis.settings.get_profile("default"),
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
        max_examples=50,
        derandomize=True,
        phases=phases,
    )
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"


def _known(fates: Path, number: int) -> str:
    """Return the fate that says most of those that are kept."""
    found = [path.read_text("utf-8") for path in fates.glob(f"{number}-*")]
    return max(found, key=lambda fate: (fate not in _OPEN, fate == SURVIVED), default=UNREACHED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--each", type=int, default=25, help="changes of each room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", type=int, help="try changes of these numbers (again)")
    parser.add_argument("--tests", nargs="*", help="on these tests, or files of them")
    parser.add_argument("--folder", type=Path, help="keep the draw and what is known of it here")
    parser.add_argument("--list", action="store_true", help="list the changes and end")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Draw, try and count."""
    asked = _parser().parse_args(arguments)
    folder = (asked.folder or Path(tempfile.mkdtemp(prefix="mutants-"))).resolve()
    draw, fates = folder / "draw.json", folder / "fates"
    if draw.exists():
        changes = msgspec.json.decode(draw.read_bytes(), type=list[Change])
    else:
        changes = drawn(asked.each, asked.seed)
    if asked.list:
        sys.stdout.writelines(f"{number:4} {item.name}\n" for number, item in enumerate(changes))
        return 0
    fates.mkdir(parents=True, exist_ok=True)
    draw.write_bytes(msgspec.json.encode(changes))
    copy(folder / "tree", changes)
    _enter(folder / "tree")
    runner = Runner(changes, folder)
    rings: dict[str, Callable[[int], str]] = {
        "near": lambda number: runner.fate(number, runner.near(number)),
        "others": lambda number: runner.fate(number, runner.others(number)),
    }
    if asked.tests:
        rings = {"tests": lambda number: runner.fate_on(number, asked.tests)}
    numbers = asked.only or range(len(changes))
    for number in asked.only or ():
        for ring in rings:
            (fates / f"{number}-{ring}").unlink(missing_ok=True)
    for ring, fate_in in rings.items():
        for number in numbers:
            kept = fates / f"{number}-{ring}"
            if _known(fates, number) in _OPEN and not kept.exists():
                kept.write_text(fate_in(number), "utf-8")
                fate = _known(fates, number)
                sys.stdout.write(f"{number:4} {changes[number].name}\n     {fate}\n")
                sys.stdout.flush()
    counts = Counter(_known(fates, number).partition(" ")[0] for number in numbers)
    sys.stdout.write(", ".join(f"{count} {fate}" for fate, count in counts.most_common()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
