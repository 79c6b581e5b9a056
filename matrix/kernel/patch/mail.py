"""The texts of a file that may hold a patch: an mbox, a mail, or plain text.

Takes bytes, gives one `MailText` for each part that a person reads, decoded. Patches come as
`git format-patch` writes them, as mailing lists archive them, saved from a web page, or compressed;
what a reply quotes is still quoted here (`quoting.py`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from email.errors import (
    HeaderParseError,
    InvalidBase64CharactersDefect,
    InvalidBase64LengthDefect,
    InvalidBase64PaddingDefect,
)
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.door.bounded import InputKind
from matrix.door.stream import decompress

PATCH = InputKind(
    limit=32 << 20,  # a long thread as mbox has a few MB
    unreadable="MX1201",
    too_large="MX1202",
    hint="give the mail or thread with the patch alone, as `b4 am` or `git format-patch` write it",
)

# What separates the mails of an mbox (RFC 4155); `git format-patch` writes such a line too.
_SEPARATOR = re.compile(rb"^From \S[^\n]*\b\d{4}\b[^\n]*\n", re.MULTILINE)
# A text is a mail where its first lines are headers and one of these is among them.
_HEADER = re.compile(rb"[!-9;-~]+:")
_MAIL_HEADER = re.compile(
    rb"^(?:From|Subject|Date|Message-ID|Content-Type|MIME-Version):", re.IGNORECASE | re.MULTILINE
)
# The longest thread on the kernel's lists has some thousand mails; each costs a parser.
_MOST_MAILS = 5_000
_MOST_LINES = 1_000_000
# A mail with a patch has at most a handful of each; the parser goes through each level, and makes
# a message of each part.
_MOST_LEVELS = 50
_TOO_DEEP = f"more than {_MOST_LEVELS} parts within parts"
_MOST_PARTS = 1_000
_BOUNDARY = re.compile(rb"boundary=\s*\"?([^\";\s]{1,200})", re.IGNORECASE)
# RFC 5322 has lines of 998 characters; what is longer than a long list of people is cut. What a
# part is stands in a short one, and the standard library is slow on long ones.
_LONGEST_HEADER = 64 << 10
_ABOUT_A_PART = re.compile(rb"^content-[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE)
_LONGEST_ABOUT_A_PART = 8 << 10
# No character sets of mails (names of hosts, escapes of Python), and slow on long texts.
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
_PATCH_NAME = re.compile(r"\.(?:patch|diff|mbox|txt)$", re.IGNORECASE)

_BROKEN_BASE64 = (
    InvalidBase64CharactersDefect,
    InvalidBase64LengthDefect,
    InvalidBase64PaddingDefect,
)
_NOT_ENCODED = ("", "7bit", "8bit", "binary")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),  # `git diff > x.patch` in PowerShell
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Line(Struct, frozen=True, kw_only=True):
    """A line of a text without its end; `number` is the one to show for it."""

    number: int
    text: str


class Envelope(Struct, frozen=True, kw_only=True):
    """Who wrote a mail, when and to whom, as far as it says: pairs of a name and an address.

    What is no address (RFC 5322 without comments and quoted parts) or no message id is left out;
    names and dates are one line. An archive's page has no headers: its first lines have the
    sender and the date, and those who are named in it are `cc`.
    """

    sender: tuple[str, str] | None = None
    date: str | None = None
    message_id: str | None = None
    references: tuple[str, ...] = ()
    to: tuple[tuple[str, str], ...] = ()
    cc: tuple[tuple[str, str], ...] = ()


class MailText(Struct, frozen=True, kw_only=True):
    """One text that a person reads.

    `file` is shown as its place: the file's name, with the number of the mail where line numbers
    are those of a decoded text. `subject` is the mail's, or the first line that looks like one.
    """

    file: str
    subject: str | None
    lines: tuple[Line, ...]
    envelope: Envelope


def read_mails(data: bytes, file: str) -> tuple[MailText, ...]:
    """Return the texts of a file in their order.

    Raises:
        InputError: MX0303 and MX0304 as other compressed inputs, MX1203 nothing in it, MX1204 no
            text, MX1205 a part that cannot be decoded.
    """
    data = decompress(data, file, PATCH)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            data = data.removeprefix(mark).decode(encoding, "replace").encode()
            break
    if not data.strip():
        raise InputError(_wrong("MX1203", "the file is empty", file, "was the mail saved whole?"))
    if b"\0" in data:
        raise InputError(
            _wrong("MX1204", "the file is no text", file, "give a mail or a patch: plain text")
        )
    if data.count(b"\n") > _MOST_LINES:
        raise InputError(_too_much(f"more than {_MOST_LINES:,} lines", file))
    texts: list[MailText] = []
    first_line, counted = 1, 0
    for number, (start, mail) in enumerate(_mails(data, file), start=1):
        first_line += data.count(b"\n", counted, start)
        counted = start
        texts.extend(_texts(mail, file, number, first_line))
    return tuple(texts)


def _mails(data: bytes, file: str) -> Iterator[tuple[int, bytes]]:
    """Yield each mail of an mbox with its offset, or all data as one; no separator lines."""
    separators = list(_SEPARATOR.finditer(data))
    # An mbox begins with a separator; what stands further down alone is a line of a text.
    if not separators or separators[0].start() != 0:
        yield 0, data
        return
    # A line "From 1999 on" in a text is no separator: headers follow one.
    kept = [separator for separator in separators if _headers(data, separator.end())]
    if not kept:
        yield separators[0].end(), data[separators[0].end() :]
        return
    if len(kept) > _MOST_MAILS:
        raise InputError(_too_much(f"{len(kept):,} mails, more than {_MOST_MAILS:,}", file))
    ends = [separator.start() for separator in kept[1:]] + [len(data)]
    for separator, end in zip(kept, ends, strict=True):
        yield separator.end(), data[separator.end() : end]


def _headers(data: bytes, start: int = 0) -> bytes:
    """Return the headers that begin there, b"" where an empty line or the end follows none.

    Line by line: as one regular expression this took twice as long with each line of a mail with
    CRLF that does not end its headers.
    """
    at = start
    while at < len(data):
        end = data.find(b"\n", at) + 1 or len(data)
        if data[at:end].strip(b"\r\n") == b"":
            break
        folded = at > start and data[at : at + 1] in (b" ", b"\t")
        if not folded and not _HEADER.match(data, at, end):
            return b""
        at = end
    return data[start:at]


def _texts(mail: bytes, file: str, number: int, first_line: int) -> Iterator[MailText]:
    if not _MAIL_HEADER.search(_headers(mail)):
        text = _decoded(mail, "utf-8")
        lines = _lines(text, first_line)
        envelope = _envelope_of_a_page(lines)
        yield MailText(file=file, subject=_first_subject(lines), lines=lines, envelope=envelope)
        return
    _refuse_many_parts(mail, file, number)
    try:
        message = BytesParser().parsebytes(mail)
        parts = tuple(message.walk())
        names = [part.get_filename() or "" for part in parts]
    except RecursionError:  # mails within mails, which have no boundary
        raise InputError(_too_much(_TOO_DEEP, file, number)) from None
    except ValueError:  # the library decodes a name (RFC 2231) in whatever character set it says
        what = f"mail {number} names a part in a character set that names no parts"
        raise InputError(_wrong("MX1205", what, file, "give the patch alone")) from None
    headers = _headers_by_name(message)
    subject = _decoded_words(next(iter(headers.get("subject", ())), "")) or None
    envelope = _envelope(headers)
    for part, name in zip(parts, names, strict=True):
        if _is_text(part, name):
            lines, file_of_part = _part_lines(part, mail, file, number, first_line)
            yield MailText(file=file_of_part, subject=subject, lines=lines, envelope=envelope)


def _refuse_many_parts(mail: bytes, file: str, number: int) -> None:
    """Count before anything is parsed: each level and each part costs memory and time."""
    boundaries = set(_BOUNDARY.findall(mail))
    if len(boundaries) > _MOST_LEVELS:
        raise InputError(_too_much(_TOO_DEEP, file, number))
    if sum(mail.count(b"\n--" + boundary) for boundary in boundaries) > _MOST_PARTS:
        raise InputError(_too_much(f"more than {_MOST_PARTS:,} parts", file, number))
    if any(len(header) > _LONGEST_ABOUT_A_PART for header in _ABOUT_A_PART.findall(mail)):
        what = f"a header of more than {_LONGEST_ABOUT_A_PART:,} bytes about a part"
        raise InputError(_too_much(what, file, number))


def _is_text(part: Message, name: str) -> bool:
    """Return whether a part is read by a person: plain text, or an attached patch."""
    if part.is_multipart():
        return False
    kind = part.get_content_type()
    named = _PATCH_NAME.search(name) is not None
    return named or (kind.startswith("text/") and kind != "text/html")


def _part_lines(
    part: Message, mail: bytes, file: str, number: int, first_line: int
) -> tuple[tuple[Line, ...], str]:
    encoding = str(part["content-transfer-encoding"] or "").strip().lower()
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    # Base64 that lost a character or its end gives other bytes or none.
    if encoding == "base64" and any(isinstance(item, _BROKEN_BASE64) for item in part.defects):
        raise InputError(
            _wrong(
                "MX1205",
                f"the base64 text of mail {number} is damaged",
                file,
                "save the mail anew; lore.kernel.org has a `raw` link below each mail",
            )
        )
    if b"\0" in raw:
        raise InputError(
            _wrong("MX1204", f"mail {number} is no text", file, "save the mail as plain text")
        )
    text = _decoded(raw, part.get_content_charset() or "utf-8")
    if encoding in _NOT_ENCODED:
        # Undecoded lines are those of the file, where a reader looks; decoded ones are counted
        # anew.
        first = first_line + mail.count(b"\n", 0, max(0, mail.find(raw)))
        lines = _lines(text, first)
    else:
        lines = _lines(text, 1)
        file = f"{file} (mail {number}, decoded)"
    if part.get_param("format") == "flowed":
        lines = _unflowed(lines, delete_space=part.get_param("delsp") == "yes")
    return lines, file


def _decoded(raw: bytes, charset: str) -> str:
    """Return the text of bytes; names in a wrong character set do not matter to C."""
    for encoding in (charset, "utf-8"):
        try:
            if codecs.lookup(encoding).name not in _NO_CHARSETS:
                # UTF-7 and UTF-16 can spell halves of characters, which no output can hold.
                return raw.decode(encoding).encode("utf-8", "replace").decode()
        except (LookupError, ValueError):
            continue
    return raw.decode("latin-1")


def _lines(text: str, first: int) -> tuple[Line, ...]:
    return tuple(
        Line(number=number, text=line.removesuffix("\r"))
        for number, line in enumerate(text.split("\n"), start=first)
    )


def _unflowed(lines: tuple[Line, ...], *, delete_space: bool) -> tuple[Line, ...]:
    """Return lines as they were before a mailer wrapped them (RFC 3676, 4.4 to 4.6)."""
    joined: list[Line] = []
    flowing: str | None = None
    for line in lines:
        marks = line.text[: len(line.text) - len(line.text.lstrip(">"))]
        rest = line.text.removeprefix(marks).removeprefix(" ")
        # A space at the end says that the line goes on in the next of the same quote depth; the
        # line before a signature is `-- ` by itself.
        soft = rest.endswith(" ") and rest != "-- "
        shown = rest[:-1] if soft and delete_space else rest
        if flowing == marks and joined:
            last = joined.pop()
            joined.append(Line(number=last.number, text=last.text + shown))
        else:
            joined.append(Line(number=line.number, text=f"{marks} {shown}" if marks else shown))
        flowing = marks if soft else None
    return tuple(joined)


def _first_subject(lines: tuple[Line, ...]) -> str | None:
    """Return the subject of a text without headers: its first line where that is one."""
    for line in lines:
        if line.text.strip():
            words = line.text.removeprefix("Subject:").strip()
            return words if words.startswith("[") or words != line.text.strip() else None
    return None


_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
# How an archive's page names people (pipermail), and the lines of a mail that name somebody.
_SENDER = re.compile(r"(?P<name>\S.{0,99}?) (?P<user>[^\s@]+) at (?P<host>[\w.-]+)$")
_DATE = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d [A-Z+0-9-]+ \d{4}$")
_NAMES_SOMEBODY = re.compile(r"(?:From|To|Cc|[A-Z][a-z]+(?:-[a-z]+)?-by): |.*> wrote:$")
_PERSON = re.compile(
    r"(?:: *|^)(?P<name>\"[^\"<>]{1,99}\"|[^\"<>:]{0,99}?) *"
    r"<(?P<user>[^\s<>@]{1,99})(?: at |@)(?P<host>[\w.-]{1,250})>"
)


def _headers_by_name(message: Message) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        text = str(value)[:_LONGEST_HEADER]
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        headers.setdefault(name.lower(), []).append(" ".join(text.split()))
    return headers


def _envelope(headers: Mapping[str, list[str]]) -> Envelope:
    def people(name: str) -> tuple[tuple[str, str], ...]:
        # The standard library reads comments within comments by recursion.
        with suppress(RecursionError):
            return _people(getaddresses(headers.get(name, ())))
        return ()

    def ids(name: str) -> tuple[str, ...]:
        return tuple(_MESSAGE_ID.findall(" ".join(headers.get(name, ()))))

    return Envelope(
        sender=next(iter(people("from")), None),
        date=" ".join(headers.get("date", ())) or None,
        message_id=next(iter(ids("message-id")), None),
        # A mail without References has its parent in In-Reply-To (RFC 5322, 3.6.4).
        references=ids("references") or ids("in-reply-to")[:1],
        to=people("to"),
        cc=people("cc"),
    )


def _envelope_of_a_page(lines: Sequence[Line]) -> Envelope:
    first = [line.text.strip() for line in lines[:8]]
    senders = [found for text in first if (found := _SENDER.match(text))]
    named = [
        (found["name"], f"{found['user']}@{found['host']}")
        for line in lines
        if _NAMES_SOMEBODY.match(text := line.text.lstrip("> ")[:400])
        for found in [_PERSON.search(text)]
        if found
    ]
    people = _people([(found["name"], f"{found['user']}@{found['host']}") for found in senders[:1]])
    return Envelope(
        sender=next(iter(people), None),
        date=next((text for text in first if _DATE.match(text)), None),
        cc=_people(named),
    )


def _people(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return each address once, with its name decoded and on one line."""
    found: dict[str, tuple[str, str]] = {}
    for name, address in pairs:
        if _ADDRESS.fullmatch(address):
            name_of_person = " ".join(_decoded_words(name).strip().strip('"').split())
            found.setdefault(address.lower(), (name_of_person, address))
    return tuple(found.values())


def _decoded_words(text: str) -> str:
    # What says that it is encoded and is not is shown as it stands.
    with suppress(HeaderParseError, LookupError, ValueError):
        words = [
            _decoded(word, charset or "utf-8") if isinstance(word, bytes) else word
            for word, charset in decode_header(text)
        ]
        text = "".join(words)
    return " ".join(text.split())


def _too_much(what: str, file: str, mail: int | None = None) -> Diagnostic:
    holder = "the file" if mail is None else f"mail {mail}"
    return _wrong("MX1202", f"{holder} has {what}", file, PATCH.hint)


def _wrong(code: str, message: str, file: str, hint: str) -> Diagnostic:
    return Diagnostic(code=code, message=message, location=Location(file=file), hint=hint)
