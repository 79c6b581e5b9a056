"""What people hold, by the command they would try first: a table of inputs and what must come out.

The words are by hand, from what is known of each input; `tests/data/evidence/README.md` says it.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.cli_runner import run_cli

HERE = Path(__file__).parent
TABLE: dict[str, dict[str, Any]] = YAML(typ="safe").load(
    (HERE / "cases" / "reported_inputs.yaml").read_text()
)
_VERDICT = re.compile(
    r"^(supported|unsound|refused|overstrict|unknown|absent)(?=:|, with)", re.MULTILINE
)


@pytest.mark.parametrize("name", TABLE)
def test_a_reported_input_gives_what_it_must(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = TABLE[name]
    for path in (*(HERE / "data" / "evidence").iterdir(), *(HERE / "data/booted").glob("7.*")):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    ran = run_cli(*row["run"])
    said = ran.out + ran.err
    assert ran.code in (0, 1, 4), said
    flat = " ".join(said.split())
    if row["verdicts"]:
        assert _VERDICT.findall(ran.out) == row["verdicts"], said
    assert not [word for word in row["says"] if word not in said and word not in flat], said
    assert not [word for word in row.get("not", ()) if word in flat], said


def test_evidence_without_a_cpu_says_that_each_is_asked(tmp_path: Path) -> None:
    log = tmp_path / "tail.txt"
    log.write_text("[    0.300000] kvm [1]: VHE mode initialized successfully\n")
    ran = run_cli("validate", str(HERE / "data" / "booted" / "7.3.config"), "--evidence", str(log))
    assert "note[MX1444]: nothing tells the CPU" in ran.err
    assert "graviton3" in ran.out
