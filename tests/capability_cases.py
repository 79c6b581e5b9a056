"""Cases of a capability worked by hand, `cases/capabilities/ID.yaml`, and cells of its study."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from msgspec import Struct, convert
from ruamel.yaml import YAML

from tests.cli_runner import run_cli

CASES = Path(__file__).parent / "cases" / "capabilities"


class WorkedCase(Struct, frozen=True, kw_only=True):
    """A cell, its verdict, and the lines of C that say so."""

    cell: str
    verdict: str
    because: str


def worked_cases(capability: str) -> list[WorkedCase]:
    """Return the cases of a capability that were worked by hand."""
    text = (CASES / f"{capability}.yaml").read_text(encoding="utf-8")
    return convert(YAML(typ="safe").load(text)["cases"], list[WorkedCase])


def verdict_of(study: str, cell: str) -> str:
    """Return what `explain` says of a cell."""
    ran = run_cli("explain", cell, "--matrix", study, "--format", "json")
    verdict: str = json.loads(ran.out)["verdict"]
    return verdict


def cells(study: str, *options: str) -> list[dict[str, str]]:
    """Return cells of a study with their verdicts, as `matrix cells` lists them."""
    ran = run_cli("cells", study, *options)
    assert ran.code == 0, ran.err
    return list(csv.DictReader(io.StringIO(ran.out)))
