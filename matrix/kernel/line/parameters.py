"""What a boot parameter's text means to the kernel function that parses it.

Takes a `ParameterParser` of a profile and the text after `=`, gives the parsed value or None where
the function refuses the text and nothing changes. `occurrences` finds the parameter in a command
line. Sources: lib/kstrtox.c (the same in all releases but for kstrtobool's letters, which the
profile declares), lib/cmdline.c:56-79 and lib/vsprintf.c (get_option, simple_strtoull; 6.1 to 7.3),
kernel/crash_reserve.c:58-350 (6.18.2, crashkernel),
arch/arm64/kernel/pi/idreg-override.c:268-280 (hex-digit).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from matrix.expr.nodes import Scalar
from matrix.kernel.line.cmdline import CommandLine, Parameter
from matrix.schema.values import BootParameter, ParameterParser

_OCTAL = re.compile(r"[0-7]+")
_DECIMAL = re.compile(r"[0-9]+")
_HEX = re.compile(r"[0-9a-fA-F]+")
_HEX_DIGIT = re.compile(r"(?:0[xX])?([0-9a-fA-F])")

_U64_BITS = 64
_INT_BITS = 32
_MAX_U64 = (1 << _U64_BITS) - 1


def parse_value(parser: ParameterParser, text: str | None) -> Scalar | None:
    """Return the value that `parser` makes of the text after `=`; None: it changes nothing.

    `text` None is the parameter without `=`, whose value the profile declares (`bare`).
    """
    if parser.grammar == "presence":
        # The alias of an ID-register override is compared whole: `nokaslr=1` is not `nokaslr`.
        return True if text is None or parser.stream != "idreg" else None
    if text is None:
        return parser.bare
    return GRAMMARS[parser.grammar](parser, text)


def occurrences(
    parameter: BootParameter, line: CommandLine
) -> tuple[tuple[ParameterParser, Scalar | None, Parameter], ...]:
    """Return each (parser, value, occurrence): parsers in boot order, each in the line's order.

    A value of None is an occurrence that this parser refuses. Whether a parser is built in
    (`exists_if`) is for the caller to say.
    """
    key = parameter_key(parameter.name)
    return tuple(
        (parser, parse_value(parser, found.value), found)
        for parser in parameter.parsers
        for found in line.stream(parser.stream)
        if parameter_key(found.name) == key
    )


def parameter_key(name: str) -> str:
    """Return a name as parameq() compares it: `-` is `_`, and case matters."""
    return name.replace("-", "_")


def _words(parser: ParameterParser, text: str) -> Scalar | None:
    """Return the text where it is exactly a declared one, or where a row takes any."""
    for effect in parser.effects:
        if effect.match is None:
            return text
        if isinstance(effect.match, str) and _same_word(parser, effect.match, text):
            return effect.match
    return None


def _word_prefixes(parser: ParameterParser, text: str) -> Scalar | None:
    """Return the first declared word that the text begins with: `offline` is `off`."""
    words = (str(effect.match) for effect in parser.effects)
    return next((word for word in words if text.startswith(word)), None)


def _same_word(parser: ParameterParser, word: str, text: str) -> bool:
    # The ID-register overrides read `-` as `_` in values too; the line's reader has done so.
    return text == (parameter_key(word) if parser.stream == "idreg" else word)


def _kstrtobool(parser: ParameterParser, text: str) -> bool | None:
    """Return what the first one or two characters say; the kernel takes both cases of a letter."""
    lowered = text.lower()
    # The longest first: `on` and `of` tell apart what `o` alone begins.
    for prefix, value in sorted(parser.prefixes, key=lambda pair: -len(pair[0])):
        if prefix and lowered.startswith(prefix.lower()):
            return value
    return None


def _digits(text: str) -> tuple[int, int]:
    """Return (number, characters read): _parse_integer() with base 0. No digits: 0 characters.

    `0x` counts only with a hex digit behind it; otherwise the `0` is an octal number by itself.
    """
    if text[:2] in ("0x", "0X") and (match := _HEX.match(text, 2)):
        return int(match.group(), 16), match.end()
    base, digits = (8, _OCTAL) if text.startswith("0") else (10, _DECIMAL)
    match = digits.match(text)
    if match is None:
        return 0, 0
    return _integer(match.group(), base), match.end()


def _integer(digits: str, base: int) -> int:
    # In pieces: Python refuses to convert thousands of decimal digits at once.
    number = 0
    for start in range(0, len(digits), 1000):
        piece = digits[start : start + 1000]
        number = number * base ** len(piece) + int(piece, base)
    return number


def _get_option(_parser: ParameterParser, text: str) -> int | None:
    """Return the integer at the beginning as a 32-bit int: `100ms` is 100, `4294967296` is 0."""
    negative = text.startswith("-")
    number, length = _digits(text[negative:])
    if not length:
        return None
    # Two's complement of 32 bits: simple_strtoull() gives 64 bits, and get_option() stores an int.
    wrapped = (-number if negative else number) & ((1 << _INT_BITS) - 1)
    return wrapped - (1 << _INT_BITS) if wrapped >> (_INT_BITS - 1) else wrapped


def _kstrtoull(_parser: ParameterParser, text: str) -> int | None:
    """Return a whole unsigned 64-bit integer; a `+` before and a newline after it may stand."""
    body = text.removeprefix("+")
    number, length = _digits(body)
    if not length or body[length:] not in ("", "\n") or number > _MAX_U64:
        return None
    return number


def _hex_digit(_parser: ParameterParser, text: str) -> int | None:
    """Return the value of exactly one hex digit, with or without `0x`."""
    match = _HEX_DIGIT.fullmatch(text)
    return int(match[1], 16) if match else None


def _crashkernel(_parser: ParameterParser, text: str) -> Scalar:
    """Return whether memory is asked for; what parse_crashkernel() refuses asks for none.

    `besides` is memory that comes only on top of other memory. Which entry of a range counts the
    size of the RAM decides: one that reserves is enough.
    """
    if text.endswith((",low", ",cma")):
        return "besides"
    sizes = [entry.partition(":")[2] for entry in text.split(",")] if ":" in text else [text]
    return any(_digits(size)[0] for size in sizes)


# unsigned long and u64 are the same type on arm64.
GRAMMARS: dict[str, Callable[[ParameterParser, str], Scalar | None]] = {
    "words": _words,
    "word-prefixes": _word_prefixes,
    "kstrtobool": _kstrtobool,
    "get_option": _get_option,
    "kstrtoul": _kstrtoull,
    "hex-digit": _hex_digit,
    "kstrtou64": _kstrtoull,
    "crashkernel": _crashkernel,
}
