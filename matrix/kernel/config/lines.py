"""The lines of a `.config`: what a value may be, and the slow reading of a file with odd lines.

`dotconfig.py` reads a clean file without this loop; here every line is looked at, as
conf_read_simple() of scripts/kconfig/confdata.c does, and what it would complain about is said with
its place. The text is normalised first (`decode`): it begins and ends with a newline and has no
carriage returns, so that line n of the file stands between its n-th and its next newline.
"""

from __future__ import annotations

import re

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.expr.position import shown

# y, m, n; an int; a hex number; a string, in which a backslash takes the next character literally.
_VALUE = re.compile(r'[ymn]|-?(?:0|[1-9][0-9]*)|0[xX][0-9a-fA-F]+|"(?:[^"\\]|\\.)*+"')
_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)"')
_ESCAPE = re.compile(r"\\(.)")
_LINE = re.compile(r"(?:CONFIG_([A-Za-z0-9_]+)=(.*)|# CONFIG_([A-Za-z0-9_]+) is not set(.*))")

# Lines that were meant as settings: a prefix in another case or left out, blanks, a colon.
_SET_SLIP = re.compile(
    r"\s*(?:export\s+)?(?:(?i:config_?)|(?=[A-Z0-9_]+\s*[=:]))([A-Za-z0-9_]+)\s*[=:]\s*(\S+)\s*"
)
_UNSET_SLIP = re.compile(r"#+\s*(?i:config_)([A-Za-z0-9_]+)\s+is\s+not\s+set\s*")
_SETTING = "a setting is `CONFIG_NAME=value` or `# CONFIG_NAME is not set`, from the first column"

# What a value of a type looks like; a line that is none is ignored.
_TYPES = {
    "bool": re.compile("[yn]"),
    "tristate": re.compile("[ymn]"),
    "int": re.compile("-?(?:0|[1-9][0-9]*)"),
}
FORMS = {
    "bool": "a bool is set with `=y`, or says `is not set`",
    "tristate": "a tristate is set with `=y` or `=m`, or says `is not set`",
    "int": "an int is a decimal number",
}

# Past this many odd lines one diagnostic counts the rest: a wrong file has thousands.
_MOST_DIAGNOSTICS = 20
# Python refuses to convert longer ones by default (CVE-2020-10735), and no symbol has such a value.
_MOST_DIGITS = 40

# A setting in the bytes of a file, and in how many of them one is looked for.
SETTING = rb"(?:CONFIG_\w+=|# CONFIG_\w+ is not set)"
HEAD = 1 << 16
_IN_FIRST_COLUMN = re.compile(rb"^" + SETTING, re.MULTILINE)


def begins_as_dotconfig(data: bytes) -> bool:
    """Tell whether a file has a setting in the first column, near its beginning."""
    return _IN_FIRST_COLUMN.search(data[:HEAD]) is not None


def decode(data: bytes, file: str) -> str:
    """Return the text of a `.config`, normalised.

    Raises:
        InputError: MX0305 where it is no text at all, MX0306 where it is text, but not UTF-8.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _not_utf8(file, "the file is UTF-16", "UTF-16")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise InputError.of(
            code="MX0305",
            message=f"this is not a text file: line {line} holds a NUL byte",
            location=Location(file=file),
            hint="give a kernel's `.config` (plain, .gz, .xz, .bz2 or .zst), a kernel image "
            "that embeds one, a .deb or an .rpm",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"line {line}: byte 0x{data[error.start]:02x} is not UTF-8"
        raise _not_utf8(file, message, "ISO-8859-1") from None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return f"\n{text}" if text.endswith("\n") else f"\n{text}\n"


def _not_utf8(file: str, message: str, encoding: str) -> InputError:
    return InputError.of(
        code="MX0306",
        message=message,
        location=Location(file=file),
        hint=f"convert it: `iconv -f {encoding} -t UTF-8`",
    )


def count_other_lines(text: str) -> int:
    """Return how many lines are neither empty nor begin with `#`; the text is a normalised one."""
    if "\n\n\n" in text:  # of three in a row a count sees one pair
        lines = text.split("\n")
        return len(lines) - lines.count("") - text.count("\n#")
    # A normalised text begins and ends with an empty line.
    return text.count("\n") - 1 - text.count("\n\n") - text.count("\n#")


def is_value(raw: str) -> bool:
    """Return whether a text is well-formed as the value of some Kconfig symbol."""
    return _VALUE.fullmatch(raw) is not None and (raw[0] == '"' or len(raw) <= _MOST_DIGITS)


def fits(raw: str, kind: str) -> bool:
    """Return whether a well-formed value is one of a type: bool, tristate or int.

    An int that says `is not set` is one that was not visible.
    """
    return _TYPES[kind].fullmatch(raw) is not None or (kind == "int" and raw == "n")


def convert(raw: str) -> bool | int | str:
    """Return what a well-formed value means: see `matrix.kernel.config.dotconfig.Setting`."""
    if raw in ("y", "n"):
        return raw == "y"
    if raw == "m":
        return raw
    if raw.startswith('"'):
        return _ESCAPE.sub(r"\1", raw[1:-1])
    return int(raw, 16 if raw[:2] in ("0x", "0X") else 10)


def raw_value(line: str) -> str | None:
    """Return the well-formed value that a line gives its symbol, None where it gives none."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    return "n" if match[3] else _repair(match[2])


def _repair(value: str) -> str | None:
    """Return the value conf takes where more text follows: the letter, or the string up to `"`."""
    if is_value(value):
        return value
    # conf_set_sym_val() of scripts/kconfig/confdata.c looks at the first character alone.
    if value[:1] in ("y", "m", "n"):
        return value[0]
    string = _STRING.match(value)
    return string.group() if string else None


def read_lines(text: str, file: str) -> tuple[dict[str, str], list[Diagnostic]]:
    """Return the raw value of each symbol and what is odd, line by line."""
    reader = _LineReader(file)
    for number, line in enumerate(text[1:-1].split("\n"), start=1):
        if line and (line[0] != "#" or line.startswith("# CONFIG_") or _UNSET_SLIP.match(line)):
            reader.read(number, line)
    return reader.raw, reader.finish()


class _LineReader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.raw: dict[str, str] = {}
        self._lines: dict[str, tuple[int, str]] = {}
        self._diagnostics: list[Diagnostic] = []
        self._omitted = 0

    def read(self, number: int, line: str) -> None:
        """Take one line that is neither empty nor a plain comment."""
        match = _LINE.fullmatch(line)
        if match is None:
            hint, words = _meant(line) + _SETTING, f"`{shown(line.strip())}` is"
            if _UNSET_SLIP.fullmatch(line):
                message = f"{words} a comment and says nothing of the symbol"
                self._add("MX0313", message, hint, number, line, severity=Severity.NOTE)
            elif line[0] != "#" and line.strip():
                message = f"{words} neither a setting nor a comment; the kernel's conf ignores it"
                self._add("MX0309", message, hint, number, line)
            return
        symbol = match[1] or match[3]
        value = raw_value(line)
        if value is None:
            self._report_value(number, line, match.start(2), match[2])
            return
        if match[4] or (match[2] and value != match[2]):
            self._report_rest(number, line, match, value)
        earlier = self._lines.get(symbol)
        if earlier is not None:
            self._report_again(number, line, symbol, earlier, same=self.raw[symbol] == value)
        # The later line counts, as it does for conf.
        self.raw[symbol] = value
        self._lines[symbol] = (number, line)

    def finish(self) -> list[Diagnostic]:
        """Return the diagnostics, the last of them counting those left out."""
        if self._omitted:
            self._diagnostics.append(
                Diagnostic(
                    code="MX0309",
                    message=f"… and {self._omitted} more odd lines",
                    location=Location(file=self.file),
                    hint="is it the right file?",
                    severity=Severity.WARNING,
                )
            )
        return self._diagnostics

    def _report_value(self, number: int, line: str, column: int, value: str) -> None:
        message = (
            f"`{shown(value)}` is no value of a symbol; the line is ignored"
            if value
            else "nothing follows the `=`; the line is ignored"
        )
        hint = 'a value is y, m, n, a decimal or 0x number, or a "string"'
        self._add("MX0310", message, hint, number, line, column=column, length=len(value))

    def _report_rest(self, number: int, line: str, match: re.Match[str], value: str) -> None:
        end = match.start(4) if match[4] else match.start(2) + len(value)
        rest = line[end:].strip()
        taken = "is not set" if match[4] else value
        ignores = "; newer releases of conf ignore the line" if match[4] else ""
        message = (
            f"{f'`{shown(rest)}`' if rest else 'white space'} follows "
            f"`{shown(taken)}`, which is taken{ignores}"
        )
        hint = "put a comment on a line of its own" if rest else "remove it"
        column = line.index(rest, end) if rest else end
        self._add("MX0310", message, hint, number, line, column=column)

    def _report_again(
        self, number: int, line: str, symbol: str, earlier: tuple[int, str], *, same: bool
    ) -> None:
        line_before, text_before = earlier
        message = (
            f"`CONFIG_{symbol}` is set again to what line {line_before} says"
            if same
            else f"`CONFIG_{symbol}` is set again: `{shown(line)}` overrides "
            f"`{shown(text_before)}` of line {line_before}"
        )
        severity = Severity.NOTE if same else Severity.WARNING
        hint = f"delete one of lines {line_before} and {number}"
        self._add("MX0311", message, hint, number, line, severity=severity)

    def _add(
        self,
        code: str,
        message: str,
        hint: str,
        number: int,
        line: str,
        *,
        column: int = 0,
        length: int | None = None,
        severity: Severity = Severity.WARNING,
    ) -> None:
        """Say what is odd, of the line from a column to its end unless `length` is given."""
        if len(self._diagnostics) >= _MOST_DIAGNOSTICS:
            self._omitted += 1
            return
        place = Location(
            file=self.file,
            line=number,
            column=column + 1,
            length=max(1, len(line) - column if length is None else length),
            text=line,
        )
        self._diagnostics.append(
            Diagnostic(code=code, message=message, location=place, hint=hint, severity=severity)
        )


def _meant(line: str) -> str:
    """Return the setting that an ignored line was meant as, as the beginning of a hint."""
    unset, found = _UNSET_SLIP.fullmatch(line), _SET_SLIP.fullmatch(line)
    if unset is not None:
        return f"did you mean `# CONFIG_{unset[1]} is not set`? "
    if found is not None and is_value(found[2]):
        return f"did you mean `CONFIG_{found[1]}={shown(found[2])}`? "
    return ""


def no_setting(text: str, file: str) -> Diagnostic:
    """Return the diagnostic of a file that holds no setting at all."""
    message, location = "the file is empty", Location(file=file)
    for number, line in enumerate(text[1:-1].split("\n"), start=1):
        if line.strip():
            message = "the file holds no `CONFIG_…` line: it is not a kernel `.config`"
            location = Location(file=file, line=number, column=1, length=len(line), text=line)
            break
    return Diagnostic(
        code="MX0307",
        message=message,
        location=location,
        hint="give a kernel's `.config`, for instance /boot/config-$(uname -r) or /proc/config.gz; "
        "a boot log, lscpu and the like go to --evidence",
    )
