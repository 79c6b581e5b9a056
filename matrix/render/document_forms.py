"""Forms of documents that blocks stand in: how each writes a comment, and by which suffix it goes.

Takes the name of a file (and its text, where the name says nothing), gives a `Form`. The name of a
form is that of the writer which gives its tables (`matrix/render/writers`).
"""

from __future__ import annotations

import re
from pathlib import PurePath

from msgspec import Struct

from matrix.diagnostics import did_you_mean

BYTE_ORDER_MARK = "\ufeff"


class Form(Struct, frozen=True, kw_only=True):
    """A form: what opens and closes a comment of one line; `closing` is empty where its end does.

    `at_edge` says that a comment begins at the first column, whatever stands around it.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    opening: str
    closing: str = ""
    at_edge: bool = False

    def comment(self, text: str) -> str:
        """Return a comment of one line."""
        return f"{self.opening} {text}{f' {self.closing}' if self.closing else ''}"

    @property
    def begin(self) -> str:
        """What begins a block, as hints show it."""
        return self.comment("matrix:begin STUDY")

    @property
    def end(self) -> str:
        """What ends a block."""
        return self.comment("matrix:end")


MARKDOWN = Form(
    name="markdown",
    title="Markdown",
    # A name without a suffix is read as Markdown too.
    suffixes=(".md", ".markdown", ".mdown", ".mdwn", ".mkd", ".mkdn", ".qmd", ".rmd", ""),
    opening="<!--",
    closing="-->",
)
RST = Form(name="rst", title="reStructuredText", suffixes=(".rst", ".rest"), opening="..")
ASCIIDOC = Form(
    name="asciidoc",
    title="AsciiDoc",
    suffixes=(".adoc", ".asciidoc", ".asc"),
    opening="//",
    at_edge=True,
)
HTML = Form(
    name="html",
    title="HTML",
    suffixes=(".html", ".htm", ".xhtml"),
    opening="<!--",
    closing="-->",
)
TEXT = Form(name="text", title="plain text", suffixes=(".txt", ".text"), opening="#")

FORMS = {form.name: form for form in (MARKDOWN, RST, ASCIIDOC, HTML, TEXT)}

# What makes another file of a document; the suffix before it tells the form.
_TEMPLATES = frozenset((".in", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template"))
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml)\b", re.IGNORECASE)


def form_of(file: str, text: str = "") -> Form | None:
    """Return the form of a document, None where no known one goes by its suffix.

    A name that says little (`.txt`, no suffix) is HTML where the text begins as HTML does.
    """
    suffix = suffix_of(file)
    if suffix in (".txt", "") and _MARKUP.match(text.removeprefix(BYTE_ORDER_MARK)):
        return HTML
    return next((form for form in FORMS.values() if suffix in form.suffixes), None)


def suffix_of(file: str) -> str:
    """Return the suffix that tells the form, in small letters: `.md` of `page.md.in`."""
    suffixes = [suffix.lower() for suffix in PurePath(file).suffixes]
    while suffixes and suffixes[-1] in _TEMPLATES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def unknown_form_hint(file: str) -> str:
    """Return the hint for a document whose form its suffix does not tell."""
    known = [suffix for form in FORMS.values() for suffix in form.suffixes if suffix]
    near = did_you_mean(suffix_of(file), known)
    ways = f"name the form: --as {'|'.join(FORMS)}"
    return f"{near} {ways}" if near else ways
