"""The documentation site: `sphinx-build -W -b html docs DIR`. It needs no network."""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

import matrix

sys.path.insert(0, str(Path(__file__).parent))
from reference_pages import write_reference

project = "matrix"
author = "the matrix authors"
copyright = author  # noqa: A001 - the name is Sphinx's
version = release = matrix.__version__

extensions = ["myst_parser", "matrix.integrations.sphinx"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {
    "description": "Where does a kernel capability really work?",
    "page_width": "1160px",  # a command's 80 columns beside the list of pages
    "sidebar_width": "250px",
    "body_max_width": "860px",
}
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]


def link_codes(_: Sphinx, page: str, source: list[str]) -> None:
    """Lead from each row of the page of diagnostics to the page of its code."""
    if page == "diagnostics":
        source[0] = re.sub(r"(?m)^\| (MX\d+) \|", r"| [\1](reference/codes/\1.md) |", source[0])


def setup(app: Sphinx) -> None:
    """Register what is done while pages are read."""
    app.connect("source-read", link_codes)


write_reference(Path(__file__).parent / "reference")
