"""Start-up is a feature: each command imports no more than it needs.

Bounds on modules, not on seconds: seconds are measured by the benchmarks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORMATS = {"arpy", "tarfile", "zstandard", "tomlkit", "tomllib", "xml"}
HEAVY = {
    "pydantic",
    "yaml",
    "pandas",
    "pyarrow",
    "numpy",
    "jinja2",
    "oxidd",
    "rich",
    "markupsafe",
    "tree_sitter",
}

LIST_MODULES = """
import contextlib, io, json, sys
from matrix.cli.main import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    code = main(sys.argv[1:])
print(json.dumps([int(code), sorted(sys.modules)]))
"""

# How many modules a command may import that is read without typer.
PLAIN = 300

# Arguments, heavy libraries the command may use, and how many modules it may import in all.
COMMANDS: list[tuple[list[str], set[str], int]] = [
    (["--help"], set(), 260),
    (["--version"], set(), 260),
    (["kernels", "list"], set(), 400),
    (["validate", "tests/data/booted/7.3.config", "--cpu", "graviton3"], set(), PLAIN),
    (
        ["validate", "tests/data/booted/7.3.config", "--cpu", "graviton3", "--format", "sarif"],
        set(),
        PLAIN,
    ),
    (["probe", "--host", "tests/data/probed/7.3-max.json.gz"], set(), 400),
    (["explain", "MX0606"], {"oxidd", "tomllib"}, 430),
    (["count", "arm64-memfd-secret"], {"oxidd"}, 430),
    (["cells", "arm64-memfd-secret", "--limit", "3"], {"oxidd", "numpy", "pyarrow"}, 560),
]


# The order of a set is no name: test processes must agree on it.
@pytest.mark.parametrize(
    ("arguments", "allowed", "most"), COMMANDS, ids=[" ".join(item[0]) for item in COMMANDS]
)
def test_modules_of_a_command(arguments: list[str], allowed: set[str], most: int) -> None:
    # The first run fills the cache of compiled declarations, the second is a user's every day.
    command = [sys.executable, "-c", LIST_MODULES, *arguments]
    for _ in range(2):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout)
    assert code == 0
    loaded = {name.partition(".")[0] for name in modules}
    assert loaded & (HEAVY | FORMATS) <= allowed
    assert len(modules) <= most
    assert ("typer" in loaded) == (most != PLAIN)
