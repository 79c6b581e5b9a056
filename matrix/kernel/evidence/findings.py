"""What a piece of evidence says, one value a line, and the text that it is read from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct, field

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.expr.nodes import Scalar
from matrix.schema.values import Architecture, Knowledge

# Escape sequences of terminals (ECMA-48 CSI, OSC, and the short ones, such as RIS and the choice of
# a character set), and what else of control characters a serial console leaves in a line.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]")
# Firmware's last words stand in the kernel's first line, and the screen is cleared between them.
_BEFORE_KERNEL = re.compile(r"^.*(?:\x1bc|\x1b\[2J)(?=\[ *0\.0+\] )", re.MULTILINE)
_FIELD_NAME = re.compile(r"[A-Za-z][\w ()./-]*")
# Of a longer line of a log or a table only the beginning is looked at: LOG_LINE_MAX is 1024
# (kernel/printk/printk.c), and the flags of a CPU have some hundred characters.
LONGEST_LINE = 8192
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# `\r\n`, `\r\r\n` of a serial line, or a carriage return by itself.
_LINE_END = re.compile(r"\r*\n|\r+")

# What is found: `register` of a CPU (its number and name stand in `of`), `field` of every CPU,
# `spec` of a CPU type, a `line` of the kernel log, the `product` that firmware names, and single
# values of a machine.
Kind = Literal[
    "machine",
    "version",
    "cmdline",
    "page_size",
    "register",
    "field",
    "spec",
    "line",
    "product",
    "config",
]


class EvidenceText(Struct, frozen=True, kw_only=True):
    """One text: the name of its file, and its lines without escapes and line ends."""

    file: str
    lines: tuple[str, ...]

    def fields(self) -> Iterator[tuple[str, str, int]]:
        """Yield (name, value, line) of each line `name: value`, without the blanks around them."""
        for number, line in enumerate(self.lines, start=1):
            name, colon, value = line[:LONGEST_LINE].partition(":")
            if colon and _FIELD_NAME.fullmatch(name := name.strip()):
                yield name, value.strip(), number

    def place(self, number: int, part: str | None = None) -> Location:
        """Return where a line (from 1) stands, or a part of it."""
        text = self.lines[number - 1]
        column = max(text.find(part), 0) if part else 0
        return Location(
            file=self.file, line=number, column=column + 1, length=len(part or text), text=text
        )

    def json(self, whole: str) -> object:
        """Return the JSON that `whole`, of this text, is.

        Raises:
            InputError: MX1445.
        """
        try:
            return json.loads(whole)
        except (ValueError, RecursionError) as error:
            line = getattr(error, "lineno", 1)
            raise InputError(
                Diagnostic(
                    code="MX1445",
                    message=f"the JSON is damaged: {getattr(error, 'msg', 'nested too deep')}",
                    location=self.place(min(line, len(self.lines))),
                    hint="copy the file whole, as the program wrote it",
                )
            ) from None


class Finding(Struct, frozen=True, kw_only=True):
    """One value with the line that says it. `of` tells apart what may be there several times."""

    kind: Kind
    value: Scalar
    place: Location
    of: tuple[str, ...] = ()


class Read(Struct, frozen=True, kw_only=True):
    """What a text says: findings, remarks, and whether it is a log that holds a whole boot."""

    findings: tuple[Finding, ...]
    remarks: tuple[Diagnostic, ...] = ()
    whole_log: bool = False


class Asked(Struct, frozen=True, kw_only=True):
    """What readers are told: the declarations, the architecture meant, and which boot of a log.

    `asking` are the capabilities that each architecture is asked about.
    """

    knowledge: Knowledge
    arch: str
    boot: int | None = None
    asking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def architecture(self) -> Architecture:
        """The architecture meant."""
        return next(one for one in self.knowledge.architectures if one.id == self.arch)

    def another(self, found: str) -> str:
        """Return the hint for evidence of another architecture, by its id or its machine's name."""
        hint = f"give the evidence of a machine of {self.arch}"
        others = (
            one.id for one in self.knowledge.architectures if found in (one.id, *one.machines)
        )
        asking = self.asking.get(next(others, found), ())
        if asking:
            hint += f"; this one is answered by --capability {' or '.join(asking)}"
        return hint


def evidence_text(data: bytes, file: str) -> EvidenceText:
    """Return bytes as lines, whatever wrote them: UTF-8, UTF-16 with a mark, else Latin-1."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    lines = _LINE_END.split(_ESCAPES.sub("", _BEFORE_KERNEL.sub("", text)))
    if lines and not lines[-1]:
        lines.pop()
    return EvidenceText(file=file, lines=tuple(_CONTROLS.sub("", line) for line in lines))
