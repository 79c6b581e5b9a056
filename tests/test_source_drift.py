"""`kernels verify` on copies of real trees: every edit that matters is reported, no other is.

The tables say in words of the kernel what is edited and which declaration must be named; the
copies hold only the files that the profiles cite.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrix.schema.compiled import knowledge
from tests.cli_runner import Ran, run_cli

CASES = Path(__file__).parent / "cases" / "source_drift"
WITH_TREE = ("5.10", "6.1", "6.12", "7.2", "7.3")
ALSO = (
    "Makefile",
    "arch/arm64/tools/sysreg",
    "arch/arm64/include/asm/sysreg.h",
    "arch/arm64/include/asm/cputype.h",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One row on one release."""

    id: str
    release: str
    file: str
    old: str
    new: str = ""
    after: str = ""
    kind: str = ""
    reports: str = ""
    moves: bool = False
    until: str = ""
    word: str = ""
    becomes: str = ""

    def apply(self, text: str) -> str:
        """Return the edited text; the place must be there, and only once."""
        start = 0
        if self.after:
            assert self.after in text, f"{self.file} has no {self.after!r}"
            start = text.index(self.after)
        else:
            assert text.count(self.old) == 1, f"{self.old!r} stands {text.count(self.old)} times"
        at = text.index(self.old, start)
        if self.word:
            end = text.index(self.until, at) + len(self.until)
            renamed = re.sub(rf"\b{self.word}\b", self.becomes, text[at:end])
            # Members keep their names: `vmf->page` is not the parameter `page`.
            renamed = re.sub(rf"(->|\.){self.becomes}\b", rf"\1{self.word}", renamed)
            return text[:at] + renamed + text[end:]
        return text[:at] + self.new + text[at + len(self.old) :]


def edits(name: str) -> list[Edit]:
    rows = YAML(typ="safe").load((CASES / f"{name}.yaml").read_text("utf-8"))
    return [Edit(release=release, **row) for row in rows for release in row.pop("releases")]


def identify(edit: Edit) -> str:
    return f"{edit.id}-{edit.release}"


@pytest.fixture(scope="module")
def copies(
    kernel_tree: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return `copies(release)`: the cited files of a tree, which a test may edit and puts back."""
    made: dict[str, Path] = {}

    def copy(release: str) -> Path:
        if release not in made:
            made[release] = tmp_path_factory.mktemp(f"linux-{release}")
            copy_cited(kernel_tree(release), made[release], release)
        return made[release]

    return copy


def copy_cited(tree: Path, target: Path, release: str) -> None:
    profile = next(item for item in knowledge().kernels if item.release == release)
    named = re.findall(r"([\w./-]+):\d", repr(profile))
    for path in sorted({*named, *ALSO}):
        if (tree / path).is_file():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tree / path, target / path)


def verify(release: str, tree: Path, *more: str) -> Ran:
    return run_cli("kernels", "verify", release, "--tree", str(tree), "--format", "json", *more)


@pytest.fixture
def edited(copies: Callable[[str], Path]) -> Iterator[Callable[[Edit], Path]]:
    """Return `edited(edit)`: the tree with one edit, undone after the test."""
    undo: list[tuple[Path, str]] = []

    def edit_tree(edit: Edit) -> Path:
        tree = copies(edit.release)
        file = tree / edit.file
        before = file.read_text("utf-8")
        undo.append((file, before))
        after = edit.apply(before)
        assert after != before
        file.write_text(after, "utf-8")
        return tree

    yield edit_tree
    for file, text in undo:
        file.write_text(text, "utf-8")


@pytest.mark.parametrize("release", WITH_TREE)
def test_the_shipped_profiles_have_not_drifted(
    release: str, kernel_tree: Callable[[str], Path]
) -> None:
    ran = verify(release, kernel_tree(release))
    found = json.loads(ran.out)
    assert ran.code == 0, ran.out
    assert (found["drift"], found["moved"]) == (0, {})
    assert found["compared"] > 80
    # Nothing but what the subset of the tree lacks is left out.
    assert {row["code"] for row in found["findings"]} <= {"MX1108"}


@pytest.mark.parametrize("edit", edits("mutations"), ids=identify)
def test_an_edit_that_matters_is_reported(edit: Edit, edited: Callable[[Edit], Path]) -> None:
    ran = verify(edit.release, edited(edit))
    assert ran.code == 1, ran.out
    drift = [row for row in json.loads(ran.out)["findings"] if row["severity"] == "error"]
    assert any(
        edit.reports in what for row in drift for what in (row["message"], *row["concerns"])
    ), drift
    for row in drift:
        assert row["declared"]
        assert row["source"]
        assert row["declared"] != row["source"]
        assert row["place"].partition(":")[0]


@pytest.mark.parametrize("edit", edits("neutral"), ids=identify)
def test_an_edit_that_changes_nothing_is_not(edit: Edit, edited: Callable[[Edit], Path]) -> None:
    ran = verify(edit.release, edited(edit))
    found = json.loads(ran.out)
    assert ran.code == 0, ran.out
    assert found["drift"] == 0
    assert bool(found["moved"]) == edit.moves


def test_the_tables_are_as_large_as_promised() -> None:
    mutations, neutral = edits("mutations"), edits("neutral")
    assert len(mutations) >= 60
    assert len({edit.kind for edit in mutations}) >= 15
    assert {edit.release for edit in mutations} == set(WITH_TREE)
    assert len(neutral) >= 20
