"""Reading a tree: what its own parser knows decides; questions to the toolchain are replayed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

import pytest

from matrix.diagnostics import InputError
from matrix.kernel.kconfig import parser
from matrix.kernel.kconfig.encoding import encode
from matrix.kernel.kconfig.reading import parse_tree
from matrix.kernel.kconfig.tree import open_tree
from matrix.solve.projection import project
from tests.cpu_bound import cpu_bound
from tests.small_trees import small_tree

TRANSITIONAL = "config OLD\n\tbool\n\ttransitional\n"
CONDITIONAL = 'config A\n\tbool "a"\nconfig B\n\tbool "b"\n\tdepends on A if ARM64\n'
ASKING = (
    "cc-option = $(shell,$(CC) $(1) && echo y || echo n)\n"
    "version := $(shell,echo 7)\n"
    'config A\n\tbool "a"\n\tdepends on $(cc-option,-fa)\n'
    "config VERSION\n\tint\n\tdefault $(version)\n"
)


def codes(folder: Path, text: str, language: str) -> list[str]:
    root = small_tree(folder, text, language=language)
    try:
        parse_tree(open_tree(root, "arm64"), {}, {})
    except InputError as error:
        return [item.code for item in error.diagnostics]
    return []


@pytest.mark.parametrize("text", [TRANSITIONAL, CONDITIONAL])
@pytest.mark.parametrize("language", ["old", "new", "newest"])
def test_newer_constructs_are_read_only_where_the_parser_knows_them(
    text: str, language: str, tmp_path: Path
) -> None:
    assert codes(tmp_path, text, language) == ([] if language == "newest" else ["MX1004"])


@pytest.mark.parametrize(
    "text",
    [
        'if ARM64\nconfig A\n\tbool "a"\n',
        'config A\n\tbool "a\n',
        "choice\n\tprompt\n",
        'config A\n\tbool "a"\n\tdepends on (B\n',
        "config A\n\tbool $(unclosed\n",
        "config A\n\tselect\n",
        "config A\n\tdepends on B\nconfig B\n\tdef_bool A\nconfig A\n\tdef_bool B\n",
        "\x00\x01\xff",
    ],
)
def test_a_damaged_tree_is_a_diagnostic(text: str, tmp_path: Path) -> None:
    found = codes(tmp_path, text, "newest")
    assert found
    assert set(found) <= {"MX1004", "MX1006", "MX1007"}


@pytest.mark.parametrize("outside", ["/dev/zero", "/etc/passwd", "../beside/Kconfig"])
def test_what_stands_outside_of_the_tree_is_not_read(outside: str, tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "Kconfig").write_text("secret\n")
    tree = small_tree(tmp_path / "tree", "")
    (tree / "Kconfig").write_text(f'mainmenu "small"\nsource "{outside}"\n')
    with pytest.raises(InputError) as caught:
        parse_tree(open_tree(tree, "arm64"), {}, {})
    (told,) = caught.value.diagnostics
    assert told.code == "MX1007"
    assert "it is not below the tree" in told.message
    assert "secret" not in str(told)
    assert told.location is not None
    assert (told.location.file, told.location.line) == (str(tree / "Kconfig"), 2)


def test_a_tree_may_be_named_by_a_link(tmp_path: Path) -> None:
    real = small_tree(tmp_path / "linux-7.3.1", 'config A\n\tbool "a"\n')
    (real / "more").write_text('config B\n\tbool "b"\n')
    (real / "Kconfig").write_text(f'{(real / "Kconfig").read_text()}\nsource "more"\n')
    (tmp_path / "linux").symlink_to(real)
    parsed = parse_tree(open_tree(tmp_path / "linux", "arm64"), {}, {})
    assert {"A", "B"} <= set(parsed.names)


def test_a_file_of_the_tree_that_is_no_regular_one_is_not_read(tmp_path: Path) -> None:
    tree = small_tree(tmp_path, "")
    os.mkfifo(tree / "endless")
    (tree / "Kconfig").write_text('mainmenu "small"\nsource "endless"\n')
    with pytest.raises(InputError, match="no regular file"):
        parse_tree(open_tree(tree, "arm64"), {}, {})


def test_a_link_out_of_the_tree_leads_to_kconfig_only(tmp_path: Path) -> None:
    """Packages of headers link the folders of others; nothing else outside is read, or shown."""
    outside = tmp_path / "other"
    outside.mkdir()
    (outside / "Kconfig").write_text('config B\n\tbool "b"\n')
    (outside / "key").write_text("secret\n")
    tree = small_tree(tmp_path / "tree", 'source "link/Kconfig"\n')
    (tree / "link").symlink_to(outside)
    assert "B" in parse_tree(open_tree(tree, "arm64"), {}, {}).names
    (tree / "Kconfig").write_text('source "link/key"\n')
    with pytest.raises(InputError, match="leads out of the tree") as caught:
        parse_tree(open_tree(tree, "arm64"), {}, {})
    assert "secret" not in str(caught.value)


def test_no_variable_of_the_process_reaches_a_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATRIX_SECRET", "secret")
    text = 'config A\n\tstring\n\tdefault "$(MATRIX_SECRET)"\nconfig B\n\tstring\n\t'
    tree = small_tree(tmp_path, text + 'option env="MATRIX_SECRET"\n')
    parsed = parse_tree(open_tree(tree, "arm64"), {}, {})
    for name in ("A", "B"):
        entry = parsed.entry(name)
        assert entry is not None
        assert "secret" not in str(entry.defaults)
    assert os.environ["MATRIX_SECRET"] == "secret"


def doubling(levels: int) -> str:
    lines = [f"a{level} = $(a{level + 1})$(a{level + 1})" for level in range(levels)]
    return "\n".join([*lines, f"a{levels} = x", "X := $(a0)", ""])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (doubling(40), "more than 100,000 calls of macros"),
        (f"a = {'x' * 1000}\n" + "b = " + "$(a)" * 2000 + "\nX := $(b)\n", "1,048,576 characters"),
        ("".join(f"a{n} = $(a{n + 1})\n" for n in range(50_000)) + "X := $(a0)\n", "recursion"),
    ],
)
def test_macros_within_macros_end(text: str, why: str, tmp_path: Path) -> None:
    tree = small_tree(tmp_path, text)
    with cpu_bound(seconds=20), pytest.raises(InputError, match=why):
        parse_tree(open_tree(tree, "arm64"), {}, {})


@pytest.mark.parametrize("keyword", ["bool", "default y", "select A", "help", "visible if A"])
@pytest.mark.parametrize("entry", ['mainmenu "m"', 'comment "c"', "if A", 'menu "m"', "choice"])
def test_a_property_under_an_entry_that_has_none_is_a_diagnostic(
    entry: str, keyword: str, tmp_path: Path
) -> None:
    tree = small_tree(tmp_path, "")
    ends = {"if A": "endif\n", 'menu "m"': "endmenu\n", "choice": "endchoice\n"}
    (tree / "Kconfig").write_text(f"{entry}\n\t{keyword}\n{ends.get(entry, '')}")
    with contextlib.suppress(InputError):
        parse_tree(open_tree(tree, "arm64"), {}, {})


def test_answers_are_replayed_and_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        pytest.fail("a command was run")

    monkeypatch.setattr(subprocess, "run", forbidden)
    tree = open_tree(small_tree(tmp_path, ASKING), "arm64")
    recorded = {"cc-option,-fa": "n", "shell,echo 7": "7", "version": "7"}
    parsed = parse_tree(tree, {}, recorded)
    assert parsed.answers == recorded
    assert not parsed.unanswered
    clauses = encode(parsed, ["A"])
    assert project(clauses, list(clauses.atoms.values())).assignments == 1


def test_what_nobody_recorded_may_be_either(tmp_path: Path) -> None:
    parsed = parse_tree(open_tree(small_tree(tmp_path, ASKING), "arm64"), {}, {})
    assert "cc-option,-fa" in parsed.unanswered
    clauses = encode(parsed, ["A"])
    assert project(clauses, list(clauses.atoms.values())).assignments == 2


@pytest.mark.parametrize(("compiler", "answer"), [("true", "y"), ("false", "n")])
def test_a_live_toolchain_is_asked(compiler: str, answer: str, tmp_path: Path) -> None:
    tree = open_tree(small_tree(tmp_path, ASKING), "arm64")
    parsed = parse_tree(tree, {"CC": compiler}, {"cc-option,-fa": "recorded"}, live=True)
    assert parsed.answers["cc-option,-fa"] == answer


def test_a_toolchain_that_hangs_is_a_diagnostic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parser, "_SECONDS", 0.2)
    tree = open_tree(small_tree(tmp_path, ASKING), "arm64")
    begin = time.monotonic()
    with pytest.raises(InputError) as caught:
        parse_tree(tree, {"CC": "exec sleep 5; :"}, {}, live=True)
    assert caught.value.diagnostics[0].code == "MX1011"
    assert time.monotonic() - begin < 4


def test_parser_sources_count_more_than_its_tests(tmp_path: Path) -> None:
    root = small_tree(tmp_path, "", language="newest")
    sources = root / "scripts" / "kconfig"
    (sources / "lexer.l").write_text('"depends" return T_DEPENDS;\n')
    (sources / "menu.c").write_text("void menu_add_dep(struct expr *dep)\n")
    (sources / "symbol.c").write_text("static struct symbol *sym_calc_choice(struct symbol *sym)\n")
    rules = open_tree(root, "arm64").rules
    assert not rules.transitional
    assert not rules.conditional_depends
    assert rules.choice_has_mode
    assert not rules.imply_within_dependencies
    assert rules.number_without_value == ""
