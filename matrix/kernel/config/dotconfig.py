"""A kernel `.config` (or a fragment of one) as the kernel's own `conf` reads it.

Takes the bytes of a file in any of its usual forms, gives a `DotConfig`: the settings, the header's
release and architecture, whether the file is complete, and what is odd about it. The rules are
those of conf_read_simple(), scripts/kconfig/confdata.c: `CONFIG_X=value` and
`# CONFIG_X is not set` are settings, the last one of a symbol wins, any other line that is not a
comment is reported and ignored.

A file of 350 kB is read in a few milliseconds: two regular expressions find the settings, a count
shows that nothing else is there, and only a file that holds something odd is read line by line
(`matrix.kernel.config.lines`). The place of a setting is looked up when it is asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.door.bounded import DOTCONFIG, PACKED, file_name, read_bounded
from matrix.expr.nodes import Value
from matrix.expr.position import shown
from matrix.kernel.config import header as headers
from matrix.kernel.config import lines

_SET = re.compile(r"\nCONFIG_([A-Za-z0-9_]+)=([^\n]+)")
_UNSET = re.compile(r"\n# CONFIG_([A-Za-z0-9_]+) is not set(?=\n)")
_ESCAPED = re.compile(r"\\(.)")


COMPLETED = "completed by the tree's Kconfig"


class Setting(Struct, frozen=True, kw_only=True):
    """One setting: `y` is True, `m` is "m", `n` and `is not set` are False; numbers are ints.

    A string is without its quotes and escapes. `line` is 1-based, `text` the line itself.
    """

    value: bool | int | str
    line: int
    text: str

    def place(self, file: str) -> Location:
        """Return where the whole line stands in its file."""
        return Location(file=file, line=self.line, column=1, length=len(self.text), text=self.text)


class _Settings(Mapping[str, Setting]):
    """The settings by symbol, made on demand: a `.config` has 10,000, the model reads some 60."""

    def __init__(self, text: str, raw: Mapping[str, str]) -> None:
        self._text = text  # begins and ends with a newline, has no carriage returns
        self._raw = raw

    def __getitem__(self, symbol: str) -> Setting:
        raw = self._raw[symbol]
        text = self._text
        starts = [text.rfind(f"\nCONFIG_{symbol}="), text.rfind(f"\n# CONFIG_{symbol} is not set")]
        # The last well-formed line of the symbol: a malformed one behind it does not count.
        # `_raw` keeps values alone. A line found from the end is the right one if it says that
        # value.
        while True:
            start = max(starts)
            end = text.index("\n", start + 1)
            line = text[start + 1 : end]
            if lines.raw_value(line) == raw:
                break
            which = starts.index(start)
            prefix = f"\nCONFIG_{symbol}=" if which == 0 else f"\n# CONFIG_{symbol} is not set"
            starts[which] = text.rfind(prefix, 0, start + 1)
        return Setting(value=lines.convert(raw), line=text.count("\n", 0, start + 1), text=line)

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._raw

    def __reduce__(self) -> tuple[type[_Settings], tuple[str, Mapping[str, str]]]:
        return _Settings, (self._text, self._raw)


class DotConfig(Struct, frozen=True, kw_only=True):
    """What a `.config` says.

    `version` is the header's version in full ("6.12.0-144.el10.aarch64"), `release` its first
    two numbers ("6.12"); both are None without a header, and a header can be wrong. `arch` is
    the header's, or what the symbols say, or None. `complete` says whether a symbol that is
    missing is off (a whole `.config`) or unknown (a fragment, a defconfig, a list of answers);
    `completeness` says from what that was decided. `refused` are the symbols whose value their
    type does not allow (see `typed`): the kernel's conf writes no such file. `symbols` has no
    `CONFIG_` in its keys. `origins` tell for symbols of a fragment its file and line. `running`
    is what `uname -r` says where the file is that of a running kernel.
    """

    file: str
    release: str | None
    version: str | None
    arch: str | None
    complete: bool
    completeness: str
    symbols: Mapping[str, Setting]
    diagnostics: tuple[Diagnostic, ...]
    _raw: Mapping[str, str]
    refused: frozenset[str] = frozenset()
    running: str | None = None
    origins: Mapping[str, tuple[str, int]] = {}

    def texts(self) -> dict[str, str]:
        """Return every setting as text: `y`, `n` for "is not set", `100`, a string unquoted."""
        return {
            symbol: _ESCAPED.sub(r"\1", raw[1:-1]) if raw.startswith('"') else raw
            for symbol, raw in self._raw.items()
        }

    def value(self, symbol: str) -> Value:
        """Return the value of a symbol (with or without `CONFIG_`), None where it is unknown."""
        name = symbol.removeprefix("CONFIG_")
        raw = self._raw.get(name)
        if name in self.refused:
            return None
        if raw is None:
            return False if self.complete else None
        return lines.convert(raw)

    def place(self, symbol: str) -> Location:
        """Return where the line of a symbol stands, the file alone where it has none."""
        setting = self.symbols.get(symbol)
        if setting is None:
            return Location(file=self.file)
        file, line = self.origins.get(symbol, (self.file, setting.line))
        return replace(setting.place(file), line=line)

    def states(self, symbol: str) -> bool:
        """Tell whether the file has a line for a symbol (with or without `CONFIG_`)."""
        return symbol.removeprefix("CONFIG_") in self._raw

    def typed(self, types: Mapping[str, str]) -> DotConfig:
        """Return the same file where values that the types of symbols refuse are unknown.

        `types` are those of some symbols: bool, tristate, int. The kernel's conf ignores such a
        line and takes the symbol's default (conf_set_sym_val(), scripts/kconfig/confdata.c).
        """
        refused = [
            symbol
            for symbol, kind in types.items()
            if symbol in self._raw and not lines.fits(self._raw[symbol], kind)
        ]
        if not refused:
            return self
        said = tuple(self._refusal(symbol, types[symbol]) for symbol in refused)
        return replace(
            self, diagnostics=(*self.diagnostics, *said), refused=self.refused.union(refused)
        )

    def _refusal(self, symbol: str, kind: str) -> Diagnostic:
        raw, setting = self._raw[symbol], self.symbols.get(symbol)
        place = self.place(symbol)
        if setting is not None:
            column = max(setting.text.find("="), 0) + 1
            length = max(1, len(setting.text) - column)
            place = replace(place, column=column + 1, length=length)
        return Diagnostic(
            code="MX0310",
            message=f"`{shown(raw)}` is no value of `CONFIG_{symbol}`, which is "
            f"{'an' if kind == 'int' else 'a'} {kind}; the kernel's conf ignores the line",
            location=place,
            hint=f"{lines.FORMS[kind]}; until then its value is unknown",
            severity=Severity.WARNING,
        )

    def completed(self, values: Mapping[str, str], version: str, release: str) -> DotConfig:
        """Return the file completed by the Kconfig tree of a version, with its own lines' places.

        `values` are the raw values of all symbols that have a line then.
        """
        return replace(
            self,
            complete=True,
            completeness=COMPLETED,
            version=self.version or version,
            release=self.release or release,
            _raw=dict(values),
        )

    def narrowed(self, symbols: Iterable[str]) -> DotConfig:
        """Return the same file with only some symbols' values, for who keeps thousands of files.

        Diagnostics are dropped: `value` answers as before for these symbols, and no others may be
        asked for.
        """
        raw = {symbol: self._raw[symbol] for symbol in symbols if symbol in self._raw}
        places = {symbol: self.symbols[symbol] for symbol in raw if symbol in self.symbols}
        return replace(self, symbols=places, diagnostics=(), _raw=raw)


def no_dotconfig(file: str, version: str | None, arch: str) -> DotConfig:
    """Return what is known of a kernel whose `.config` nobody gave: its version alone.

    `file` is what told it. No symbol is known; `symbols` is empty, as in no file that was read.
    """
    header = headers.Header(arch=arch, version=version)
    return DotConfig(
        file=file,
        release=header.release,
        version=version,
        arch=arch,
        complete=False,
        completeness="there is none",
        symbols={},
        diagnostics=(),
        running=version,
        _raw={},
    )


def load_dotconfig(
    path: str | os.PathLike[str], *, arch: str | None = None, within: Path | None = None
) -> DotConfig:
    """Read a `.config`: plain, gzip, xz, bzip2 or Zstandard, or standard input (`-`).

    With `within` only a regular file below that folder.

    Raises:
        InputError: as `read_dotconfig`, and MX0301 for a file that cannot be read, MX0302 for one
            that is too large, packed or unpacked.
    """
    data = read_bounded(path, DOTCONFIG, within=within)
    return read_dotconfig(data, file_name(path), arch=arch)


def read_dotconfig(data: bytes, file: str, *, arch: str | None = None) -> DotConfig:
    """Read the content of a `.config`, packed or not; `file` names it in diagnostics.

    Raises:
        InputError: MX0302 to MX0308: it cannot be unpacked, is no text, holds no setting, or is of
            another architecture than `arch` (None: of any).
    """
    if data.startswith(PACKED):
        from matrix.door.stream import decompress

        data = decompress(data, file)
    text = lines.decode(data, file)
    raw, diagnostics = _settings(text, file)
    header = headers.read_header(text)
    # The symbols decide what is built; the header may have come with another file.
    found_arch = headers.arch_of_symbols(raw) or header.arch
    if arch is not None and found_arch is not None and found_arch != arch:
        raise _other_architecture(file, header, found_arch, arch)
    completeness = headers.completeness(raw)
    if completeness.cut_short:
        diagnostics.append(_cut_short(file, completeness.reason))
    return DotConfig(
        file=file,
        release=header.release,
        version=header.version,
        arch=found_arch,
        complete=completeness.complete,
        completeness=completeness.reason,
        symbols=_Settings(text, raw),
        diagnostics=tuple(diagnostics),
        _raw=raw,
    )


class _Sections:
    """What the sections of the files so far set: files of one run share nearly all of them."""

    def __init__(self) -> None:
        self._files = self._letters = 0
        self._settings: dict[str, dict[str, str]] = {}

    def settings(self, text: str) -> dict[str, str] | None:
        """Return the raw value of each symbol, None where something in the text is odd."""
        self._files += 1
        if self._files == 1:  # one file is read sooner as a whole
            return _clean_settings(text)
        if self._letters > _MOST_LETTERS:
            self._settings.clear()
            self._letters = 0
        raw: dict[str, str] = {}
        count = 0
        # `conf` frames the title of each menu with bare `#` lines: a menu that nobody changed is
        # the same text in every file.
        for section in text.split("\n#\n"):
            own = self._settings.get(section)
            if own is None:
                own = _clean_settings(f"\n{section}\n")
                if own is None:
                    return None
                self._settings[section] = own
                self._letters += len(section)
            raw.update(own)
            count += len(own)
        # A symbol in two sections is odd: which line wins is for the reader of lines to say.
        return raw if len(raw) == count else None


_SECTIONS = _Sections()
# Of a dozen files that have nothing in common.
_MOST_LETTERS = 4 << 20


def _clean_settings(text: str) -> dict[str, str] | None:
    """Return the raw value of each symbol (`n` for "is not set"), None where a line is odd."""
    pairs = _SET.findall(text)
    unset = _UNSET.findall(text)
    raw = dict(pairs)
    raw.update(dict.fromkeys(unset, "n"))
    # Nothing is odd where each symbol has one line, and all lines that look like a setting, and no
    # others, are among those found.
    if (
        len(raw) == len(pairs) + len(unset)
        and len(unset) == text.count(" is not set") == text.count("\n# CONFIG_")
        and "\n#CONFIG_" not in text
        and len(pairs) == lines.count_other_lines(text)
        and all(map(lines.is_value, {value for _, value in pairs}))
    ):
        return raw
    return None


def _settings(text: str, file: str) -> tuple[dict[str, str], list[Diagnostic]]:
    """Return the raw value of each symbol (`n` for "is not set"), and what is odd in the file."""
    raw, diagnostics = _SECTIONS.settings(text), list[Diagnostic]()
    if raw is None:
        raw, diagnostics = lines.read_lines(text, file)
    if not raw:
        raise InputError(lines.no_setting(text, file))
    return raw, diagnostics


def _other_architecture(file: str, header: headers.Header, found: str, arch: str) -> InputError:
    by_header = header.arch == found
    place = Location(
        file=file, line=header.line, column=1, length=len(header.text), text=header.text
    )
    return InputError.of(
        code="MX0308",
        message=f"this is the `.config` of a `{found}` kernel, not of `{arch}`",
        location=place if by_header else Location(file=file),
        hint=f"give a `.config` built for {arch}, or ask about {found}: `matrix capabilities list` "
        "shows what --capability knows of it",
    )


def _cut_short(file: str, reason: str) -> Diagnostic:
    return Diagnostic(
        code="MX0312",
        message=f"the file begins like a complete `.config` and ends early ({reason}): "
        "symbols that are missing are taken as unknown, not as off",
        location=Location(file=file),
        hint="fetch or copy the file anew",
        severity=Severity.WARNING,
    )
