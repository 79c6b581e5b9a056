"""The MkDocs plugin: blocks of `matrix embed` filled while a site is built.

    plugins:
      - matrix:
          configs: [my-configs]

The pages themselves are not changed. What is wrong ends the build with the page and the line; of a
block in a text that a page includes (pymdownx.snippets), with the page and the marker.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from mkdocs.config import config_options
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError, Location, format_diagnostic
from matrix.door.files import read_regular
from matrix.flows.session import Session
from matrix.integrations.markdown import BEHIND_INCLUDES
from matrix.render.document_forms import MARKDOWN
from matrix.render.embed import filled

# Larger than any page; MkDocs itself has read it.
_MOST = 1 << 28


# Two ignores below: MkDocs gives `__init_subclass__`, which makes a subclass of its own, no types.
class MatrixConfig(Config):  # type: ignore[no-untyped-call]
    """The options of the plugin: folders of declarations, from the folder of `mkdocs.yml`."""

    configs = config_options.ListOfItems(config_options.Dir(exists=True), default=[])


class MatrixPlugin(BasePlugin[MatrixConfig]):  # type: ignore[no-untyped-call]
    """The plugin `matrix`."""

    _session: Session | None = None
    _page = ""

    def on_config(self, config: MkDocsConfig, /) -> MkDocsConfig:
        """Have the texts filled that pages include: they come after `on_page_markdown`."""
        # Python-Markdown takes an extension itself as well as its name.
        config.markdown_extensions.append(_Included(self))  # type: ignore[arg-type]
        return config

    def on_pre_build(self, **_: Any) -> None:
        """Ask anew in each build: `mkdocs serve` keeps the process."""
        self._session = None

    def on_page_markdown(self, markdown: str, /, *, page: Any, **_: Any) -> str:
        """Return the text of a page with its blocks filled.

        Raises:
            PluginError: all that is wrong with them, each with file and line.
        """
        self._page = str(page.file.abs_src_path)
        if "matrix:" not in markdown:
            return markdown
        # MkDocs has cut off what stands at the head of the page: lines are counted from there.
        source = read_regular(self._page, _MOST).decode("utf-8", "replace")
        head = "\n" * max(0, source.count("\n") - markdown.count("\n"))
        try:
            return self._filled(head + markdown).removeprefix(head)
        except InputError as error:
            raise PluginError("\n".join(map(format_diagnostic, error.diagnostics))) from None

    def fill_included(self, text: str) -> str:
        """Return the text of the page with the blocks filled of all that it includes.

        Raises:
            PluginError: all that is wrong with them, each with the page and the marker.
        """
        try:
            return self._filled(text)
        except InputError as error:
            placed = dict.fromkeys(map(self._included, error.diagnostics))
            raise PluginError("\n".join(map(format_diagnostic, placed))) from None

    def _filled(self, text: str) -> str:
        self._session = self._session or Session(tuple(map(Path, self.config.configs)))
        return filled(text, self._page, MARKDOWN, self._session)

    def _included(self, item: Diagnostic) -> Diagnostic:
        """Return what is said of an included text: whose line it is nobody tells."""
        line = item.location.text if item.location else None
        where = f", in `{line.strip()}` of a text that the page includes" if line else ""
        page = Location(file=self._page)
        return replace(item, location=page, message=f"{item.message}{where}")

    def on_serve(self, server: Any, /, **_: Any) -> Any:
        """Build again when a declaration changes."""
        for folder in self.config.configs:
            server.watch(folder)
        return server


class _Included(Extension):
    """Fills the blocks of texts that a page includes, once all of them are in its lines."""

    def __init__(self, plugin: MatrixPlugin) -> None:
        super().__init__()
        self._plugin = plugin

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the name is Python-Markdown's
        """Register what fills them."""
        md.preprocessors.register(_Filler(md, self._plugin), "matrix-included", BEHIND_INCLUDES)


class _Filler(Preprocessor):
    def __init__(self, md: Markdown, plugin: MatrixPlugin) -> None:
        super().__init__(md)
        self._plugin = plugin

    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines)
        if "matrix:" not in text:
            return lines
        return self._plugin.fill_included(text).split("\n")
