"""action.yml and .pre-commit-hooks.yaml: well-formed, and their command lines run as they stand."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pre_commit.clientlib import load_manifest
from ruamel.yaml import YAML

from tests.cli_runner import run_cli

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "tests" / "data" / "booted" / "7.3.config"
INPUT = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")


def action() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load((ROOT / "action.yml").read_text())
    return loaded


def step(name: str) -> dict[str, Any]:
    (found,) = (each for each in action()["runs"]["steps"] if each["name"] == name)
    return dict(found)


def test_the_action_follows_the_schema_of_actions() -> None:
    folder = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "github-actions.json").read_text())
    jsonschema.validate(action(), schema)


def test_every_input_is_used_and_every_use_is_an_input() -> None:
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text()))
    assert used == set(action()["inputs"])


def test_no_script_pastes_an_expression() -> None:
    # An input pasted into a script would be run: they go through the environment.
    for each in action()["runs"]["steps"]:
        assert "${{" not in each.get("run", "")


def run_action(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the step as the runner would: defaults filled in, the tool on the PATH."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    tool = tools / "matrix"
    tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m matrix "$@"\n')
    tool.chmod(0o755)
    values = {name: given.get("default", "") for name, given in action()["inputs"].items()}
    values |= {name.replace("_", "-"): value for name, value in inputs.items()}
    validate = step("Validate")
    environment = {
        name: INPUT.sub(lambda found: values[found[1]], text)
        for name, text in validate["env"].items()
    }
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", validate["run"]],
        cwd=folder,
        env={**os.environ, **environment, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_action_fails_on_findings_and_writes_sarif(tmp_path: Path) -> None:
    (tmp_path / "kernel.config").write_text(CONFIG.read_text())
    done = run_action(
        tmp_path, files="kernel.config\n", cpu="cortex-a710\ngraviton3\n", sarif_file="out.sarif"
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=kernel.config,line=")
    (run,) = json.loads((tmp_path / "out.sarif").read_text())["runs"]
    assert [result["properties"]["cpu"] for result in run["results"]] == ["cortex-a710"]


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"cpu": "graviton3"}, 0),
        ({"cpu": "cortex-a710", "fail_on": "none"}, 0),
        ({"cpu": "cortex-a710", "cmdline": "kvm-arm.mode=protected quiet"}, 0),
        ({"cpu": "graviton3", "kernel": "9.9"}, 3),
        ({"cpu": "$(touch pasted)"}, 3),
    ],
)
def test_the_inputs_of_the_action_reach_the_tool(
    inputs: dict[str, str], code: int, tmp_path: Path
) -> None:
    (tmp_path / "my kernel.config").write_text(CONFIG.read_text())
    done = run_action(tmp_path, files="my kernel.config", **inputs)
    assert done.returncode == code, done.stderr
    assert not (tmp_path / "pasted").exists()


def test_the_install_step_is_a_script() -> None:
    script = step("Install matrix")["run"]
    checked = subprocess.run(["bash", "-n", "-c", script], capture_output=True, check=False)
    assert not checked.returncode, checked.stderr


def hook(name: str = "matrix-validate") -> dict[str, Any]:
    hooks = load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))
    return next(dict(found) for found in hooks if found["id"] == name)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (".config", True),
        ("debian/config-6.12.0-1-arm64", True),
        ("kernel-aarch64.config", True),
        ("arch/arm64/configs/my_defconfig", True),
        ("configs/kernel.config.xz", True),
        ("config-build.yaml", False),
        ("src/config.py", False),
        ("README.md", False),
    ],
)
def test_the_hook_takes_kernel_configurations(name: str, wanted: bool) -> None:
    manifest = hook()
    taken = re.search(manifest["files"], name) and not re.search(manifest["exclude"], name)
    assert bool(taken) is wanted


def test_the_entry_of_the_hook_runs() -> None:
    manifest = hook()
    program, *arguments = shlex.split(f"{manifest['entry']} {shlex.join(manifest['args'])}")
    assert program == "matrix"
    ran = run_cli(*arguments, str(CONFIG))
    assert ran.code == 1
    assert "cortex-a710" in ran.out


def test_the_hook_of_documents_fills_their_blocks(tmp_path: Path) -> None:
    manifest = hook("matrix-embed")
    assert re.search(manifest["files"], "docs/page.rst")
    assert not re.search(manifest["files"], "page.py")
    page = tmp_path / "page.rst"
    page.write_text(".. matrix:begin arm64-overview show=counts\n.. matrix:end\n")
    (tmp_path / "empty.md").write_text("# Page\n")
    program, *arguments = shlex.split(manifest["entry"])
    assert program == "matrix"
    ran = run_cli(*arguments, str(page), str(tmp_path / "empty.md"))
    assert (ran.code, "MX0812" in ran.err) == (0, False)
    assert "list-table" in page.read_text()
