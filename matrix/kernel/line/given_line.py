"""The one command line that a person gives: as text, in a file, in a table, in a saved machine.

A kernel takes the end of a line for white space, and any word for a parameter. A person who gives
several lines, or a line of a log, means something else; taken as it is, it would be answered as a
machine that nobody has.
"""

from __future__ import annotations

import os
import re

from matrix.diagnostics import InputError
from matrix.door.bounded import COMMAND_LINE, file_name, read_bounded
from matrix.expr.position import locate
from matrix.kernel.line.cmdline import GIVEN

_LINE_END = re.compile(r"\r\n|[\r\n]")
# What the kernel prints before its command line, and before words of it that it does not know.
_LOGGED = re.compile(r"kernel command line(?:\b[^:]{0,20}:)?|\A\s*command line\s*:", re.IGNORECASE)
# What else a line of a log begins with (its level, its time), a comment, and the settings in which
# GRUB, U-Boot, extlinux, loader entries and build systems keep a command line. No kernel has such
# parameters.
_QUOTED = re.compile(
    r"\s*(?:(?:<\d+>)?\[ *\d+\.\d+\]|#|\w*(?:cmdline|kernelopts)\w*\s*="
    r"|(?:setenv\s+)?bootargs\s*=?|(?:options|append)(?=\s)|linux(?:16|efi)?(?=\s+/))",
    re.IGNORECASE,
)


def load_boot_loader_line(path: str | os.PathLike[str]) -> str:
    """Return the command line that a file, such as /proc/cmdline, or standard input (`-`) holds.

    Bytes that are not UTF-8 come as the surrogates that Python has for them in arguments, too.

    Raises:
        InputError: MX0402 for a file that cannot be read, MX0407 for one that is too large; what
            `given_line` raises.
    """
    text = read_bounded(path, COMMAND_LINE).decode("utf-8", "surrogateescape")
    return given_line(text, file=file_name(path))


def given_line(text: str, *, file: str = GIVEN) -> str:
    """Return the command line that a text is, without the end of the line.

    Blank lines around it and a byte order mark say nothing; `bootargs` of a device tree ends with
    a NUL.

    Raises:
        InputError: MX0920 several lines, MX0921 a line of a log or of a boot loader's settings.
    """
    text = text.removeprefix("\ufeff")
    line = text.rstrip("\r\n\0").lstrip("\r\n")
    written = [part for part in _LINE_END.split(line) if part.strip()]
    if len(written) > 1:
        raise _several(text, file, written)
    # The words of the kernel's own message anywhere, what begins a line of settings at its start
    # alone: `append` is a word that may stand in the middle of a line.
    found = _LOGGED.search(line) or _QUOTED.match(line)
    if found is not None:
        raise _quoted(line, file, found)
    return line


def _several(text: str, file: str, lines: list[str]) -> InputError:
    second = text.index(lines[1], text.index(lines[0]) + len(lines[0]))
    return InputError.of(
        code="MX0920",
        message=f"{len(lines)} lines are given as one command line",
        location=locate(text, file, second, len(lines[1])),
        hint="give the one line that the boot loader passes, as /proc/cmdline has it; of a boot "
        "log what stands behind `Kernel command line:`",
    )


def _quoted(line: str, file: str, found: re.Match[str]) -> InputError:
    mark = found.group().strip()
    logged = found.re is _LOGGED or "[" in mark
    behind = "Kernel command line:" if logged else mark
    kind = "log" if logged else "file of settings"
    return InputError.of(
        code="MX0921",
        message=f"`{mark}` shows that this is a line of a {kind}, not a command line",
        location=locate(line, file, line.index(mark, found.start()), len(mark)),
        hint=f"give what stands behind `{behind}`{'' if logged else ', without quotes around it'}",
    )
