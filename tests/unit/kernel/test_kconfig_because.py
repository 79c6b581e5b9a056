"""Why a projected clause holds: the sentence and its line, on small trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.diagnostics import InputError
from matrix.kernel.kconfig import reading
from matrix.kernel.kconfig.because import because
from matrix.kernel.kconfig.encoding import encode
from matrix.kernel.kconfig.reading import parse_tree
from matrix.kernel.kconfig.tree import open_tree
from matrix.solve.projection import explain, project
from tests.small_trees import small_tree

A = 'config A\n\tbool "a"\n'
CASES = {
    "depends": (
        A + 'config B\n\tbool "b"\n\tdepends on A\n',
        [("B depends on A", "Kconfig:6")],
    ),
    "selects": (
        A + '\tselect B\nconfig B\n\tbool "b"\n',
        [("A selects B", "Kconfig:4")],
    ),
    "only what selects": (
        A + "\tselect B\nconfig B\n\tbool\n",
        [
            ("A selects B", "Kconfig:4"),
            ("B has no prompt: nothing that can be set but A selects it", "Kconfig:5"),
        ],
    ),
    "choice": (
        f'choice\n\tprompt "which"\n{A}config B\n\tbool "b"\nendchoice\n',
        [
            ('A and B are members of the choice "which"', "Kconfig:2"),
            ('one member of the choice "which" is set', "Kconfig:2"),
        ],
    ),
    "always": (
        "config A\n\tdef_bool ARM64\nconfig B\n\tbool\n",
        [
            ("A without a visible prompt follows ARM64", "Kconfig:2"),
            ("nothing sets B", "Kconfig:4"),
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_reasons(name: str, tmp_path: Path) -> None:
    text, expected = CASES[name]
    tree = parse_tree(open_tree(small_tree(tmp_path, text), "arm64"), {}, {})
    clauses = encode(tree, ["A", "B"])
    names = {literal: atom[18:-1] for atom, literal in clauses.atoms.items()}
    found = set()
    for clause in project(clauses, list(names)).clauses:
        literals = [(names[abs(item)], item > 0) for item in clause]
        why = because(tree, literals, explain(clauses, clause))
        found.add((why.sentence, why.source))
    assert found == set(expected)


def test_another_package_of_the_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_VERSION", (0, 0, 0))
    with pytest.raises(InputError, match="this is kconfiglib"):
        parse_tree(open_tree(small_tree(tmp_path, A), "arm64"), {}, {})
