"""The Sphinx extension, in builds of its own process whose warnings are errors.

Sphinx 3.4.3, the oldest that the kernel's documentation takes, is an environment of its own:
`tests/fetch_sphinx.sh DIR` makes it, `MATRIX_OLD_SPHINX=DIR` names it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OLD = os.environ.get("MATRIX_OLD_SPHINX")
CONF = f"""
extensions = ["matrix.integrations.sphinx"]
project = author = copyright = version = release = "Verdicts"
matrix_command = [{sys.executable!r}, "-m", "matrix"]
man_pages = [("index", "verdicts", "Verdicts", "us", 1)]


def note_read(app, env, docnames):
    with open(f"{{app.srcdir}}/read.txt", "w") as file:
        file.write(" ".join(sorted(docnames)))


def setup(app):
    app.connect("env-before-read-docs", note_read)
"""
INDEX = """\
Verdicts
========

On an Apple M2 it is :matrix:`arm64-overview cpu=apple-m2`.

.. support-matrix:: arm64-memfd-secret
   :show: counts
   :as: sentence
   :class: wide

.. include:: part.txt
.. include:: part.txt

.. toctree::

   other
"""
PART = ".. support-matrix:: arm64-memfd-secret\n   :as: badge\n\n"
BADGE = "arm64-memfd-secret: unsound in 4 320 of 329 670 cells"
OTHER = """\
Other
=====

.. note::

   .. support-matrix:: arm64-overview
      :rows: @server
      :columns: 7.3, default
"""


def interpreters() -> list[object]:
    old = pytest.mark.skipif(not OLD, reason="MATRIX_OLD_SPHINX names no environment of 3.4.3")
    return [
        pytest.param(sys.executable, id="newest"),
        pytest.param(f"{OLD}/bin/python", id="3.4.3", marks=old),
    ]


def build(
    folder: Path, builder: str, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", "sphinx", "-q", "-W", "--keep-going", "-j2", "-b", builder]
    places = [str(folder), str(folder / "_build" / builder), "-d", str(folder / "_build/doctrees")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, *places], capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in (("conf.py", CONF), ("index.rst", INDEX), ("other.rst", OTHER)):
        (tmp_path / name).write_text(text)
    (tmp_path / "part.txt").write_text(PART)
    return tmp_path


@pytest.mark.parametrize("python", interpreters())
def test_every_builder_shows_the_verdicts(python: str, project: Path) -> None:
    builders = {"html": "other.html", "text": "other.txt"}
    if os.environ.get("CI") or python != sys.executable:
        builders |= {"latex": "verdicts.tex", "man": "verdicts.1", "epub": "other.xhtml"}
    for builder, file in builders.items():
        built = build(project, builder, python)
        assert (built.returncode, built.stderr) == (0, "")
        text = (project / "_build" / builder / file).read_text()
        assert "unsound" in text
        assert "hisi" in text
    index = (project / "_build/text/index.txt").read_text()
    assert "On an Apple M2 it is unsound." in index
    assert index.count(BADGE) == 2  # the part is included twice
    page = (project / "_build/html/index.html").read_text()
    assert page.count(f"<title>{BADGE}</title>") == 2
    assert 'class="matrix-verdict matrix-unsound"' in page
    assert "support-matrix wide" in page


@pytest.mark.parametrize("python", interpreters())
def test_a_badge_is_words_where_no_picture_can_be(python: str, project: Path) -> None:
    (project / "index.rst").write_text(f"T\n=\n\n{PART}")
    (project / "other.rst").write_text(":orphan:\n")
    is_newest = python == sys.executable
    if is_newest:  # MyST needs a newer Sphinx than 3.4.3
        (project / "conf.py").write_text(CONF.replace("[", '["myst_parser", ', 1))
        (project / "index.rst").unlink()
        page = "# T\n\n```{support-matrix} arm64-memfd-secret\n:as: badge\n```\n"
        (project / "index.md").write_text(page)
    for builder, file in {"latex": "verdicts.tex", "man": "verdicts.1"}.items():
        built = build(project, builder, python)
        assert (built.returncode, built.stderr) == (0, "")
        text = (project / "_build" / builder / file).read_text()
        plain = re.sub(r"\\sphinxhyphen\{\}|\\-", "-", text)
        assert plain.count(BADGE) == 1
        assert "svg" not in text
    assert build(project, "html", python).returncode == 0
    assert f"<title>{BADGE}</title>" in (project / "_build/html/index.html").read_text()


# What is wrong, by itself in a paragraph, and what is said of it.
WRONG = (
    (".. support-matrix:: nope", "unknown study `nope` [MX0906]"),
    (".. support-matrix:: arm64-memfd-secret\n   :rows: nope", "`nope` among its rows [MX0810]"),
    (".. support-matrix:: arm64-memfd-secret\n   :rows: @nope", "unknown group `@nope` [MX0507]"),
    (".. support-matrix:: arm64-memfd-secret\n   :where: kernel ==", "[MX01"),
    (":matrix:`arm64-memfd-secret cpu=nope`", "[MX0606]"),
    (".. support-matrix::\n   :where: '\"", "one kind of quotes"),
    (".. support-matrix::\n   :colour: x", "colour"),
)


def test_what_is_wrong_is_a_warning_at_its_line(project: Path) -> None:
    (project / "index.rst").write_text("T\n=\n\n" + "\n\n".join(text for text, _ in WRONG) + "\n")
    (project / "other.rst").write_text(":orphan:\n")
    built = build(project, "text")
    assert built.returncode == 1
    assert "Traceback" not in built.stderr
    line = 4
    for text, said in WRONG:
        assert re.search(rf"(?s)index\.rst:{line}: .*?{re.escape(said)}", built.stderr), said
        line += text.count("\n") + 2


def test_a_changed_study_has_only_its_pages_read_again(project: Path) -> None:
    own = project / "own" / "matrices"
    own.mkdir(parents=True)
    for name in ("a", "b"):
        text = (ROOT / "configs/matrices/arm64-memfd-secret.yaml").read_text()
        (own / f"{name}.yaml").write_text(text.replace("arm64-memfd-secret", f"study-{name}"))
        (project / f"{name}.rst").write_text(
            f"{name}\n=\n\n.. support-matrix:: study-{name}\n   :as: badge\n"
        )
    (project / "index.rst").write_text("T\n=\n\n.. toctree::\n\n   a\n   b\n   other\n")
    (project / "other.rst").write_text("Other\n=====\n")
    (project / "conf.py").write_text(CONF + 'matrix_configs = ["own"]\n')
    assert build(project, "text").returncode == 0
    assert (project / "read.txt").read_text() == "a b index other"
    changed = own / "a.yaml"
    changed.write_text(changed.read_text() + "# changed\n")
    later = changed.stat().st_mtime + 10
    os.utime(changed, (later, later))
    shutil.rmtree(project / "_build/text")
    assert build(project, "text").returncode == 0
    assert (project / "read.txt").read_text() == "a"


def test_the_extension_imports_nothing_of_matrix_but_its_version() -> None:
    code = (
        "import sys, matrix.integrations.sphinx; "
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('matrix', 'msgspec')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['matrix', 'matrix.integrations', 'matrix.integrations.sphinx']"
