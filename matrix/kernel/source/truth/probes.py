"""What declared probes read in a tree: the value of a row, where its words stand as declared.

A probe names pieces of files and what each has: words without a gap, in order, how often a name
stands there, what is nowhere. It says nothing of a tree that it does not fit, and two that fit and
differ say nothing either. It is a person's word that no other text of these pieces matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from matrix.expr.nodes import Scalar
from matrix.expr.printer import to_c
from matrix.kernel.source.c.preprocessor import conjunction
from matrix.kernel.source.c.tokens import Token, tokenize
from matrix.kernel.source.truth.anchors import Piece
from matrix.kernel.source.truth.citations import declared_sources, spell_citation
from matrix.kernel.source.truth.findings import Finding
from matrix.kernel.source.truth.profile_rows import Shown, said, same_value
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import CpuCap, KernelProfile, Probe, ProbePlace, Variable


def read_rows(probes: Iterable[Probe], tree: KernelTree) -> Mapping[str, Shown]:
    """Return what the tree shows of each row; a row with two values is left out."""
    found: dict[str, list[Shown]] = {}
    for probe in probes:
        source = _source(probe, tree)
        if source is not None:
            found.setdefault(probe.row, []).append(Shown(value=probe.value, source=source))
    return {
        row: shown[0]
        for row, shown in found.items()
        if all(same_value(one.value, shown[0].value) for one in shown)
    }


def compare_probes(
    profile: KernelProfile, probes: Iterable[Probe], tree: KernelTree
) -> Iterator[Finding]:
    """Yield MX1125 for each row of which the tree shows another value than the profile's."""
    declared = declared_values(profile)
    locations = {what: place for what, _, place in declared_sources(profile)}
    before = {f"mechanism {one.name}": one.since.before for one in profile.mechanisms if one.since}
    for row, shown in read_rows(probes, tree).items():
        # A tree from before the fix point shows what was before it.
        right = [values[row] for values in (declared, before) if row in values]
        if row not in declared or any(same_value(shown.value, one) for one in right):
            continue
        yield Finding(
            code="MX1125",
            what=row,
            message=f"{row} is not what its probe reads",
            location=locations[row],
            place=shown.source.partition("; ")[0],
            declared=said(declared[row]),
            source=said(shown.value),
        )


def declared_values(profile: KernelProfile) -> Mapping[str, Scalar]:
    """Return what a profile says of the rows that a probe can be of."""
    return {
        **{f"mechanism {one.name}": one.value for one in profile.mechanisms},
        **{f"function {one.signature}": one.body.text for one in profile.functions},
        **{f"cpucap {one.name}": _test(one) for one in profile.cpucaps if not one.midrs},
        **{f"variable {one.name}": _start(one) for one in profile.variables},
    }


def _start(variable: Variable) -> str:
    """Return the initial value of a variable as its row has it, with its enumerators."""
    numbers = ", ".join(f"{name}: {number}" for name, number in variable.enumerators)
    return f"initial: {variable.initial.text}" + (f", enumerators: {{{numbers}}}" * bool(numbers))


def _test(cap: CpuCap) -> str:
    """Return the test of a cpucap as its row has it."""
    words = f"[{', '.join(cap.values)}]" if cap.values else None
    tests = (("field", cap.field), ("minimum", cap.minimum), ("values", words))
    said_so = [f"{key}: {value}" for key, value in tests if value is not None]
    conditions = (("kconfig", cap.kconfig), ("unless", cap.unless))
    texts = [f'{key}: "{one.text}"' for key, one in conditions if one is not None]
    return ", ".join((*said_so, f"scope: {cap.scope}", *texts))


def _source(probe: Probe, tree: KernelTree) -> str | None:
    """Return the lines at which a probe holds, None where it does not."""
    found: list[str] = []
    for place in probe.shown:
        lines = _holds(place, tree)
        if lines is None:
            return None
        found += [] if not lines else [spell_citation(place.path, lines[0], lines[1])]
    return "; ".join(dict.fromkeys(found))


def _holds(place: ProbePlace, tree: KernelTree) -> tuple[int, int] | tuple[()] | None:
    """Return the first and last line of what a place must have; () for a file; None: not so."""
    words = _words(place, tree)
    if words is None:
        return None
    texts = [word.text for word in words]
    if any(texts.count(name) != number for name, number in place.counts):
        return None
    if any(_find(texts, _pattern(text), 0) is not None for text in place.lacks):
        return None
    # In order, but not next to each other: the next text is looked for behind the last one.
    at, first, last = 0, None, 0
    for text in place.has:
        pattern = _pattern(text)
        start = _find(texts, pattern, at)
        if start is None:
            return None
        at = start + len(pattern)
        first, last = (start if first is None else first), at - 1
    if first is not None:
        return words[first].line, words[last].line
    # With nothing but `lacks` or `counts`, all of the piece was read; of a file no lines are worth
    # citing.
    return (words[0].line, words[-1].line) if place.piece and words else ()


def _words(place: ProbePlace, tree: KernelTree) -> Sequence[Token] | None:
    """Return the words of a place as they are written; None where the tree has no such place."""
    source = tree.source(place.path)
    if source is None:
        return None
    if place.piece is None:
        return tokenize(source.preprocessed.without_comments)
    piece = _piece(place, tree)
    if piece is None:
        return None
    pairs = zip(piece.words, piece.original, strict=True)
    return [word._replace(text=text) for word, text in pairs]


def _piece(place: ProbePlace, tree: KernelTree) -> Piece | None:
    """Return the piece that a place names; of several under `#if`, the one under the place's."""
    known = tree.pieces(place.path)
    found: list[Piece] = []
    while known is not None:
        number = f" #{len(found) + 1}" if found else ""
        piece = known.get(f"{place.piece}{number}")
        if piece is None:
            break
        found.append(piece)
    under = to_c(conjunction(())) if place.under is None else place.under
    right = [piece for piece in found if to_c(conjunction(piece.guard)) == under]
    return right[0] if len(right) == 1 and (place.under or len(found) == 1) else None


@lru_cache(maxsize=1024)
def _pattern(text: str) -> tuple[str, ...]:
    return tuple(token.text for token in tokenize(text))


def _find(texts: Sequence[str], pattern: Sequence[str], at: int) -> int | None:
    """Return where a pattern begins, at or after an index."""
    first, size = pattern[0], len(pattern)
    for index in range(at, len(texts) - size + 1):
        if texts[index] == first and tuple(texts[index : index + size]) == pattern:
            return index
    return None
