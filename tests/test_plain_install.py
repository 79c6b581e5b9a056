"""`pip install` as a user types it, without the lock, and action.yml as docs/ci.md shows it.

Both ask the package index, so they run in CI (or with MATRIX_INDEX=1): on the Python of this
machine and on the one that MATRIX_NEWEST_PYTHON names (tests/fetch_python.sh fetches it). What was
installed answers outside of the checkout, and as the checkout does.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.cli_runner import run_cli
from tests.test_ci_files import INPUT, action, step

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "tests" / "data" / "booted" / "7.3.config"

pytestmark = pytest.mark.skipif(
    not (os.environ.get("CI") or os.environ.get("MATRIX_INDEX")),
    reason="asks the package index: CI=true or MATRIX_INDEX=1",
)


def run(*command: str | Path, folder: Path, code: int = 0) -> str:
    """Run a command as a user would: nothing of this checkout is in its environment."""
    foreign = ("PYTHONPATH", "MATRIX_CONFIGS", "VIRTUAL_ENV")
    environment = {name: text for name, text in os.environ.items() if name not in foreign}
    ran = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env={**environment, "MATRIX_CACHE_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == code, ran.stdout[-2000:] + ran.stderr[-2000:]
    return ran.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what a clone would hold: the files that git tracks, as they are now."""
    folder = tmp_path_factory.mktemp("clone") / "matrix"
    listed = run("git", "ls-files", "-z", "--cached", "--exclude-standard", folder=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module", params=["PYTHON", "MATRIX_NEWEST_PYTHON"], ids=["this", "newest"])
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new virtual environment with the pip that this Python brings."""
    python = os.environ.get(request.param) or ("python3" if request.param == "PYTHON" else "")
    if not python:
        pytest.skip("MATRIX_NEWEST_PYTHON names no Python: tests/fetch_python.sh fetches one")
    folder = tmp_path_factory.mktemp("plain")
    # Debian's Python has pip in a wheel of its own, which only an installed one finds.
    wheels = sorted(Path(python).parent.parent.glob("share/python-wheels/pip-*.whl"))
    beside = [wheels[-1]] if wheels and Path(python).is_absolute() else []
    run(python, "-m", "venv", *(["--without-pip"] if beside else []), "new", folder=folder)
    for wheel in beside:
        install = (wheel / "pip", "install", "--quiet", "--no-index", wheel)
        run("new/bin/python", *install, folder=folder)
    return folder / "new"


@pytest.fixture(scope="module")
def installed(environment: Path, source: Path) -> Path:
    """Return the environment after `pip install .`, with whatever versions the index has."""
    pip(environment, source)
    return environment


def pip(environment: Path, *arguments: str | Path) -> None:
    command = (environment / "bin" / "python", "-m", "pip", "install", "--quiet", *arguments)
    run(*command, folder=environment.parent)


def answers_as_here(environment: Path, folder: Path) -> None:
    """Assert that an installed `matrix` answers, in a folder that is no checkout."""
    matrix = environment / "bin" / "matrix"
    (folder / "my.config").write_bytes(CONFIG.read_bytes())
    assert run(matrix, "validate", "my.config", "--cpu", "graviton3", folder=folder).startswith(
        "supported: "
    )
    assert run(
        matrix, "validate", "my.config", "--cpu", "cortex-a710", folder=folder, code=1
    ).startswith("unsound: ")
    study = "arm64-memfd-secret"
    run(matrix, "report", study, "--output", "reports", folder=folder)
    for name in (f"{study}.html", f"{study}.md"):
        assert (folder / "reports" / name).read_bytes() == (ROOT / "reports" / name).read_bytes()
    place = "import matrix; print(matrix.__file__)"
    where = run(environment / "bin" / "python", "-c", place, folder=folder)
    assert Path(where.strip()).is_relative_to(environment)


def test_a_plain_install_of_a_clone_answers(installed: Path, tmp_path: Path) -> None:
    answers_as_here(installed, tmp_path)


def test_the_solver_of_a_plain_install_projects_the_same(
    installed: Path, kernel_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    """Exit code 0 says that the projection is what the profile states, whatever the version."""
    for release in ("6.12", "7.3"):
        asked = ("--tree", kernel_tree(release), "--kernel", release)
        run(installed / "bin" / "matrix", "kconfig", "project", *asked, folder=tmp_path)


@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_a_plain_install_of_what_is_published_answers(
    kind: str, installed: Path, source: Path, tmp_path: Path
) -> None:
    call = f"import hatchling.build as backend; print(backend.build_{kind}({str(tmp_path)!r}))"
    built = run(ROOT / ".venv" / "bin" / "python", "-c", call, folder=source).split()[-1]
    pip(installed, "--force-reinstall", "--no-deps", tmp_path / built)
    answers_as_here(installed, tmp_path)


def example_of_the_action() -> dict[str, str]:
    """Return the inputs of the workflow that docs/ci.md shows."""
    page = (ROOT / "docs" / "ci.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (block,) = (found for found in blocks if "with:" in found)
    (used,) = (each for each in YAML(typ="safe").load(block) if "with" in each)
    return dict(used["with"])


def test_the_action_runs_as_documented(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each `run:` of action.yml in turn, as the runner does: only the upload is a service's."""
    work = tmp_path / "repository"
    (work / "configs" / "arm64").mkdir(parents=True)
    (work / "debian").mkdir()
    (work / "debian" / "config").write_bytes(CONFIG.read_bytes())
    (work / "configs" / "arm64" / "cloud.config").write_bytes(CONFIG.read_bytes())
    inputs = {name: str(each.get("default", "")) for name, each in action()["inputs"].items()}
    inputs |= example_of_the_action()
    path_file = tmp_path / "path"
    path_file.touch()
    given = {"github.action_path": str(source), "runner.temp": str(tmp_path)}
    codes = []
    for name in ("Install matrix", "Validate"):
        texts = {
            key: re.sub(
                r"\$\{\{ ([\w.]+) \}\}",
                lambda found: given[found[1]],
                INPUT.sub(lambda found: inputs[found[1]], text),
            )
            for key, text in step(name)["env"].items()
        }
        added = path_file.read_text().splitlines()
        path = os.pathsep.join([*reversed(added), "/usr/local/bin", "/usr/bin", "/bin"])
        kept = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
        kept |= {key: text for key, text in os.environ.items() if key.startswith("PIP_")}
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(name)["run"]],
            cwd=work,
            env={**kept, **texts, "PATH": path, "GITHUB_PATH": str(path_file)},
            capture_output=True,
            text=True,
            check=False,
        )
        codes.append(ran.returncode)
        if name == "Install matrix":
            assert ran.returncode == 0, ran.stderr[-2000:]
    monkeypatch.chdir(work)
    files = inputs["files"].splitlines()
    here = run_cli("validate", "--format", "github", "--cpu", inputs["cpu"], "--", *files)
    assert codes == [0, here.code]
    assert ran.stdout == here.out
    for name in ("debian/config", "configs/arm64/cloud.config"):
        assert re.search(rf"^::(error|warning) file={name},", ran.stdout, re.MULTILINE)
    (sarif,) = json.loads((work / inputs["sarif-file"]).read_text())["runs"]
    assert sarif["results"]
    uploads = [each for each in action()["runs"]["steps"] if "uses" in each]
    assert [each["name"] for each in uploads] == ["Upload SARIF"]
