"""Whether a line of a declaration still stands in a kernel tree, and where.

Takes `Evidence` and a `SourceTree`, gives a `Finding` of one kind. White space and comments do not
count; lines count only as where to look first. Scopes follow the kernel's own style (Documentation/
process/coding-style.rst): a function begins and ends in the first column, a Kconfig entry ends
where the next one begins.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field

from matrix.kernel.source.tree_files import is_kconfig, read_tree_text
from matrix.schema.direct_maps import Evidence

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_KCONFIG_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_KCONFIG_END = re.compile(
    r"(config|menuconfig|choice|endchoice|menu|endmenu|if|endif|source|comment|mainmenu)\b"
)
_ENTRY = re.compile(r"(config|menuconfig) \w+")


class FindingKind(enum.Enum):
    """What became of a line."""

    HOLDS = "holds"
    MOVED = "moved"
    DIFFERS = "differs"
    STANDS_THERE = "stands there"
    NO_FILE = "no file"
    NO_SCOPE = "no scope"
    UNREADABLE = "unreadable"


class Finding(Struct, frozen=True, kw_only=True):
    """What a tree says of one evidence: where its text stands now, or what stands there instead.

    `lines` are those of the tree (None: nowhere), `text` what they hold.
    """

    kind: FindingKind
    lines: tuple[int, int] | None = None
    text: str = ""


class SourceTree(Struct):
    """A folder with a kernel's source; every file is read once."""

    folder: Path
    _files: dict[str, list[str]] = field(default_factory=dict)

    def has(self, path: str) -> bool:
        """Return whether the file is in the tree."""
        return (self.folder / path).is_file()

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file with the comments blanked; OSError where it is unreadable."""
        if path not in self._files:
            text = read_tree_text(self.folder / path)
            comment = _KCONFIG_COMMENT if is_kconfig(path) else _COMMENT
            blanked = comment.sub(lambda match: "\n" * match[0].count("\n"), text)
            self._files[path] = blanked.split("\n")
        return self._files[path]


def find_evidence(evidence: Evidence, tree: SourceTree) -> Finding:
    """Return what the tree says of a line of a declaration; what was only read by hand holds."""
    if evidence.read is not None:
        return Finding(kind=FindingKind.HOLDS)
    there = tree.has(evidence.path)
    if evidence.missing:
        return Finding(kind=FindingKind.STANDS_THERE if there else FindingKind.HOLDS)
    if not there:
        return Finding(kind=FindingKind.NO_FILE)
    try:
        lines = tree.lines(evidence.path)
    except OSError as error:
        return Finding(kind=FindingKind.UNREADABLE, text=error.strerror or "")
    scopes = list(_scopes(lines, evidence.within))
    if not scopes:
        return Finding(kind=FindingKind.NO_SCOPE)
    if evidence.lacks is not None:
        return _find_words(evidence.lacks, lines, scopes)
    return _find_text(evidence, lines, scopes)


def _find_words(words: str, lines: list[str], scopes: list[range]) -> Finding:
    escaped = r"\s+".join(re.escape(word) for word in words.split())
    pattern = re.compile(rf"(?<!\w){escaped}(?!\w)|(?<=_){escaped}(?!\w)")
    for scope in scopes:
        for index in scope:
            if pattern.search(lines[index]):
                number = index + 1
                return Finding(
                    kind=FindingKind.STANDS_THERE,
                    lines=(number, number),
                    text=lines[index].strip(),
                )
    return Finding(kind=FindingKind.HOLDS)


def _find_text(evidence: Evidence, lines: list[str], scopes: list[range]) -> Finding:
    wanted = _squeezed(_COMMENT.sub("", evidence.text or ""))
    first, last = evidence.lines or (1, 1)
    found = [
        (index + 1, end)
        for scope in scopes
        for index in scope
        if (end := _end_of_match(lines, index, wanted)) is not None
    ]
    if not found:
        text = "\n".join(line.strip() for line in lines[first - 1 : last] if line.strip())
        return Finding(kind=FindingKind.DIFFERS, text=text)
    start, end = min(found, key=lambda place: abs(place[0] - first))
    kind = FindingKind.HOLDS if start == first else FindingKind.MOVED
    return Finding(kind=kind, lines=(start, end))


def _end_of_match(lines: list[str], index: int, wanted: str) -> int | None:
    """Return the last line of a text that starts at an index and ends at the end of a line."""
    if not lines[index].strip():
        return None
    left = wanted
    for number in range(index, len(lines)):
        line = _squeezed(lines[number])
        if not left.startswith(line):
            return None
        left = left[len(line) :]
        if not left:
            return number + 1
    return None


def _scopes(lines: list[str], within: str | None) -> Iterator[range]:
    """Return the line indices of each function or Kconfig entry of a name; None: all of them."""
    if within is None:
        yield range(len(lines))
    elif _ENTRY.fullmatch(within):
        for start, line in enumerate(lines):
            if " ".join(line.split()) == within:
                ends = (n for n in range(start + 1, len(lines)) if _KCONFIG_END.match(lines[n]))
                yield range(start, next(ends, len(lines)))
    else:
        head = re.compile(rf"(?:[A-Za-z_].*[\s*])?{re.escape(within)}\s*\(")
        for start, line in enumerate(lines):
            if head.match(line) and _opens_a_body(lines, start):
                ends = (n for n in range(start, len(lines)) if lines[n].startswith("}"))
                yield range(start, next(ends, len(lines) - 1) + 1)


def _opens_a_body(lines: list[str], start: int) -> bool:
    """Return whether what begins at a line is a definition and not only declared."""
    for line in lines[start:]:
        for character in line:
            if character in "{;":
                return character == "{"
    return False


def _squeezed(text: str) -> str:
    return "".join(text.split())
