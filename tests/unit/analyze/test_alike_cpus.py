"""CPUs that no kernel tells apart: answered once in a table, and each with its own answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.analyze.space import tables
from matrix.analyze.space.result import Table, TableCell
from matrix.flows.knowledge import Library
from matrix.flows.study import prepare_study, table_cells

CPUS = Path(__file__).parents[3] / "configs" / "cpus"
COPIED = ("cortex-a710", "neoverse-v1", "neoverse-n1")
COPIES = 4


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, Table, int, int]:
    """Return a table, the same with every CPU answered by itself, and the cells asked for each."""
    folder = tmp_path_factory.mktemp("configs")
    (folder / "cpus").mkdir()
    for name in COPIED:
        text = (CPUS / f"{name}.yaml").read_text(encoding="utf-8")
        kept = [line for line in text.splitlines() if not line.startswith("aliases:")]
        for number in range(COPIES):
            copy = "\n".join(kept).replace(f"id: {name}\n", f"id: {name}-copy{number}\n", 1)
            (folder / "cpus" / f"{name}-copy{number}.yaml").write_text(f"{copy}\n")
    prepared = prepare_study(Library((folder,)), "arm64-overview")
    solved = prepared.solve_kernel(next(one for one in prepared.kernels if one.release == "7.3"))
    pivot = replace(solved.study.pivots[0], columns=("profiles",), fixed=(("kernel", "7.3"),))
    asked = replace(solved, study=replace(solved.study, pivots=(pivot,)))
    answer_cell = table_cells(prepared)
    counts: list[int] = []

    def counting(cell: Mapping[str, str]) -> TableCell | None:
        counts[-1] += 1
        return answer_cell(cell)

    found: list[Table] = []
    with pytest.MonkeyPatch.context() as patch:
        for _ in range(2):
            counts.append(0)
            found += tables.study_tables(asked, counting, ())
            patch.setattr(tables, "_kinds", lambda *_: {})
    return found[0], found[1], counts[0], counts[1]


def test_a_table_is_that_of_each_cpu_by_itself(made: tuple[Table, Table, int, int]) -> None:
    table, by_itself, _, _ = made
    assert table == by_itself
    for name in COPIED:
        (group,) = (group for group in table.row_groups if name in group)
        assert {f"{name}-copy{number}" for number in range(COPIES)} <= set(group)


def test_cpus_that_are_alike_are_asked_once(made: tuple[Table, Table, int, int]) -> None:
    table, _, asked, by_itself = made
    columns = len(table.columns)
    assert asked <= by_itself - len(COPIED) * COPIES * columns


C1_ULTRA = "midr: {implementer: 0x41, parts: [0xd8c]}"
BBM = "bbm: {value: 2, confidence: trm, sources: [hrw-trm]}"
# Neither has a value for the cpucap of blocks that can be split: of one the revision is missing,
# of the other the field.
LACKING = {
    "lacks-revision": ("midr", {}),
    "lacks-field": (
        "bbm",
        {
            C1_ULTRA: C1_ULTRA.replace("}", ", seen: [0x410fd8c0]}"),
            BBM: "bbm: {unknown: unrecorded}",
            "  id_aa64mmfr2_el1: 0x1221011110101011": "  # none of",
        },
    ),
}


def test_cpus_that_lack_other_fields_are_not_answered_alike(tmp_path: Path) -> None:
    for kind in ("cpus", "matrices"):
        (tmp_path / kind).mkdir()
    text = (CPUS / "c1-ultra.yaml").read_text(encoding="utf-8")
    for name, (_, changes) in LACKING.items():
        copy = text.replace("id: c1-ultra", f"id: {name}")
        for old, new in changes.items():
            assert old in copy
            copy = copy.replace(old, new)
        (tmp_path / "cpus" / f"{name}.yaml").write_text(copy, encoding="utf-8")
    study = (CPUS.parent / "matrices" / "arm64-linear-map-blocks.yaml").read_text(encoding="utf-8")
    cpus = 'options: [neoverse-n1, ampere1a, "ampere1a+neoverse-n1", "neoverse-n1+ampere1a"]'
    assert cpus in study
    study = study.replace(cpus, f"options: [neoverse-n1, {', '.join(LACKING)}]")
    study = study.replace("id: arm64-linear-map-blocks", "id: lacking")
    (tmp_path / "matrices" / "lacking.yaml").write_text(study, encoding="utf-8")
    prepared = prepare_study(Library((tmp_path,)), "lacking")
    (table,) = tables.study_tables(prepared.solve(), table_cells(prepared), ())
    at = table.columns.index(("7.3", "default"))
    said = {
        name: cells[at]
        for group, cells in zip(table.row_groups, table.cells, strict=True)
        for name in group
    }
    for name, (field, _) in LACKING.items():
        cell, own = said[name], prepared.answer({"cpu": name})
        assert cell is not None
        assert own is not None
        assert cell.verdict == own.verdict == "unknown"
        assert cell.reason == own.reasons[0]
        assert cell.reason.endswith(f", depending on {field}")
