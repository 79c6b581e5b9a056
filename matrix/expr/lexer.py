"""The words of the C subset: text to tokens, the first step of `matrix.expr.parser`.

The language is one table, kind to regular expression; what C has beyond conditions (assignments,
`->`, subscripts) is in the table too, so that it is named in the diagnostic instead of guessed at.
"""

from __future__ import annotations

import re

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError
from matrix.expr.position import Source, shown

# Order matters: the first kind that matches wins, so longer operators stand before their prefixes.
TOKENS: tuple[tuple[str, str], ...] = (
    ("space", r"(?:[ \t\r\n\f\v]|\\\r?\n)+"),
    ("comment", r"/\*[\s\S]*?\*/|//[^\n]*"),
    ("open_comment", r"/\*"),
    # Letters and a fraction too: `1.5` or `08x` is one wrong number and not two good words.
    ("number", r"[0-9][0-9A-Za-z_]*(?:\.[0-9A-Za-z_]*)?"),
    # Dots inside: `boot.rodata` and `kvm.arch` are one name.
    ("name", r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"),
    ("string", r'"(?:[^"\\\n]|\\[^\n])*"'),
    ("open_string", r'"[^\n]*'),
    ("character", r"'[^'\n]*'?"),
    # `--` among them: two signs need a parenthesis, `-(-x)`, as in C.
    ("foreign", r"<<=|>>=|\+\+|--|->|[-+*/%&|^]=|=(?!=)|[\[\]{};#.]"),
    ("operator", r"&&|\|\||==|!=|<=|>=|<<|>>|[-+*/%&|^!~<>?:(),]"),
    ("unknown", r"[\s\S]"),
)

_PATTERN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in TOKENS))
_INTEGER = re.compile(r"(?:0[xX](?P<hex>[0-9A-Fa-f]+)|(?P<octal>0[0-7]*)|(?P<decimal>[1-9][0-9]*))")
_SUFFIX = re.compile(r"(?:[uU](?:ll|LL|l|L)?|(?:ll|LL|l|L)[uU]?)?\Z")
_ESCAPE = re.compile(r"\\(?:(?P<octal>[0-7]{1,3})|(?P<letter>[\s\S]))")

# C's simple escapes that an option text can need; \a, \b and the like have no use here.
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}

# The widest integer types of C: unsigned above, signed below. Compilers refuse what exceeds them.
MAX_INTEGER = (1 << 64) - 1
MIN_INTEGER = -(1 << 63)

# A file of garbage has an error in every character; nobody reads more than these.
_MAX_DIAGNOSTICS = 20


class Token(Struct, frozen=True):
    """One word: its kind (`name`, `number`, `string`, `operator`, `end`), text and offset."""

    kind: str
    text: str
    offset: int


def tokenize(source: Source) -> list[Token]:
    """Return the tokens of a text with an `end` token after them; InputError MX0101-MX0104."""
    tokens: list[Token] = []
    problems: list[Diagnostic] = []
    for match in _PATTERN.finditer(source.text):
        kind = str(match.lastgroup)
        if kind in ("space", "comment"):
            continue
        token = Token(kind, match.group(), match.start())
        problem = _problem(token, source)
        if problem is None:
            tokens.append(token)
            continue
        problems.append(problem)
        if len(problems) == _MAX_DIAGNOSTICS:
            break
    if problems:
        raise InputError(problems)
    tokens.append(Token("end", "", len(source.text)))
    return tokens


def read_integer(text: str) -> int | None:
    """Return the value of a C integer constant, None where it is not one or exceeds 64 bits."""
    match = _INTEGER.match(text)
    if match is None or not _SUFFIX.match(text, match.end()):
        return None
    digits, radix = match.group(), 10
    if match.group("hex"):
        digits, radix = match.group("hex"), 16
    elif match.group("octal"):
        radix = 8
    if len(digits.lstrip("0")) > 22:  # octal needs 22 digits for 64 bits; longer need not be read
        return None
    value = int(digits, radix)
    return value if value <= MAX_INTEGER else None


def read_string(text: str) -> str:
    """Return what a quoted token stands for, without quotes and escapes."""
    return _ESCAPE.sub(
        lambda match: (
            chr(int(match.group("octal"), 8))
            if match.group("octal")
            else ESCAPES[match.group("letter")]
        ),
        text[1:-1],
    )


def _problem(token: Token, source: Source) -> Diagnostic | None:
    """Return what is wrong with a token by itself."""
    word, offset, code, hint = token.text, token.offset, "MX0104", _LANGUAGE
    match token.kind:
        case "unknown":
            code, what = "MX0101", f"unexpected character `{shown(word)}` (U+{ord(word):04X})"
        case "open_string":
            code, what = "MX0102", f"string `{shown(word)}` is never closed"
            hint = 'close it with `"` on the same line'
        case "open_comment":
            code, what = "MX0102", f"comment `{shown(word)}` is never closed"
            hint = "close it with `*/`"
        case "number" if read_integer(word) is None:
            code, what = "MX0103", f"`{shown(word)}` is not an integer constant"
            hint = "decimal, 0x hexadecimal or 0 octal up to 64 bits, then U or L if need be"
        case "string" if bad := _bad_escape(word):
            word, offset = bad.group(), offset + bad.start()
            code, what = "MX0103", f"`{shown(word)}` is not an escape of a quoted option"
            hint = r"use \\ \" \' \n \t \r or three octal digits"
        case "character":
            what = f"`{shown(word)}` is a character constant, which conditions do not have"
            hint = 'options are quoted with `"`'
        case "foreign":
            what = f"`{word}` is C, but not part of a condition"
            hint = "did you mean `==`?" if word == "=" else _LANGUAGE
        case _:
            return None
    return source.diagnostic(code, what, offset, len(word), hint=hint)


def _bad_escape(text: str) -> re.Match[str] | None:
    """Return the first escape that `read_string` cannot read."""
    for match in _ESCAPE.finditer(text):
        octal, letter = match.group("octal"), match.group("letter")
        if (octal and int(octal, 8) > 0o377) or (letter and letter not in ESCAPES):
            return match
    return None


_LANGUAGE = (
    "a condition has names, calls, integers, true, false, quoted options, "
    "parentheses and the operators ! - ~ && || == != < <= > >= + * / % & | ^ << >> ?:"
)
