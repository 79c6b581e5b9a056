"""What a block asks for: a study, then `key=value` pairs, as its begin marker says.

Takes a `Marker`, gives the study and `Option` values; what is wrong goes to the caller's list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from matrix.diagnostics import Diagnostic, Location, did_you_mean, unknown_word_hint
from matrix.render.document_forms import Form
from matrix.render.markers import Marker

KEYS = ("show", "view", "table", "rows", "columns", "where", "cell", "file", "as")
SHOWS = ("counts", "causes", "table", "unsound")
MANNERS = ("table", "sentence", "badge")
# What a block may show by naming it, and the keys that choose a part of each of these.
_PARTS = {
    "counts": ("where",),
    "table": ("view", "table", "rows", "columns", "where"),
    "cell": ("cell",),
    "file": ("file", "rows"),
}


class Option(Struct, frozen=True, kw_only=True):
    """One `key=value` of a begin marker, with the place of its value."""

    key: str
    value: str
    location: Location


class Block(Struct, frozen=True, kw_only=True):
    """One block: what its begin marker asks for, and where its content stands.

    `study` is None where the marker names none (the default study is then meant). `start` and
    `end` are offsets of the content in the document: from the line after the begin marker to the
    line of the end marker. `indent` and `newline` are those of the begin marker's line.
    """

    file: str
    form: Form
    study: str | None
    options: tuple[Option, ...]
    location: Location
    start: int
    end: int
    content: str
    indent: str
    newline: str

    def option(self, key: str) -> Option | None:
        """Return what the marker says of `key`, None where it says nothing."""
        return next((option for option in self.options if option.key == key), None)

    def value(self, key: str) -> str | None:
        """Return the value that the marker gives to `key`, None where it gives none."""
        option = self.option(key)
        return None if option is None else option.value

    @property
    def shows(self) -> str:
        """What the marker says (`SHOWS`), or `cell`, `file` or `table` where it names one."""
        return _shown(self.options)

    @property
    def manner(self) -> str:
        """One of `MANNERS`: how it is shown."""
        return self.value("as") or "table"


def _shown(options: Sequence[Option]) -> str:
    given = {option.key: option.value for option in options}
    if "show" in given:
        return given["show"]
    named = [part for part in ("file", "cell") if part in given]
    if named:
        return named[0]
    return "table" if ({*_PARTS["table"]} - {"where"}) & {*given} else "counts"


# Every text that is no space matches one of the three: what is wrong is seen, and never skipped.
_ARGUMENT = re.compile(
    r"""(?P<key>[A-Za-z_][\w-]*)=(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'=][^\s"']*))(?=\s|$)"""
    r"""|(?P<word>[^\s"'=]+)(?=\s|$)"""
    r"""|(?P<wrong>\S+)"""
)


def read_arguments(
    marker: Marker, file: str, diagnostics: list[Diagnostic]
) -> tuple[str | None, tuple[Option, ...]]:
    """Return the study and the options of a begin marker; what is wrong goes to `diagnostics`."""
    study: str | None = None
    options: list[Option] = []
    for number, match in enumerate(_ARGUMENT.finditer(marker.arguments)):
        place = marker.line.place(file, marker.column + match.start(), len(match[0]))
        if number == 0 and match["word"]:
            study = match["word"]
            continue
        key = match["key"]
        if not key:
            diagnostics.append(_malformed(match[0], place))
            continue
        values = (match["double"], match["single"], match["bare"])
        value = next(text for text in values if text is not None)
        option = Option(key=key, value=value, location=place)
        wrong = _wrong_option(option, options)
        if wrong:
            diagnostics.append(wrong)
        options.append(option)
    diagnostics.extend(_useless(options))
    return study, tuple(options)


def _malformed(text: str, place: Location) -> Diagnostic:
    return Diagnostic(
        code="MX0809",
        message=f"`{text}` is not an argument of `matrix:begin`",
        location=place,
        hint='write the study first, then key="value" with the quotes closed, such as '
        'table="CPU × kernel"',
    )


def _wrong_option(option: Option, before: Iterable[Option]) -> Diagnostic | None:
    """Return what is wrong with one option by itself."""
    if option.key not in KEYS:
        return Diagnostic(
            code="MX0808",
            message=f"unknown key `{option.key}` in `matrix:begin`",
            location=option.location,
            hint=unknown_word_hint(option.key, KEYS, "keys"),
        )
    if any(other.key == option.key for other in before):
        return Diagnostic(
            code="MX0809",
            message=f"the key `{option.key}` is given twice",
            location=option.location,
            hint="keep one of them; several rows or columns are one list with commas",
        )
    if option.key in _WORDS and option.value not in _WORDS[option.key]:
        words = _WORDS[option.key]
        near = did_you_mean(option.value, words)
        known = f"`{option.key}` is one of: {', '.join(words)}"
        return Diagnostic(
            code="MX0810",
            message=f"a block cannot show `{option.value}`"
            if option.key == "show"
            else f"nothing is shown as `{option.value}`",
            location=option.location,
            hint=f"{near} {known}" if near else known,
        )
    return None


_WORDS = {"show": SHOWS, "as": MANNERS}


def _useless(options: Sequence[Option]) -> list[Diagnostic]:
    """Return the options that have no effect on what is shown."""
    shown = _shown(options)
    if shown not in (*SHOWS, *_PARTS):
        return []
    named = next((option for option in options if option.key in ("show", shown)), None)
    what = f"{named.key}={named.value}" if named else f"show={shown}"
    kept = (*_PARTS.get(shown, ()), "show", "as")
    return [
        Diagnostic(
            code="MX0809",
            message=f"`{option.key}` has no effect with `{what}`",
            location=option.location,
            hint=_useless_hint(option.key, shown),
        )
        for option in options
        if option.key in KEYS and option.key not in kept
    ] + [
        Diagnostic(
            code="MX0809",
            message="`view` and `table` both say which table is shown",
            location=option.location,
            hint="keep `view`",
        )
        for option in options
        if option.key == "table" and any(other.key == "view" for other in options)
    ]


def _useless_hint(key: str, shown: str) -> str:
    of_key = [part for part, keys in _PARTS.items() if key in keys]
    if shown in SHOWS and "table" in of_key:
        return "delete it, or write show=table"
    return "delete it, or write a block of its own for it"
