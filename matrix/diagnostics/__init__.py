"""What is said to the user when an input is wrong, and the only place that formats it.

Every room builds `Diagnostic` values and returns or raises them in one `InputError`; `cli` prints
them with `format_diagnostic`. A diagnostic names the place first, so that editors can jump to it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Self, TypeVar

from msgspec import Struct

from matrix.diagnostics.width import terminal_width


class ExitCode(enum.IntEnum):
    """Exit codes of the command line; where several apply, `worst` picks the one reported."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INPUT = 3
    UNDECIDED = 4
    BUG = 70


# Where several codes apply, the leftmost of this order is reported (docs/ci.md).
_PRECEDENCE = (
    ExitCode.BUG,
    ExitCode.USAGE,
    ExitCode.INPUT,
    ExitCode.FINDINGS,
    ExitCode.UNDECIDED,
    ExitCode.OK,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the code to exit with when several apply; `OK` for none."""
    return min(codes, key=_PRECEDENCE.index, default=ExitCode.OK)


class Severity(enum.StrEnum):
    """How much a diagnostic matters: an error stops the answer, a warning and a note go with it."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Location(Struct, frozen=True, kw_only=True, array_like=True):
    """A place in an input: 1-based line and column, `length` characters long, `text` its line.

    `line` 0 means the input as a whole (an unreadable file, a missing folder). Of a very long line
    `text` may be the part around the place, behind `skipped` characters.
    """

    file: str
    line: int = 0
    column: int = 0
    length: int = 1
    text: str | None = None
    skipped: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    @property
    def index(self) -> int:
        """Where the place begins in `text`, from 0."""
        return max(0, self.column - 1 - self.skipped)


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One thing that is wrong: a code of `codes.toml`, where, what, and what to do about it."""

    code: str
    message: str
    location: Location | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR

    @classmethod
    def warning(
        cls, *, code: str, message: str, location: Location | None = None, hint: str | None = None
    ) -> Self:
        """Return one that goes with an answer, and that a reader should act on."""
        found = Severity.WARNING
        return cls(code=code, message=message, location=location, hint=hint, severity=found)

    @classmethod
    def note(
        cls, *, code: str, message: str, location: Location | None = None, hint: str | None = None
    ) -> Self:
        """Return one that goes with an answer, and that a reader should know."""
        found = Severity.NOTE
        return cls(code=code, message=message, location=location, hint=hint, severity=found)


class InputError(Exception):
    """All that is wrong with the inputs of one command; carries at least one diagnostic."""

    def __init__(self, diagnostics: Sequence[Diagnostic] | Diagnostic) -> None:
        items = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        super().__init__("; ".join(f"{item.code}: {item.message}" for item in items))
        self.diagnostics: tuple[Diagnostic, ...] = items

    @classmethod
    def of(
        cls, *, code: str, message: str, location: Location | None = None, hint: str | None = None
    ) -> Self:
        """Return the error of one thing that is wrong."""
        return cls(Diagnostic(code=code, message=message, location=location, hint=hint))


def refuse(problems: Collection[Diagnostic]) -> None:
    """Raise what is wrong in one error, if anything is."""
    if problems:
        raise InputError(tuple(problems))


_Found = TypeVar("_Found")


class Gathered:
    """What went wrong in steps that do not need each other, to be told at once."""

    def __init__(self, problems: Iterable[Diagnostic] = ()) -> None:
        self.problems = list(problems)

    def of(self, step: Callable[[], _Found]) -> _Found | None:
        """Return what a step finds; None where it fails."""
        try:
            return step()
        except InputError as error:
            self.problems.extend(error.diagnostics)
            return None

    def refuse(self) -> None:
        """Raise what went wrong, each problem once, if anything did."""
        refuse(dict.fromkeys(self.problems))


class UndecidedError(InputError):
    """The inputs are right, but the answer would pass a bound; the command exits `UNDECIDED`."""


def format_diagnostic(diagnostic: Diagnostic, width: int | None = None) -> str:
    """Return the diagnostic as it is shown: place, code, message, the line with a caret, a hint.

    The line is cut to `width` columns, unless given those of the terminal.
    """
    location = diagnostic.location
    message = _without_floods(diagnostic.message).translate(_UNPRINTABLE)
    head = f"{diagnostic.severity}[{diagnostic.code}]: {message}"
    lines = [f"{_one_line(str(location))}: {head}" if location else head]
    if location and location.line and location.text is not None:
        lines.extend(_quote(location, location.text, width or terminal_width()))
    if diagnostic.hint:
        lines.append(f"hint: {_without_floods(diagnostic.hint).translate(_UNPRINTABLE)}")
    return "\n".join(lines)


# No name, path component or cell is as long: a longer word is damage, and buries what is said.
_FLOOD = 400
_SHOWN_OF_FLOOD = 40


def _without_floods(text: str) -> str:
    """Return a message with words of hundreds of characters cut; documents have them whole."""
    if len(text) <= _FLOOD:
        return text
    import re  # imported only on the error path: start-up is a feature

    return re.sub(
        rf"(?<![^\s`])([^\s`]{{{_SHOWN_OF_FLOOD}}})[^\s`]{{{_FLOOD - _SHOWN_OF_FLOOD},}}",
        r"\1…",
        text,
    )


def _quote(location: Location, text: str, width: int) -> list[str]:
    """Return the offending line and the caret line beneath it, neither wider than `width`."""
    number = f"{location.line:>5} | "
    whole = text.rstrip("\n")
    column = location.index
    room = width - len(number)
    start = _first_shown(len(whole), column, location.length, room)
    # Only what is shown is made visible: many things may be wrong with one line of megabytes.
    shown = _one_line(whole[start : start + room])
    if start:
        shown = "…" + shown[1:]
    if start + room < len(whole):
        shown = shown[:-1] + "…"
    marked = max(1, min(location.length, len(shown) - (column - start)))
    caret = " " * (column - start) + "^" * marked
    return [f"{number}{shown}", f"{' ' * (len(number) - 2)}| {caret}"]


def _first_shown(characters: int, column: int, length: int, room: int) -> int:
    """Return where the excerpt of a long line begins: what is marked stands in its middle.

    A `.config` or a binary may hold a line of megabytes. An excerpt begins with its line where what
    is marked stands in its first `room` characters; the caret may stand behind the last character.
    """
    if characters <= room and column < room:
        return 0
    if column + length < room:
        return 0
    return max(0, min(column - room // 2, max(characters, column + 1) - room))


# Controls (C0 and C1), line and paragraph separators, and what turns the direction of a text.
_UNPRINTABLE: dict[int, str] = dict.fromkeys(
    (
        *(*range(32), *range(127, 160), 0x61C, 0x200E, 0x200F),
        *(*range(0x2028, 0x202F), *range(0x2066, 0x206A)),
    ),
    "\ufffd",
)
_UNPRINTABLE |= {ord("\t"): " ", ord("\n"): "\n"}


def control_character(text: str) -> str | None:
    """Return the first character that controls a terminal or turns the direction of text."""
    return next((one for one in text if _UNPRINTABLE.get(ord(one)) == "\ufffd"), None)


def _one_line(text: str) -> str:
    return text.translate(_UNPRINTABLE).replace("\n", "\ufffd")


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return "did you mean `x`?" for the nearest known word, or None where nothing is near."""
    import difflib  # imported only on the error path: start-up is a feature

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else None


def unknown_word_hint(word: str, known: Iterable[str], kind: str) -> str:
    """Return a hint for an unknown name: the nearest known one and the list of what exists."""
    names = sorted(known, key=_as_counted)
    listing = f"known {kind}: {first_of(names)}" if names else f"there are no {kind}"
    near = did_you_mean(word, names)
    return f"{near} {listing}" if near else listing


# Three lines of a terminal: what is longer is no answer to a typing error any more.
_LISTED = 240


def first_of(names: Iterable[str]) -> str:
    """Return names as a list, one of many cut short with how many there are besides."""
    every = list(names)
    shown: list[str] = []
    for name in every:
        if shown and len(", ".join((*shown, name))) > _LISTED:
            return f"{', '.join(shown)}, … and {len(every) - len(shown):,} more"
        shown.append(name)
    return ", ".join(shown)


def _as_counted(name: str) -> list[tuple[int, str]]:
    """Return a key of order by which 6.6 comes before 6.12: longer stretches of digits are more."""
    import re  # imported only on the error path

    pieces = re.split(r"(\d+)", name)
    return [(len(piece) if piece.isdecimal() else 0, piece) for piece in pieces]
