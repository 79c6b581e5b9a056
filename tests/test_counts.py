"""`matrix count` with --where and --by: against pandas over the rows of `matrix cells`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest

from matrix.diagnostics import ExitCode
from tests.cli_runner import run_cli

# A study, what chooses its cells, and axes. The last expression is undecided for many CPUs.
ASKED = (
    ("arm64-memfd-secret", 'verdict == "unsound" || kernel == "6.12"', ("cpu", "kernel")),
    ("arm64-distros", None, ("cpu", "distro", "boot.rodata")),
    ("arm64-pseudo-nmi", 'verdict != "absent"', ("kernel", "gic")),
    ("riscv-memfd-secret", None, ("kernel",)),
    ("x86-gmem-no-direct-map", None, ("vm", "kernel")),
    ("arm64-overview", "cpus_have_final_cap(ARM64_HAS_CACHE_DIC)", ("page_size", "kernel")),
)

Counts = dict[tuple[str, ...], int]


def by_pandas(study: str, where: str | None, by: tuple[str, ...], folder: Path) -> Counts:
    chosen = ["--where", where] if where else []
    output = folder / "cells.parquet"
    ran = run_cli("cells", study, *chosen, "--output", str(output))
    assert ran.code == ExitCode.OK, ran.err
    rows = pd.read_parquet(output)
    sizes = rows.groupby([*by, "verdict"], observed=True).size()
    return {tuple(map(str, place)): int(number) for place, number in sizes.items()}


@pytest.mark.parametrize(("study", "where", "by"), ASKED)
def test_groups_are_those_of_the_rows(
    study: str, where: str | None, by: tuple[str, ...], tmp_path: Path
) -> None:
    expected = by_pandas(study, where, by, tmp_path)
    asked = ["count", study, "--by", ",".join(by), *(["--where", where] if where else [])]
    ran = run_cli(*asked, "--format", "csv")
    assert ran.code == ExitCode.OK, ran.err
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert list(rows[0]) == [*by, "verdict", "cells"]
    found = {(*(row[axis] for axis in by), row["verdict"]): int(row["cells"]) for row in rows}
    assert len(found) == len(rows)
    assert found == expected
    document = json.loads(run_cli(*asked, "--format", "json").out)
    assert document["by"] == list(by)
    assert document["cells"] == sum(expected.values())
    groups = {tuple(group["at"].values()): group for group in document["groups"]}
    assert {
        (*place, verdict): number
        for place, group in groups.items()
        for verdict, number in group["verdicts"].items()
    } == expected
    for place, group in groups.items():
        assert group["cells"] == sum(n for key, n in expected.items() if key[:-1] == place)
    assert {word: n for word, n in document["verdicts"].items() if n} == {
        word: sum(n for key, n in expected.items() if key[-1] == word)
        for word in {key[-1] for key in expected}
    }


def test_what_an_expression_leaves_out_is_said() -> None:
    asked = ("count", "arm64-overview", "--where", "cpus_have_final_cap(ARM64_HAS_CACHE_DIC)")
    document = json.loads(run_cli(*asked, "--format", "json").out)
    opposite = f"!({asked[-1]})"
    other = json.loads(run_cli(*asked[:-1], opposite, "--format", "json").out)
    assert document["undecided"] == other["undecided"] > 0
    assert document["cells"] + other["cells"] + other["undecided"] == 605_520
    text = " ".join(run_cli(*asked).out.split())
    assert f"Only cells in which `{asked[-1]}` is true." in text
    assert f"{document['undecided']:,} cells are left out" in text


def test_classes_of_chosen_cells_are_those_of_their_rows(tmp_path: Path) -> None:
    """All is recorded of these CPUs: each cell is in one class."""
    where = 'kernel == "7.3" && (cpu == "apple-m2" || cpu == "apple-m1") && verdict != "absent"'
    output = tmp_path / "cells.parquet"
    run_cli("cells", "arm64-overview", "--where", where, "--output", str(output))
    classes = pd.read_parquet(output)["behaviour_class"]
    assert classes.notna().all()
    counted = run_cli("count", "arm64-overview", "--where", where, "--format", "json")
    assert json.loads(counted.out)["behaviour_classes"] == classes.nunique() > 1


@pytest.mark.parametrize("form", ["text", "markdown", "html", "rst", "asciidoc"])
def test_a_row_stands_for_each_group_in_every_form(form: str) -> None:
    out = run_cli("count", "riscv-memfd-secret", "--by", "kernel", "--format", form).out
    assert "6.18" in out
    assert "324" in out


def test_what_chooses_nothing_is_said_with_its_expression() -> None:
    where = 'kernel == "6.1" && kernel == "7.3"'
    ran = run_cli("count", "arm64-overview", "--where", where)
    assert ran.code == ExitCode.INPUT
    assert 'note[MX0660]: `kernel == "6.1"` is asked for' in ran.err
