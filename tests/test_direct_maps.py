"""What docs/direct-maps.md says of other architectures stands in the kernel's source."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

HERE = Path(__file__).parent
LINES = YAML(typ="safe").load((HERE / "data" / "direct_maps.yaml").read_text())
PAGE = (HERE.parent / "docs" / "direct-maps.md").read_text()


@pytest.mark.parametrize("release", LINES)
def test_every_quoted_line_is_in_the_tree(release: str, kernel_tree: Callable[[str], Path]) -> None:
    tree = kernel_tree(release)
    for place, text in LINES[release].items():
        path, _, lines = place.rpartition(":")
        first, _, last = lines.partition("-")
        stands = (tree / path).read_text("utf-8", "replace").splitlines()
        quoted = "".join("\n".join(stands[int(first) - 1 : int(last or first)]).split())
        assert "".join(text.split()) in quoted, place


def test_the_page_cites_the_lines_that_are_quoted() -> None:
    rows = [row for row in PAGE.splitlines() if row.startswith("| ")][2:]
    for row in rows:
        releases = row.split("|")[2].strip().split(", ")
        quoted = LINES.get(releases[-1], {})
        for cited in re.findall(r"<sub>(.*?)</sub>", row):
            path = ""
            for part in re.sub(r"\(.*?\)", "", cited).split(","):
                named, _, lines = part.strip().partition(":")
                path = named or path
                if lines and "read by hand" not in cited and quoted:
                    assert f"{path}:{lines}" in quoted, (row[:30], path, lines)
