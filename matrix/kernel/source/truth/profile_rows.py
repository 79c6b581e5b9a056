"""A profile's YAML row by row: what is read, compared and put in place without its document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from matrix.diagnostics import InputError
from matrix.expr.nodes import Scalar
from matrix.expr.parser import parse
from matrix.expr.printer import to_c
from matrix.kernel.source.truth.evidence import Evidence
from matrix.schema.values import KernelProfile

# The sections of a profile whose rows may be missing, and what a row of each is called in `open`.
SECTIONS = {
    "variables": "variable",
    "parameters": "parameter",
    "cpucaps": "cpucap",
    "functions": "function",
    "mechanisms": "mechanism",
}
# Those and the one whose rows are lines alone, which any profile has all of.
ALL_SECTIONS = {**SECTIONS, "operations": "operation"}
_SYMBOL = re.compile(r"^    (\w+): \{type: ")
_PREFIXES = re.compile(r"prefixes: \{([^}]*)\}")


class Other(Struct, frozen=True, kw_only=True):
    """Another profile with its YAML and what was recorded of its source."""

    text: str
    profile: KernelProfile
    evidence: Evidence


class Shown(Struct, frozen=True, kw_only=True):
    """The value that a tree shows of a row, and the lines that show it."""

    value: Scalar
    source: str


def same_value(one: Scalar, other: Scalar) -> bool:
    """Tell whether two values are one; texts are compared as C where they are C."""
    if isinstance(one, str) and isinstance(other, str) and one != other:
        try:
            return to_c(parse(one)) == to_c(parse(other))
        except InputError:
            return False
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def said(value: Scalar) -> str:
    """Return a value as a profile writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class Row(Struct, frozen=True, kw_only=True):
    """A row of a profile: its YAML, and what is not read of it."""

    section: str
    name: str
    text: str
    open: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """What `open` and findings call the row: `cpucap ARM64_HAS_X`."""
        return f"{ALL_SECTIONS[self.section]} {self.name}"


def rows(text: str, section: str) -> Iterator[Row]:
    """Yield the rows of a section, the comments above a row left out."""
    lines = text.splitlines(keepends=True)
    try:
        at = lines.index(f"{section}:\n") + 1
    except ValueError:
        return
    name, block = "", ""
    # A section ends with the next key in the first column, where comments may stand as well.
    while at < len(lines) and not lines[at][:1].isalpha():
        line = lines[at]
        at += 1
        if line.startswith("  ") and line[2:3] not in (" ", "#"):
            if name:
                yield Row(section=section, name=name, text=block)
            name, block = line.strip().partition(": ")[0].removesuffix(":"), line
        elif line.startswith("   ") and name:
            block += line
    if name:
        yield Row(section=section, name=name, text=block)


def by_name(text: str, section: str) -> Mapping[str, Row]:
    """Return the rows of a section by name."""
    return {row.name: row for row in rows(text, section)}


def row_of(text: str, what: str) -> Row | None:
    """Return the row that something is called after: `cpucap ARM64_HAS_X`."""
    kind, _, name = what.partition(" ")
    section = next(section for section, called in ALL_SECTIONS.items() if called == kind)
    return by_name(text, section).get(name)


def symbol_lines(text: str) -> Mapping[str, str]:
    """Return the line of each Kconfig symbol that a profile declares."""
    found = (
        (match[1], line)
        for line in text.splitlines(keepends=True)
        if (match := _SYMBOL.match(line))
    )
    return dict(found)


def said_by(block: str) -> str:
    """Return what a row says: its YAML without sources, notes, comments, layout and word order."""
    # What is left is what the row decides; the rest is where it was read and how it is written.
    without = re.sub(r"(?m)^\s*#.*$", "", block)
    without = re.sub(r',? *(?:source|note|because): "(?:[^"\\]|\\.)*"', "", without)
    without = _PREFIXES.sub(lambda match: " ".join(sorted(match[1].split(", "))), without)
    return re.sub(r'[\s"{},]+', " ", without).strip()


def in_place_of(text: str, row: Row) -> str:
    """Return a profile's YAML with a row in the place of the one of its name."""
    return text.replace(by_name(text, row.section)[row.name].text, row.text, 1)


def with_row(text: str, row: Row) -> str:
    """Return a profile's YAML with a row at the end of its section."""
    lines = text.splitlines(keepends=True)
    at = lines.index(f"{row.section}:\n") + 1
    while at < len(lines) and not lines[at][:1].isalpha():
        at += 1
    # Comments and blank lines above the next section are that section's.
    while not lines[at - 1].strip() or lines[at - 1].startswith("#"):
        at -= 1
    return "".join((*lines[:at], row.text, *lines[at:]))
