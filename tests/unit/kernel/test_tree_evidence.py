"""Where the lines of a declaration stand in a small tree written here."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.diagnostics import Location
from matrix.kernel.source.tree_evidence import FindingKind, SourceTree, find_evidence
from matrix.schema.direct_maps import Evidence

C = """\
/* first() calls second(); */
int second(int a);

static int
first(int a)
{
\tif (a)
\t\treturn 0; // early
\treturn second(a);
}

int second(int a)
{
\treturn 0;
}
"""
KCONFIG = """\
config FIRST
\tbool
\t# select OTHER
\tselect THIRD if SECOND

config SECOND
\tbool
\tselect  OTHER
"""


@pytest.fixture
def tree(tmp_path: Path) -> SourceTree:
    (tmp_path / "a.c").write_text(C)
    (tmp_path / "Kconfig").write_text(KCONFIG)
    (tmp_path / "folder.c").mkdir()
    return SourceTree(folder=tmp_path)


def evidence(
    path: str,
    *,
    text: str | None = None,
    at: tuple[int, int] | None = None,
    within: str | None = None,
    lacks: str | None = None,
    missing: bool = False,
    read: str | None = None,
) -> Evidence:
    return Evidence(
        path=path,
        lines=at,
        within=within,
        text=text,
        lacks=lacks,
        missing=missing,
        read=read,
        location=Location(file="x.yaml"),
    )


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (evidence("a.c", text="if (a) return 0;", at=(7, 8)), FindingKind.HOLDS),
        (evidence("a.c", text="if(a)\n  return 0;", at=(6, 7)), FindingKind.MOVED),
        (evidence("a.c", text="return 0;", at=(8, 8), within="first"), FindingKind.HOLDS),
        (evidence("a.c", text="return 0;", at=(8, 8), within="second"), FindingKind.MOVED),
        (evidence("a.c", text="return", at=(8, 8)), FindingKind.DIFFERS),
        (evidence("a.c", text="return 1;", at=(8, 8)), FindingKind.DIFFERS),
        (evidence("a.c", text="return 1;", at=(800, 800)), FindingKind.DIFFERS),
        (evidence("a.c", text="return 0;", at=(8, 8), within="third"), FindingKind.NO_SCOPE),
        (evidence("a.c", lacks="early"), FindingKind.HOLDS),
        (evidence("a.c", lacks="second", within="first"), FindingKind.STANDS_THERE),
        (evidence("a.c", lacks="second", within="second"), FindingKind.STANDS_THERE),
        (evidence("a.c", lacks="sec"), FindingKind.HOLDS),
        (evidence("Kconfig", lacks="select OTHER", within="config FIRST"), FindingKind.HOLDS),
        (evidence("Kconfig", lacks="select OTHER"), FindingKind.STANDS_THERE),
        (
            evidence("Kconfig", text="select THIRD", at=(4, 4), within="config FIRST"),
            FindingKind.DIFFERS,
        ),
        (evidence("Kconfig", missing=True), FindingKind.STANDS_THERE),
        (evidence("b.c", missing=True), FindingKind.HOLDS),
        (evidence("b.c", text="x", at=(1, 1)), FindingKind.NO_FILE),
        (evidence("folder.c", lacks="x"), FindingKind.NO_FILE),
        (evidence("b.c", read="somebody read it"), FindingKind.HOLDS),
    ],
)
def test_what_became_of_a_line(asked: Evidence, kind: FindingKind, tree: SourceTree) -> None:
    assert find_evidence(asked, tree).kind is kind


def test_the_nearest_of_several_places_is_named(tree: SourceTree) -> None:
    assert find_evidence(evidence("a.c", text="return 0;", at=(15, 15)), tree).lines == (14, 14)
    found = find_evidence(evidence("a.c", text="return 1;", at=(8, 9)), tree)
    assert found.text == "return 0;\nreturn second(a);"
