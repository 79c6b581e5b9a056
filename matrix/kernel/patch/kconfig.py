"""What a patch changes of Kconfig: statements with the entry in which they stand.

Takes the patches of a mail, gives `KconfigTouch` values. A hunk that begins within an entry takes
its name from the header that git writes (`@@ -20,6 +20,7 @@ menuconfig KVM`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from matrix.diagnostics import Location
from matrix.kernel.patch.diff import ADDED, REMOVED, Hunk, Patch
from matrix.kernel.source.tree_files import is_kconfig

_ENTRY = re.compile(r"(?:menu)?config\s+(?P<name>\w+)")
# Documentation/kbuild/kconfig-language.rst: what begins a statement that decides a value.
_STATEMENT = re.compile(
    r"\s*(?P<keyword>(?:menu)?config|choice|endchoice|if|endif|menu|endmenu|visible|source"
    r"|bool|tristate|int|hex|string|def_bool|def_tristate|default|prompt|depends|select|imply"
    r"|range|optional)\b(?P<rest>.*)"
)
_HELP = re.compile(r"\s*(?:---)?help(?:---)?\s*$")


class KconfigTouch(Struct, frozen=True, kw_only=True):
    """A statement that a patch adds or removes: in which file and entry, and where in the mail.

    `entry` is the symbol of its entry, None outside of all that the hunk shows.
    """

    path: str
    entry: str | None
    keyword: str
    text: str
    location: Location

    @property
    def symbols(self) -> frozenset[str]:
        """The words that may be symbols."""
        return frozenset(re.findall(r"\b[A-Z0-9_]{2,}\b", self.text))


def kconfig_touches(patches: Sequence[Patch]) -> tuple[KconfigTouch, ...]:
    """Return every statement of Kconfig that patches add or remove, in their order."""
    return tuple(
        touch
        for patch in patches
        for file in patch.files
        if file.path is not None and is_kconfig(file.path)
        for hunk in file.hunks
        for touch in _of_hunk(patch, file.path, hunk)
    )


def _of_hunk(patch: Patch, path: str, hunk: Hunk) -> Iterator[KconfigTouch]:
    found = _ENTRY.match(hunk.section)
    entry = found["name"] if found else None
    help_at: int | None = None
    statement, continued = "", False
    for row in hunk.lines:
        text = row.text.rstrip().expandtabs()
        if not text.strip():
            continue
        indent = len(text) - len(text.lstrip())
        # What is indented further than `help` is its text, whatever words it has.
        if help_at is not None and indent > help_at:
            continue
        help_at = indent if _HELP.match(text) else None
        read = _STATEMENT.match(text)
        # A line behind a backslash belongs to the statement before it.
        if not continued:
            statement = read["keyword"] if read else ""
        if head := _ENTRY.match(text):
            entry = head["name"]
        elif statement in ("endif", "endmenu", "endchoice", "if", "menu", "choice", "source"):
            entry = None
        continued = text.endswith("\\")
        if statement and row.kind in (ADDED, REMOVED):
            yield KconfigTouch(
                path=path,
                entry=entry,
                keyword=statement,
                text=text.strip(),
                location=row.place(patch.file),
            )
