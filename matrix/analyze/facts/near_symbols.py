"""Which Kconfig symbol or boot parameter a misspelt name stands for: where hardly any other could.

A `.config` holds ten thousand symbols that no profile lists, so a name is a slip only where it is
nearer to a symbol than the kernel's own names are to each other: of the 26,000 in the trees and
configurations at hand (5.10 to 7.3, all architectures) none is taken for one
(`tests/test_near_symbols.py`). What people write for another reason, such as the name of the system
call, is declared.

The kernel has thousands of parameters that no profile declares, and some are near: `arm64.nosme` is
two letters from `arm64.nomte`. So a parameter is near only at one edit, or where nothing but case
and separators differ (`kfence_sample_interval`).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from matrix.door.kept import key_of, recall_value, remember_value
from matrix.door.package import code_of

# Edits that a name of so many letters may be away; of shorter ones every letter tells.
_EDITS = ((10, 2), (5, 1))
# Words that people add to a symbol's name; no kernel has one that differs in them alone.
_ADDED = frozenset(
    {"AARCH64", "ARM64", "CONFIG", "ENABLE", "ENABLED", "FEATURE", "KERNEL", "LINUX", "MEMFD"}
    | {"SUPPORT", "SYSCALL"}
)
# How much of a symbol a name must keep that leaves words out: KVM_GUEST is one of its own.
_KEPT = 0.7

# A parameter of fewer letters is one edit from too many others (`ro`, `nokaslr`).
_SHORTEST_PARAMETER = 5

# So many new names take longer to look at than those of a whole `.config` to be recalled; all that
# are kept are some more than the kernel has.
_MANY, _MOST_KEPT, _KIND = 500, 60_000, "names"

# Names by the number of their letters, and their letters joined.
_ByLength = Mapping[int, tuple[Sequence[str], str]]


class NearSymbols:
    """The symbols that names may stand for; `misnomers` are names that people write for them.

    `whole` are all symbols of a tree: among so many a name that lacks a word may be any of several.
    """

    def __init__(
        self, symbols: Iterable[str], misnomers: Mapping[str, str], *, whole: bool = False
    ) -> None:
        self._symbols = frozenset(symbols)
        self._bare = {_bare(symbol): symbol for symbol in sorted(self._symbols)}
        self._words = {
            words: symbol
            for symbol in (() if whole else sorted(self._symbols))
            for words in _enough(symbol)
        }
        self._words.update((_words(symbol), symbol) for symbol in self._symbols)
        self._every_word = _ADDED.union(*self._words)
        self._misnomers = {
            _bare(name): symbol for name, symbol in misnomers.items() if symbol in self._symbols
        }
        # Files of one run hold the same names, and so do those of the runs before.
        self._said: dict[str, str | None] = {}
        self._meant: dict[str, str] = {}
        self._key = _key(sorted(self._symbols), sorted(self._misnomers.items()), whole)
        self._is_recalled = False

    def of(self, given: Iterable[str]) -> dict[str, str]:
        """Return the names that are no symbols themselves and stand for one, with that one."""
        asked = tuple(given)
        if len(asked) >= _MANY and not self._is_recalled:
            self._recall()
        names = frozenset(asked)
        new = list(names.difference(self._said, self._symbols))
        others: dict[int, list[str]] = {}
        # All at once: a `.config` has ten thousand names.
        for name, letters in zip(new, _bare("\n".join(new)).split("\n"), strict=bool(new)):
            known = self._misnomers.get(letters) or self._bare.get(letters)
            self._said[name] = known or self._by_words(name)
            if self._said[name] is None:
                others.setdefault(len(letters), []).append(name)
        by_length = {
            length: (names, "\n".join(map(_bare, names))) for length, names in others.items()
        }
        nearest: dict[str, int] = {}
        for bare, symbol in self._bare.items() if others else ():
            for name, edits in _misspelt(bare, by_length):
                if edits < nearest.get(name, edits + 1):
                    nearest[name] = edits
                    self._said[name] = symbol
        self._meant.update((name, meant) for name in new if (meant := self._said[name]) is not None)
        if len(new) >= _MANY:
            self._remember()
        if names.isdisjoint(self._meant):
            return {}
        return {name: self._meant[name] for name in asked if name in self._meant}

    def _recall(self) -> None:
        """Take up which names stand for none, as far as earlier runs have found that."""
        self._is_recalled = True
        own = recall_value(_KIND, self._key, list[str])
        if own:
            said: dict[str, str | None] = dict.fromkeys(own)
            said.update(self._said)
            self._said = said

    def _remember(self) -> None:
        own = [name for name, meant in self._said.items() if meant is None and name.isascii()]
        remember_value(_KIND, self._key, own[:_MOST_KEPT])

    def _by_words(self, name: str) -> str | None:
        """Return the symbol whose words a name has, in another order, with more, or with fewer."""
        if name.partition("_")[0].upper() not in self._every_word:
            return None
        words = _words(name)
        # MEMFD last: it is a word of symbols, too, and is dropped only where all else fails.
        for kept in (words, words - (_ADDED - {"MEMFD"}), words - _ADDED):
            if kept in self._words:
                return self._words[kept]
        return None


def near_name(name: str, first: Iterable[str], names: Mapping[str, str]) -> str | None:
    """Return the known parameter that a text is a slip of, None for a name of its own.

    `names` has the known names by their key (with `_` for `-`); those of `first` win.
    """
    key = name.replace("-", "_")
    if len(key) < _SHORTEST_PARAMETER:
        return None
    for known in (*first, *names):
        if known != key and (_letters(known) == _letters(key) or one_edit_apart(known, key)):
            return names[known]
    return None


def one_edit_apart(left: str, right: str) -> bool:
    """Tell whether one letter was changed, left out, added, or swapped with its neighbour."""
    # Nearly all pairs differ in more letters than one edit touches.
    near = abs(len(left) - len(right)) <= 1 and len(set(left) ^ set(right)) <= 2
    return near and _edits(left, right) == 1


def _enough(symbol: str) -> Iterator[frozenset[str]]:
    """Yield the words of a symbol without some of them, of which enough is left."""
    words = _words(symbol)
    for left_out in range(1, len(words) - 1):
        for kept in itertools.combinations(sorted(words), len(words) - left_out):
            if sum(map(len, kept)) >= _KEPT * len(_bare(symbol)):
                yield frozenset(kept)


def _misspelt(bare: str, by_length: _ByLength) -> Iterator[tuple[str, int]]:
    """Yield the names that a few edits make of a symbol, and how many.

    An edit touches one or two of the pieces that a symbol is cut into: names that lack most of them
    are passed over.
    """
    most = next((edits for least, edits in _EDITS if len(bare) >= least), 0)
    if not most:
        return
    # Edits that fall into a piece each leave two pieces whole, which a plain search finds: the
    # table of edits is filled for few names. What is missed is a swap across a cut beside a second
    # edit.
    count = most + 2
    cuts = [len(bare) * index // count for index in range(count + 1)]
    pieces = {bare[start:end] for start, end in itertools.pairwise(cuts)}
    for length in range(len(bare) - most, len(bare) + most + 1):
        names, joined = by_length.get(length, ((), ""))
        having = Counter(number for piece in pieces for number in _with(piece, joined, length))
        for number, found in having.items():
            if found >= min(most, len(pieces)):
                edits = _edits(bare, _bare(names[number]))
                if edits <= most:
                    yield names[number], edits


def _with(piece: str, joined: str, length: int) -> set[int]:
    """Return which of the names of one length, joined by a letter of their own, hold a piece."""
    found = set()
    at = joined.find(piece)
    while at >= 0:
        found.add(at // (length + 1))
        at = joined.find(piece, at + 1)
    return found


def _edits(left: str, right: str) -> int:
    """Return how many letters changed, left out, added or swapped make one of the other."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for at, letter in enumerate(left, start=1):
        earlier, before, row = before, row, [at]
        for index, other in enumerate(right, start=1):
            cost = min(before[index] + 1, row[-1] + 1, before[index - 1] + (letter != other))
            # A swap of neighbours is one slip of the hand, not two (Damerau 1964, the restricted
            # form).
            if at > 1 and index > 1 and letter == right[index - 2] and left[at - 2] == other:
                cost = min(cost, earlier[index - 2] + 1)
            row.append(cost)
    return row[-1]


def _key(*parts: object) -> str | None:
    """Return the key of what is known of names: the symbols, and the modules that decide."""
    code = code_of("analyze/facts")
    return None if code is None else key_of(code, repr(parts).encode())


def _bare(name: str) -> str:
    return name.lower().replace("_", "")


def _words(name: str) -> frozenset[str]:
    return frozenset(name.upper().split("_"))


def _letters(parameter: str) -> str:
    return _bare(parameter).replace(".", "")
