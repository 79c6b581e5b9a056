"""A profile for a release without one, drafted from its neighbour's and the release's own tree.

What the tree shows is filled in: lines found again by the neighbour's evidence, functions and
initial values derived from the C. What it does not show stands in `open`, for a person to read; a
line that is not found again is `unknown`, never the neighbour's. What stands in `open` keeps its
text, for the person who reads it, and has no value in answers (`analyze/facts/unread.py`). Names
that any other profile has are looked up in the tree, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Location
from matrix.door.folders import found_below
from matrix.expr.nodes import Expression
from matrix.expr.printer import to_c
from matrix.kernel.source.c.conversion import NotAnExpression
from matrix.kernel.source.tree_files import is_kconfig
from matrix.kernel.source.truth.citations import Citation, citations, find_anywhere, spell_citation
from matrix.kernel.source.truth.compared_elsewhere import (
    Compared,
    compared_elsewhere,
    places_now,
)
from matrix.kernel.source.truth.declared_cpucaps import compare_cpucaps
from matrix.kernel.source.truth.declared_parameters import compare_parameters
from matrix.kernel.source.truth.declared_values import compare_values, readings
from matrix.kernel.source.truth.edits import move_citations
from matrix.kernel.source.truth.evidence import Evidence
from matrix.kernel.source.truth.known_elsewhere import (
    contradicted,
    differing_beside,
    known_elsewhere,
    shown_elsewhere,
    unproved,
)
from matrix.kernel.source.truth.kstrtobool import prefixes, with_prefixes
from matrix.kernel.source.truth.probed_rows import probed
from matrix.kernel.source.truth.probes import read_rows
from matrix.kernel.source.truth.profile_rows import (
    Other,
    Row,
    in_place_of,
    symbol_lines,
    with_row,
)
from matrix.kernel.source.truth.tree import KernelTree
from matrix.kernel.source.truth.unheard import unheard
from matrix.schema.values import Architecture, KernelProfile, Probe

UNKNOWN = "unknown"
_SYMBOL = re.compile(r'^(\s+)(\w+): (\{type: .*?source: ")([^"]*)(".*)$')
_WORD = re.compile(r"[A-Za-z_]\w*")
_DEFINES = re.compile(r"(?:menu)?config (\w+)\s*(?:#.*)?$")
_BUILT_IN = re.compile(r"^  built_in_line:.*\n(?:    .*\n)*", re.MULTILINE)
_UNREAD = re.compile(r"^(?:#.*\n)*unread:\n(?:  .*\n)*", re.MULTILINE)
# A link to the lines of another version would show others.
_BROWSE = re.compile(r"^(browse: .*/linux/v)[^/]+/", re.MULTILINE)
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
    others: Sequence[Other] = (),
    probes: Sequence[Probe] = (),
) -> Draft:
    """Return the draft; `text` is the neighbour's YAML, `profile` what it declares.

    `others` are the other profiles of which something is recorded, the nearest first; `probes` say
    how rows are read that no comparison shows.
    """
    lines = text.splitlines(keepends=True)
    places = _Places(profile, evidence, tree)
    filled = list(_fill_values(lines, profile, evidence, tree))
    # Proved by the C itself: such a row is read, whatever became of the lines that it cites.
    settled = {reading.what for reading in readings(profile, tree) if reading.proves}
    settled |= {what for what, _ in filled}
    differences = list(
        _differences(
            profile,
            evidence,
            tree,
            architecture,
            {what for what, _ in filled},
            settled,
            places.moves,
        )
    )
    # What no comparison with one tree can show is not settled by it.
    settled -= set(differing_beside(text, profile, others, tree))
    symbols = KconfigSymbols(tree, profile.arch)
    drafted = symbols.rewrite(move_citations("".join(lines), places.moves), profile, others)
    drafted = _built_in_line(drafted, symbols, architecture)
    unread = [
        # What is derived from the C and agrees is read, wherever its lines are now.
        *(row for row in places.open if row.split(": ")[0] not in settled),
        *symbols.open,
        *differences,
    ]
    drafted = _without_unread(drafted)
    read = prefixes(tree)
    drafted = drafted if read is None else with_prefixes(drafted, read)
    unread += contradicted(drafted, profile, others, tree, settled, read)
    mine = Other(text=drafted, profile=profile, evidence=evidence)

    # Each stage below sees only what those before it have left open: rows whose lines are here
    # unchanged, rows that the C proves, rows of features that came since, what probes read.
    def take(row: Row, how: str) -> None:
        nonlocal drafted, unread
        drafted = in_place_of(drafted, row)
        filled.append((row.what, f"as another profile has it, {how}"))
        unread = [said for said in unread if _row(said) != row.what]

    for row in shown_elsewhere(mine, set(map(_row, unread)), others, tree):
        take(row, "whose lines are here")
    found = compared_elsewhere(
        replace(mine, text=drafted),
        set(map(_row, unread)),
        others,
        read,
        lambda other, asked: _compared(other, asked, tree),
    )
    for row in found:
        take(row, "which the C says")
    for row in known_elsewhere(drafted, profile, others, tree):
        drafted = with_row(drafted, row)
        filled.append((row.what, "known to another profile"))
        unread += row.open
    shown, doubted = read_rows(probes, tree), {_row(said) for said in unread}
    heard = frozenset(
        word for one in (drafted, *(other.text for other in others)) for word in _WORD.findall(one)
    )
    drafted, unread, read_by_probes = probed(
        drafted, unread, shown, tree, [other.text for other in others]
    )
    filled += read_by_probes
    for row in unheard(profile, tree, shown, dict(_derived(profile, tree)), doubted, heard):
        drafted = with_row(drafted, row)
        unread += row.open
    unread += unproved(drafted, profile, others, tree)
    drafted = _BROWSE.sub(rf"\g<1>{tree.version.removesuffix('.0')}/", drafted)
    gone = tuple(f"symbol {name}:" for name in symbols.gone)
    open_rows = tuple(dict.fromkeys(row for row in unread if not row.startswith(gone or ("\n",))))
    name = f"linux-{tree.release}-{profile.arch}"
    head = (
        f"# Drafted from {profile.id} and the tree of Linux {tree.version}: what stands in `open`\n"
        "# was not shown by the tree. A person reads it, corrects the row, and removes it there.\n"
        f"id: {name}\n"
        f'release: "{tree.release}"\n'
        f"arch: {profile.arch}\n"
        f"verified_on: {{version: {json.dumps(tree.version)}, how: "
        f'"drafted by matrix kernels add from {profile.id}"}}\n'
        f"{open_yaml(open_rows)}"
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
        self.found = 0
        self._evidence = evidence
        self._tree = tree
        for citation in citations(profile):
            if not is_kconfig(citation.path):  # KconfigSymbols finds those again
                self._look(citation)
            elif citation.what.startswith("symbol ") and citation.index == 0:
                self._look_at_symbol(citation)

    def _look(self, citation: Citation) -> None:
        path, found = find_anywhere(self._tree, citation, self._evidence)
        if found is None:
            recorded = citation.text in self._evidence.places
            why = "the tree has no such file" if recorded else "nothing is recorded of it"
            self._lose(citation, f"{citation.path}: {why}")
            return
        if found.first is None or found.last is None:
            names = ", ".join(change.name for change in found.changed)
            self._lose(citation, f"{citation.path}: its text in {names} is gone or changed")
            return
        self.found += 1
        self.moves[citation.text] = spell_citation(path, found.first, max(found.first, found.last))
        for change in found.changed:
            self.open.append(f"{citation.what}: {path}: {change.name} has changed")

    def _look_at_symbol(self, citation: Citation) -> None:
        """Note a symbol whose entry says something else: its prompt or type may, too."""
        symbol = citation.what.removeprefix("symbol ")
        names = (f"config {symbol}", f"menuconfig {symbol}")
        path, found = find_anywhere(self._tree, citation, self._evidence)
        if found is None or any(change.name in names for change in found.changed):
            self.open.append(f"{citation.what}: {path}: its entry has changed")

    def _lose(self, citation: Citation, why: str) -> None:
        self.moves[citation.text] = UNKNOWN
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


def with_open(drafted: Draft, rows: Sequence[str]) -> Draft:
    """Return a draft with other rows in `open`."""
    before, now = open_yaml(drafted.open), open_yaml(dict.fromkeys(rows))
    text = drafted.text.replace(before, now, 1) if before else drafted.text
    return replace(drafted, text=text, open=tuple(dict.fromkeys(rows)))


def with_prompts(drafted: Draft, text: str, symbols: Collection[str]) -> Draft:
    """Return a draft in which some symbols have type and prompt of another profile's YAML."""
    theirs = symbol_lines(text)
    lines = []
    for line in drafted.text.splitlines(keepends=True):
        mine, other = _SYMBOL.match(line.rstrip("\n")), None
        if mine is not None and mine[2] in symbols:
            other = _SYMBOL.match(theirs.get(mine[2], "").rstrip("\n"))
        if mine is not None and other is not None:
            lines.append(f"{mine[1]}{mine[2]}: {other[3]}{mine[4]}{mine[5]}\n")
        else:
            lines.append(line)
    return replace(drafted, text="".join(lines))


def prompt_lines(asked: Iterable[tuple[str, str, str]]) -> str:
    """Return the YAML lines of symbols, each with its type and the condition of its prompt."""
    lines = []
    for name, kind, condition in asked:
        prompt = "" if condition == "false" else f"prompt: {json.dumps(condition)}, "
        lines.append(f'    {name}: {{type: {kind}, {prompt}source: ""}}\n')
    return "".join(lines)


def open_yaml(rows: Iterable[str]) -> str:
    """Return the YAML of `open`, nothing without rows."""
    lines = [f"  - {json.dumps(row, ensure_ascii=False)}\n" for row in rows]
    return "open:\n" + "".join(lines) if lines else ""


class KconfigSymbols:
    """Where the tree's Kconfig files define symbols; another architecture's are left out."""

    def __init__(self, tree: KernelTree, arch: str) -> None:
        self.open: list[str] = []
        self.gone: list[str] = []
        self._tree = tree
        self._places: dict[str, list[str]] = {}
        for file in found_below(tree.folder, "**/Kconfig*"):
            path = file.relative_to(tree.folder).as_posix()
            below = path.split("/")
            if below[0] == "arch" and len(below) > 2 and below[1] != arch:
                continue
            for number, line in enumerate(tree.text(path).split("\n"), start=1):
                if (found := _DEFINES.match(line)) is not None:
                    self._places.setdefault(found[1], []).append(f"{path}:{number}")

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._places

    def cite(self, name: str, part: str) -> str:
        """Return where a symbol is defined, or selected in the file of a citation."""
        path = part.rpartition(":")[0]
        places = self._places.get(name, [])
        same = [place for place in places if place.startswith(f"{path}:")]
        if same:
            return same[0]
        heads = (f"\tselect {name}", f"\tselect ARCH_HAS_{name}")
        content = self._tree.text(path).split("\n") if path else []
        line = next((at for at, row in enumerate(content, start=1) if row in heads), None)
        if line:
            return f"{path}:{line}"
        # With two definitions, nothing says which one the row meant.
        return places[0] if len(places) == 1 else UNKNOWN

    def rewrite(self, text: str, profile: KernelProfile, others: Sequence[Other]) -> str:
        """Return the YAML with the symbols of this tree: none that it lacks, all that it has."""
        lines: list[str] = []
        last = 0
        for line in text.splitlines(keepends=True):
            match = _SYMBOL.match(line.rstrip("\n"))
            if match is not None and match[2] not in self:
                self.gone.append(match[2])
                continue
            lines.append(line if match is None else self._moved(match))
            last = len(lines) if match is not None else last
        known = {symbol.name for symbol in profile.symbols}
        for other in others:
            for name, line in symbol_lines(other.text).items():
                match = _SYMBOL.match(line.rstrip("\n"))
                if match is not None and name in self and name not in known:
                    known.add(name)
                    lines.insert(last, self._moved(match))
                    last += 1
                    self.open.append(
                        f"symbol {name}: its prompt is that of {other.profile.release}"
                    )
        rewritten = "".join(lines)
        # A symbol that is gone is off. IS_ENABLED() first: the second rule would replace its
        # argument only.
        for name in self.gone:
            rewritten = re.sub(rf"IS_ENABLED\(CONFIG_{name}\)", "false", rewritten)
            rewritten = re.sub(rf"\bCONFIG_{name}\b", "0", rewritten)
        return rewritten

    def _moved(self, match: re.Match[str]) -> str:
        indent, name, before, source, after = match.groups()
        moved = "; ".join(dict.fromkeys(self.cite(name, part) for part in source.split("; ")))
        return f"{indent}{name}: {before}{moved}{after}\n"

    def places(self, symbols: Iterable[str]) -> str:
        """Return the lines that define some symbols, as a source."""
        return "; ".join(self._places[name][0] for name in symbols)


def _derived(profile: KernelProfile, tree: KernelTree) -> Iterator[tuple[str, Expression]]:
    """Yield what the tree's C says of the rows of a profile, as far as that is an expression."""
    for reading in readings(profile, tree):
        if not isinstance(reading.expression, NotAnExpression):
            yield reading.what, reading.expression


def _row(said: str) -> str:
    """Return the row that a line of `open` is about; the second parser is of its parameter."""
    return said.partition(": ")[0].partition(" #")[0]


def _without_unread(text: str) -> str:
    """Return the YAML without what decides nothing in the neighbour: here it may."""
    return _UNREAD.sub("", text)


def _built_in_line(text: str, symbols: KconfigSymbols, architecture: Architecture) -> str:
    """Return the YAML with what this tree's Kconfig has of CONFIG_CMDLINE."""
    has = [rule.symbol for rule in architecture.built_in_line if rule.symbol in symbols]
    row = f'  built_in_line: {{symbols: [{", ".join(has)}], source: "{symbols.places(has)}"}}\n'
    return _BUILT_IN.sub(lambda _: row if has else "", text, count=1)


def _differences(
    profile: KernelProfile,
    evidence: Evidence,
    tree: KernelTree,
    architecture: Architecture,
    filled: set[str],
    settled: set[str],
    moves: Mapping[str, str],
) -> Iterator[str]:
    """Yield what the tree shows to be otherwise and what was not filled in.

    `settled` takes the rows of which all was compared with the tree and is the same.
    """
    shown: set[str] = set()
    findings = (
        *compare_values(profile, tree, evidence.derived, set()),
        *compare_cpucaps(profile, tree, architecture, shown),
        *compare_parameters(profile, tree, shown, moves),
    )
    whole = set(_whole_parameters(profile, shown))
    settled |= {what for what in shown if what in whole or not what.startswith("parameter ")}
    for finding in findings:
        if finding.what not in filled:
            yield f"{finding.what}: {finding.place}: the source says {finding.source}"


def _compared(other: Other, asked: Collection[str], tree: KernelTree) -> Compared:
    """Hold the parameters and variables of another profile to the tree."""
    profile = other.profile
    moves = places_now(other, asked, tree)
    shown: set[str] = set()
    refuted = {finding.what for finding in compare_parameters(profile, tree, shown, moves)}
    whole = set(_whole_parameters(profile, shown))
    numbered = {f"variable {one.name}" for one in profile.variables if one.enumerators}
    for reading in readings(profile, tree):
        if reading.what in asked and reading.what not in numbered:
            (whole if reading.proves else refuted).add(reading.what)
    return Compared(shown=frozenset(whole - refuted), refuted=frozenset(refuted), moves=moves)


def _whole_parameters(profile: KernelProfile, shown: Collection[str]) -> Iterator[str]:
    """Yield the parameters of which every parser is among those that were shown."""
    for parameter in profile.parameters:
        first = f"parameter {parameter.name}"
        numbers = range(2, len(parameter.parsers) + 1)
        if {first, *(f"{first} #{number}" for number in numbers)} <= set(shown):
            yield first
