"""The rules of Kconfig on small trees: every assignment is given to the kernel's own conf."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrix.kernel.kconfig.check import find_conflicts
from matrix.kernel.kconfig.encoding import encode
from matrix.kernel.kconfig.reading import ParsedTree, parse_tree
from matrix.kernel.kconfig.tree import open_tree
from matrix.solve.projection import project
from tests.kernel_conf import find_conf, write_config
from tests.small_trees import small_tree

CASES = YAML(typ="safe").load(
    (Path(__file__).parents[2] / "cases" / "kconfig" / "small-trees.yaml").read_text()
)
# The language of a small tree, and the releases whose conf speaks it.
RELEASES = {"old": ("5.10", "6.1"), "new": ("6.12",), "newest": ("7.2", "7.3")}
RUNS = [
    (case, language, release)
    for case in CASES
    for language in ([case["language"]] if "language" in case else RELEASES)
    for release in RELEASES[language]
]

# One release of each language is enough where no conf takes part.
OF_EACH_LANGUAGE = [run for run in RUNS if run[2] in ("6.1", "6.12", "7.3")]


def parsed(case: dict[str, str], language: str, release: str, folder: Path) -> ParsedTree:
    text = case["text"]
    if release == "5.10":  # `modules` alone on a line came with 5.15
        text = text.replace("\tmodules\n", "\toption modules\n")
    root = small_tree(folder / "tree", text, language=language)
    return parse_tree(open_tree(root, "arm64"), {}, {})


def assignments(tree: ParsedTree) -> list[dict[str, str]]:
    """Return every assignment of n, m, y to the symbols of a tree; m only to a tristate."""
    names = tree.names
    values = []
    for name in names:
        entry = tree.entry(name)
        assert entry is not None
        values.append("nmy" if entry.type == "tristate" else "ny")
    return [dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*values)]


@pytest.mark.parametrize(
    ("case", "language", "release"),
    RUNS,
    ids=[f"{case['name']}-{language}-{release}" for case, language, release in RUNS],
)
def test_what_conf_leaves_is_what_the_rules_allow(
    case: dict[str, str], language: str, release: str, tmp_path: Path
) -> None:
    conf = find_conf(release)
    tree = parsed(case, language, release, tmp_path)
    for assignment in assignments(tree):
        left = conf.olddefconfig(tree.tree.root, write_config(assignment), tmp_path)
        survives = all(left.get(name, "n") == value for name, value in assignment.items())
        conflicts = find_conflicts(tree, assignment, {})
        assert survives == (not conflicts), (assignment, left, conflicts)


@pytest.mark.parametrize(
    ("case", "language", "release"),
    OF_EACH_LANGUAGE,
    ids=[f"{case['name']}-{language}-{release}" for case, language, release in OF_EACH_LANGUAGE],
)
def test_logic_and_check_agree(
    case: dict[str, str], language: str, release: str, tmp_path: Path
) -> None:
    """The projection onto all symbols has as many assignments as pass the check one by one."""
    tree = parsed(case, language, release, tmp_path)
    allowed = [item for item in assignments(tree) if not find_conflicts(tree, item, {})]
    clauses = encode(tree, tree.names)
    projection = project(clauses, list(clauses.atoms.values()))
    enabled = {tuple(value != "n" for value in item.values()) for item in allowed}
    assert projection.assignments == len(enabled)
    if "realizable" in case:
        assert len(allowed) == int(case["realizable"])
