"""`kernels/probes/arm64.yaml`: what it reads in a tree is what a person declared of the release.

A probe is proved by the trees in which it holds. It says nothing of what it does not
fit: an edit of its words must not leave a row with another value than the tree's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from matrix.diagnostics import InputError
from matrix.flows.kernels_verify import probes_of
from matrix.kernel.source.truth.probes import declared_values, read_rows
from matrix.kernel.source.truth.profile_rows import same_value
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.compiled import knowledge
from matrix.schema.probes import read_probes
from matrix.schema.values import KernelProfile, Probe
from tests.cli_runner import run_cli
from tests.mutation.mutate_sources import _C_RULES, _comment_lines
from tests.shared_inputs import WHOLE_TREES

RELEASES = ("5.10", "6.1", "6.12", "7.2", "7.3")
# The rows whose probes can be held to each release: 5.10 is older than most of what is probed.
LEAST = {
    "5.10": 14,
    "5.15": 20,
    "6.1": 28,
    "6.12": 28,
    "7.2": 30,
    "7.3": 30,
    "6.6": 30,
    "6.8": 27,
    "6.14": 25,
    "7.1": 28,
    "6.18": 30,
    "6.19": 28,
}

# Read on a version without the test that came with CVE-2024-50182; the rows say what the fix is.
BEFORE_ITS_FIX = ("5.15", "6.8")


def shipped(release: str) -> KernelProfile:
    return next(one for one in knowledge().kernels if (one.release, one.arch) == (release, "arm64"))


def probes() -> tuple[Probe, ...]:
    return probes_of(shipped("7.3"))


@pytest.mark.parametrize("release", [*RELEASES, *WHOLE_TREES])
def test_probes_read_in_a_tree_what_a_person_read_in_it(
    release: str, kernel_tree: Callable[[str], Path]
) -> None:
    declared = dict(declared_values(shipped(release)))
    if release in BEFORE_ITS_FIX:
        declared["mechanism memfd_secret_asks_direct_map"] = False
    shown = read_rows(probes(), KernelTree(kernel_tree(release)))
    rows = [row for row in shown if row in declared]
    assert {row: shown[row].value for row in rows} == {
        row: shown[row].value if same_value(shown[row].value, declared[row]) else declared[row]
        for row in rows
    }
    assert len(rows) >= LEAST[release]
    assert all(shown[row].source for row in rows)


def test_the_shared_trees_hold_most_probes(kernel_tree: Callable[[str], Path]) -> None:
    """Of 121 all but those of releases whose trees are in no archive: 6.6 and 6.18, 6.8 to 6.19."""
    assert len(_idle(kernel_tree, RELEASES)) <= 32


def test_each_probe_holds_in_some_tree(kernel_tree: Callable[[str], Path]) -> None:
    assert len(_idle(kernel_tree, (*WHOLE_TREES, *RELEASES))) <= 10


def _idle(kernel_tree: Callable[[str], Path], releases: Sequence[str]) -> list[Probe]:
    trees = [KernelTree(kernel_tree(release)) for release in releases]
    return [one for one in probes() if not any(read_rows([one], tree) for tree in trees)]


class Edited(KernelTree):
    """A tree with one line changed in memory."""

    def __init__(self, folder: Path, path: str, number: int, line: str) -> None:
        super().__init__(folder)
        lines = super()._read(path).split("\n")
        lines[number - 1] = line
        self._changed = (path, "\n".join(lines))

    def _read(self, path: str) -> str:
        return self._changed[1] if path == self._changed[0] else super()._read(path)


def test_a_change_of_the_shown_lines_never_gives_another_value(
    kernel_tree: Callable[[str], Path],
) -> None:
    """Of 7.3: each rule on each line that a person cites for a row leaves its value or nothing."""
    folder = kernel_tree("7.3")
    declared = declared_values(shipped("7.3"))
    found: Counter[str] = Counter()
    for row, shown in read_rows(probes(), KernelTree(folder)).items():
        mine = [one for one in probes() if one.row == row]
        for path, number, line in _lines(folder, shown.source):
            for rule in _C_RULES.values():
                if (after := rule(line)) is not None:
                    now = read_rows(mine, Edited(folder, path, number, after)).get(row)
                    same = now is not None and same_value(now.value, declared[row])
                    found["same" if same else "open" if now is None else "other"] += 1
    assert found["other"] == 0
    assert found["open"] >= 0.8 * found.total() > 100


def _lines(folder: Path, source: str) -> list[tuple[str, int, str]]:
    """Return the first and the last lines of each place of a source, without comments."""
    found = []
    for place in source.split("; "):
        path, _, numbers = place.rpartition(":")
        first, _, last = numbers.partition("-")
        lines = (folder / path).read_text("utf-8").split("\n")
        comments = _comment_lines(lines)
        whole = [n for n in range(int(first), int(last or first) + 1) if n - 1 not in comments]
        found += [(path, n, lines[n - 1]) for n in dict.fromkeys((*whole[:4], *whole[-4:]))]
    return found


def test_a_definition_that_is_there_twice_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\n")
    (tmp_path / "mm").mkdir()
    once = (
        "SYSCALL_DEFINE1(memfd_secret, unsigned int, flags)\n{\n"
        "\tif (!secretmem_enable || !can_set_direct_map())\n\t\treturn -ENOSYS;\n\treturn 0;\n}\n"
    )
    row = "mechanism memfd_secret_asks_direct_map"
    values = {once: True, f"#ifdef CONFIG_A\n{once}#endif\n": None}
    values[f"#ifdef CONFIG_A\n{once}#else\n{once}#endif\n"] = None
    values[once.replace("if (!secretmem_enable || !can_set_direct_map())", "if (gone)")] = None
    for text, value in values.items():
        (tmp_path / "mm/secretmem.c").write_text(text)
        shown = read_rows(probes(), KernelTree(tmp_path)).get(row)
        assert (shown.value if shown else None) is value, text


def test_a_probe_that_cannot_be_read_is_said_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "arm64.yaml"
    file.write_text(
        "arch: arm64\nprobes:\n  mechanism x:\n    - value: true\n"
        "      shown:\n        - {in: mm/a.c, count: {x: 1}}\n        - {in: mm/a.c}\n"
    )
    with pytest.raises(InputError) as caught:
        read_probes(file, "probes.yaml")
    places = [(one.location and one.location.line) for one in caught.value.diagnostics]
    assert places == [6]
    file.write_text(file.read_text().replace("count: {x: 1}", "counts: {x: 1}"))
    with pytest.raises(InputError) as caught:
        read_probes(file, "probes.yaml")
    assert "no place names a piece" in caught.value.diagnostics[0].message


def test_a_draft_keeps_the_fix_point_of_its_series_and_no_other(
    kernel_tree: Callable[[str], Path],
    tmp_path: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """memfd_secret(2) asks since 6.1.113: a draft of 6.1 knows that, 7.2 has no such date."""
    monkeypatch.chdir(repository)
    for release, neighbour, dated in (("6.1", "5.10", True), ("7.2", "6.12", False)):
        out = tmp_path / f"{release}.yaml"
        ran = run_cli(
            *("kernels", "add", "--tree", str(kernel_tree(release)), "--from", neighbour),
            *("--output", str(out)),
        )
        assert ran.code == 0, ran.err
        row = out.read_text().partition("  memfd_secret_asks_direct_map:")[2].partition("\n  ca")[0]
        assert "true" in row.split("source")[0]
        assert ("6.1.113" in row) is dated
