"""The rules of the house that a tool can check: flow, pure rooms, one heavy library per room.

The rules are read off the source with `ast`; nothing of the package runs, but for the exit codes.
"""

from __future__ import annotations

import ast
import graphlib
import io
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from matrix.diagnostics import ExitCode

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "matrix"
ROOMS = tuple(sorted(path.parent for path in PACKAGE.glob("*/__init__.py")))
MODULES = tuple(sorted(PACKAGE.rglob("*.py")))

# What a pure room may not see: it takes values and returns values.
_OUTSIDE_WORLD = frozenset({"os", "pathlib", "time", "subprocess", "jinja2", "typer"})
_PURE = {
    "expr": _OUTSIDE_WORLD | {"random"},
    "explore": _OUTSIDE_WORLD | {"random"},
    "scenarios": _OUTSIDE_WORLD | {"random"},
    "solve": _OUTSIDE_WORLD,  # draws random cells, from a generator that its caller seeds
    "analyze/cell/verdict.py": _OUTSIDE_WORLD | {"random"},
}

# Import name of a heavy library: the only places that may import it.
_HEAVY = {
    "pydantic": ("schema",),
    "pydantic_core": ("schema",),
    "yaml": ("schema",),
    "typer": ("cli",),
    "click": ("cli",),
    "rich": ("cli",),
    "jinja2": ("render",),
    "markupsafe": ("render",),
    "pandas": ("analyze/space/frame.py", "render", "integrations/library.py"),
    "pyarrow": ("analyze/space/frame.py", "kernel/fleet", "render"),
    "oxidd": ("solve",),
    "dd": ("solve",),
    "pysat": ("solve",),
    "arpy": ("door",),
    "distributed": ("door/cluster.py",),
    "tomlkit": ("schema",),
    "kconfiglib": ("kernel",),
    "tree_sitter": ("kernel",),
    "tree_sitter_c": ("kernel",),
}

# Import names of a distribution, where they are not its own name.
_IMPORT_NAMES = {
    "pyyaml": {"yaml"},
    # Whose documentation says to import from there.
    "pydantic": {"pydantic", "pydantic_core"},
    "jinja2": {"jinja2", "markupsafe"},
    "tree-sitter": {"tree_sitter"},
    "tree-sitter-c": {"tree_sitter_c"},
    "markdown-it-py": {"markdown_it"},
    "python-sat": {"pysat"},
}

_NAMELESS = frozenset({"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"})


def _place(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def _is_in(module: Path, place: str) -> bool:
    """Tell whether `module` is the file, or lies in the room, that `place` names."""
    return _place(module) == place or _place(module).startswith(f"{place}/")


def _imported(module: Path) -> Iterator[str]:
    """Yield the top-level name of every import of the file, also of those inside functions."""
    return iter(_IMPORTED[module])


def _imports_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "matrix" if node.level or node.module is None else node.module.partition(".")[0]


_TREES = {module: ast.parse(module.read_bytes()) for module in MODULES}
_IMPORTED = {module: tuple(_imports_of(tree)) for module, tree in _TREES.items()}


def _tracked_files() -> tuple[Path, ...]:
    """Return every file of the repository that git tracks or would track."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what is tracked cannot be listed")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = os.fsdecode(listing.stdout).split("\0")
    return tuple(path for name in names if name and (path := ROOT / name).is_file())


def test_import_contracts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    broken = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)
    assert broken == 0, capsys.readouterr().out


def test_every_room_is_placed_in_the_flow() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    flow = next(contract for contract in contracts if contract["id"] == "flow")
    placed = {name for layer in flow["layers"] for name in re.findall(r"\w+", layer)}
    assert {room.name for room in ROOMS} <= placed
    assert flow["exhaustive"] is True


def test_a_module_says_what_it_is() -> None:
    silent = [_place(module) for module in MODULES if not ast.get_docstring(_TREES[module])]
    assert not silent, "no module docstring"


@pytest.mark.parametrize("place", _PURE)
def test_a_pure_room_sees_only_values(place: str) -> None:
    modules = [module for module in MODULES if _is_in(module, place)]
    assert modules, f"no module in {place}"
    for module in modules:
        seen = _PURE[place].intersection(_imported(module))
        assert not seen, f"{_place(module)} imports {sorted(seen)}"


def test_a_heavy_library_has_one_room() -> None:
    outside = [
        f"{library} belongs to {rooms}, not to {_place(module)}"
        for library, rooms in _HEAVY.items()
        for module in MODULES
        if library in _imported(module) and not any(_is_in(module, room) for room in rooms)
    ]
    assert not outside


def test_every_import_is_a_declared_dependency() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = {re.split(r"[^\w.-]", text)[0] for text in settings["project"]["dependencies"]}
    declared = {part for name in names for part in _IMPORT_NAMES.get(name, {name})}
    known = declared | sys.stdlib_module_names | {"matrix"}
    extras = settings["project"]["optional-dependencies"]
    asking = {
        extra: {re.split(r"[^\w.-]", text)[0] for text in texts} for extra, texts in extras.items()
    }
    of_place = {
        "door/cluster.py": asking.pop("cluster"),
        "integrations": set[str]().union(*asking.values()),
    }
    undeclared = {
        f"{name} (in {_place(module)})"
        for module in MODULES
        for name in set(_imported(module)) - known
        if not any(name in names for place, names in of_place.items() if _is_in(module, place))
    }
    assert not undeclared, "a dependency of a dependency may go away; declare what is imported"


# Where a file is opened, read, or looked for, and not behind the door; and why.
_OPENS_FILES_ITSELF = {
    "kernel/fleet/hosts.py": "gzip.GzipFile() and parquet of a stream that the door gives",
    "kernel/host/system_calls.py": "/dev/kvm is a device: it is asked, not read",
    "solve/diagram.py": "an anonymous map of memory, to see whether there is room; no file",
    "diagnostics/codes.py": "its own table of codes; nothing stands below it",
}
# Functions by name, methods of whatever object, and modules' own: each gives bytes or names of
# files. `x.replace(y)` and `x.stat()` are not here: texts have the one, the other gives no bytes.
_OPENING = {
    "": {"open"},
    "*": {
        *("open", "fdopen", "read_text", "read_bytes", "write_text", "write_bytes", "touch"),
        *("iterdir", "rglob", "walk", "scandir", "listdir", "mkstemp", "NamedTemporaryFile"),
        *("GzipFile", "LZMAFile", "BZ2File", "ZipFile", "TarFile", "mmap", "ParquetFile"),
        *("memory_map", "read_table", "read_csv", "fromfile", "loadtxt", "copyfile", "copytree"),
        *("is_tarfile", "is_zipfile", "chmod", "unlink", "rmdir", "rmtree", "symlink_to"),
    },
    "glob": {"glob", "iglob"},
    "os": {"open", "read", "replace", "rename", "remove", "link", "symlink", "mkdir", "makedirs"},
    "pickle": {"load", "loads", "dump", "dumps"},
    "marshal": {"load", "loads"},
    "shelve": {"open"},
}
# Methods of our own that have such a name.
_OWN_METHODS = {"walk"}


def _opens_files(module: Path) -> set[str]:
    """Return the calls of a module that open, read, or look for files."""
    found = set()
    for node in ast.walk(_TREES[module]):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in _OPENING[""]:
            found.add(called.id)
        if isinstance(called, ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else ""
            if called.attr in _OPENING["*"] and not (
                called.attr in _OWN_METHODS and owner not in ("os", "Path")
            ):
                found.add(f"{owner}.{called.attr}")
            if called.attr in _OPENING.get(owner, ()):
                found.add(f"{owner}.{called.attr}")
            if called.attr == "glob":
                found.add(f"{owner}.glob")
    return found


def test_bytes_come_in_through_one_door() -> None:
    calls = {_place(module): _opens_files(module) for module in MODULES}
    inside = {place for place, found in calls.items() if found and not place.startswith("door/")}
    strays = {place: sorted(calls[place]) for place in inside - _OPENS_FILES_ITSELF.keys()}
    assert not strays, "read it through matrix/door"
    assert not _OPENS_FILES_ITSELF.keys() - inside, "no exception any more: take it off the list"


def test_nothing_is_pickled() -> None:
    """A pickle runs what stands in it: nothing that is read may be one."""
    unsafe = {"pickle", "marshal", "shelve", "dill", "joblib"}
    assert not [_place(module) for module in MODULES if unsafe.intersection(_imported(module))]


# Rooms, and folders of rooms, whose files import each other at most `_MOST_FLOORS` deep.
_MOST_FLOORS = 6
_TOO_DEEP = {"flows": 12, "kernel/patch": 9, "render": 9}


def _folders_with_floors() -> list[str]:
    folders = {module.parent for module in MODULES if module.name != "__init__.py"}
    return sorted(folder.relative_to(PACKAGE).as_posix() for folder in folders)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below one, but for what is imported for types alone."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from _running(child)


def _floors(folder: str) -> dict[str, int]:
    """Return how deep each file of a folder stands: 1 where it imports none of the others.

    Imports inside of functions count, those for types alone do not. ValueError where files import
    each other in a circle.
    """
    package = f"matrix.{folder.replace('/', '.')}" if folder != "." else "matrix"
    files = {
        f"{package}.{module.stem}": module
        for module in MODULES
        if module.parent == PACKAGE / folder and module.name != "__init__.py"
    }
    below = {
        name: {
            target
            for node in _running(_TREES[module])
            if isinstance(node, ast.ImportFrom) and node.module
            for target in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
            if target in files and target != name
        }
        for name, module in files.items()
    }
    floors: dict[str, int] = {}
    for name in graphlib.TopologicalSorter(below).static_order():
        floors[name] = 1 + max((floors[under] for under in below[name]), default=0)
    return floors


@pytest.mark.parametrize("folder", _folders_with_floors())
def test_files_of_a_room_stand_on_few_floors_and_in_no_circle(folder: str) -> None:
    deepest = max(_floors(folder).values())
    allowed = _TOO_DEEP.get(folder, _MOST_FLOORS)
    assert deepest <= allowed
    assert folder not in _TOO_DEEP or deepest > _MOST_FLOORS, "no exception any more"


# `cause.py`, `cell/answering.py`, `matrix.schema.values`; a name in a temporary folder of a test
# or on a command line is none of ours and is not in backticks.
_NAMED_FILE = re.compile(r"`((?:[\w-]+/)*\w+\.py)`|\((?:matrix|tests)/([\w/]+\.py)\)")
_NAMED_MODULE = re.compile(r"`(matrix(?!\.(?:toml|sarif)`)(?:\.[A-Za-z_]\w*)+)`")


def _prose() -> Iterator[tuple[str, str]]:
    """Yield (place, text) of every docstring, comment, and page of documentation of ours."""
    for path in _tracked_files():
        place = path.relative_to(ROOT).as_posix()
        if path.suffix == ".md" and not place.startswith(("tests/", "reports/", "CHANGELOG")):
            yield place, path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            continue
        source = path.read_text(encoding="utf-8")
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield f"{place}:{token.start[0]}", token.string
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield f"{place}:{getattr(node, 'lineno', 1)}", ast.get_docstring(node) or ""


def _is_a_name_of(module: str) -> bool:
    """Tell whether a dotted name is a module of ours, or something that one defines."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        rest = parts[length:]
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return not rest or re.search(rf"\b{rest[0]}\b", file.read_text("utf-8")) is not None
    return False


def test_files_and_modules_that_prose_names_exist() -> None:
    paths = [f"/{path.relative_to(ROOT).as_posix()}" for path in _tracked_files()]
    dead = []
    for place, text in _prose():
        for match in _NAMED_FILE.finditer(text):
            name = match[1] or match[2]
            if not any(path.endswith(f"/{name}") for path in paths):
                dead.append(f"{place}: {name}")
        dead += [
            f"{place}: {name}" for name in _NAMED_MODULE.findall(text) if not _is_a_name_of(name)
        ]
    assert not dead, "\n".join(dead)


def test_the_page_of_a_room_names_its_files() -> None:
    pages = sorted(PACKAGE.rglob("docs.md"))
    unnamed = []
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for module in sorted(page.parent.rglob("*.py")):
            place = module.relative_to(page.parent).as_posix()
            folder = place.partition("/")[0]
            named = f"`{place}`" in text or (folder != place and f"| `{folder}/` |" in text)
            if not named and module.name != "__init__.py":
                unnamed.append(f"{_place(page)}: {place}")
    assert len(pages) >= 5
    assert not unnamed


def test_no_name_says_nothing() -> None:
    names = {path for path in PACKAGE.rglob("*") if path.stem.strip("_") in _NAMELESS}
    assert not names, "a helper without a room is a hole in the design"


def test_exit_codes_are_unique() -> None:
    # A second name for a value is an alias: it is in __members__ but not in the iteration.
    assert len(ExitCode.__members__) == len(list(ExitCode))


# What only a scenario or a declaration knows. A value that a program looks up or compares, that is:
# a text without a space, not an example in a sentence.
_OF_ONE_WORLD = re.compile(r"(?<![A-Za-z])(gmem|secretmem|FWB|fwb|arm64|aarch64)(?![A-Za-z])")

# Places that still name one, and what it is there. A list to be shortened.
_NAMES_A_WORLD = {
    "analyze/cell/comparison.py": "readings of an arm64 host by name",
    "cli/options.py": "the capability and the study that are asked about by default",
    "cli/validation.py": "the capability by default",
    "flows/fleet.py": "likewise",
    "flows/host_request.py": "cpucaps in the log of an arm64 host",
    "flows/kconfig.py": "the toolchain by default",
    "flows/knowledge.py": "the study by default",
    "flows/validate_inputs.py": "how files with a `.config` are named",
    "flows/validate_job.py": "the capability by default",
    "kernel/config/header.py": "how a `.config` names its architecture",
    "kernel/host/bundle.py": "readings of an arm64 host by name",
    "kernel/host/evidence.py": "likewise",
    "kernel/host/files.py": "a file of sysfs",
    "kernel/host/readings.py": "a parameter of the kernel",
    "kernel/host/system_calls.py": "what uname says where the instruction is",
    "kernel/source/truth/declared_cpucaps.py": "where the kernel's tables of cpucaps stand",
    "render/listings.py": "columns of `cpus list`",
    "door/kept.py": "the name of the distribution",
}


def _values(tree: ast.Module) -> Iterator[str]:
    """Yield every text of a file; what an f-string says by itself, in one piece."""
    pieces: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            said = [part for part in node.values if isinstance(part, ast.Constant)]
            pieces.update(map(id, said))
            yield "".join(str(part.value) for part in said)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in pieces:
            yield str(node.value)


def test_general_code_names_no_world() -> None:
    named = {
        f"{_place(module)}: {text}"
        for module in MODULES
        if not _is_in(module, "scenarios") and _place(module) not in _NAMES_A_WORLD
        for text in _values(_TREES[module])
        if " " not in text and _OF_ONE_WORLD.search(text)
    }
    assert not named, "the word belongs to a scenario or a declaration"


# Written in pieces, so that this file does not contain what it looks for.
_PRIVATE_PLACES = re.compile(
    "|".join(
        (
            r"(?<![\w.-])/(?:work|farm|root|home|Users|tmp)/" + r"\w",
            r"/\." + r"library\b",
            r"https?://(?:deb|files|registry|pypi)" + r"\.",
            r"python" + r"hosted\.org",
            r"(?:--|_|\b)(?:extra[-_])?index[-_]" + r"url",
            r"trusted[-_]" + r"host\b",
        )
    )
)


def test_no_file_names_a_private_place_or_a_registry_host() -> None:
    found = []
    for path in _tracked_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if match := _PRIVATE_PLACES.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()}")
    assert not found, "\n".join(found)


def test_links_are_followed_by_the_door_alone() -> None:
    """Path.resolve() raises a RuntimeError at a link that leads to itself (before Python 3.13)."""
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "matrix").rglob("*.py")
        for line in path.read_text().splitlines()
        if ".resolve(" in line and "__file__" not in line
    ]
    assert not found
