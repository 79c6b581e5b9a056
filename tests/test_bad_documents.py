"""What is wrong in a document is said with its line by each program that fills it, in its own way.

`embed`, MkDocs and Python-Markdown read blocks between markers; the Sphinx extension, in the newest
Sphinx and in 3.4.3, reads directives.
"""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path

import markdown
import pytest

from matrix.diagnostics import InputError
from matrix.render.document_forms import FORMS
from tests.cli_runner import run_cli
from tests.test_mkdocs import build as build_site
from tests.test_mkdocs import site
from tests.test_sphinx_extension import CONF, interpreters

STUDY = "arm64-memfd-secret"
# What a marker asks for that is not there, and the code of what is said.
REQUESTS = {
    "arm64-memfd-secrt": "MX0906",
    f"{STUDY} view=nope": "MX0810",
    f"{STUDY} view=page_size=3k": "MX0606",
    f"{STUDY} rows=@nope": "MX0507",
    f"{STUDY} rows=nope": "MX0810",
    f"{STUDY} where='kernel =='": "MX0106",
    f"{STUDY} cell=cpu=nope": "MX0606",
    "file=nope.config": "MX0301",
}
# Markers that are no pair, one a document: with `begin` and `end` as its form writes them.
MARKERS = {
    "unclosed": ("{begin}\n\ntext\n", 1, "MX0806"),
    "nested": ("{begin}\n\n{begin}\n\n{end}\n", 3, "MX0805"),
    "no-begin": ("text\n\n{end}\n", 3, "MX0804"),
    "two-ends": ("{begin}\n\n{end}\n\n{end}\n", 5, "MX0804"),
    "no-word": ("{begin}\n\n{stop}\n", 3, "MX0807"),
    "key": ("{key}\n\n{end}\n", 1, "MX0808"),
    "manner": ("{manner}\n\n{end}\n", 1, "MX0810"),
}


def marked(form: str, text: str) -> str:
    comment = FORMS[form].comment
    return text.format(
        begin=comment(f"matrix:begin {STUDY}"),
        end=comment("matrix:end"),
        stop=comment("matrix:stop"),
        key=comment(f"matrix:begin {STUDY} colour=x"),
        manner=comment(f"matrix:begin {STUDY} as=nope"),
    )


def of_requests(form: str) -> tuple[str, list[tuple[int, str]]]:
    """A document with a block for each of `REQUESTS`, and what is said in which line."""
    comment = FORMS[form].comment
    blocks = [
        f"{comment(f'matrix:begin {text}')}\n\n{comment('matrix:end')}\n" for text in REQUESTS
    ]
    return "\n".join(blocks), [(1 + 4 * at, code) for at, code in enumerate(REQUESTS.values())]


@pytest.mark.parametrize("form", FORMS)
def test_embed_says_where_and_writes_nothing(form: str, tmp_path: Path) -> None:
    text, said = of_requests(form)
    documents = {"requests": text}
    documents |= {name: marked(form, text) for name, (text, _, _) in MARKERS.items()}
    suffix = FORMS[form].suffixes[0]
    paths = {name: tmp_path / f"{name}{suffix}" for name in documents}
    for name, path in paths.items():
        path.write_text(documents[name])
    good = tmp_path / f"good{suffix}"
    good.write_text(marked(form, "{begin}\n\n{end}\n"))
    for options in ([], ["--check"], ["--diff"]):
        ran = run_cli("embed", *options, *map(str, [good, *paths.values()]))
        assert ran.code == 3
        for line, code in said:
            assert re.search(rf"requests\{suffix}:{line}:\d+: error\[{code}\]", ran.err), code
        for name, (_, line, code) in MARKERS.items():
            assert re.search(rf"/{name}\{suffix}:{line}:\d+: error\[{code}\]", ran.err), name
        assert {name: path.read_text() for name, path in paths.items()} == documents
        assert good.read_text() == marked(form, "{begin}\n\n{end}\n")


def wrong_pages() -> dict[str, tuple[str, list[tuple[int, str]]]]:
    pages = {
        name: (marked("markdown", text), [(line, code)])
        for name, (text, line, code) in MARKERS.items()
    }
    return pages | {"requests": of_requests("markdown")}


@pytest.mark.parametrize("name", ["unclosed", "requests"])
def test_mkdocs_ends_the_build_and_writes_no_page(name: str, tmp_path: Path) -> None:
    text, said = wrong_pages()[name]
    folder = site(tmp_path, text)
    page = folder / "docs" / "index.md"
    page.chmod(stat.S_IREAD)  # nothing has to be written to it
    built = build_site(folder)
    assert built.returncode == 1
    assert "Traceback" not in built.stderr
    for line, code in said:
        assert re.search(rf"{page}:{line}:\d+: error\[{code}\]", built.stderr), code
    assert not list((folder / "site").rglob("*.html"))
    assert page.read_text() == text


@pytest.mark.parametrize("name", wrong_pages())
def test_python_markdown_raises_all_of_it(name: str) -> None:
    text, said = wrong_pages()[name]
    with pytest.raises(InputError) as caught:
        markdown.markdown(text, extensions=["matrix.integrations.markdown"])
    found = [(item.location.line, item.code) for item in caught.value.diagnostics if item.location]
    assert set(said) <= set(found)


def test_a_text_that_a_page_of_mkdocs_includes_twice(tmp_path: Path) -> None:
    page = '# T\n\n--8<-- "docs/part.txt"\n\n--8<-- "docs/part.txt"\n'
    folder = site(tmp_path, page)
    settings = folder / "mkdocs.yml"
    settings.write_text(settings.read_text().replace("[tables", "[pymdownx.snippets, tables"))
    part = folder / "docs" / "part.txt"
    part.write_text(marked("markdown", "{begin}\n{end}\n"))
    built = build_site(folder)
    assert (built.returncode, built.stderr) == (0, "")
    assert (folder / "site" / "index.html").read_text().count("<table>") == 2
    part.write_text("<!-- matrix:begin arm64-memfd-secrt -->\n<!-- matrix:end -->\n")
    built = build_site(folder)
    assert built.returncode == 1
    assert "Traceback" not in built.stderr
    said = f"{folder}/docs/index.md: error[MX0906]: unknown study `arm64-memfd-secrt`, in `<!--"
    assert built.stderr.count(said) == 1


# As options of a directive, and the words of what is said where Sphinx says it by itself.
DIRECTIVES = (
    (".. support-matrix:: arm64-memfd-secrt", "[MX0906]"),
    (f".. support-matrix:: {STUDY}\n   :view: nope", "[MX0810]"),
    (f".. support-matrix:: {STUDY}\n   :view: page_size=3k", "[MX0606]"),
    (f".. support-matrix:: {STUDY}\n   :rows: @nope", "[MX0507]"),
    (f".. support-matrix:: {STUDY}\n   :rows: nope", "[MX0810]"),
    (f".. support-matrix:: {STUDY}\n   :as: nope", "[MX0810]"),
    (f".. support-matrix:: {STUDY}\n   :where: kernel ==", "[MX0106]"),
    (".. support-matrix::\n   :file: nope.config", "[MX0301]"),
    (f".. support-matrix:: {STUDY}\n   :colour: x", "colour"),
    (f".. support-matrix:: {STUDY}\n   :where: '\"", "one kind of quotes"),
    (f":matrix:`{STUDY} cpu=nope`", "[MX0606]"),
)


@pytest.mark.parametrize("python", interpreters())
def test_sphinx_warns_at_the_line_and_goes_on(python: str, tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(CONF)
    part = (
        f".. support-matrix:: arm64-memfd-secrt\n\n.. support-matrix:: {STUDY}\n   :as: badge\n\n"
    )
    (tmp_path / "part.txt").write_text(part)
    includes = "\n\n.. include:: part.txt\n.. include:: part.txt\n"
    text = "T\n=\n\n" + "\n\n".join(text for text, _ in DIRECTIVES) + includes
    page = tmp_path / "index.rst"
    page.write_text(text)
    page.chmod(stat.S_IREAD)
    command = [python, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "text"]
    # Two at once, into folders of their own.
    both = [
        subprocess.Popen(
            [*command, "-d", f"{out}/doctrees", str(tmp_path), str(out)],
            env={"PYTHONPATH": str(Path(__file__).parent.parent), "PATH": "/usr/bin:/bin"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for out in (tmp_path / "_build" / "one", tmp_path / "_build" / "two")
    ]
    said_by_both = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [1, 1], said_by_both
    for stderr in said_by_both:
        assert "Traceback" not in stderr
        line = 4
        for asked, said in DIRECTIVES:
            assert re.search(rf"index\.rst:{line}: [^\n]*\n?[^\n]*{re.escape(said)}", stderr), said
            line += asked.count("\n") + 2
        assert stderr.count("part.txt:1: WARNING: support-matrix: unknown study") == 2
    for out in ("one", "two"):
        shown = (tmp_path / "_build" / out / "index.txt").read_text()
        assert shown.count(f"{STUDY}: unsound") == 2
    assert page.read_text() == text
