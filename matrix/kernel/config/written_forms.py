"""Forms in which people write Kconfig settings that are no `.config`: each turned into one.

`grep` output (`399:CONFIG_KVM=y`, `file:CONFIG_KVM=y`), settings that are indented, the lists of CI
(`[defconfig, CONFIG_KVM=y]`) and what Nix hands to `make config` (`KVM y`). A line keeps its
number where the form tells one. Ubuntu's annotations are `annotations.py`'s, settings in Nix
expressions `nix_settings.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from matrix.diagnostics import Diagnostic, Location, Severity
from matrix.kernel.config.lines import HEAD, SETTING, begins_as_dotconfig

_OTHERWISE = re.compile(rb"^[^\n]*?" + SETTING, re.MULTILINE)

_TEXT_SETTING = r"(?:CONFIG_\w+=.*|# CONFIG_\w+ is not set)"
# What grep writes before a line: the file, the number (`-` behind it is a line of context).
_GREP = re.compile(
    rf"(?P<file>[^\s:][^:]*?(?=:))??:?(?:(?P<line>\d{{1,7}})[:-])?\s*(?P<setting>{_TEXT_SETTING})\s*"
)
_CI_WORD = re.compile(r"CONFIG_\w+=(?:\"[^\"]*\"|[^\s,\]}\"']+)")
_CI_LIST = re.compile(r"\bdefconfig\b")
# Answers to `make config`, the form of `extraConfig`; `?` asks for nothing that is not there.
ANSWER = re.compile(r"([A-Z0-9][A-Z0-9_]*)\??\s+(y|m|n|-?\d+|0x[0-9a-fA-F]+|\"[^\"]*\")\s*")
# nixpkgs' own settings of every kernel are 50 kB.
_LARGEST_NIX = 1 << 19
_NIX = re.compile(
    rb"\b(?:structuredExtraConfig|extraStructuredConfig)\b"
    rb"|^[^#\n]*?\b[A-Z0-9][A-Z0-9_]*\"?[ \t]*=[^;\n]{0,200}?"
    rb"\b(?:yes|no|module|unset|freeform)\b[^;\n]{0,200};",
    re.MULTILINE,
)
_CI_NAME = re.compile(r"&([\w.-]+)|^\s*-?\s*['\"]?([\w.-]+)['\"]?\s*:")


class WrittenConfig(Struct, frozen=True, kw_only=True):
    """One configuration of a file: what tells it from others there, and its text as a `.config`.

    `undecided` are symbols that the file sets to something that is not known; `version` is the
    kernel's where the form has a place for it.
    """

    part: str
    text: str
    notes: tuple[Diagnostic, ...] = ()
    undecided: frozenset[str] = frozenset()
    version: str | None = None


def at_own_lines(settings: Iterable[tuple[str, str, int]]) -> str:
    """Return (symbol, value, line) as a `.config`, so that diagnostics stand where people wrote.

    A setting stands at its own line as far as no other one does; line 0 is none.
    """
    own: dict[int, str] = {}
    further: list[str] = []
    for symbol, value, line in settings:
        # As `conf` writes what is off: a line `=n` is none of its own.
        setting = f"# CONFIG_{symbol} is not set" if value == "n" else f"CONFIG_{symbol}={value}"
        if line and line not in own:
            own[line] = setting
        else:
            further.append(setting)
    return "\n".join((*(own.get(at, "") for at in range(1, max(own, default=0) + 1)), *further))


def is_nix(data: bytes) -> bool:
    """Tell whether a text has settings as Nix writes them, and is no `.config`."""
    head = data[:HEAD]
    return (
        len(data) <= _LARGEST_NIX
        and not begins_as_dotconfig(data)
        and _NIX.search(head.replace(b"\r\n", b"\n")) is not None
    )


def written_configs(data: bytes, file: str) -> tuple[WrittenConfig, ...]:
    """Return the configurations of a file in one of these forms; none where it is in no such form.

    A file with settings in the first column is a `.config`, whatever else it holds.
    """
    if begins_as_dotconfig(data):
        return ()
    head = data[:HEAD]
    try:
        lines = data.decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        return ()
    if _OTHERWISE.search(head):
        return tuple(_ci_lists(lines, file)) or tuple(_grepped(lines))
    return _nix(lines)


def _ci_lists(lines: list[str], file: str) -> Iterator[WrittenConfig]:
    """Yield one configuration for each line that puts settings on top of a defconfig."""
    for number, line in enumerate(lines, start=1):
        words = _CI_WORD.findall(line)
        if not words or not _CI_LIST.search(line):
            continue
        named = _CI_NAME.search(line)
        part = next(filter(None, named.groups()), "") if named else ""
        note = Diagnostic(
            code="MX1454",
            severity=Severity.NOTE,
            message=f"a list of a CI: {len(words)} settings on top of defconfig",
            location=Location(file=file, line=number, column=1, length=len(line), text=line),
            hint="what the list does not set is as the tree's defconfig has it, and unknown here: "
            "give the `.config` that was built",
        )
        yield WrittenConfig(part=part or f"line {number}", text="\n".join(words), notes=(note,))


def _grepped(lines: list[str]) -> Iterator[WrittenConfig]:
    """Yield one configuration for each file that lines name, with the numbers that they have."""
    found: dict[str, dict[int, str]] = {}
    for number, line in enumerate(lines, start=1):
        match = _GREP.fullmatch(line)
        if match is None:
            continue
        own = found.setdefault(match["file"] or "", {})
        told = int(match["line"]) if match["line"] else 0
        # A number that stands there already is of another file of the same name.
        at = told if told and told not in own else max((number, *own)) + (number in own)
        own[at] = match["setting"]
    for name, settings in found.items():
        text = "\n".join(settings.get(at, "") for at in range(1, max(settings) + 1))
        yield WrittenConfig(part=name, text=text)


def _nix(lines: list[str]) -> tuple[WrittenConfig, ...]:
    """Return the answers to `make config` as Nix writes them, one a line: `KVM y`."""
    written = [line for line in lines if line.strip() and not line.startswith("#")]
    matches = [ANSWER.fullmatch(line) for line in lines]
    if len(written) < 2 or sum(match is not None for match in matches) < len(written):
        return ()
    text = "\n".join("" if match is None else f"CONFIG_{match[1]}={match[2]}" for match in matches)
    return (WrittenConfig(part="", text=text),)
