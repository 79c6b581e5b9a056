"""The two Jinja environments: HTML, escaped as HTML, and Markdown, escaped as Markdown.

In both a value is escaped unless it says that it is markup already; a name that does not exist is
an error, never an empty text. Jinja is imported here and only when a page is rendered.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from matrix.render import markdown, parts, tables
from matrix.render.basis import recorded
from matrix.render.document import CODE_IN_PROSE
from matrix.render.findings import certainty, events
from matrix.render.frames import strip_beside, strip_of
from matrix.render.picture import Picture, picture
from matrix.render.quantities import counted, grouped, percent
from matrix.render.writers import markdown as writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment
    from markupsafe import Markup

    from matrix.analyze.cell.answer import Finding
    from matrix.analyze.space.cause import Beside

Part = TypeVar("Part")

# Word characters and hyphens are what ids, links, selectors and shells take without quoting.
_NOT_IN_ANCHORS = re.compile(r"[^\w-]+", re.ASCII)


@cache
def html_environment() -> Environment:
    """Return the environment of the HTML templates."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("matrix.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS, prose=_html_prose, sha256=_sha256)
    environment.globals.update(broken=_broken, working=_working)
    return environment


@cache
def markdown_environment() -> Environment:
    """Return the environment of the Markdown templates: what is no `Md` is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("matrix.render"),
        autoescape=False,  # noqa: S701 - `finalize` escapes, for Markdown instead of HTML
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        _FILTERS,
        prose=markdown.prose,
        code=markdown.code,
        header=markdown.header,
        row=markdown.row,
        recorded=recorded,
    )
    environment.globals.update(
        fenced=markdown.fenced,
        cause_traces=tables.cause_traces,
        group_table=tables.group_table,
        fix_section=tables.fix_section,
        tally=tables.tally,
        finding_title=_written(parts.finding_title, writer.inline),
        grid_caption=_written(parts.grid_caption, writer.inline),
        cause_section=_written(parts.cause_section, writer.fragment),
        count_table=_written(parts.count_table, writer.fragment),
        grid_notes=_written(parts.grid_notes, writer.fragment),
        grid_table=_written(parts.grid_table, writer.fragment),
        trace=_written(parts.trace, writer.fragment),
    )
    return environment


def _written(
    part: Callable[..., Part], write: Callable[[Part], markdown.Md]
) -> Callable[[object], markdown.Md]:
    """Return what gives a part of a document as Markdown."""
    return lambda value: write(part(value))


def anchors() -> Callable[[str, str], str]:
    """Return a function that gives each (prefix, label) an id of its own on one page."""
    taken: set[str] = set()

    def anchor(prefix: str, label: str) -> str:
        stem = prefix + (_NOT_IN_ANCHORS.sub("-", label).strip("-") or "row")
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        return name

    return anchor


def _finalize(value: object) -> object:
    from jinja2 import Undefined

    # An undefined value must reach Jinja, which raises with the name that is missing.
    return value if isinstance(value, Undefined) else markdown.escape(value)


def _broken(finding: Finding) -> Picture | None:
    """Return the picture of a finding's trace; None where nothing was simulated."""
    strip = strip_of(finding)
    return None if strip is None else picture(strip)


def _working(works: Beside | None) -> Picture | None:
    """Return the picture of what works beside it; None where nothing does."""
    strip = None if works is None else strip_beside(works)
    return None if strip is None else picture(strip)


def _sha256(script: str) -> str:
    """Return what a Content-Security-Policy calls a script by."""
    return b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _html_prose(text: str) -> Markup:
    """Return a sentence of ours as HTML: what stands in backticks becomes code."""
    from markupsafe import Markup, escape

    parts = CODE_IN_PROSE.split(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(parts)
    )


_FILTERS = {
    "certainty": certainty,
    "counted": counted,
    "events": events,
    "grouped": grouped,
    "percent": percent,
}
