"""RISC-V: a second shipped architecture, which is declared and nothing else.

`_worked` follows from the C: mm/secretmem.c, arch/riscv/mm/pageattr.c:262-347 and
arch/riscv/mm/init.c:748-766 of 6.18.2, whose lines 262-347 and 677-696 are the same in 6.6.63.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.cli_runner import run_cli

ROOT = Path(__file__).resolve().parent.parent
STUDY = "riscv-memfd-secret"
CASES = YAML(typ="safe").load(
    (ROOT / "tests/cases/capabilities/riscv-memfd-secret.yaml").read_text()
)
AXES = {
    "kernel": "6.18",
    "kconfig.64BIT": "y",
    "kconfig.MMU": "y",
    "kconfig.SECRETMEM": "y",
    "kconfig.DEBUG_PAGEALLOC": "n",
    "boot.debug_pagealloc": "absent",
    "boot.secretmem_enable": "absent",
}
CONFIG = """# Linux/riscv {version} Kernel Configuration
CONFIG_RISCV=y
CONFIG_64BIT=y
CONFIG_MMU=y
CONFIG_ARCH_HAS_SET_DIRECT_MAP=y
CONFIG_SECRETMEM=y
"""


def _cells(*where: str) -> list[dict[str, str]]:
    ran = run_cli("cells", STUDY, "--columns", ",".join((*AXES, "verdict")), *where)
    assert ran.code == 0, ran.err
    return list(csv.DictReader(io.StringIO(ran.out)))


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return _cells()


def _worked(cell: dict[str, str]) -> tuple[bool, str]:
    """Return whether the linear map has blocks, and the verdict."""
    debug = {"n": False, "y": False, "on-by-default": True}[cell["kconfig.DEBUG_PAGEALLOC"]]
    if cell["kconfig.DEBUG_PAGEALLOC"] != "n" and cell["boot.debug_pagealloc"] != "absent":
        debug = cell["boot.debug_pagealloc"] == "on"
    blocks = cell["kconfig.64BIT"] == "y" and not debug
    if cell["kconfig.SECRETMEM"] == "n" or cell["boot.secretmem_enable"] == "0":
        return blocks, "absent"
    # split_linear_mapping() is compiled with 64 bits; without them there is nothing to split.
    assert cell["kconfig.MMU"] == "y"
    return blocks, "supported"


def test_every_cell_is_what_the_source_says(rows: list[dict[str, str]]) -> None:
    # 2 releases x 2 widths x 9 lines of debug_pagealloc x 3 of secretmem.enable, and of MMU and
    # SECRETMEM the three that Kconfig builds.
    assert len(rows) == 2 * 2 * 9 * 3 * 3
    with_blocks = _cells("--where", "linear_map_has_blocks")
    for row in rows:
        assert (row in with_blocks, row["verdict"]) == _worked(row), row


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["because"])
def test_worked_by_hand(case: dict[str, Any], rows: list[dict[str, str]]) -> None:
    wanted = {**AXES, **case["cell"]}
    found = [row for row in rows if all(row[name] == wanted[name] for name in AXES)]
    assert [row["verdict"] for row in found] == ([case["verdict"]] if case["verdict"] else [])


@pytest.mark.parametrize(("release", "version"), [("6.6", "6.6.63"), ("6.18", "6.18.2")])
def test_cited_lines_say_what_is_declared(release: str, version: str) -> None:
    tree = Path(os.environ.get("MATRIX_TREES", "/nonexistent")) / version
    if not tree.is_dir():
        pytest.skip(f"no tree of {version} (set MATRIX_TREES)")
    profile = YAML(typ="safe").load(
        (ROOT / f"configs/kernels/linux-{release}-riscv.yaml").read_text()
    )

    def cited(source: str) -> str:
        path, _, lines = source.rpartition(":")
        first, _, last = lines.partition("-")
        return "\n".join(
            (tree / path).read_text().splitlines()[int(first) - 1 : int(last or first)]
        )

    for name, symbol in profile["kconfig"]["symbols"].items():
        assert name in cited(symbol["source"])
    functions, mechanisms = profile["functions"], profile["mechanisms"]
    assert "return true;" in cited(functions["can_set_direct_map()"]["source"])
    blocks = cited(functions["linear_map_has_blocks()"]["source"])
    assert "if (debug_pagealloc_enabled())\n\t\treturn PAGE_SIZE;" in blocks
    assert "IS_ENABLED(CONFIG_64BIT)" in blocks
    splits, walks = mechanisms["setter_splits"]["source"].split("; ")
    assert "#ifdef CONFIG_64BIT" in cited(splits)
    assert "split_linear_mapping" in cited(walks)
    assert re.findall(r"flush_tlb_\w+\(", cited(mechanisms["setter_flushes"]["source"])) == [
        *("flush_tlb_kernel_range(", "flush_tlb_all(", "flush_tlb_kernel_range(")
    ]


def test_a_config_of_riscv_is_answered_by_its_own_kernel(tmp_path: Path) -> None:
    file = tmp_path / "riscv.config"
    file.write_text(CONFIG.format(version="6.18.2"))
    asked = ("validate", str(file), "--capability", STUDY, "--format", "json")
    ran = run_cli(*asked, "--kernel", "linux-6.18-riscv")
    (answer,) = json.loads(ran.out)["results"]
    assert (answer["verdict"], answer["cpu"]) == ("supported", ["riscv-any"])


def test_a_release_alone_is_that_of_the_usual_architecture() -> None:
    asked = ("explain", "boot.rodata=off", "--matrix", "arm64-overview")
    assert run_cli(*asked, "--kernel", "6.18") == run_cli(*asked, "--kernel", "linux-6.18-arm64")
