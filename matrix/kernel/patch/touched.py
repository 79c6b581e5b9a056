"""What a patch changes, by name: also what it shows in part, removes, or names in a hunk's header.

Takes pieces of files, gives `Touch` values. A name whose change cannot be read must not be taken as
the kernel has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from matrix.diagnostics import Location
from matrix.kernel.patch.diff import ADDED, REMOVED
from matrix.kernel.patch.excerpts import Definition, Excerpt, definitions, line_of_name
from matrix.kernel.source.c.source import CSource, parse_c
from matrix.kernel.source.c.tokens import matching

WHOLE, IN_PART, REMOVED_WHOLE = "changes", "changes in part", "removes"

# `SYSCALL_DEFINE1(memfd_secret, unsigned int, flags)` defines what its first argument says.
_DEFINES = re.compile(r"(?:COMPAT_)?SYSCALL_DEFINE\d\(\s*(\w+)")
# An entry of a table of `struct arm64_cpu_capabilities`, arch/arm64/include/asm/cpufeature.h.
_ENTRY = re.compile(r"\.capability\s*=\s*(?P<cap>\w+)")
_NAME = re.compile(r"(\w+)\s*(?:\(|\[|=|$)")


class Touch(Struct, frozen=True, kw_only=True):
    """A name that a patch changes: `how` is WHOLE, IN_PART or REMOVED_WHOLE."""

    name: str
    how: str
    location: Location


def touch_of(definition: Definition) -> Touch:
    """Return what a definition changes."""
    how = WHOLE if definition.is_whole else IN_PART
    return Touch(name=definition.name, how=how, location=definition.location)


def touches(pieces: Sequence[Excerpt]) -> tuple[Touch, ...]:
    """Return every name that pieces of files change, in their order."""
    return tuple(touch for piece in pieces for touch in _touches(piece))


def changes_in_part(pieces: Sequence[Excerpt]) -> tuple[Touch, ...]:
    """Return the names whose change cannot be read: shown in part, or gone."""
    return tuple(touch for touch in touches(pieces) if touch.how != WHOLE)


def _touches(piece: Excerpt) -> Iterator[Touch]:
    yield from (touch_of(item) for item in definitions(piece))
    for item in piece.source.items:
        # A statement of a function that the hunk cuts is indented, and declares nothing here.
        at_top = not piece.rows[item.line - 1].text[:1].isspace()
        named = item.kind in ("variable", "type") and at_top
        if named and piece.is_touched(item.line, item.last_line):
            at = piece.at_line(item.line)
            yield Touch(name=item.name, how=WHOLE, location=at)
            for name in piece.source.enumerators(item):
                yield Touch(name=name, how=WHOLE, location=at)
    yield from _entries(piece)
    continued = _continued(piece)
    if continued is not None:
        yield continued
    left = _defined(piece.source)
    for name, row in _removed(piece):
        if name not in left:
            yield Touch(name=name, how=REMOVED_WHOLE, location=_at(piece, row))


def _entries(piece: Excerpt) -> Iterator[Touch]:
    """Yield the cpucaps of the entries of arm64_features[] that a hunk changes."""
    # An entry that is only added changes no capability that a profile has.
    if not any(row.kind == REMOVED for row in piece.hunk.lines):
        return
    for row in piece.hunk.before():
        found = _ENTRY.search(row.text)
        if found is not None:
            yield Touch(name=found["cap"], how=IN_PART, location=_at(piece, row.number))


def _continued(piece: Excerpt) -> Touch | None:
    """Return the function in whose middle a hunk begins, where the patch changes that part."""
    name = defined_name(piece.hunk.section)
    if name is None:
        return None
    for row in piece.hunk.lines:
        # The function of the header has ended here; what follows is another one's.
        if row.text.startswith(("}", ")")):
            return None
        head = defined_name(row.text) if row.text[:1].strip() else None
        if head is not None and not row.text.rstrip().endswith((";", ":", "*/")):
            return None
        if row.kind in (ADDED, REMOVED) and row.text[:1].isspace() and row.text.strip():
            return Touch(name=name, how=IN_PART, location=_at(piece, row.number))
    return None


def defined_name(head: str) -> str | None:
    """Return what a line at the beginning of a line defines: `static bool f(int a)` is f.

    >>> defined_name("SYSCALL_DEFINE1(memfd_secret, unsigned int, flags)")
    'memfd_secret'
    >>> defined_name("bool can_set_direct_map(void)")
    'can_set_direct_map'
    """
    if not head[:1].isalpha() and head[:1] != "_":
        return None
    found = _DEFINES.match(head) or _NAME.search(head)
    return found.group(1) if found else None


def _removed(piece: Excerpt) -> Iterator[tuple[str, int]]:
    """Yield what the old lines define on a line that the patch removes, and that line."""
    rows = piece.hunk.before()
    source = parse_c("\n".join(row.text for row in rows), "?")
    for item in source.items:
        if item.kind == "function":
            line = line_of_name(item)
            if rows[line - 1].kind == REMOVED:
                yield item.name, rows[line - 1].number
    for macro in source.preprocessed.macros:
        if rows[macro.line - 1].kind == REMOVED and macro.replacement != macro.name:
            yield macro.name, rows[macro.line - 1].number


def _defined(source: CSource) -> frozenset[str]:
    functions = (item.name for item in source.items if item.kind == "function")
    return frozenset((*functions, *(macro.name for macro in source.preprocessed.macros)))


def _at(piece: Excerpt, number: int) -> Location:
    row = next(row for row in piece.hunk.lines if row.number == number)
    return row.place(piece.patch.file)


def enumerators(pieces: Sequence[Excerpt]) -> dict[str, int]:
    """Return the numbers of the enumerators that a patch adds or changes, where it shows them."""
    found: dict[str, int] = {}
    for piece in pieces:
        for item in piece.source.items:
            if item.kind != "type" or item.body is None:
                continue
            whole = item.tokens[matching(item.tokens, item.body)].text == "}"
            if whole and piece.is_touched(item.line, item.last_line):
                numbers = piece.source.enumerators(item)
                found.update(
                    {name: number for name, number in numbers.items() if number is not None}
                )
    return found
