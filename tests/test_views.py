"""Views: every format is one value, what a view fixes is said, and its numbers are those of cells.

The oracle of verdicts and counts is `matrix cells`, which lists cells one by one.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from docutils import nodes
from docutils.core import publish_doctree
from markdown_it import MarkdownIt
from msgspec.structs import replace

from matrix.flows.view import Asked
from matrix.flows.view import view as run_view
from matrix.render.view import view_csv, view_document
from matrix.render.writers import write
from tests.cli_runner import run_cli

STUDY = "arm64-memfd-secret"
FORMS = ("text", "mail", "markdown", "html", "rst", "asciidoc")
VERDICTS = ("unsound", "unknown", "overstrict", "supported", "refused", "absent")


def view(*arguments: str, study: str = STUDY) -> str:
    ran = run_cli("view", study, *arguments)
    assert ran.code == 0, ran.err
    return ran.out


def rows_of(*arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(view(*arguments, "--format", "csv"))))


@pytest.fixture(scope="module")
def cells() -> list[dict[str, str]]:
    """Every cell of the study."""
    return list(csv.DictReader(io.StringIO(run_cli("cells", STUDY).out)))


def test_counts_are_those_of_the_cells(cells: list[dict[str, str]]) -> None:
    shown = rows_of("--rows", "cpu", "--columns", "kernel,page_size", "--show", "cells")
    axes = ("cpu", "kernel", "page_size", "verdict")
    expected = Counter(tuple(cell[axis] for axis in axes) for cell in cells)
    assert {tuple(row[axis] for axis in axes): int(row["cells"]) for row in shown} == expected


def test_what_is_set_is_not_counted(cells: list[dict[str, str]]) -> None:
    given = ("--rows", "cpu", "--columns", "kernel", "--set", "page_size=64k", "--show", "cells")
    shown = rows_of(*given)
    expected = Counter(
        (cell["cpu"], cell["kernel"], cell["verdict"])
        for cell in cells
        if cell["page_size"] == "64k"
    )
    found = {(row["cpu"], row["kernel"], row["verdict"]): int(row["cells"]) for row in shown}
    assert found == expected
    assert {row["page_size"] for row in shown} == {"64k"}


def test_the_worst_verdict_is_the_most_urgent_of_the_cells(cells: list[dict[str, str]]) -> None:
    given = ("--rows", "cpu", "--columns", "kernel", "--show", "worst", "--format", "json")
    found = json.loads(view(*given))["cells"]
    met: dict[tuple[str, str], set[str]] = {}
    for cell in cells:
        met.setdefault((cell["cpu"], cell["kernel"]), set()).add(cell["verdict"])
    for item in found:
        at = (item["at"]["cpu"], item["at"]["kernel"])
        assert item["verdict"] == next(word for word in VERDICTS if word in met[at])


def test_a_verdict_is_that_of_its_cell(cells: list[dict[str, str]]) -> None:
    shown = rows_of("--rows", "cpu", "--columns", "kernel")
    axes = [axis for axis in shown[0] if axis not in ("verdict", "reason")]
    verdicts = {tuple(cell[axis] for axis in axes): cell["verdict"] for cell in cells}
    assert shown
    for row in shown:
        assert row["verdict"] == verdicts[tuple(row[axis] for axis in axes)]


def test_where_chooses_the_cells_that_count(cells: list[dict[str, str]]) -> None:
    where = 'page_size == "4k" && verdict == "unsound"'
    shown = rows_of("--rows", "cpu", "--columns", "kernel", "--show", "cells", "--where", where)
    expected = Counter(
        (cell["cpu"], cell["kernel"])
        for cell in cells
        if (cell["page_size"], cell["verdict"]) == ("4k", "unsound")
    )
    assert expected
    assert {(row["cpu"], row["kernel"]): int(row["cells"]) for row in shown} == expected


def test_only_what_matches_is_kept_and_danger_comes_first() -> None:
    kept = ("--rows", "cpu", "--columns", "kernel", "--only", "cpu=cortex-a7*")
    given = (*kept, "--show", "worst", "--format", "json")
    declared = json.loads(view(*given, study="arm64-overview"))["cells"]
    ranked = json.loads(view(*given, "--order", "danger", study="arm64-overview"))["cells"]
    assert {item["at"]["cpu"][:9] for item in declared} == {"cortex-a7"}
    worst: dict[str, int] = {}
    for item in ranked:
        rank = VERDICTS.index(item["verdict"])
        worst[item["at"]["cpu"]] = min(rank, worst.get(item["at"]["cpu"], rank))
    assert list(worst.values()) == sorted(worst.values())
    assert len(set(worst.values())) > 1
    assert sorted(map(str, declared)) == sorted(map(str, ranked))


@pytest.mark.parametrize(
    ("fixed", "hint"),
    [
        ("kernel=7.3", "hint: --only kernel=7.3 shows this one alone"),
        ("boot.rodata=on", "hint: `profiles` are command lines, which say it: "),
    ],
)
def test_what_a_view_shows_cannot_be_fixed(fixed: str, hint: str) -> None:
    ran = run_cli("view", "arm64-overview", "--set", fixed)
    assert ran.code == 3
    assert ran.out == ""
    assert f"error[MX0506]: `--set {fixed}` fixes what the view shows" in ran.err
    assert hint in ran.err


def test_a_view_of_none_of_the_chosen_cells_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    where = 'page_size == "64k"'
    ran = run_cli("view", "arm64-overview", "--where", where, "--format", "json")
    assert json.loads(ran.out)["cells"] == []
    said = " ".join(ran.err.split())
    (others,) = re.findall(r"--where:1:1: warning\[MX0820\]: .* hint: ([\d,]+) cells", said)
    counted = run_cli("view", "arm64-overview", "--rows", "page_size", "--columns", "kernel",
                      "--where", where, "--show", "cells", "--format", "json")  # fmt: skip
    cells = json.loads(counted.out)["cells"]
    assert int(others.replace(",", "")) == sum(sum(item["counts"].values()) for item in cells)
    assert max(map(len, ran.err.splitlines())) <= 80


def test_a_view_of_what_cannot_be_says_why() -> None:
    where = 'kernel == "6.1" && kernel == "7.3"'
    ran = run_cli("view", "arm64-overview", "--where", where)
    assert ran.code == 3
    assert "MX0662" in ran.err
    assert '`kernel == "6.1"` is asked for' in ran.err


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_what_is_fixed(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = view("--rows", "cpu", "--columns", "kernel", "--set", "page_size=64k", "--format", form)
    study = json.loads(run_cli("studies", "show", STUDY, "--format", "json").out)
    fixed = {**study["baseline"], "page_size": "64k"}
    del fixed["cpu"], fixed["kernel"]
    words = " ".join(text.split())
    for axis, option in fixed.items():
        assert f"{axis}={option}" in words
    assert "supported" in words
    if form in ("text", "mail"):
        assert max(map(len, text.splitlines())) <= (80 if form == "text" else 72)


def test_a_view_of_a_file_is_shown_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "mine.yaml").write_text(
        f"id: mine\nstudy: {STUDY}\ntitle: Mine\nrows: page_size\ncolumns: [kernel]\n"
        'fixed: {cpu: apple-m1}\nonly: {kernel: ["6.*", "7.3"]}\n'
        """where: 'page_size != "64k"'\n"""
    )
    mine = ("--configs", str(tmp_path))
    found = json.loads(view("--view", "mine", *mine, "--format", "json"))
    assert found["fixed"]["cpu"] == "apple-m1"
    assert found["where"] == 'page_size != "64k"'
    shown = {(item["at"]["page_size"], item["at"]["kernel"]) for item in found["cells"]}
    kept = ("6.1", "6.6", "6.12", "6.18", "7.3")
    assert shown == {(size, release) for size in ("4k", "16k") for release in kept}
    listed = json.loads(run_cli("studies", "show", STUDY, *mine, "--format", "json").out)
    assert [item["id"] for item in listed["views"]] == ["mine"]


# Each a line of a view that is wrong, and the code and the place it is told with.
@pytest.mark.parametrize(
    ("right", "wrong", "code", "place"),
    [
        ("study: arm64-memfd-secret", "study: nope", "MX0221", "2:8"),
        ("rows: page_size", "rows: pages", "MX0221", "4:7"),
        ("columns: [kernel]", "columns: [page_size]", "MX0219", "5:11"),
        ('only: {kernel: ["7.3"]}', 'only: {kernel: ["8.*"]}', "MX0820", "6:18"),
        ('only: {kernel: ["7.3"]}', 'only: {cpu: ["*"]}', "MX0820", "6:8"),
    ],
)
def test_a_view_is_checked_where_it_is_declared(
    right: str, wrong: str, code: str, place: str, tmp_path: Path
) -> None:
    text = (
        f"id: mine\nstudy: {STUDY}\ntitle: Mine\nrows: page_size\ncolumns: [kernel]\n"
        'only: {kernel: ["7.3"]}\n'
    )
    (tmp_path / "views").mkdir()
    file = tmp_path / "views" / "mine.yaml"
    file.write_text(text)
    assert run_cli("check", str(tmp_path)).code == 0
    assert right in text
    file.write_text(text.replace(right, wrong))
    ran = run_cli("check", str(tmp_path))
    assert ran.code == 3
    assert f"{file}:{place}: error[{code}]" in ran.err


def test_all_that_is_wrong_is_told_at_once() -> None:
    given = ("--view", "nope", "--rows", "pages", "--set", "cp=1", "--where", "a +")
    ran = run_cli("view", STUDY, *given)
    assert ran.code == 3
    for code in ("MX0810", "MX0605", "MX0106"):
        assert f"error[{code}]" in ran.err
    assert ran.out == ""


ODD = "=<script>alert(1)</script>|`x` *b* [a](javascript:b) \x1b[31m\r\n{counter:x} :ref:`y` ::"


def test_labels_made_of_markup_are_text_in_every_form() -> None:
    found = run_view(
        STUDY,
        Asked(rows="page_size", columns=("kernel",)),
        configs=(),
        predicate=None,
    )
    shown = found.table.row_groups[0][0]
    table = replace(found.table, row_groups=((ODD,), *found.table.row_groups[1:]))
    document = view_document(replace(found, table=table, study=replace(found.study, title=ODD)))
    forms = {form: write(document, form) for form in FORMS}
    assert shown
    for text in forms.values():
        assert "alert(1)" in text
        assert "\x1b" not in text
        assert "\r" not in text
    assert "<script" not in forms["html"]
    rendered = MarkdownIt("commonmark").enable("table").render(forms["markdown"])
    for element in ("<script", "<a ", "<em>"):
        assert element not in rendered
    strict = {"report_level": 2, "halt_level": 2, "file_insertion_enabled": False}
    tree = publish_doctree(forms["rst"], settings_overrides=strict)
    assert any("alert(1)" in entry.astext() for entry in tree.findall(nodes.entry))
    assert "{counter" not in forms["asciidoc"]
    assert "`x`" not in forms["asciidoc"]
    rows = list(csv.reader(io.StringIO(view_csv(replace(found, table=table)))))
    assert len({len(row) for row in rows}) == 1
