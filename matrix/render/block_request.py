"""What a block asks for: a study, then `key=value` pairs, as its begin marker says.

Takes a `Marker`, gives the study and `Option` values; what is wrong goes to the caller's list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from matrix.diagnostics import Diagnostic, Location, did_you_mean, unknown_word_hint
from matrix.render.markers import Marker

KEYS = ("show", "table", "rows", "columns")
SHOWS = ("counts", "causes", "table", "unsound", "architectures")


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

    @property
    def shows(self) -> str:
        """One of `SHOWS`: what the marker says, or a table where it names one or parts of one."""
        if chosen := self.option("show"):
            return chosen.value
        return "table" if self.options else "counts"


_ARGUMENT = re.compile(
    r"""(?P<key>[A-Za-z_][\w-]*)=(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'=]+))(?=\s|$)"""
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
    if option.key == "show" and option.value not in SHOWS:
        near = did_you_mean(option.value, SHOWS)
        known = f"a block shows one of: {', '.join(SHOWS)}"
        return Diagnostic(
            code="MX0810",
            message=f"a block cannot show `{option.value}`",
            location=option.location,
            hint=f"{near} {known}" if near else known,
        )
    return None


def _useless(options: Sequence[Option]) -> list[Diagnostic]:
    """Return the options that have no effect, because what is shown is no table."""
    show = next((option for option in options if option.key == "show"), None)
    if show is None or show.value not in SHOWS or show.value == "table":
        return []
    return [
        Diagnostic(
            code="MX0809",
            message=f"`{option.key}` has no effect with `show={show.value}`",
            location=option.location,
            hint="delete it, or write show=table",
        )
        for option in options
        if option.key in KEYS and option.key != "show"
    ]
