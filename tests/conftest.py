"""Fixtures of every test: a plain terminal, a cache of its own, goldens, and the shared inputs.

Tests that need the shared data (real kernel trees, distribution `.config`s) take `shared_data` or
one of the fixtures built on it. Without the data they are skipped with the reason; under
`MATRIX_REQUIRE=shared` (set in `.ci/run`) they fail instead.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.golden_files import Golden
from tests.shared_inputs import WHOLE_TREES, unpack_tar_xz

ROOT = Path(__file__).resolve().parent.parent

# What would colour or widen the output, or point the tool at somebody's own declarations.
_FOREIGN_VARIABLES = (
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "MATRIX_CONFIGS",
    "PY_COLORS",
    "TTY_COMPATIBLE",
)

# No deadline and no too_slow: the machine may be shared, and a law is not a benchmark.
_UNTIMED = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("default", _UNTIMED, max_examples=50)
# A law that says more for itself (damaged inputs: 300) keeps it.
hypothesis.settings.register_profile("ci", _UNTIMED, max_examples=100, derandomize=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the golden files anew from what the tests produce (refused when CI is set)",
    )


# What the plain command leaves to CI, so that it takes minutes: a file that is named runs.
_TREES, _BUILDS, _LONG = "reads kernel trees", "builds documents", "runs many whole commands"
_LEFT_TO_CI = {
    "laws/test_hash_seeds.py": _LONG,
    "mutation/test_sources_smoke.py": _TREES,
    "test_bad_documents.py": _BUILDS,
    "test_cell_parts.py": _LONG,
    "test_document_builds.py": _BUILDS,
    "test_every_study.py": _LONG,
    "test_fleet_parts.py": _LONG,
    "test_how_tos.py": _LONG,
    "test_interrupted_writes.py": _LONG,
    "test_kconfig_trees.py": _TREES,
    "test_kernel_drafts.py": _TREES,
    "test_kernel_functions.py": _TREES,
    "test_kernel_probes.py": _TREES,
    "test_other_studies.py": _LONG,
    "test_patch_readings.py": _TREES,
    "test_site.py": _BUILDS,
    "test_source_drift.py": _TREES,
}
_PLAIN = "MATRIX_PLAIN_TESTS"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what the plain command leaves to CI."""
    if not os.environ.get(_PLAIN):
        return
    folder = Path(__file__).parent
    for item in items:
        why = _LEFT_TO_CI.get(item.path.relative_to(folder).as_posix())
        if why is not None:
            item.add_marker(pytest.mark.skip(reason=f"{why}: CI=true, or name the file"))


def pytest_configure(config: pytest.Config) -> None:
    """Choose the hypothesis profile; refuse to rewrite goldens where nobody reads the change.

    Interrupts count: in the background of a shell they are ignored, and what a test starts and
    interrupts as a person does would inherit that.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    in_ci = bool(os.environ.get("CI"))
    # Workers inherit what their controller has found.
    if not hasattr(config, "workerinput"):
        words = (word.partition("::")[0] for word in config.invocation_params.args)
        os.environ[_PLAIN] = "" if in_ci or any(map(os.path.exists, words)) else "1"
    profile = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if in_ci else "default")
    hypothesis.settings.load_profile(profile)
    if in_ci and config.getoption("--update-golden"):
        message = "--update-golden is refused when CI is set: a golden is changed by a person"
        raise pytest.UsageError(message)


@pytest.fixture(scope="session", autouse=True)
def plain_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give every test, and the commands it starts, no terminal, no colour and a cache of its own.

    Answers are then 80 columns wide, and a message on standard error is one line.
    The cache is one per test process, not one per test: it is keyed by content, and compiling the
    declarations anew in every test would take most of the run. `empty_cache` starts without one.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in (*_FOREIGN_VARIABLES, "COLUMNS"):
            patch.delenv(name, raising=False)
        patch.setenv("NO_COLOR", "1")
        patch.setenv("MATRIX_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache folder of this test alone, still empty, and make it the one in use."""
    folder = tmp_path / "empty-cache"
    monkeypatch.setenv("MATRIX_CACHE_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the checkout."""
    return ROOT


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str], Golden]:
    """Return `golden(name)`, whose `check(text)` compares with `tests/golden/<name>`."""
    update = bool(request.config.getoption("--update-golden"))

    def open_golden(name: str) -> Golden:
        return Golden(path=ROOT / "tests" / "golden" / name, update=update)

    return open_golden


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the shared folder (it holds `data/` and `facts/`), or skip; see the module text."""
    folder = (ROOT / (os.environ.get("MATRIX_SHARED") or "../shared")).resolve()
    if (folder / "data").is_dir():
        return folder
    reason = f"no shared data in {folder} (set MATRIX_SHARED)"
    if os.environ.get("MATRIX_REQUIRE") == "shared":
        pytest.fail(f"{reason}, and MATRIX_REQUIRE=shared forbids to skip", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def unpacked(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return `unpacked(archive)`: the folder of a `.tar.xz` below `data/`, unpacked once a run."""
    # All workers of one run have the same parent folder, so that an archive is unpacked once.
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    base = tmp_path_factory.getbasetemp()
    store = (base.parent if worker else base) / "unpacked"

    def unpack(archive: str) -> Path:
        return unpack_tar_xz(
            shared_data / "data" / archive, store / archive.removesuffix(".tar.xz")
        )

    return unpack


@pytest.fixture(scope="session")
def kernel_tree(unpacked: Callable[[str], Path]) -> Callable[[str], Path]:
    """Return `kernel_tree(release)`: the source subset of 5.10, 6.1, 6.12, 7.2 or 7.3.

    Of other releases the whole tree of MATRIX_TREES, a folder with those of `WHOLE_TREES`.
    """

    def find(release: str) -> Path:
        if release not in WHOLE_TREES:
            return unpacked(f"kernels/linux-{release}-subset.tar.xz")
        folder = Path(os.environ.get("MATRIX_TREES", "/nonexistent")) / WHOLE_TREES[release]
        if not folder.is_dir():
            pytest.skip(f"no tree of {WHOLE_TREES[release]} (set MATRIX_TREES)")
        return folder

    return find


@pytest.fixture(scope="session")
def distro_configs(unpacked: Callable[[str], Path]) -> Path:
    """Return the folder of the 162 distribution `.config`s and their `manifest.yaml`."""
    return unpacked("distros/configs.tar.xz") / "dev"


@pytest.fixture(scope="session")
def debian_configs(unpacked: Callable[[str], Path]) -> Path:
    """Return the folder of Debian's 18 arm64 `.config`s, `debian-<release>-<flavour>.config`."""
    return unpacked("distros/debian-configs.tar.xz")


@pytest.fixture(scope="session")
def booted_originals(unpacked: Callable[[str], Path]) -> Path:
    """Return the folder of the whole `.config`s of the booted kernels, `<kernel>.config`."""
    return unpacked("booted/configs.tar.xz")


@pytest.fixture(scope="session")
def booted_extract() -> Path:
    """Return the shipped extract: `oracle.jsonl.xz` and `<kernel>.config`; needs no shared data."""
    return ROOT / "tests" / "data" / "booted"
