"""Files that differ share answers; each has the one that it has alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.distinct_configs import write_distinct
from matrix.kernel.config import lines
from matrix.render.json import dump, dump_without_fractions
from tests.cli_runner import run_cli

ROOT = Path(__file__).parent.parent
BOOTED = ROOT / "tests" / "data" / "booted"
CPUS = ("graviton3", "apple-m2", "neoverse-n1", "cortex-a520ae", "cortex-x925+cortex-a725")

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
