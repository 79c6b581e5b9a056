"""The wheel and the editable install work from any folder, and the locks fit pyproject.toml."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("run", "dev")

# Runs the console command of an environment that consists of one folder: `site` reads the `.pth`
# of an editable install there, as it does for a real site-packages.
_START = """
import site, sys
before = list(sys.path)
site.addsitedir({folder!r})
sys.path.sort(key=lambda entry: entry in before)  # before an editable install around this test
import matrix
print(matrix.__file__, file=sys.stderr)
from matrix.cli.main import run
run()
"""


def _run(
    arguments: list[str], folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _build(root: Path, target: str, folder: Path) -> Path:
    """Build the `wheel` or the `editable` wheel as pip would, without the network."""
    call = f"import hatchling.build as backend; print(backend.build_{target}({str(folder)!r}))"
    built = _run(["-c", call], root)
    assert built.returncode == 0, built.stderr
    return folder / built.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which pip installed the wheel."""
    folder = tmp_path_factory.mktemp("installed wheel")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    installed = _run(["-m", "pip", "install", *quiet, "--target", str(folder), str(wheel)], folder)
    assert installed.returncode == 0, installed.stderr
    return folder


@pytest.fixture(scope="module")
def installed_editable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what an editable install puts into site-packages."""
    built = _build(ROOT, "editable", tmp_path_factory.mktemp("editable wheel"))
    folder = tmp_path_factory.mktemp("installed editable")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder)
    return folder


def _files(folder: Path, pattern: str) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob(pattern)}


def test_the_wheel_holds_all_declarations_and_code(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packed = {name for name in names if ".dist-info/" not in name}
    declarations = {f"matrix/_configs/{name}" for name in _files(ROOT / "configs", "*.*")}
    code = {f"matrix/{name}" for name in _files(ROOT / "matrix", "*.py")}
    assert declarations
    assert declarations | code | {"matrix/py.typed"} <= packed
    assert {name.partition("/")[0] for name in packed} == {"matrix"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_an_editable_install_copies_nothing(installed_editable: Path) -> None:
    kinds = {path.suffix for path in installed_editable.iterdir()}
    assert kinds == {".pth", ".dist-info"}


def _releases() -> set[str]:
    files = sorted((ROOT / "configs" / "kernels").glob("*.yaml"))
    found = [
        re.search(r'^release: "([\d.]+)"', file.read_text("utf-8"), re.MULTILINE) for file in files
    ]
    assert found
    return {match.group(1) for match in found if match}


@pytest.mark.parametrize("kind", ["installed_wheel", "installed_editable"])
def test_an_install_lists_the_kernels_from_any_folder(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder: Path = request.getfixturevalue(kind)
    start = _START.format(folder=str(folder))
    cache = str(tmp_path / "cache")
    run = _run(["-c", start, "kernels", "list"], tmp_path, MATRIX_CACHE_DIR=cache)
    assert run.returncode == 0, run.stderr
    origin = folder if kind == "installed_wheel" else ROOT
    assert run.stderr.splitlines()[0] == str(origin / "matrix" / "__init__.py")
    assert _releases() <= set(re.findall(r"\b\d+\.\d+\b", run.stdout))


def test_python_m_matrix_is_the_console_command(installed_wheel: Path, tmp_path: Path) -> None:
    script = installed_wheel / "bin" / "matrix"
    path = {"PYTHONPATH": str(installed_wheel)}
    by_module = _run(["-m", "matrix", "--version"], tmp_path, **path)
    by_script = _run([str(script), "--version"], tmp_path, **path)
    assert by_module.returncode == 0, by_module.stderr
    assert by_module.stdout == by_script.stdout
    assert re.fullmatch(r"matrix \d+\.\d+\.\d+\S*\n", by_module.stdout)


def test_a_wheel_needs_no_cache(installed_wheel: Path, tmp_path: Path) -> None:
    """What reads YAML files is loaded only where the wheel lacks their compiled form."""
    start = _START.format(folder=str(installed_wheel)).replace("run()", "main(['kernels', 'list'])")
    start = start.replace("import run", "import main") + "print('pydantic' in sys.modules)"
    cache = {"MATRIX_CACHE_DIR": str(tmp_path / "cache")}
    run = _run(["-c", start], tmp_path, **cache)
    assert run.stdout.splitlines()[-1] == "False", run.stderr
    assert not list((tmp_path / "cache").glob("knowledge-*")), "they are in the wheel"
    (installed_wheel / "matrix" / "_compiled.bin").rename(tmp_path / "aside")
    try:
        run = _run(["-c", start], tmp_path, **cache)
    finally:
        (tmp_path / "aside").rename(installed_wheel / "matrix" / "_compiled.bin")
    assert run.stdout.splitlines()[-1] == "True", run.stderr


def test_the_hook_asks_for_what_the_package_asks_for() -> None:
    hook = SETTINGS["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    assert set(hook["dependencies"]) <= set(SETTINGS["project"]["dependencies"])


def _pins(lock: str) -> Iterator[tuple[Requirement, list[str]]]:
    """Yield every requirement of `requirements/<lock>.txt` with its hashes."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for entry in "\n".join(lines).replace("\\\n", " ").splitlines():
        if entry.strip():
            words, *hashes = re.split(r"\s+--hash=", entry.strip())
            yield Requirement(words), hashes


def _versions(lock: str) -> Mapping[str, list[str]]:
    """Return the pinned versions of each distribution; several where the marker decides."""
    versions: dict[str, list[str]] = {}
    for requirement, _hashes in _pins(lock):
        (pin,) = requirement.specifier
        assert pin.operator == "==", requirement
        versions.setdefault(canonicalize_name(requirement.name), []).append(pin.version)
    return versions


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_only_exact_versions_with_hashes(lock: str) -> None:
    pins = list(_pins(lock))
    assert pins
    for requirement, hashes in pins:
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", text) for text in hashes), requirement
        assert requirement.url is None, requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    assert not re.findall(r"://|^-\S+|\s--(?!hash=)\S+", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("lock", "groups"), [("run", ("build",)), ("dev", ("build", "dev"))], ids=LOCKS
)
def test_a_lock_meets_pyproject(lock: str, groups: tuple[str, ...]) -> None:
    wanted = [*SETTINGS["project"]["dependencies"]]
    for group in groups:
        wanted.extend(SETTINGS["dependency-groups"][group])
    versions = _versions(lock)
    for text in wanted:
        requirement = Requirement(text)
        pinned = versions.get(canonicalize_name(requirement.name), [])
        met = pinned and all(requirement.specifier.contains(version) for version in pinned)
        assert met, f"{text} is not met by {lock}.txt ({pinned}): make lock"


def test_the_dev_lock_extends_the_run_lock() -> None:
    dev = _versions("dev")
    assert all(dev.get(name) == pinned for name, pinned in _versions("run").items())


def test_the_build_backend_is_in_the_build_group() -> None:
    assert set(SETTINGS["build-system"]["requires"]) <= set(SETTINGS["dependency-groups"]["build"])
