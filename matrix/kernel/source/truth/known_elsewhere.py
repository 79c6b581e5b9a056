"""Rows that another profile has and a draft's neighbour has not, looked up in the draft's tree.

A feature that came between two releases is in the tree of the newer one and in no row of the older
one's profile: a draft that kept to its neighbour would say that the kernel lacks it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from matrix.kernel.source.truth.citations import (
    Citation,
    citations,
    find_anywhere,
    path_now,
    spell_citation,
)
from matrix.kernel.source.truth.edits import move_citations
from matrix.kernel.source.truth.kstrtobool import Prefixes, with_prefixes
from matrix.kernel.source.truth.profile_rows import (
    ALL_SECTIONS,
    SECTIONS,
    Other,
    Row,
    by_name,
    rows,
    said_by,
)
from matrix.kernel.source.truth.tree import KernelTree
from matrix.kernel.source.version import read_version
from matrix.schema.values import KernelProfile

_WORD = re.compile(r"\w+")


def known_elsewhere(
    text: str, neighbour: KernelProfile, others: Sequence[Other], tree: KernelTree
) -> Iterator[Row]:
    """Yield each row that a draft (`text`) lacks, another profile has, and the tree shows.

    What a release beyond the neighbour had, and the neighbour has not, was gone by then.
    """
    # The nearest profile that the tree agrees with is taken; what it gave is known from then on.
    known: set[str] = set()
    for mine, row, other in _beside_each_other(text, neighbour, others, tree):
        if mine is None and row.what not in known:
            here = _in_tree(row, other, tree)
            if here is not None:
                known.add(row.what)
                yield here


def _beside_each_other(
    text: str,
    neighbour: KernelProfile,
    others: Sequence[Other],
    tree: KernelTree,
    read: Prefixes | None = None,
) -> Iterator[tuple[Row | None, Row, Other]]:
    """Yield each row of the profiles that are asked, behind the draft's of its name."""
    asked = list(_not_beyond(neighbour, others, tree))
    for section in SECTIONS:
        known = by_name(text, section)
        for other in asked:
            theirs = other.text if read is None else with_prefixes(other.text, read)
            for row in rows(theirs, section):
                yield known.get(row.name), row, other


def foreign_row(section: str, name: str, others: Sequence[Other]) -> Row | None:
    """Return a row of the nearest profile that has it, whatever the tree shows: all is open."""
    for other in others:
        row = by_name(other.text, section).get(name)
        if row is not None:
            lost = {item.text: "unknown" for item in _cited(row, other)}
            said = f"{row.what}: as in {other.profile.release}; another row needs it"
            return replace(row, text=move_citations(row.text, lost), open=(said,))
    return None


def shown_elsewhere(
    mine: Other, opened: Collection[str], others: Sequence[Other], tree: KernelTree
) -> Iterator[Row]:
    """Yield for each open row of a draft the row of another profile that the tree shows whole.

    `mine` is the neighbour with the draft's text. All that such a row cites stands in the tree as
    that profile's own tree has it, and it cites every file that the neighbour's does: a function
    that changed between two releases is the older one's or the newer one's. Where the neighbour's
    is whole as well, or a third profile says otherwise and some of its lines are here, too, none
    is taken; nor is one that says otherwise what overrides a cpucap, which no cited line shows, or
    that asks a variable which the draft has not.
    """
    variables = by_name(mine.text, "variables").keys()
    for row in (row for section in ALL_SECTIONS for row in rows(mine.text, section)):
        if row.what not in opened or _whole(row, mine, tree):
            continue
        files = _file_names(row, mine)
        whole = [
            here
            for other in others
            if files <= _file_names(row, other)
            and (said := by_name(other.text, row.section).get(row.name)) is not None
            and _overrides(said) == _overrides(row)
            and _variables_of(said, other) <= variables
            and (here := _whole(said, other, tree)) is not None
        ]
        if whole and not _doubted(whole[0], others, tree):
            yield whole[0]


def _variables_of(row: Row, other: Other) -> set[str]:
    """Return the variables of a profile that a row of it asks or sets."""
    return set(_WORD.findall(said_by(row.text))) & {one.name for one in other.profile.variables}


def unproved(
    text: str, neighbour: KernelProfile, others: Sequence[Other], tree: KernelTree
) -> Iterator[str]:
    """Yield the rows of a draft that name what no line they cite shows to be in the tree.

    An enumerator that is gone is in no line of a function that returns the variable. What overrides
    a cpucap is in none of its entry's: a newer profile names it, and the draft has the variable.
    """
    gone = _enumerators_gone((neighbour, *(other.profile for other in others)), tree)
    for row in (row for section in SECTIONS for row in rows(text, section)):
        for word in sorted(gone & set(_WORD.findall(said_by(row.text)))):
            yield f"{row.what}: the tree has no {word}"
    variables = by_name(text, "variables").keys()
    for mine, row, other in _beside_each_other(text, neighbour, others, tree):
        asked = {word for said in _overrides(row) for word in _WORD.findall(said)} & variables
        if asked and mine is not None and not _overrides(mine) and row.section == "cpucaps":
            said = f"{', '.join(sorted(asked))} overrides it in {other.profile.release}"
            yield f"{row.what}: {said}, and the tree has that"


def _enumerators_gone(profiles: Sequence[KernelProfile], tree: KernelTree) -> set[str]:
    """Return the enumerators of profiles that no file has in which one of them cites it."""
    gone: set[str] = set()
    there: set[str] = set()
    for profile in profiles:
        for variable in profile.variables:
            cited = [
                one.path for one in citations(profile) if one.what == f"variable {variable.name}"
            ]
            texts = [tree.text(now) for path in cited if (now := path_now(tree, path)) is not None]
            words = {word for one in texts for word in _WORD.findall(one)}
            there |= words
            if texts and len(texts) == len(cited):
                gone |= {name for name, _ in variable.enumerators}
    return gone - there


def _doubted(row: Row, others: Sequence[Other], tree: KernelTree) -> bool:
    """Tell whether a profile says otherwise than a row, and a part of what it cites is here."""
    said = ((other, by_name(other.text, row.section).get(row.name)) for other in others)
    return any(
        theirs is not None
        and said_by(theirs.text) != said_by(row.text)
        and _partly_here(theirs, other, tree)
        for other, theirs in said
    )


def _partly_here(row: Row, other: Other, tree: KernelTree) -> bool:
    here = _in_tree(row, other, tree)
    return here is not None and len(here.open) < len(_cited(row, other))


def _file_names(row: Row, other: Other) -> frozenset[str]:
    """Return the files that a row cites, without their folders: files move between those."""
    return frozenset(item.path.rpartition("/")[2] for item in _cited(row, other))


def _whole(row: Row, other: Other, tree: KernelTree) -> Row | None:
    """Return a row where all that it cites is in the tree, unchanged, and it cites something."""
    here = _in_tree(row, other, tree)
    return here if here is not None and not here.open else None


def contradicted(
    text: str,
    neighbour: KernelProfile,
    others: Sequence[Other],
    tree: KernelTree,
    settled: Collection[str],
    read: Prefixes | None,
) -> Iterator[str]:
    """Yield what of a draft another profile says otherwise, where the tree has all that it cites.

    The neighbour's lines are there too: which of the two is right only a person can tell. A feature
    that somebody added elsewhere changes none of the lines that said it was not there. Releases
    beyond the neighbour are not asked: its lines came after theirs. What was compared with the tree
    as a whole (`settled`) is what the tree says; `read` is what its kstrtobool() takes.
    """
    for mine, row, other in _beside_each_other(text, neighbour, others, tree, read):
        if mine is None or row.what in settled or said_by(row.text) == said_by(mine.text):
            continue
        if _partly_here(row, other, tree):
            said = f"{other.profile.release} says otherwise, and its lines are here"
            yield f"{row.what}: {said}"


def _not_beyond(
    neighbour: KernelProfile, others: Sequence[Other], tree: KernelTree
) -> Iterator[Other]:
    """Yield the profiles that the neighbour does not stand before, as seen from the tree."""
    near = _series(neighbour.release)
    newer = near < _series(tree.release)
    for other in others:
        if (_series(other.profile.release) > near) is newer:
            yield other


def _series(release: str) -> tuple[int, ...]:
    version = read_version(release)
    return version.series if version else ()


def differing_beside(
    text: str, neighbour: KernelProfile, others: Sequence[Other], tree: KernelTree
) -> Iterator[str]:
    """Yield the rows of which another profile has what no comparison with one tree shows."""
    for mine, row, _ in _beside_each_other(text, neighbour, others, tree):
        if mine is not None and _beside(row) != _beside(mine):
            yield row.what


def _beside(row: Row) -> tuple[object, ...]:
    """Return how many parsers a parameter has, and what overrides a cpucap."""
    return row.text.count("stream:"), row.text.count("bare:"), _overrides(row)


def _overrides(row: Row) -> list[str]:
    return re.findall(r"unless: [^,}]*", row.text)


def _names(text: str, row: Row) -> bool:
    """Tell whether a source has a row's own name; a boot parameter's whole or in its parts."""
    name = row.name
    if row.section != "parameters":
        return re.search(rf"\b{re.escape(name.removesuffix('()'))}\b", text) is not None
    return f'"{name}"' in text or f'"{name}=' in text or _has_parts(text, name.split("."))


def _has_parts(text: str, parts: Sequence[str]) -> bool:
    if len(parts) == 1:
        return False
    registered = f"module_param_named({parts[-1]}," in text or f"module_param({parts[-1]}," in text
    return registered or all(f'"{part}"' in text for part in parts)


def _cited(row: Row, other: Other) -> list[Citation]:
    # The second parser of a parameter is `parameter X #2`.
    return [item for item in citations(other.profile) if item.what.split(" #")[0] == row.what]


def _in_tree(row: Row, other: Other, tree: KernelTree) -> Row | None:
    """Return a row with its lines here; None where its first citation is not found."""
    moves: dict[str, str] = {}
    said: list[str] = []
    head = f"{row.what}: as in {other.profile.release}"
    cited = _cited(row, other)
    files = dict.fromkeys(now for one in cited if (now := path_now(tree, one.path)) is not None)
    named = any(_names(tree.text(path), row) for path in files)
    if row.section == "parameters" and not named:
        return None
    for number, citation in enumerate(cited):
        path, found = find_anywhere(tree, citation, other.evidence)
        if found is None or found.first is None or found.last is None:
            # The first citation is the row's own. Without it and the name, nothing says that the
            # feature is here.
            if number == 0 and not named:
                return None
            moves[citation.text] = "unknown"
            said.append(
                f"{row.what}: as in {other.profile.release}; {citation.path}: it is not there"
            )
            continue
        last = max(found.first, found.last)
        moves[citation.text] = spell_citation(path, found.first, last)
        said += (f"{head}; {path}: {change.name} has changed" for change in found.changed)
    if not moves:
        return None
    return replace(row, text=move_citations(row.text, moves), open=tuple(said))
