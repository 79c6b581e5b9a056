"""The rules of the house that a tool can check: flow, pure rooms, one heavy library per room.

The rules are read off the source with `ast`; nothing of the package runs, but for the exit codes.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
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
    "ruamel": ("schema",),
    "typer": ("cli",),
    "click": ("cli",),
    "rich": ("cli",),
    "jinja2": ("render",),
    "markupsafe": ("render",),
    "pandas": ("analyze/space/frame.py", "render"),
    "pyarrow": ("analyze/space/frame.py", "kernel/fleet/hosts.py", "render"),
    "oxidd": ("solve",),
    "dd": ("solve",),
    "pysat": ("solve",),
    "arpy": ("kernel",),
    "tomlkit": ("schema",),
    "kconfiglib": ("kernel",),
    "tree_sitter": ("kernel",),
    "tree_sitter_c": ("kernel",),
}

# Import names of a distribution, where they are not its own name.
_IMPORT_NAMES = {
    "ruamel.yaml": {"ruamel"},
    # Whose documentation says to import from there.
    "pydantic": {"pydantic", "pydantic_core"},
    "jinja2": {"jinja2", "markupsafe"},
    "tree-sitter": {"tree_sitter"},
    "tree-sitter-c": {"tree_sitter_c"},
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
    undeclared = {
        f"{name} (in {_place(module)})"
        for module in MODULES
        for name in _imported(module)
        if name not in known
    }
    assert not undeclared, "a dependency of a dependency may go away; declare what is imported"


def test_no_name_says_nothing() -> None:
    names = {path for path in PACKAGE.rglob("*") if path.stem.strip("_") in _NAMELESS}
    assert not names, "a helper without a room is a hole in the design"


def test_exit_codes_are_unique() -> None:
    # A second name for a value is an alias: it is in __members__ but not in the iteration.
    assert len(ExitCode.__members__) == len(list(ExitCode))


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
