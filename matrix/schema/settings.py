"""matrix.toml: what a repository says once for every `matrix validate` in it.

Takes the file, gives frozen `Settings`: defaults of options, and mutes with the reason for each.
Everything that is wrong is reported at once with its place. This is the start of every run in CI,
so that it needs no library but tomllib; places are looked up, with tomlkit, only to report one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location, unknown_word_hint
from matrix.door.files import read_regular
from matrix.expr.position import locate

if TYPE_CHECKING:
    from tomlkit.container import Container

Place = tuple[str | int, ...]


def location_of(text: str, place: Place, file: str) -> Location:
    """Return where the key of a place stands; a place that is not in the text: the whole file.

    A place is the keys that lead to it; a number is the table of that index in a list of tables.
    """
    from tomlkit.exceptions import TOMLKitError

    try:
        offsets = _offsets(text)
    except (TOMLKitError, ValueError, RecursionError):
        # What tomllib reads and tomlkit does not; the message stands without a place.
        offsets = {}
    while place and place not in offsets:
        place = place[:-1]
    if not place:
        return Location(file=file)
    return locate(text, file, *offsets[place])


def _offsets(text: str) -> dict[Place, tuple[int, int]]:
    """Return the offset and the length of every key and table header, by place."""
    from tomlkit import parse

    walk = _Walk(text)
    walk.container((), parse(text))
    return walk.found


class _Walk:
    """Goes through a parsed document in the order of its text, with a cursor in the text."""

    def __init__(self, text: str) -> None:
        self.found: dict[Place, tuple[int, int]] = {}
        self._text = text
        self._cursor = 0

    def container(self, place: Place, container: Container) -> None:
        """Go through the keys of a document or a table."""
        from tomlkit.items import AoT, Table

        # Comments and blank lines have no key, and must move the cursor all the same.
        for key, value in container.body:
            if key is None:
                self._cursor += len(value.as_string())
                continue
            inner = (*place, key.key)
            if isinstance(value, AoT):
                for number, table in enumerate(value.body):
                    self._header((*inner, number))
                    self.container((*inner, number), table.value)
            elif isinstance(value, Table):
                if not value.is_super_table():
                    self._header(inner)
                self.container(inner, value.value)
            else:
                self._value(inner, key.as_string().rstrip(), value.as_string())

    def _header(self, place: Place) -> None:
        start = self._text.index("[", self._cursor)
        end = self._text.index("]", start)
        closing = 2 if self._text.startswith("[[", start) else 1
        self.found.setdefault(place, (start, end + closing - start))
        self._next_line(end)

    def _value(self, place: Place, key: str, value: str) -> None:
        start = self._text.index(key, self._cursor)
        self.found.setdefault(place, (start, len(key)))
        self._next_line(self._text.index(value, start + len(key)) + len(value))

    def _next_line(self, offset: int) -> None:
        newline = self._text.find("\n", offset)
        self._cursor = newline + 1 if newline >= 0 else len(self._text)


Kind = TypeVar("Kind")
# A settings file is written by hand.
_MOST_BYTES = 1 << 20
# In a line: tomllib takes time by the square of the parts of a key.
_MOST_DOTS = 1000
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


class Mute(Struct, frozen=True, kw_only=True):
    """Which findings do not count, and why.

    Each field that is given must match: `verdict` and `capability` are equal, `rule` is a violated
    invariant or the code of a diagnostic, `file` and `cpu` are patterns with `*`. `place` are the
    keys that lead to it in the file.
    """

    because: str
    verdict: str | None = None
    rule: str | None = None
    capability: str | None = None
    file: str | None = None
    cpu: str | None = None
    place: tuple[str | int, ...] = ()


class Settings(Struct, frozen=True, kw_only=True):
    """A settings file: `options` by their names in [validate], paths relative to its folder.

    `releases` are (pattern of a file, version): what kernel files are of that do not say it.
    """

    path: Path
    options: Mapping[str, str | tuple[str, ...]]
    mutes: tuple[Mute, ...]
    releases: tuple[tuple[str, str], ...] = ()

    def location(self, place: tuple[str | int, ...]) -> Location:
        """Return the place of a key, or of a table, in the file."""
        return _location(self.path, place)


# Keys of [validate]; a list for each option that may be repeated or takes several words.
_TEXTS = ("kernel", "cmdline", "capability", "predicate", "vm", "baseline")
_LISTS = ("cpus", "set", "fail_on", "configs")
_MUTE_KEYS = ("because", "verdict", "rule", "capability", "file", "cpu")


def load_settings(path: Path) -> Settings:
    """Read a settings file.

    Raises:
        InputError: MX1410 it cannot be read or is no TOML; all at once: MX1411 an unknown key,
            MX1412 a value of the wrong kind, MX1413 a mute without a reason or that would mute
            everything.
    """
    document = _parse(path)
    problems = _Problems(path)
    problems.unknown(document, ("validate", "releases", "mute"), ())
    options = problems.table(document.get("validate", {}), ("validate",))
    problems.unknown(options, (*_TEXTS, *_LISTS), ("validate",))
    texts = {
        key: problems.text(options[key], ("validate", key)) for key in _TEXTS if key in options
    }
    lists = {
        key: problems.words(options[key], ("validate", key)) for key in _LISTS if key in options
    }
    named = problems.table(document.get("releases", {}), ("releases",))
    releases = tuple(
        (pattern, problems.text(value, ("releases", pattern))) for pattern, value in named.items()
    )
    mutes = _mutes(document.get("mute", []), problems)
    if problems.found:
        raise InputError(sorted(problems.found, key=_order))
    return Settings(path=path, options={**texts, **lists}, mutes=mutes, releases=releases)


def _check_dots(path: Path, data: bytes) -> None:
    for number, line in enumerate(data.splitlines(), start=1):
        if line.count(b".") > _MOST_DOTS:
            place = Location(file=str(path), line=number)
            raise _unreadable(path, f"a line has more than {_MOST_DOTS:,} dots", place)


def _parse(path: Path) -> dict[str, object]:
    import tomllib

    try:
        data = read_regular(path, _MOST_BYTES)
        _check_dots(path, data)
        return tomllib.loads(data.decode("utf-8"))
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.search(str(error))
        line, column = (int(found[1]), int(found[2])) if found else (0, 0)
        lines = data.decode("utf-8").splitlines()
        text = lines[line - 1] if 0 < line <= len(lines) else None
        location = Location(file=str(path), line=line, column=column, text=text)
        reason = _PLACE.sub("", str(error)).strip()
        raise _unreadable(path, reason, location) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is not UTF-8", Location(file=str(path))) from error
    except RecursionError as error:
        reason = "it is nested too deeply"
        raise _unreadable(path, reason, Location(file=str(path))) from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise _unreadable(path, reason, Location(file=str(path))) from error


def _unreadable(path: Path, reason: str, location: Location) -> InputError:
    return InputError.of(
        code="MX1410",
        message=f"cannot read the settings `{path.name}`: {reason}",
        location=location,
        hint="it is a TOML file with the tables [validate] and [[mute]]; see docs/ci.md",
    )


def _mutes(tables: object, problems: _Problems) -> tuple[Mute, ...]:
    if not isinstance(tables, list):
        problems.add("MX1412", ("mute",), "`mute` is not a list of tables", "write [[mute]]")
        return ()
    found = []
    for number, written in enumerate(tables):
        place: tuple[str | int, ...] = ("mute", number)
        table = problems.table(written, place)
        problems.unknown(table, _MUTE_KEYS, place)
        given = {
            key: problems.text(table[key], (*place, key)) for key in _MUTE_KEYS if key in table
        }
        if not given.get("because", "").strip():
            problems.add(
                "MX1413",
                place,
                "this mute has no reason",
                'write `because = "…"`: who decided it, why, and until when',
            )
        # Of an empty table the missing reason is said already.
        if len(table) and not set(given) - {"because"}:
            problems.add(
                "MX1413",
                place,
                "this mute would mute everything",
                f"name at least one of {', '.join(_MUTE_KEYS[1:])}",
            )
        found.append(Mute(**{"because": "", **given}, place=place))
    return tuple(found)


class _Problems:
    """What is wrong in one settings file, collected."""

    def __init__(self, path: Path) -> None:
        self.found: list[Diagnostic] = []
        self._path = path

    def add(self, code: str, place: tuple[str | int, ...], message: str, hint: str) -> None:
        location = _location(self._path, place)
        self.found.append(Diagnostic(code=code, message=message, location=location, hint=hint))

    def unknown(
        self, table: Mapping[str, object], known: tuple[str, ...], place: tuple[str | int, ...]
    ) -> None:
        for key in table:
            if key not in known:
                hint = unknown_word_hint(key, known, "keys")
                self.add("MX1411", (*place, key), f"unknown key `{key}`", hint)

    def table(self, value: object, place: tuple[str | int, ...]) -> Mapping[str, object]:
        return self._of(value, dict, place, "a table", dict)

    def text(self, value: object, place: tuple[str | int, ...]) -> str:
        return self._of(value, str, place, 'a text in quotes, such as "7.3"', str)

    def words(self, value: object, place: tuple[str | int, ...]) -> tuple[str, ...]:
        written = self._of(value, list, place, 'a list of texts, such as ["unsound"]', list)
        texts = [self.text(item, place) for item in written]
        return tuple(texts)

    def _of(
        self,
        value: object,
        kind: type[Kind],
        place: tuple[str | int, ...],
        what: str,
        empty: Callable[[], Kind],
    ) -> Kind:
        if isinstance(value, kind):
            return value
        self.add("MX1412", place, f"`{place[-1]}` is not {what}", f"give {what}")
        return empty()


def _location(path: Path, place: tuple[str | int, ...]) -> Location:
    try:
        text = read_regular(path, _MOST_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):  # it was read a moment ago; then without a place
        return Location(file=str(path))
    return location_of(text, place, str(path))


def _order(problem: Diagnostic) -> tuple[int, int]:
    location = problem.location
    return (location.line, location.column) if location else (0, 0)
