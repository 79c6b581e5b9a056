"""The texts of a file that may hold a patch: an mbox, a mail, or plain text.

Takes bytes, gives one `MailText` for each part that a person reads, decoded. Patches come as
`git format-patch` writes them, as mailing lists archive them, saved from a web page, or compressed;
what a reply quotes is still quoted here (`quoting.py`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from email import policy
from email.errors import (
    HeaderParseError,
    InvalidBase64CharactersDefect,
    InvalidBase64LengthDefect,
    InvalidBase64PaddingDefect,
)
from email.header import decode_header, make_header
from email.message import EmailMessage
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
_SEPARATOR = re.compile(rb"^From \S.*\b\d{4}\b.*\r?\n", re.MULTILINE)
# A text is a mail where its first lines are headers and one of these is among them.
_HEADERS = re.compile(rb"(?:[!-9;-~]+:.*\r?\n(?:[ \t].*\r?\n)*)+(?=\r?\n|\Z)")
_MAIL_HEADER = re.compile(
    rb"^(?:From|Subject|Date|Message-ID|Content-Type|MIME-Version):", re.IGNORECASE | re.MULTILINE
)
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
    texts: list[MailText] = []
    for number, (start, mail) in enumerate(_mails(data), start=1):
        first_line = data.count(b"\n", 0, start) + 1
        texts.extend(_texts(mail, file, number, first_line))
    return tuple(texts)


def _mails(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each mail of an mbox with its offset, or all data as one; no separator lines."""
    separators = list(_SEPARATOR.finditer(data))
    if not separators or separators[0].start() != 0:
        yield 0, data
        return
    # A line "From 1999 on" in a text is no separator: headers follow one.
    kept = [item for item in separators if _HEADERS.match(data, item.end())]
    if not kept:
        yield separators[0].end(), data[separators[0].end() :]
        return
    ends = [item.start() for item in kept[1:]] + [len(data)]
    for item, end in zip(kept, ends, strict=True):
        yield item.end(), data[item.end() : end]


def _texts(mail: bytes, file: str, number: int, first_line: int) -> Iterator[MailText]:
    headers = _HEADERS.match(mail)
    if headers is None or not _MAIL_HEADER.search(headers.group()):
        text = _decoded(mail, "utf-8")
        lines = _lines(text, first_line)
        envelope = _envelope_of_a_page(lines)
        yield MailText(file=file, subject=_first_subject(lines), lines=lines, envelope=envelope)
        return
    message = BytesParser(policy=policy.default).parsebytes(mail)
    subject = " ".join(str(message["subject"] or "").split()) or None
    envelope = _envelope(message)
    for part in message.walk():
        if _is_text(part):
            lines, file_of_part = _part_lines(part, mail, file, number, first_line)
            yield MailText(file=file_of_part, subject=subject, lines=lines, envelope=envelope)


def _is_text(part: EmailMessage) -> bool:
    """Return whether a part is read by a person: plain text, or an attached patch."""
    if part.is_multipart():
        return False
    kind = part.get_content_type()
    named = _PATCH_NAME.search(part.get_filename() or "") is not None
    return named or (kind.startswith("text/") and kind != "text/html")


def _part_lines(
    part: EmailMessage, mail: bytes, file: str, number: int, first_line: int
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
        undecoded = part.get_payload()
        stored = undecoded if isinstance(undecoded, str) else ""
        at = mail.find(stored.encode("utf-8", "surrogateescape")) if stored else -1
        first = first_line + mail.count(b"\n", 0, max(0, at))
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
            return raw.decode(encoding)
        except (LookupError, UnicodeDecodeError):
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


def _envelope(message: EmailMessage) -> Envelope:
    """Return what the headers say; those of `policy.default` would raise on some broken ones."""
    headers: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        headers.setdefault(name.lower(), []).append(text)

    def people(name: str) -> tuple[tuple[str, str], ...]:
        return _people(getaddresses([" ".join(text.split()) for text in headers.get(name, ())]))

    def ids(name: str) -> tuple[str, ...]:
        return tuple(_MESSAGE_ID.findall(" ".join(headers.get(name, ()))))

    return Envelope(
        sender=next(iter(people("from")), None),
        date=" ".join(" ".join(headers.get("date", ())).split()) or None,
        message_id=next(iter(ids("message-id")), None),
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
            found.setdefault(address.lower(), (_decoded_name(name), address))
    return tuple(found.values())


def _decoded_name(name: str) -> str:
    # A name that says it is encoded and is not is shown as it stands.
    with suppress(HeaderParseError, LookupError, ValueError):
        name = str(make_header(decode_header(name)))
    return " ".join(name.strip().strip('"').split())


def _wrong(code: str, message: str, file: str, hint: str) -> Diagnostic:
    return Diagnostic(code=code, message=message, location=Location(file=file), hint=hint)
