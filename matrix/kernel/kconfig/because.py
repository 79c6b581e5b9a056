"""Why a projected clause holds, in one sentence, with the lines of the tree that say so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from matrix.kernel.kconfig.model import (
    NO,
    ChoiceEntry,
    Entry,
    Expression,
    Place,
    Ref,
    Text,
    alternatives,
    conjuncts,
    symbols_of,
)
from matrix.kernel.kconfig.reading import ParsedTree
from matrix.kernel.source.tree_files import read_tree_text

_ENTRY = re.compile(r"\s*(?:config|menuconfig|choice|endchoice|menu|endmenu|if|endif|source)\b")
_MOST_PLACES = 4


class Because(Struct, frozen=True, kw_only=True):
    """A sentence for a reader, and where in the tree it is read: `path:line; path:line`."""

    sentence: str
    source: str


def because(
    tree: ParsedTree, literals: Sequence[tuple[str, bool]], owners: Sequence[str]
) -> Because:
    """Return why one of the (symbol, is set) holds; `owners` are the definitions that imply it.

    An owner is a symbol, or a choice as `choice FILE:LINE`.
    """
    choice = _choice_of(tree, literals)
    if choice is not None and list(owners) == [f"choice {choice.places[0]}"]:
        return _of_choice(choice, literals)
    if len(literals) == 2:
        found = _of_two(tree, literals)
        if found is not None:
            return found
    return _of_chain(tree, literals, owners)


def _choice_of(tree: ParsedTree, literals: Sequence[tuple[str, bool]]) -> ChoiceEntry | None:
    """Return the choice that all symbols are members of, if there is one."""
    entries = [tree.entry(name) for name, _ in literals]
    indices = {None if entry is None else entry.choice for entry in entries}
    index = indices.pop() if len(indices) == 1 else None
    return None if index is None else tree.choice(index)


def _of_choice(choice: ChoiceEntry, literals: Sequence[tuple[str, bool]]) -> Because:
    names = " and ".join(name for name, _ in literals)
    place = str(choice.places[0])
    if all(is_set for _, is_set in literals):
        return Because(sentence=f'one member of the choice "{choice.title}" is set', source=place)
    return Because(sentence=f'{names} are members of the choice "{choice.title}"', source=place)


def _of_two(tree: ParsedTree, literals: Sequence[tuple[str, bool]]) -> Because | None:
    """Return the sentence of `A implies B` where one definition says it."""
    for index in (0, 1):
        (one, one_set), (other, other_set) = literals[index], literals[1 - index]
        first, second = tree.entry(one), tree.entry(other)
        # The clause `!A || B` reads as "A implies B": A is the literal that is negated.
        if one_set or not other_set or first is None or second is None:
            continue
        if one in _selectors(second):
            return Because(
                sentence=f"{one} selects {other}", source=_line(tree, first, f"select {other}")
            )
        if other in _conjuncts(first.depends):
            return Because(
                sentence=f"{one} depends on {other}", source=_line(tree, first, f"on {other}")
            )
        if not first.prompts and other in _selectors(first):
            return Because(
                sentence=f"{one} has no prompt: nothing that can be set but {other} selects it",
                source=str(first.places[0]),
            )
    return _of_number(tree, literals)


def _of_number(tree: ParsedTree, literals: Sequence[tuple[str, bool]]) -> Because | None:
    for index in (0, 1):
        number, other = literals[index][0], literals[1 - index][0]
        entry = tree.entry(number)
        if entry is not None and not entry.is_logical and other in _conjuncts(entry.depends):
            return Because(
                sentence=f"{number} depends on {other}", source=_line(tree, entry, f"on {other}")
            )
    return None


def _of_chain(
    tree: ParsedTree, literals: Sequence[tuple[str, bool]], owners: Sequence[str]
) -> Because:
    """Return which definitions together say it, from the last to what it rests on."""
    subjects = [name for name, _ in literals]
    phrases: dict[str, None] = {}
    places: dict[str, None] = {}
    for name in dict.fromkeys((*subjects, *owners)):
        if name.startswith("choice "):
            phrases.setdefault("a choice sets one of its visible members")
            places.setdefault(name.split()[1])
        entry = tree.entry(name)
        if entry is None or name not in owners:
            continue
        selector = next((other for other in owners if other in _selectors(entry)), None)
        by = tree.entry(selector) if selector is not None else None
        if by is not None:
            phrases.setdefault(f"{by.name} selects {name}")
            places.setdefault(_line(tree, by, f"select {name}"))
        # What is y by itself is no reason for anything.
        elif not _is_constant(entry, "y"):
            phrases.setdefault(_own_phrase(entry, owners))
            places.setdefault(str(entry.places[0]))
    return Because(
        sentence="; ".join(phrases), source="; ".join(list(places)[:_MOST_PLACES]) or "Kconfig"
    )


def _own_phrase(entry: Entry, owners: Sequence[str]) -> str:
    read = set(owners).intersection(symbols_of(entry.given))
    if read:
        how = "depends on" if entry.prompts else "without a visible prompt follows"
        return f"{entry.name} {how} {', '.join(sorted(read))}"
    if not entry.prompts and entry.defaults and not _is_constant(entry, "n"):
        return f"{entry.name} has no prompt and a default"
    if not entry.prompts and entry.selected == NO:
        return f"nothing sets {entry.name}"
    if not entry.prompts:
        return f"{entry.name} is set only by what selects it"
    return f"{entry.name} is as its definition says"


def _is_constant(entry: Entry, value: str) -> bool:
    """Tell whether nothing but a constant default gives the value: `def_bool y`."""
    given = [default for default, _ in entry.defaults]
    return not entry.prompts and given == [Text(value)]


def _conjuncts(expression: Expression) -> set[str]:
    return {term.name for term in conjuncts(expression) if isinstance(term, Ref)}


def _selectors(entry: Entry) -> set[str]:
    """Return what selects: the reverse dependency is `A && condition || B && condition`."""
    # kconfiglib puts the selecting symbol in front of its condition.
    first = (conjuncts(term)[0] for term in alternatives(entry.selected))
    return {term.name for term in first if isinstance(term, Ref)}


def _line(tree: ParsedTree, entry: Entry, wanted: str) -> str:
    """Return the line of one of the symbol's definitions that says it, or the definition's own."""
    pattern = re.compile(rf"\s.*\b{re.escape(wanted)}\b")
    for place in entry.places:
        try:
            text = read_tree_text(tree.tree.root, place.file)
        except OSError:
            continue
        # From the definition's own line to the next entry: the same words may stand in a hundred
        # others.
        for number, line in enumerate(text.splitlines()[place.line :], place.line + 1):
            if _ENTRY.match(line):
                break
            if pattern.match(line):
                return str(Place(place.file, number))
    return str(entry.places[0])
