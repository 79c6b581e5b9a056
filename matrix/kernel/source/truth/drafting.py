"""A profile for a release without one, drafted from its neighbour's and the release's own tree.

What the tree shows is filled in: lines found again by the neighbour's evidence, functions and
initial values derived from the C. What it does not show stands in `open`, for a person to read; a
line that is not found again is `unknown`, never the neighbour's, and a condition whose source has
changed is `unread.NAME`, so that every answer that rests on it is unknown too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from msgspec import Struct

from matrix.diagnostics import Location
from matrix.expr.nodes import Conditional, Expression
from matrix.expr.printer import to_c
from matrix.kernel.source.c.conversion import NotAnExpression
from matrix.kernel.source.tree_files import is_kconfig
from matrix.kernel.source.truth.citations import Citation, citations, find, spell_citation
from matrix.kernel.source.truth.declared_cpucaps import compare_cpucaps
from matrix.kernel.source.truth.declared_parameters import compare_parameters
from matrix.kernel.source.truth.declared_values import compare_values, readings
from matrix.kernel.source.truth.edits import move_citations
from matrix.kernel.source.truth.evidence import Evidence
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import Architecture, KernelProfile

UNKNOWN = "unknown"
# The names of what nobody has read yet (matrix/analyze/facts/lowering.py).
UNREAD = "unread."
_SYMBOL = re.compile(r'^(\s+)(\w+): (\{type: .*?source: ")([^"]*)(".*)$')
_HEAD = re.compile(r"^(id|release|verified_on|open):.*\n(?:[ \t]+.*\n)*", re.MULTILINE)


class Draft(Struct, frozen=True, kw_only=True):
    """The text of the profile; `filled` is what the tree showed otherwise than the neighbour."""

    id: str
    text: str
    found: int
    filled: tuple[str, ...]
    open: tuple[str, ...]


def draft(
    text: str,
    profile: KernelProfile,
    evidence: Evidence,
    tree: KernelTree,
    architecture: Architecture,
) -> Draft:
    """Return the draft; `text` is the neighbour's YAML, `profile` what it declares."""
    lines = text.splitlines(keepends=True)
    places = _Places(profile, evidence, tree)
    filled = list(_fill_values(lines, profile, evidence, tree))
    known = {reading.what for reading in readings(profile, tree) if reading.proves}
    _leave_unread(lines, profile, places.unread - known - {what for what, _ in filled})
    drafted = _kconfig_lines(move_citations("".join(lines), places.moves), tree)
    unread = [
        "kconfig: the constraints, the prompts and built_in_line are the neighbour's",
        *places.open,
        *_differences(profile, evidence, tree, architecture, {what for what, _ in filled}),
    ]
    open_rows = tuple(dict.fromkeys(unread))
    name = f"linux-{tree.release}-{profile.arch}"
    head = (
        f"# Drafted from {profile.id} and the tree of Linux {tree.version}: what stands in `open`\n"
        "# was not shown by the tree. A person reads it, corrects the row, and removes it there.\n"
        f"id: {name}\n"
        f'release: "{tree.release}"\n'
        f"arch: {profile.arch}\n"
        f"verified_on: {{version: {json.dumps(tree.version)}, how: "
        f'"drafted by matrix kernels add from {profile.id}"}}\n'
        "open:\n" + "".join(f"  - {json.dumps(row, ensure_ascii=False)}\n" for row in open_rows)
    )
    body = _HEAD.sub("", drafted)
    body = re.sub(r"\A(?:#.*\n)*", "", body)
    body = re.sub(r"^arch:.*\n", "", body, count=1, flags=re.MULTILINE)
    return Draft(
        id=name,
        text=head + body,
        found=places.found,
        filled=tuple(f"{what}: {value}" for what, value in filled),
        open=open_rows,
    )


class _Places:
    """Every citation of the neighbour in the new tree."""

    def __init__(self, profile: KernelProfile, evidence: Evidence, tree: KernelTree) -> None:
        self.moves: dict[str, str] = {}
        self.open: list[str] = []
        self.unread: set[str] = set()
        self.found = 0
        self._evidence = evidence
        self._tree = tree
        for citation in citations(profile):
            if not is_kconfig(citation.path):  # _kconfig_lines() finds those again
                self._look(citation)

    def _look(self, citation: Citation) -> None:
        place = self._evidence.places.get(citation.text)
        if place is None or not self._tree.has(citation.path):
            why = "the tree has no such file" if place else "nothing is recorded of it"
            self._lose(citation, f"{citation.path}: {why}")
            return
        found = find(self._tree, citation.path, place, self._evidence)
        if found.first is None or found.last is None:
            names = ", ".join(change.name for change in found.changed)
            self._lose(citation, f"{citation.path}: its text in {names} is gone or changed")
            return
        self.found += 1
        self.moves[citation.text] = spell_citation(
            citation.path, found.first, max(found.first, found.last)
        )
        for change in found.changed:
            self.unread.add(citation.what)
            self.open.append(f"{citation.what}: {citation.path}: {change.name} has changed")

    def _lose(self, citation: Citation, why: str) -> None:
        self.moves[citation.text] = UNKNOWN
        self.unread.add(citation.what)
        self.open.append(f"{citation.what}: {why}")


def _fill_values(
    lines: list[str], profile: KernelProfile, evidence: Evidence, tree: KernelTree
) -> Iterator[tuple[str, str]]:
    """Replace what was proved of the neighbour and is something else here; yield what it is now."""
    for reading in readings(profile, tree):
        how, _ = evidence.derived.get(reading.what, ("", ""))
        if how != "proved" or reading.proves or isinstance(reading.expression, NotAnExpression):
            continue
        now = to_c(reading.expression)
        if _replace(lines, reading.declared.location, reading.declared.text, now):
            yield reading.what, now


def _leave_unread(lines: list[str], profile: KernelProfile, unread: set[str]) -> None:
    """Put `unread.NAME` for conditions whose source is not what the neighbour's was read from.

    The name has no value: what depends on it comes out as unknown.
    """
    for function in profile.functions:
        if f"function {function.signature}" in unread and _is_condition(function.body.expression):
            name = f"{UNREAD}{function.signature.removesuffix('()')}"
            _replace(lines, function.body.location, function.body.text, name)


def _is_condition(expression: Expression) -> bool:
    return not isinstance(expression, Conditional)


def _replace(lines: list[str], location: Location, before: str, now: str) -> bool:
    """Replace a scalar at its place, quoted or plain; tell whether it stood there."""
    index = location.line - 1
    line = lines[index]
    for written in (json.dumps(before), before):
        at = line.find(written, max(0, location.column - 2))  # a place may be inside of the quotes
        if at >= 0:
            lines[index] = line[:at] + json.dumps(now) + line[at + len(written) :]
            return True
    return False


def _kconfig_lines(text: str, tree: KernelTree) -> str:
    """Return the YAML with the lines of Kconfig symbols found again in the tree, else unknown."""

    def cite(name: str, part: str) -> str:
        path = part.rpartition(":")[0]
        content = tree.text(path).split("\n") if path else []
        selects = (f"\tselect {name}", f"\tselect ARCH_HAS_{name}")
        heads = (f"config {name}", f"menuconfig {name}", *selects)
        line = next((at for at, row in enumerate(content, start=1) if row in heads), None)
        return f"{path}:{line}" if line else UNKNOWN

    lines = []
    for line in text.splitlines(keepends=True):
        match = _SYMBOL.match(line.rstrip("\n"))
        if match is None:
            lines.append(line)
            continue
        indent, name, before, source, after = match.groups()
        moved = "; ".join(cite(name, part) for part in source.split("; "))
        lines.append(f"{indent}{name}: {before}{moved}{after}\n")
    return "".join(lines)


def _differences(
    profile: KernelProfile,
    evidence: Evidence,
    tree: KernelTree,
    architecture: Architecture,
    filled: set[str],
) -> Iterator[str]:
    """Yield what the tree shows to be otherwise and what was not filled in."""
    findings = (
        *compare_values(profile, tree, evidence.derived, set()),
        *compare_cpucaps(profile, tree, architecture),
        *compare_parameters(profile, tree),
    )
    for finding in findings:
        if finding.what not in filled:
            yield f"{finding.what}: {finding.place}: the source says {finding.source}"
