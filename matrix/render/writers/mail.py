"""A document as a mail to a kernel list: plain text of 72 columns, also with headers as an mbox.

The body has neither title nor backticks, and lines of code and quotations are never broken. The
headers are those that `git send-email` takes from a file (In-Reply-To, To, Cc, Subject); it adds
From, Date and Message-ID. RFC 5322, RFC 2047 for what is not ASCII, RFC 4155 for the mbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.header import Header
from email.utils import formataddr

from msgspec import Struct

from matrix.render.document import Document, Inline, runs
from matrix.render.markdown import plain
from matrix.render.writers.text import Page

# What lists wrap at, less a few levels of quotation.
WIDTH = 72
# As `git format-patch` begins a mail: no sender and no date of its own.
_SEPARATOR = f"From {'0' * 40} Mon Sep 17 00:00:00 2001"
_ADDRESS = re.compile(r"[!-;=?-~]+@[A-Za-z0-9.-]+")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+>")

# A line of a mail may have 998 characters (RFC 5322, 2.1.1).
_LONGEST = 900

Person = tuple[str, str]


class Headers(Struct, frozen=True, kw_only=True):
    """Whom a mail is for, pairs of a name and an address, and what it answers (message ids)."""

    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


class _Letter(Page):
    """A page without tables of answers: each row is a paragraph, at whatever quote level."""

    bullet = "- "
    tabular = False

    def inline(self, text: Inline) -> str:
        return "".join(run.text for run in runs(text))


def body(document: Document) -> str:
    """Return the blocks, a blank line apart; what leads a document is not for the mail."""
    page = _Letter(WIDTH)
    lines: list[str] = []
    for block in document.blocks:
        lines += [*page.lines(block), ""]
    return "\n".join(lines[:-1]) + "\n"


def write(document: Document) -> str:
    """Return the title, what leads and the blocks: what is copied into a mail."""
    page = _Letter(WIDTH)
    lead = [line for text in document.lead for line in page.wrapped(text, "", "  ")]
    head = page.wrapped(document.title, "", "  ")
    return "\n".join([*lead, *head, "", body(document)])


def inline(text: Inline) -> str:
    """Return a sentence as a mail has it."""
    return _Letter(WIDTH).inline(text)


def mbox(document: Document, headers: Headers) -> str:
    """Return the mail as an mbox, its subject the title of the document.

    Whatever names and ids hold, a header is one header: what is no address or no id is left out.
    """
    subject = plain("".join(run.text for run in runs(document.title)))
    ids = [item for item in headers.references if _MESSAGE_ID.fullmatch(item)]
    answered = headers.in_reply_to
    lines = [_SEPARATOR, f"Subject: {_words(subject, 'Subject')}"]
    lines += [*_people("To", headers.to), *_people("Cc", headers.cc)]
    if answered is not None and _MESSAGE_ID.fullmatch(answered):
        lines.append(f"In-Reply-To: {answered}")
        ids = [*(item for item in ids if item != answered), answered]
        lines.append("References: " + "\n\t".join(ids))
    lines += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=UTF-8"]
    lines += ["Content-Transfer-Encoding: 8bit", ""]
    # A line that begins so would end the mail (RFC 4155).
    return (
        "\n".join(lines) + "\n" + re.sub(r"^(>*From )", r">\1", body(document), flags=re.MULTILINE)
    )


def _people(name: str, people: tuple[Person, ...]) -> Iterator[str]:
    shown = [
        formataddr((words, address)) if _is_plain(words) else f"{_words(words)} <{address}>"
        for words, address in ((plain(words), address) for words, address in people)
        if _ADDRESS.fullmatch(address)
    ]
    if shown:
        yield f"{name}: " + ",\n\t".join(shown)


def _is_plain(text: str) -> bool:
    """Tell whether a text is ASCII that no reader takes for an encoded word."""
    return text.isascii() and "=?" not in text


def _words(text: str, header: str | None = None) -> str:
    """Return a text as RFC 2047 has it, folded; ASCII that is not too long stays as it is."""
    if _is_plain(text) and len(text) < _LONGEST:
        return text
    return Header(text, "utf-8", maxlinelen=75, header_name=header).encode(linesep="\n")
