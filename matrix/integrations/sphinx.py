"""The Sphinx extension: directive `support-matrix` and role `matrix`.

    extensions = ["matrix.integrations.sphinx"]

    .. support-matrix:: arm64-overview
       :rows: @server
       :columns: 7.3

    On an Apple M2 it is :matrix:`arm64-overview cpu=apple-m2`.

The options are the keys of a block of `matrix embed`. The answer comes from another process,
`python -m matrix block`, so that Sphinx may be of any version from 3.4.3 on and need not share an
environment with matrix: this module imports Sphinx, docutils and the standard library alone.
`matrix_command` in `conf.py` names another command, `matrix_configs` folders of declarations.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.parsers.rst.states import RSTState
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

import matrix

KEYS = ("show", "view", "table", "rows", "columns", "where", "cell", "file", "as")

_log = logging.getLogger(__name__)
_PROBLEM = re.compile(r"(?:.*: )?error\[(?P<code>MX\d{4})\]: (?P<said>.*)")

# The answers of this build; each reader of a parallel build has its own.
_answers: dict[tuple[str, ...], dict[str, Any]] = {}


class AskError(Exception):
    """What matrix says is wrong with a request, in one line."""


def ask(app: Sphinx, request: str, form: str, document: str) -> dict[str, Any]:
    """Return what `matrix block` answers: the text in a form, and the files that decide it.

    Raises:
        AskError: what is wrong with the request.
        ExtensionError: the command cannot be run, or ended with a bug.
    """
    command = [*app.config.matrix_command, "block", request, "--as", form, "--in", document]
    for folder in app.config.matrix_configs:
        command += ["--configs", str(Path(app.confdir, folder))]
    key = (*command, "--format", "json")
    if key not in _answers:
        try:
            ran = subprocess.run(key, capture_output=True, check=False, encoding="utf-8")  # noqa: S603
        except OSError as error:
            raise ExtensionError(f"matrix_command cannot be run: {error}") from error
        if ran.returncode != 0:
            told = _told(ran.stderr)
            if not told:
                raise ExtensionError(f"matrix_command ended with {ran.returncode}: {ran.stderr}")
            raise AskError(told)
        _answers[key] = json.loads(ran.stdout)
    return _answers[key]


def _told(stderr: str) -> str:
    """Return all that is wrong, with the hints, in one line."""
    parts = []
    for line in stderr.splitlines():
        problem = _PROBLEM.match(line)
        if problem is not None:
            parts.append(f"{problem['said']} [{problem['code']}]")
        elif line.startswith("hint: "):
            parts.append(line)
    return "; ".join(parts)


def quoted(value: str) -> str:
    """Return a value as a request holds it.

    Raises:
        AskError: it holds both kinds of quotes, or the end of a line.
    """
    for mark in ('"', "'"):
        if mark not in value and "\n" not in value:
            return f"{mark}{value}{mark}"
    raise AskError(f"a value has one line and one kind of quotes: {value!r}")


class SupportMatrix(SphinxDirective):
    """`.. support-matrix:: STUDY` with the keys of a block as options."""

    optional_arguments = 1
    has_content = False
    option_spec: ClassVar[dict[str, Any]] = {
        **dict.fromkeys(KEYS, directives.unchanged_required),
        "class": directives.class_option,
    }

    def run(self) -> list[nodes.Node]:
        """Return the nodes of what is shown; nothing with a warning where the request is wrong."""
        try:
            given = [f"{key}={quoted(self.options[key])}" for key in KEYS if key in self.options]
            request = " ".join([*self.arguments, *given])
            # A page in Markdown (MyST) has a state of its own, which reads Markdown.
            state: object = self.state
            form = "rst" if isinstance(state, RSTState) else "markdown"
            if self.options.get("as") == "badge":
                return [self._shown(self._badge(request))]
            text = self._ask(request, form).splitlines()
        except AskError as error:
            _log.warning("support-matrix: %s", error, location=self._place(), type="matrix")
            return []
        shown = self._shown([])
        shown.document = self.state.document
        source, _ = self.get_source_info()
        self.state.nested_parse(StringList(text, source), self.content_offset, shown)
        return [shown]

    def _ask(self, request: str, form: str) -> str:
        answer = ask(self.env.app, request, form, str(self.env.doc2path(self.env.docname)))
        for file in answer["declared_in"]:
            self.env.note_dependency(file)
        return str(answer["text"])

    def _shown(self, inner: list[nodes.Node]) -> nodes.container:
        classes = ["support-matrix", *self.options.get("class", [])]
        return nodes.container("", *inner, classes=classes)

    def _badge(self, request: str) -> list[nodes.Node]:
        """Return a picture for HTML and its words for all else, LaTeX having no SVG."""
        picture = nodes.raw("", self._ask(request, "html"), format="html")
        words = nodes.paragraph("", self._ask(request, "text").strip())
        return [addnodes.only("", picture, expr="html"), addnodes.only("", words, expr="not html")]

    def _place(self) -> str:
        source, line = self.get_source_info()
        return f"{source}:{line}"


class MatrixRole(SphinxRole):
    """``:matrix:`STUDY axis=option,…` ``: the verdict of one cell."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the verdict; nothing with a warning where the request is wrong."""
        *study, cell = self.text.split(" ", 1)
        if "=" in (study or [""])[0]:  # no study is named, and the cell has a space
            study, cell = [], self.text
        try:
            request = " ".join([*study, f"cell={quoted(cell)}", "as=badge"])
            answer = ask(self.env.app, request, "text", str(self.env.doc2path(self.env.docname)))
        except AskError as error:
            source, line = self.get_source_info()
            _log.warning(":matrix: %s", error, location=f"{source}:{line}", type="matrix")
            return [], []
        for file in answer["declared_in"]:
            self.env.note_dependency(file)
        verdict = answer["text"].strip()
        classes = ["matrix-verdict", f"matrix-{nodes.make_id(verdict)}"]
        return [nodes.inline(self.rawtext, verdict, classes=classes)], []


def _forget(_: Sphinx) -> None:
    """Ask anew in each build: a server keeps the process, and declarations change meanwhile."""
    _answers.clear()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and the role."""
    app.add_config_value("matrix_command", [sys.executable, "-m", "matrix"], "env")
    app.add_config_value("matrix_configs", [], "env")
    app.add_directive("support-matrix", SupportMatrix)
    app.add_role("matrix", MatrixRole())
    app.connect("builder-inited", _forget)
    return {
        "version": matrix.__version__,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
