"""Rows that another profile has and a draft's neighbour has not, looked up in the draft's tree.

A feature that came between two releases is in the tree of the newer one and in no row of the older
one's profile: a draft that kept to its neighbour would say that the kernel lacks it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

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
    ForeignRow,
    Other,
    rows,
    said_by,
)
from matrix.kernel.source.truth.tree import KernelTree
from matrix.kernel.source.version import read_version
from matrix.schema.values import KernelProfile

_WORD = re.compile(r"\w+")


def known_elsewhere(
    text: str, neighbour: KernelProfile, others: Sequence[Other], tree: KernelTree
) -> Iterator[ForeignRow]:
    """Yield each row that a draft (`text`) lacks, another profile has, and the tree shows.

    What a release beyond the neighbour had, and the neighbour has not, was gone by then.
    """
    for section, kind in SECTIONS.items():
        # The nearest profile that the tree agrees with is taken; what it gave is known from then
        # on.
        known = {name for name, _ in rows(text, section)}
        for other in _not_beyond(neighbour, others, tree):
            for name, block in rows(other.text, section):
                if name in known:
                    continue
                row = _in_tree(section, f"{kind} {name}", name, block, other, tree)
                if row is not None:
                    known.add(name)
                    yield row


def foreign_row(section: str, name: str, others: Sequence[Other]) -> ForeignRow | None:
    """Return a row of the nearest profile that has it, whatever the tree shows: all is open."""
    kind = SECTIONS[section]
    for other in others:
        for found, block in rows(other.text, section):
            if found == name:
                lost = {item.text: "unknown" for item in _cited(f"{kind} {name}", other)}
                said = f"{kind} {name}: as in {other.profile.release}; another row needs it"
                moved = move_citations(block, lost)
                return ForeignRow(section=section, name=name, text=moved, open=(said,))
    return None


def shown_elsewhere(
    mine: Other, opened: Collection[str], others: Sequence[Other], tree: KernelTree
) -> Iterator[ForeignRow]:
    """Yield for each open row of a draft the row of another profile that the tree shows whole.

    `mine` is the neighbour with the draft's text. All that such a row cites stands in the tree as
    that profile's own tree has it, and it cites every file that the neighbour's does: a function
    that changed between two releases is the older one's or the newer one's. Where the neighbour's
    is whole as well, or a third profile says otherwise and some of its lines are here, too, none
    is taken; nor is one that says otherwise what overrides a cpucap, which no cited line shows, or
    that asks a variable which the draft has not.
    """
    variables = {name for name, _ in rows(mine.text, "variables")}
    for section, kind in ALL_SECTIONS.items():
        for name, block in rows(mine.text, section):
            what = f"{kind} {name}"
            if what not in opened or _whole(section, what, name, block, mine, tree):
                continue
            files = _file_names(what, mine)
            whole = [
                row
                for other in others
                if files <= _file_names(what, other)
                and (said := dict(rows(other.text, section)).get(name)) is not None
                and _overrides(said) == _overrides(block)
                and _variables_of(said, other) <= variables
                and (row := _whole(section, what, name, said, other, tree)) is not None
            ]
            if whole and not _doubted(section, what, name, whole[0], others, tree):
                yield whole[0]


def _variables_of(block: str, other: Other) -> set[str]:
    """Return the variables of a profile that a row of it asks or sets."""
    return set(_WORD.findall(said_by(block))) & {one.name for one in other.profile.variables}


def unproved(
    text: str, neighbour: KernelProfile, others: Sequence[Other], tree: KernelTree
) -> Iterator[str]:
    """Yield the rows of a draft that name what no line they cite shows to be in the tree.

    An enumerator that is gone is in no line of a function that returns the variable. What overrides
    a cpucap is in none of its entry's: a newer profile names it, and the draft has the variable.
    """
    gone = _enumerators_gone((neighbour, *(other.profile for other in others)), tree)
    for section, kind in SECTIONS.items():
        for name, block in rows(text, section):
            for word in sorted(gone & set(_WORD.findall(said_by(block)))):
                yield f"{kind} {name}: the tree has no {word}"
    variables = {name for name, _ in rows(text, "variables")}
    caps = dict(rows(text, "cpucaps"))
    for other in _not_beyond(neighbour, others, tree):
        for name, block in rows(other.text, "cpucaps"):
            asked = {word for said in _overrides(block) for word in _WORD.findall(said)} & variables
            if asked and name in caps and not _overrides(caps[name]):
                said = f"{', '.join(sorted(asked))} overrides it in {other.profile.release}"
                yield f"cpucap {name}: {said}, and the tree has that"


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


def _doubted(
    section: str,
    what: str,
    name: str,
    row: ForeignRow,
    others: Sequence[Other],
    tree: KernelTree,
) -> bool:
    """Tell whether a profile says otherwise than a row, and a part of what it cites is here."""
    for other in others:
        block = dict(rows(other.text, section)).get(name)
        if block is not None and said_by(block) != said_by(row.text):
            here = _in_tree(section, what, name, block, other, tree)
            if here is not None and len(here.open) < len(_cited(what, other)):
                return True
    return False


def _file_names(what: str, other: Other) -> frozenset[str]:
    """Return the files that a row cites, without their folders: files move between those."""
    return frozenset(item.path.rpartition("/")[2] for item in _cited(what, other))


def _whole(
    section: str, what: str, name: str, block: str, other: Other, tree: KernelTree
) -> ForeignRow | None:
    """Return a row where all that it cites is in the tree, unchanged, and it cites something."""
    row = _in_tree(section, what, name, block, other, tree)
    return row if row is not None and not row.open else None


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
    for section, kind in SECTIONS.items():
        known = dict(rows(text, section))
        for other in _not_beyond(neighbour, others, tree):
            theirs = other.text if read is None else with_prefixes(other.text, read)
            for name, block in rows(theirs, section):
                if name not in known or said_by(block) == said_by(known[name]):
                    continue
                if f"{kind} {name}" in settled:
                    continue
                row = _in_tree(section, f"{kind} {name}", name, block, other, tree)
                if row is not None and len(row.open) < len(_cited(f"{kind} {name}", other)):
                    said = f"{other.profile.release} says otherwise, and its lines are here"
                    yield f"{kind} {name}: {said}"


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
    for section, kind in SECTIONS.items():
        known = dict(rows(text, section))
        for other in _not_beyond(neighbour, others, tree):
            for name, block in rows(other.text, section):
                if name in known and _beside(block) != _beside(known[name]):
                    yield f"{kind} {name}"


def _beside(block: str) -> tuple[object, ...]:
    """Return how many parsers a parameter has, and what overrides a cpucap."""
    return block.count("stream:"), block.count("bare:"), _overrides(block)


def _overrides(block: str) -> list[str]:
    return re.findall(r"unless: [^,}]*", block)


def _names(text: str, section: str, name: str) -> bool:
    """Tell whether a source has a row's own name; a boot parameter's whole or in its parts."""
    if section != "parameters":
        return re.search(rf"\b{re.escape(name.removesuffix('()'))}\b", text) is not None
    return f'"{name}"' in text or f'"{name}=' in text or _has_parts(text, name.split("."))


def _has_parts(text: str, parts: Sequence[str]) -> bool:
    if len(parts) == 1:
        return False
    registered = f"module_param_named({parts[-1]}," in text or f"module_param({parts[-1]}," in text
    return registered or all(f'"{part}"' in text for part in parts)


def _cited(what: str, other: Other) -> list[Citation]:
    # The second parser of a parameter is `parameter X #2`.
    return [item for item in citations(other.profile) if item.what.split(" #")[0] == what]


def _in_tree(
    section: str, what: str, name: str, block: str, other: Other, tree: KernelTree
) -> ForeignRow | None:
    """Return a row with its lines here; None where its first citation is not found."""
    moves: dict[str, str] = {}
    said: list[str] = []
    cited = _cited(what, other)
    files = dict.fromkeys(now for one in cited if (now := path_now(tree, one.path)) is not None)
    named = any(_names(tree.text(path), section, name) for path in files)
    if section == "parameters" and not named:
        return None
    for number, citation in enumerate(cited):
        path, found = find_anywhere(tree, citation, other.evidence)
        if found is None or found.first is None or found.last is None:
            # The first citation is the row's own. Without it and the name, nothing says that the
            # feature is here.
            if number == 0 and not named:
                return None
            moves[citation.text] = "unknown"
            said.append(f"{what}: as in {other.profile.release}; {citation.path}: it is not there")
            continue
        last = max(found.first, found.last)
        moves[citation.text] = spell_citation(path, found.first, last)
        head = f"{what}: as in {other.profile.release}; {path}"
        said += (f"{head}: {change.name} has changed" for change in found.changed)
    if not moves:
        return None
    return ForeignRow(
        section=section, name=name, text=move_citations(block, moves), open=tuple(said)
    )
