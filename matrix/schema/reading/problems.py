"""What is wrong with declarations, gathered: every step of the loader adds to one `Problems`."""

from __future__ import annotations

from collections.abc import Iterable

from matrix.diagnostics import Diagnostic, InputError, Location, unknown_word_hint

# Nobody reads more than this of one file; a file of garbage has an error in every line.
MAX_PER_FILE = 20

# What the YAML layer refuses. A later step trips over the same place again (an alias is no text
# either), and the first diagnostic is the one that says why.
_REFUSED_BY_YAML = tuple(f"MX02{number:02}" for number in range(3, 12))


class Problems:
    """Diagnostics, at most one per place and code and `MAX_PER_FILE` per file."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int, str], Diagnostic] = {}
        self._refused: set[tuple[str, int, int]] = set()
        self._per_file: dict[str, int] = {}

    def add(self, code: str, message: str, at: Location, hint: str | None = None) -> None:
        """Add one diagnostic; nothing happens where its place was refused already."""
        self.extend([Diagnostic(code=code, message=message, location=at, hint=hint)])

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add diagnostics that another room has made."""
        for diagnostic in diagnostics:
            at = diagnostic.location or Location(file="")
            place = (at.file, at.line, at.column)
            count = self._per_file.get(at.file, 0)
            known = place in self._refused or (*place, diagnostic.code) in self._found
            if known or count > MAX_PER_FILE:
                continue
            if diagnostic.code in _REFUSED_BY_YAML and at.line:
                self._refused.add(place)
            self._per_file[at.file] = count + 1
            # The first past the bound is replaced by the word that there are more.
            shown = diagnostic if count < MAX_PER_FILE else _more(at)
            self._found[(*place, shown.code)] = shown

    def unknown(
        self, kind: str, word: str, known: Iterable[str], at: Location, advice: str = ""
    ) -> None:
        """Add MX0221: `word` names a thing of this kind (in the singular) that is not declared.

        `advice` says how to declare it.
        """
        names = list(known)
        hint = unknown_word_hint(word, names, plural(kind)) + (f"; {advice}" if advice else "")
        self.add("MX0221", f"unknown {kind} `{word}`", at, hint)

    def __bool__(self) -> bool:
        return bool(self._found)

    def concern(self, file: str) -> bool:
        """Return whether something is wrong with a file."""
        return file in self._per_file

    def is_full(self, file: str) -> bool:
        """Return whether a file has all the diagnostics that are shown."""
        return self._per_file.get(file, 0) > MAX_PER_FILE

    def raise_if_any(self) -> None:
        """Raise one InputError with everything found, sorted by place."""
        if self._found:
            raise InputError([self._found[place] for place in sorted(self._found)])


def plural(kind: str) -> str:
    """Return the plural of a kind of thing: axis, axes; CPU, CPUs.

    >>> plural("axis"), plural("capability"), plural("CPU field")
    ('axes', 'capabilities', 'CPU fields')
    """
    if kind.endswith("axis"):
        return kind.removesuffix("is") + "es"
    head, joint, rest = kind.partition(" of ")
    ending = head.removesuffix("y") + "ies" if head.endswith("ty") else head + "s"
    return ending + joint + rest


def _more(at: Location) -> Diagnostic:
    return Diagnostic(
        code="MX0226",
        message=f"more than {MAX_PER_FILE} errors in `{at.file}`; the rest is not shown",
        location=at,
        hint="correct the first ones: later errors often follow from them",
    )
