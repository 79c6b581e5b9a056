"""Places in a kernel's source as links to a tree that can be browsed.

Takes a text that names places (`mm/Kconfig:1344`, `kernel/kexec.c:10-20`) and the address that the
release's profile declares, gives HTML. A place without a line, as of a patch, is no link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from matrix.render.document import CODE_IN_PROSE
from matrix.schema.values import KernelProfile

if TYPE_CHECKING:
    from markupsafe import Markup

# A path and a line; or, right behind one, another line of the same file.
_PLACE = re.compile(
    r"(?<![\w/.:-])(?P<path>(?:[\w.+-]+/)*[\w.+-]*[A-Za-z][\w.+-]*):(?P<line>\d+)(?:-\d+)?"
    r"|,:(?P<more>\d+)(?:-\d+)?",
    re.ASCII,
)


class Trees:
    """Where the source of each release of a study is shown on the web."""

    def __init__(self, kernels: Sequence[KernelProfile]) -> None:
        self._addresses: Mapping[str, str | None] = {
            profile.release: profile.browse for profile in kernels
        }
        self._newest = kernels[-1].release if kernels else ""

    def linked(self, text: str, release: str = "") -> Markup:
        """Return a text with a link for each place of `release`, or of the newest one of the study.

        What stands in backticks becomes code. Of a release that is not in the study, or has no
        address, nothing is linked.
        """
        from markupsafe import Markup

        address = self._addresses.get(release or self._newest)
        parts = CODE_IN_PROSE.split(text)
        return Markup("").join(
            Markup("<code>{}</code>").format(part) if index % 2 else _links(part, address)
            for index, part in enumerate(parts)
        )


def _links(text: str, address: str | None) -> Markup:
    from markupsafe import Markup, escape

    parts, end, path = [], 0, ""
    for found in _PLACE.finditer(text) if address else ():
        line = found["line"] or found["more"]
        # A number alone is a further line of the file named just before.
        if found["more"] and (found.start() != end or not path):
            continue
        path = found["path"] or path
        where = (address or "").replace("{path}", quote(path)).replace("{line}", line)
        parts += [
            escape(text[end : found.start()]),
            Markup('<a href="{}">{}</a>').format(where, found[0]),
        ]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])
