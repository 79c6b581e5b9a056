"""Blocks in documents of every form: what stands outside of them never changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from docutils import nodes
from docutils.core import publish_doctree
from hypothesis import example, given
from hypothesis import strategies as st

from matrix.diagnostics import InputError
from matrix.render.blocks import find_blocks, fitted, splice, stale_blocks
from matrix.render.document_forms import FORMS, Form, form_of
from matrix.render.markers import foreign_markers, scan
from tests.cli_runner import run_cli

# Lines that a document of each form may hold around a block; each closes what it opens.
PIECES = {
    "markdown": ("# Title", "", "text", "- item\n\n    more", "```\n<!-- matrix:end -->\n```"),
    "rst": (
        *("Title\n=====", "", "text", "- item\n\n  more", ".. note::\n\n   text", "\ttabs"),
        *("An example::\n\n   .. matrix:begin x\n   .. matrix:end", ".. a comment\n   goes on"),
        *(".. code-block:: rst\n\n   .. matrix:end", "``.. matrix:begin``", ".. _target:"),
    ),
    "asciidoc": (
        *("== Title", "", "text", "* item\n+\nmore", "[NOTE]\n====\ntext\n===="),
        *("----\n// matrix:begin x\n----", "....\n// matrix:end\n....", "// a comment"),
        *("`// matrix:begin`", "|===\n|a |b\n|===", "////\n// matrix:end\n////"),
    ),
    "html": (
        *("<h1>x</h1>", "", "<p>text", "<!-- a\ncomment -->", "<pre>\n  x\n</pre>"),
        *("<script>\n<!-- matrix:begin x -->\n</script>", "<textarea>\n<!-- matrix:end -->\n"),
    ),
    "text": ("Title", "", "text", "  indented", "\t# a remark", "`# matrix:begin`", "# heading"),
}
CONTENT = st.lists(st.sampled_from(("", "new", "  more", "\u2028")), max_size=3)


def documents(form: Form) -> st.SearchStrategy[tuple[str, int]]:
    """Documents of a form with the number of their blocks, with any line ends, mark and end."""
    pieces = st.lists(st.sampled_from(PIECES[form.name]), max_size=4)

    @st.composite
    def made(draw: st.DrawFn) -> tuple[str, int]:
        lines: list[str] = []
        number = draw(st.integers(0, 3))
        for _ in range(number):
            lines += [piece for piece in draw(pieces) for piece in (piece, "")]
            lines += ["" if form.name != "html" else "</textarea>"]
            lines += [form.comment("matrix:begin small"), "", "old", "", form.end, ""]
        lines += draw(pieces)
        newline = draw(st.sampled_from(("\n", "\r\n")))
        text = "\n".join(lines).replace("\n", newline)
        return (
            draw(st.sampled_from(("", "\ufeff"))) + text + draw(st.sampled_from(("", newline))),
            number,
        )

    return made()


def outside(text: str, form: Form) -> list[str]:
    parts, position = [], 0
    for block in find_blocks(text, "d", form):
        parts.append(text[position : block.start])
        position = block.end
    return [*parts, text[position:]]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(st.data())
def test_splicing_changes_nothing_outside(form: Form, data: st.DataObject) -> None:
    text, number = data.draw(documents(form))
    blocks = find_blocks(text, "d", form)
    assert len(blocks) == number
    fresh = ["\n" + "".join(f"{line}\n" for line in data.draw(CONTENT)) + "\n" for _ in blocks]
    new = splice(text, list(zip(blocks, fresh, strict=True)))
    assert outside(new, form) == outside(text, form)
    again = find_blocks(new, "d", form)
    assert [block.content for block in again] == [
        fitted(block, content) for block, content in zip(blocks, fresh, strict=True)
    ]
    assert splice(new, list(zip(again, fresh, strict=True))) == new
    assert stale_blocks(list(zip(again, fresh, strict=True))) == ()


# What may stand before a marker in reStructuredText, so that it is a comment there or is not.
RST_LINES = (
    *("text", "", "- item", "  back", "    deeper", ".. note::", ".. code::", "x::", "   .. y"),
    *(".. matrix:begin small", "   .. matrix:begin small", ".. a comment", "=====", "1. one"),
)


@given(st.lists(st.sampled_from(RST_LINES), max_size=7))
@example(["x::", "", ".. matrix:begin small"])
@example(["text", ".. note::", "", ".. matrix:begin small"])
@example(["1. one", ".. note::", "", ".. matrix:begin small"])
def test_markers_of_rst_are_comments_for_docutils(lines: list[str]) -> None:
    """Whatever we fill is a comment of docutils; what it takes for none is never filled."""
    text = "\n".join(lines)
    tree = publish_doctree(
        text, settings_overrides={"report_level": 5, "halt_level": 5, "_disable_config": True}
    )
    comments = sum(
        node.astext().startswith("matrix:begin small") for node in tree.findall(nodes.comment)
    )
    found = scan(text, "d.rst", FORMS["rst"])
    assert len(found.markers) <= comments


@pytest.mark.parametrize(
    "before", [["x::", "", "  y", ""], ["x::", "", "> y", ""], ["text", "", ".. note::", ""]]
)
def test_behind_a_literal_block_of_rst_a_marker_is_one(before: list[str]) -> None:
    text = "\n".join([*before, ".. matrix:begin small"])
    assert len(scan(text, "d.rst", FORMS["rst"]).markers) == 1


@pytest.mark.parametrize(
    ("file", "text", "form"),
    [
        ("README", "# x", "markdown"),
        ("README", "<!DOCTYPE html>", "html"),
        ("a.md.in", "", "markdown"),
        ("a.HTML.j2", "", "html"),
        ("a.txt", "", "text"),
        ("a.txt", "\ufeff<html>", "html"),
        ("a.rest", "", "rst"),
        ("a.adoc", "", "asciidoc"),
        ("a.tex", "", None),
    ],
)
def test_the_suffix_tells_the_form(file: str, text: str, form: str | None) -> None:
    found = form_of(file, text)
    assert (found.name if found else None) == form


@pytest.mark.parametrize(
    ("form", "text", "code"),
    [
        ("rst", "text\n.. matrix:begin x\n\n.. matrix:end\n", "MX0807"),
        ("rst", "- .. matrix:begin x\n  .. matrix:end\n", "MX0807"),
        ("rst", ".. matrix:begin x\n\ntext\n", "MX0806"),
        ("rst", ".. matrix:bgin x\n", "MX0807"),
        ("asciidoc", "* item\n  // matrix:begin x\n", "MX0807"),
        ("asciidoc", "// matrix:begin x\n----\n// matrix:end\n----\n", "MX0806"),
        ("asciidoc", "// matrix:begin a\n// matrix:begin b\n// matrix:end\n", "MX0805"),
        ("html", "<p><!-- matrix:begin x --></p>\n", "MX0807"),
        ("html", "<!-- matrix:end -->\n", "MX0804"),
        ("text", "see # matrix:begin x\n", "MX0807"),
        ("text", "# matrix:begin x rows\n# matrix:end\n", "MX0809"),
        ("text", "# matrix:begin x as=tables\n# matrix:end\n", "MX0810"),
        ("text", "# matrix:begin x file=a cell=b=c\n# matrix:end\n", "MX0809"),
        ("text", "# matrix:begin x view=1 table=1\n# matrix:end\n", "MX0809"),
        ("text", "# matrix:begin x show=causes where=1\n# matrix:end\n", "MX0809"),
    ],
)
def test_what_is_wrong_in_each_form(form: str, text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        find_blocks(text, "d", FORMS[form])
    assert code in {item.code for item in caught.value.diagnostics}
    assert all(item.hint and item.location for item in caught.value.diagnostics)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_marker_of_another_form_is_told(form: Form) -> None:
    for other in FORMS.values():
        if other.opening == form.opening:
            continue
        (told, *_) = foreign_markers(f"{other.begin}\n\n{other.end}\n", "d", form)
        assert (told.code, form.begin in str(told.hint)) == ("MX0814", True)


LONG = "".join(f"## Part {number}\n\n{'text ' * 30}\n\n" for number in range(200))
BLOCK = "<!-- matrix:begin arm64-memfd-secret show=counts -->\n<!-- matrix:end -->\n"
RST = ".. matrix:begin arm64-memfd-secret\n.. matrix:end\n"
# Ten documents as people have them, each with one block.
REAL = {
    "README.md": f"{LONG}{BLOCK}\n{LONG}",
    "windows.md": f"# Page\n\n{BLOCK}\nafter\n".replace("\n", "\r\n"),
    "mark.md": f"\ufeff# Page\n\n{BLOCK}",
    "end.md": f"# Page\n\n{BLOCK}".rstrip("\n"),
    "mkdocs.md": "!!! note\n\n    - item\n\n"
    + "".join(f"        {line}\n" for line in BLOCK.splitlines())
    + "\n        after\n",
    "nested.rst": "T\n=\n\n.. note::\n\n   .. container:: x\n\n"
    + "".join(f"      {line}\n" for line in RST.splitlines())
    + "\n   after\n",
    "tabs.rst": "- item\n\n" + "".join(f"\t{line}\n" for line in RST.splitlines()) + "\n\tafter\n",
    "guide.adoc": "= T\n\n====\n// matrix:begin arm64-memfd-secret\n// matrix:end\n====\n",
    "page.html": f"<!doctype html>\n<main>\n  <div>\n\t{BLOCK}</div>\n</main>\n",
    "notes.txt": "Notes\r\n\r\n# matrix:begin arm64-memfd-secret\r\n# matrix:end\r\nend",
}


@pytest.mark.parametrize("name", REAL)
def test_a_real_document_is_filled_once_and_for_all(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(REAL[name].encode())
    assert run_cli("embed", str(path)).code == 0
    filled = path.read_bytes()
    assert b"supported" in filled
    form = form_of(name)
    assert form is not None
    assert outside(filled.decode(), form) == outside(REAL[name], form)
    assert run_cli("embed", "--check", str(path)).code == 0
    assert run_cli("embed", str(path)).code == 0
    assert path.read_bytes() == filled


def test_check_shows_the_change_and_the_command(tmp_path: Path) -> None:
    path = tmp_path / "my page.rst"
    path.write_text(RST.rstrip("\n"))
    ran = run_cli("embed", "--check", "--as", "rst", str(path))
    assert ran.code == 1
    assert ran.out.startswith(f"--- a/{path}\n+++ b/{path}\n@@")
    assert "\\ No newline at end of file" in ran.out
    assert f"hint: run `matrix embed --as rst '{path}'`" in ran.err
    shown = run_cli("embed", "--diff", str(path))
    assert (shown.code, shown.out) == (0, ran.out)
    assert path.read_text() == RST.rstrip("\n")


def test_two_at_once_leave_a_whole_document(tmp_path: Path) -> None:
    path = tmp_path / "page.rst"
    path.write_text(RST)
    command = [sys.executable, "-m", "matrix", "embed", str(path)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    codes = {process.returncode for process in both}
    assert codes <= {0, 3}, said
    assert 0 in codes
    assert all(
        "MX0813" in text for process, text in zip(both, said, strict=True) if process.returncode
    )
    assert [item.name for item in tmp_path.iterdir()] == ["page.rst"]
    assert run_cli("embed", "--check", str(path)).code == 0


def test_what_is_not_utf_8_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    wrong, right = tmp_path / "wrong.rst", tmp_path / "right.rst"
    wrong.write_bytes(RST.encode() + b"\xff\n")
    line = RST.count("\n") + 1
    right.write_text(RST)
    ran = run_cli("embed", str(right), str(wrong))
    assert ran.code == 3
    assert f"{wrong}:{line}:1: error[MX0917]: cannot read the document: not UTF-8" in ran.err
    assert right.read_text() == RST


@pytest.mark.parametrize("indent", ["        ", "\t", "   "])
def test_an_indented_text_keeps_its_indent_and_80_columns(indent: str, tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    begin = f"{indent}# matrix:begin arm64-memfd-secret as=sentence\n"
    path.write_text(f"T\n\n{begin}{indent}# matrix:end\n")
    assert run_cli("embed", str(path)).code == 0
    _, _, *block = path.read_text().splitlines()
    assert len(block) > 8
    assert all(line.startswith(indent) for line in block if line)
    assert max(len(line.expandtabs()) for line in block) <= 80
