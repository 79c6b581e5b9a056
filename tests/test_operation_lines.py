"""Every source line of every micro-operation: it lies in the function that is meant, and says it.

What must stand there is in `cases/operation_lines.yaml`, written from the kernels; where a function
begins and ends is found here by the shape of kernel source, without any parser of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from msgspec import Struct
from ruamel.yaml import YAML

from matrix.scenarios.arm64.operations import OPERATIONS
from matrix.schema.compiled import knowledge
from tests.shared_inputs import WHOLE_TREES

CASES = Path(__file__).parent / "cases" / "operation_lines.yaml"
SHARED = ("5.10", "6.1", "6.12", "7.2", "7.3")

_HEAD = re.compile(r"^(?!(?:EXPORT_|module_|DEFINE_|#))[A-Za-z_][\w \t*]*?\b(\w+)\([^;]*$")
_ASSEMBLY = re.compile(r"^SYM_(?:FUNC|CODE)_START(?:_\w+)?\((\w+)\)")
_OLD_ASSEMBLY = re.compile(r"^SYM_(?:FUNC|CODE)_END(?:_\w+)?\(")


class Cited(Struct, frozen=True):
    """One cited range: its operation and citation, the functions of its two ends, and its text."""

    operation: str
    citation: str
    functions: tuple[str | None, str | None]
    text: str


@pytest.mark.parametrize("release", [*SHARED, *WHOLE_TREES])
def test_cited_lines_say_what_the_operation_does(
    release: str, kernel_tree: Callable[[str], Path]
) -> None:
    rows = _rows()
    found = list(_cited(release, kernel_tree(release)))
    assert len({item.operation for item in found}) >= 30
    wrong = [
        f"{item.operation}: {item.citation} lies in {item.functions}"
        for item in found
        if not any(_fits(item, *row) for row in rows[item.operation])
    ]
    assert wrong == []


@pytest.mark.parametrize("release", [*SHARED, *WHOLE_TREES])
def test_what_decides_an_operation_is_cited(
    release: str, kernel_tree: Callable[[str], Path]
) -> None:
    rows = _rows()
    found = list(_cited(release, kernel_tree(release)))
    whole = _complete(release, kernel_tree(release))
    missing = {
        operation
        for operation in {item.operation for item in found} & whole
        if not any(
            _fits(item, *rows[operation][0]) for item in found if item.operation == operation
        )
    }
    assert missing == set()


def test_every_operation_of_the_kernel_has_its_row() -> None:
    kernel = {item.name for item in OPERATIONS if item.where == "kernel"}
    assert _rows().keys() == kernel


def _fits(item: Cited, function: str, says: str) -> bool:
    inside = all(name and re.fullmatch(function, name) for name in item.functions)
    return inside and re.search(says, item.text, re.DOTALL) is not None


@cache
def _rows() -> dict[str, list[tuple[str, str]]]:
    loaded = YAML(typ="safe", pure=True).load(CASES.read_text("utf-8"))
    return {name: [(row["in"], row["says"]) for row in rows] for name, rows in loaded.items()}


def _parts(release: str) -> Iterator[tuple[str, str]]:
    profile = next(item for item in knowledge().kernels if item.release == release)
    for row in profile.operations:
        for part in row.source.split("; "):
            if " " not in part:  # the rest is of the series
                yield row.operation, part


def _complete(release: str, folder: Path) -> set[str]:
    """Return the operations of which every cited file is there; a subset lacks some."""
    there: dict[str, bool] = {}
    for operation, part in _parts(release):
        is_file = (folder / part.rpartition(":")[0]).is_file()
        there[operation] = there.get(operation, True) and is_file
    return {operation for operation, is_there in there.items() if is_there}


def _cited(release: str, folder: Path) -> Iterator[Cited]:
    for operation, part in _parts(release):
        path, _, numbers = part.rpartition(":")
        first, _, last = numbers.partition("-")
        file = folder / path
        if file.is_file():
            lines = file.read_text("utf-8", "replace").splitlines()
            start, end = int(first), int(last or first)
            assert 0 < start <= end <= len(lines), part
            yield Cited(
                operation,
                part,
                (_function(lines, start), _function(lines, end)),
                "\n".join(lines[start - 1 : end]),
            )


def _function(lines: list[str], number: int) -> str | None:
    """Return the function that line `number` lies in: the last head above it that is not closed."""
    for index in range(number - 1, -1, -1):
        line = lines[index]
        head = _ASSEMBLY.match(line) or _HEAD.match(line)
        if head is not None:
            return head[1]
        if index < number - 1 and (line.startswith("}") or _OLD_ASSEMBLY.match(line)):
            return None
    return None
