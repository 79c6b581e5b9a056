"""Files that differ share answers; each has the one that it has alone."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.distinct_configs import write_distinct
from matrix.flows.validate import ValidateRequest, Validation, validate
from matrix.kernel.config import lines
from matrix.kernel.config.dotconfig import DotConfig
from matrix.render.json import (
    JsonWriter,
    dump,
    dump_without_fractions,
    validate_document,
)
from tests.cli_runner import run_cli

ROOT = Path(__file__).parent.parent
BOOTED = ROOT / "tests" / "data" / "booted"
CPUS = ("graviton3", "apple-m2", "neoverse-n1", "cortex-a520ae", "cortex-x925+cortex-a725")

# Runs a command, then says how many KiB the process had at most.
MOST = """
import contextlib, io, resource, sys
from matrix.cli.main import main
with contextlib.redirect_stdout(io.StringIO()):
    main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""

LEAVES = st.none() | st.booleans() | st.integers() | st.text()
DOCUMENTS = st.dictionaries(
    st.text(),
    st.recursive(
        LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
    ),
)


def answers(*files: Path) -> list[dict[str, Any]]:
    """Return the results of one run over some files, on each of the CPUs."""
    cpus = [word for cpu in CPUS for word in ("--cpu", cpu)]
    ran = run_cli("validate", *map(str, files), *cpus, "--kernel", "7.2", "--format", "json")
    results: list[dict[str, Any]] = json.loads(ran.out)["results"]
    return results


def test_each_of_many_files_has_the_answer_that_it_has_alone(tmp_path: Path) -> None:
    bases = sorted(BOOTED.glob("7.*.config"))
    write_distinct(bases, tmp_path, 12, changed=2)
    files = sorted(tmp_path.iterdir())
    assert len({file.read_bytes() for file in files}) == len(files)
    together = answers(*files)
    assert len(together) == len(files) * len(CPUS)
    assert together == [result for file in files for result in answers(file)]
    assert len({result["verdict"] for result in together}) > 2
    assert any(item["code"] == "MX0919" for result in together for item in result["diagnostics"]), (
        "some of them break what Kconfig demands"
    )


def test_a_document_in_pieces_is_the_whole_one(tmp_path: Path) -> None:
    odd = tmp_path / "odd\udcff.config"
    odd.write_bytes((BOOTED / "7.3.config").read_bytes())
    request = ValidateRequest(files=(str(odd), str(BOOTED / "7.2.config")), cpus=CPUS)
    results = validate(request).results
    assert len(results) == 2 * len(CPUS)
    for some in (results, results[:1], ()):
        whole = dump(validate_document(some))
        writer = JsonWriter()
        writer.add(writer.part(some))
        assert b"".join(writer.pieces(None)).decode() == whole


@pytest.mark.skipif(sys.platform != "linux", reason="what a process used at most is told there")
def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    padding = "".join(f"CONFIG_PADDING_{number}=y\n" for number in range(9_000))
    base = tmp_path / "7.3.config"
    base.write_text((BOOTED / "7.3.config").read_text() + padding)
    (tmp_path / "many").mkdir()
    write_distinct([base], tmp_path / "many", 60)
    command = [sys.executable, "-c", MOST, "validate", "--cpu", "graviton3"]

    def most(files: str) -> int:
        done = subprocess.run([*command, files], capture_output=True, text=True, check=True)
        return int(done.stderr.splitlines()[-1])

    first = next((tmp_path / "many").iterdir())
    # One file is 0.2 MiB, and what was read of it took six times that.
    assert most(str(tmp_path / "many")) - most(str(first)) < 16_000


def test_a_file_goes_with_its_answer_and_waits_for_no_collector(tmp_path: Path) -> None:
    write_distinct(sorted(BOOTED.glob("7.*.config")), tmp_path, 12, changed=2)
    run = Validation(ValidateRequest(files=(str(tmp_path),), cpus=CPUS))

    def alive() -> int:
        return sum(isinstance(one, DotConfig) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before, most, fixes = alive(), 0, 0
        for found in run.inputs():
            fixes += sum(len(one.answer.fixes) for one in run.answered(found).results)
            most = max(most, alive() - before)
    finally:
        gc.enable()
    assert fixes
    # The one that was answered last, as it was read and as it was typed.
    assert most <= 2


@given(DOCUMENTS)
def test_both_writers_of_json_write_the_same(document: dict[str, Any]) -> None:
    assert dump_without_fractions(document) == dump(document)


@given(st.text(alphabet="\n\n#C= x"))
def test_other_lines_are_counted(text: str) -> None:
    normalised = f"\n{text}\n"
    split = normalised.split("\n")
    assert lines.count_other_lines(normalised) == sum(
        bool(line) and not line.startswith("#") for line in split
    )
