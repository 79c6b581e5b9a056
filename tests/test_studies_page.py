"""docs/studies.md has every key of a study with what the document itself says of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pydantic

from matrix.schema.documents.capability import ClaimDeclaration
from matrix.schema.documents.study import (
    BootAxis,
    CpuAxis,
    CpuOptions,
    DistroAxis,
    EnvironmentAxisChoice,
    KconfigAxis,
    KernelAxis,
    PivotDeclaration,
    StudyConstraint,
    StudyDocument,
)
from tests.cli_runner import run_cli

PAGE = Path(__file__).parent.parent / "docs" / "studies.md"
AXES = (KernelAxis, DistroAxis, CpuAxis, KconfigAxis, BootAxis, EnvironmentAxisChoice)


def keys(document: type[pydantic.BaseModel], below: str = "") -> Iterator[str]:
    for name, field in document.model_fields.items():
        needed = "" if field.is_required() else " (may be left out)"
        yield f"| `{below}{field.alias or name}` | {field.description}{needed} |"


def rows() -> list[str]:
    found = list(keys(StudyDocument))
    found += keys(StudyConstraint, "constraints[].")
    found += [row for row in keys(KernelAxis, "axes.NAME.") if ".options`" not in row]
    for axis in AXES:
        (word,) = get_args(axis.model_fields["kind"].annotation)
        options = axis.model_fields["options"].description
        found.append(f"| `axes.NAME.options` of kind `{word}` | {options} |")
    found += [row for row in keys(DistroAxis, "axes.NAME.") if ".kernels`" in row]
    found += keys(CpuOptions, "axes.NAME.options.")
    found += keys(PivotDeclaration, "pivots[].")
    found += keys(ClaimDeclaration, "claims.ID.")
    return found


def test_the_example_is_accepted_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "matrices").mkdir()
    example = PAGE.read_text().split("```yaml\n")[1].split("```")[0]
    (tmp_path / "matrices" / "mine.yaml").write_text(example)
    ran = run_cli("check", str(tmp_path))
    assert (ran.code, "warning" in ran.out + ran.err) == (0, False), ran.out + ran.err


def test_the_page_of_studies_is_up_to_date() -> None:
    assert [line for line in PAGE.read_text().splitlines() if line.startswith("| `")] == rows()
