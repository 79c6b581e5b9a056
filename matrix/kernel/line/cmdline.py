"""A kernel command line as the kernel itself splits it: the text of a boot, parameter by parameter.

Takes the text a boot loader passes (and the `.config`, for `CONFIG_CMDLINE`), gives the parameters
that each of the kernel's parsers sees. Which of them mean anything is the profile's business; what
a value means is `matrix.kernel.line.parameters`'.

The kernel reads the line twice, by different rules (Linux 7.3; the others differ in nothing here):

* `early`, `setup` and `module` parameters: next_arg() and parse_args(), lib/cmdline.c:225-283 and
  kernel/params.c:161-206. The line is cut at 2047 characters (COMMAND_LINE_SIZE, with its NUL);
  white space separates, double quotes group; the first `=` ends the name; `--` ends the line.
* `idreg`: the ID-register overrides read what the boot loader passed, uncut; quotes mean nothing;
  a token goes on as a new one after 255 characters; ` -- ` ends it; `-` is read as `_`
  (arch/arm64/kernel/pi/idreg-override.c:346-379).

A line that EFI passes has been cut by the EFI stub before either of them sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.door.bounded import COMMAND_LINE
from matrix.expr.position import locate
from matrix.kernel.config.dotconfig import DotConfig
from matrix.schema.values import BuiltInLineRule

# arch/arm64/include/uapi/asm/setup.h: COMMAND_LINE_SIZE 2048, one of them for the NUL.
COMMAND_LINE_BYTES = 2047
# char buf[256] of __parse_cmdline() in idreg-override.c, one of them for the NUL.
IDREG_TOKEN_BYTES = 255

# isspace() of lib/ctype.c, on bytes: it counts 0xa0 (a no-break space of Latin-1) as white space.
SPACE = "\t-\r \xa0"
# Possessive (`++`, `*+`): no place is tried twice, so that a line of megabytes is read once.
_ARGUMENT = re.compile(rf'(?:[^{SPACE}"]++|"[^"]*+(?:"|\Z))++')
_IDREG_TOKEN = re.compile(rf"[^{SPACE}]{{1,{IDREG_TOKEN_BYTES}}}")

# How diagnostics name a line that came in no file.
GIVEN = "<command line>"

_EARLY_STREAMS = ("early", "setup", "module")


class Parameter(Struct, frozen=True, kw_only=True):
    """One parameter: `value` is the text after `=` without its quotes, None where there is no `=`.

    `offset` counts the characters of the line before the parameter, quotes included.
    """

    name: str
    value: str | None
    offset: int


class CommandLine(Struct, frozen=True, kw_only=True):
    """A command line with what each parser sees of it; `diagnostics` are warnings and notes.

    `early` parameters, `__setup` ones and `module` parameters are split by the same code, so
    `early` and `module` are equal; `idreg` names and values have `_` where the line has `-`.
    """

    text: str
    file: str
    early: tuple[Parameter, ...]
    idreg: tuple[Parameter, ...]
    module: tuple[Parameter, ...]
    diagnostics: tuple[Diagnostic, ...]

    def stream(self, name: str) -> tuple[Parameter, ...]:
        """Return the parameters of the stream `early`, `setup`, `module` or `idreg`."""
        return self.early if name in _EARLY_STREAMS else self.idreg

    def locate(self, parameter: Parameter) -> Location:
        """Return the place of a parameter of this line."""
        length = len(parameter.name) + (len(parameter.value) + 1 if parameter.value else 0)
        return locate(self.text, self.file, parameter.offset, length)


def read_command_line(text: str, *, file: str = GIVEN) -> CommandLine:
    """Split a command line by the kernel's rules; `file` names it in diagnostics.

    Raises:
        InputError: MX0401, the text holds a NUL, which no boot loader can pass.
    """
    nul = text.find("\0")
    if nul >= 0:
        raise _nul_in_line(text, file, nul)
    reader = _Reader(text=text, raw=_as_bytes(text), file=file)
    early = reader.arguments()
    return CommandLine(
        text=text,
        file=file,
        early=early,
        idreg=reader.idreg_tokens(),
        module=early,
        diagnostics=tuple(reader.diagnostics),
    )


class _Reader:
    """The line as the bytes the kernel sees (`raw`, one character a byte) and as people see it."""

    def __init__(self, *, text: str, raw: str, file: str) -> None:
        self.text = text
        self.raw = raw
        self.file = file
        self.diagnostics: list[Diagnostic] = []

    def arguments(self) -> tuple[Parameter, ...]:
        """`line := argument (space+ argument)*`, up to `--` or 2047 bytes: parse_args()."""
        seen = self.raw[:COMMAND_LINE_BYTES]
        found: list[Parameter] = []
        for match in _ARGUMENT.finditer(seen):
            parameter = self._argument(match.group(), match.start())
            if parameter.name == "--" and parameter.value is None:
                self._note_rest(match.end())
                return tuple(found)
            found.append(parameter)
            # next_arg() of lib/cmdline.c takes a quote that is never closed to the end of the line.
            if match.group().count('"') % 2:
                self._warn_open_quote(match.start() + match.group().rindex('"'))
        if len(self.raw) > COMMAND_LINE_BYTES and self.raw[COMMAND_LINE_BYTES:].strip():
            self._warn_cut()
        return tuple(found)

    def _argument(self, token: str, start: int) -> Parameter:
        """`argument := '"'? name ('=' '"'? value '"'?)? '"'?`: next_arg()."""
        quoted = token.startswith('"')
        body = token[1:] if quoted else token
        equals = body.find("=", 1)  # `=` as the first character belongs to the name
        if equals < 0:
            name = body.removesuffix('"') if quoted else body
            return Parameter(name=self._decode(name), value=None, offset=self._offset(start))
        value = body[equals + 1 :]
        if value.startswith('"'):
            # A closing quote goes even where it is the opening one: the value is then empty.
            value = value[1:].removesuffix('"')
        elif quoted:
            value = value.removesuffix('"')
        return Parameter(
            name=self._decode(body[:equals]),
            value=self._decode(value),
            offset=self._offset(start),
        )

    def idreg_tokens(self) -> tuple[Parameter, ...]:
        """`line := token (space+ token)*` over the uncut line: __parse_cmdline()."""
        found: list[Parameter] = []
        for match in _IDREG_TOKEN.finditer(self.raw):
            token = match.group()
            if token == "--":  # noqa: S105 - a token of the grammar
                break
            name, equals, value = self._decode(token.replace("-", "_")).partition("=")
            offset = self._offset(match.start())
            found.append(Parameter(name=name, value=value if equals else None, offset=offset))
        return tuple(found)

    def _decode(self, raw: str) -> str:
        # A character cut in two by the 2047 bytes must not become text that cannot be printed.
        return raw if raw.isascii() else raw.encode("latin-1").decode("utf-8", "replace")

    def _offset(self, byte: int) -> int:
        before = self.raw[:byte]
        if before.isascii():
            return byte
        characters = before.encode("latin-1").decode("utf-8", "surrogateescape")
        return min(len(characters), len(self.text))

    def _note_rest(self, end: int) -> None:
        rest = self.raw[end:].strip()
        if rest:
            offset = self._offset(self.raw.index(rest, end))
            self._say(
                "MX0405",
                "the kernel passes what follows `--` to init and reads none of it",
                (offset, len(self.text.rstrip()) - offset),
                "put kernel parameters before ` -- `",
                Severity.NOTE,
            )

    def _warn_open_quote(self, byte: int) -> None:
        self._say(
            "MX0403",
            "a double quote is not closed: the parameter reaches to the end of the line",
            (self._offset(byte), 1),
            'close it with `"`; the kernel knows no way to escape a quote',
        )

    def _warn_cut(self) -> None:
        offset = self._offset(COMMAND_LINE_BYTES)
        self._say(
            "MX0404",
            f"the kernel reads {COMMAND_LINE_BYTES} bytes of the line (it has {len(self.raw)}): "
            "only ID-register overrides are read beyond them",
            (offset, len(self.text) - offset),
            "shorten the line, or move what can be decided at build time to the `.config`",
        )

    def _say(
        self,
        code: str,
        message: str,
        part: tuple[int, int],
        hint: str,
        severity: Severity = Severity.WARNING,
    ) -> None:
        """Say something of a part of the line: its offset and its length."""
        place = locate(self.text, self.file, *part)
        self.diagnostics.append(
            Diagnostic(code=code, message=message, location=place, hint=hint, severity=severity)
        )


def _as_bytes(text: str) -> str:
    """Return the bytes of a text, one character each; argv's undecodable bytes come back whole."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("latin-1")


def _nul_in_line(text: str, file: str, offset: int) -> InputError:
    return InputError.of(
        code="MX0401",
        message="the command line holds a NUL (`\\0`), which ends it for the kernel",
        location=locate(text, file, offset, 1),
        hint="give the text of one command line, for instance of /proc/cmdline",
    )


class LineReadings(Struct, frozen=True, kw_only=True):
    """The line that a kernel parses, by the symbols that its release has.

    `others` are the lines where the kernel has a symbol that its release lacks: (symbol, line), the
    one that counts before the others first. `alone` says that the boot loader's line is ignored.
    """

    text: str
    others: tuple[tuple[str, str], ...] = ()
    alone: bool = False


class BuiltInLine(Struct, frozen=True, kw_only=True):
    """CONFIG_CMDLINE of one `.config`, and what the kernel makes of it.

    Of `rules` the first counts whose symbol is set and in `has`, the symbols of the release (None:
    nobody has read them); CONFIG_CMDLINE fills in for an empty line where none does. A symbol that
    only somebody else's tree has leaves a second reading open, unless `has` is the `whole` truth:
    that of the very tree. What a partial `.config` does not say is taken as not set.
    """

    config: DotConfig
    rules: tuple[BuiltInLineRule, ...]
    has: tuple[str, ...] | None
    whole: bool = False

    def readings(self, boot_loader: str) -> LineReadings:
        """Return the line that the kernel parses when the boot loader passes this one.

        Raises:
            InputError: MX0407, CONFIG_CMDLINE is longer than any.
        """
        built_in = self.config.value("CMDLINE")
        if not isinstance(built_in, str):
            return LineReadings(text=boot_loader)
        if len(built_in) > COMMAND_LINE.limit:
            raise self._too_long(len(built_in))
        known = frozenset(self.has or ())
        text, effect = self._built(boot_loader, built_in, known)
        others = []
        for rule in self._set:
            possible = not self.whole and (self.has is None or rule.elsewhere is not None)
            if possible and rule.symbol not in known:
                other, _ = self._built(boot_loader, built_in, known | {rule.symbol})
                # Compared word by word: white space between parameters changes nothing.
                if other.split() != text.split():
                    others.append((rule.symbol, other))
        ignored = effect == "alone" and bool(boot_loader.strip()) and text != boot_loader
        return LineReadings(text=text, others=tuple(others), alone=ignored)

    def _too_long(self, length: int) -> InputError:
        return InputError.of(
            code=COMMAND_LINE.too_large,
            message=f"CONFIG_CMDLINE has {length:,} characters, more than {COMMAND_LINE.limit:,}",
            location=self.config.place("CMDLINE"),
            hint=f"the kernel cuts a line at {COMMAND_LINE_BYTES} bytes: is the file damaged?",
        )

    @property
    def _set(self) -> tuple[BuiltInLineRule, ...]:
        return tuple(rule for rule in self.rules if self.config.value(rule.symbol) is True)

    def _built(self, boot_loader: str, built_in: str, known: frozenset[str]) -> tuple[str, str]:
        """Return the line, and the effect of the rule that counts."""
        effect = next((rule.effect for rule in self._set if rule.symbol in known), "fills-in")
        match effect:
            case "appended":
                return f"{boot_loader} {built_in}", effect
            case "alone":
                return built_in, effect
            case _:
                return boot_loader or built_in, effect

    def notes(self, line: LineReadings, release: str) -> Iterator[Diagnostic]:
        """Yield what the file says of CONFIG_CMDLINE that its kernel does not do, or may not do."""
        others = dict(line.others)
        for rule in self._set:
            place = self.config.place(rule.symbol)
            lacks = f"Linux {release} has no CONFIG_{rule.symbol}"
            if rule.effect == "alone" and line.alone and rule.symbol in (self.has or ()):
                yield Diagnostic(
                    code="MX0406",
                    message="this kernel is built to ignore the boot loader's command line: "
                    f"`{self.config.value('CMDLINE')}` is used instead",
                    location=place,
                    hint="build with CONFIG_CMDLINE_FROM_BOOTLOADER=y, or change CONFIG_CMDLINE",
                    severity=Severity.WARNING,
                )
            elif rule.symbol in others:
                who = f" ({rule.elsewhere})" if rule.elsewhere else ""
                yield Diagnostic(
                    code="MX0408",
                    message=f"{lacks}{who}: the kernel reads `{line.text}`, or, where its own tree "
                    f"has it, `{others[rule.symbol]}`",
                    location=place,
                    hint="give the tree that it was built from with --tree",
                    severity=Severity.WARNING,
                )
            elif self.has is not None and rule.symbol not in self.has:
                known = ", ".join(f"CONFIG_{name}" for name in self.has)
                yield Diagnostic(
                    code="MX0409",
                    message=f"{lacks}: the line decides nothing",
                    location=place,
                    hint=f"what CONFIG_CMDLINE is to it, {known} decide",
                    severity=Severity.WARNING,
                )
