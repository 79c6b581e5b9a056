"""What a reply to a patch asks, and which section of a review answers it.

Takes the paragraphs that a reply puts between quoted lines. A paragraph belongs to the section
whose words it has most of; the words are those of the kernel's mailing lists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from matrix.kernel.patch.quoting import Comment

# Which words of a reviewer's paragraph, or of the commit message, a section is about.
PAGE_SIZE = re.compile(
    r"\b(?:4|16|64) ?[kK](?:i?[bB])?\b|PAGE_SIZE|page size|granularit", re.IGNORECASE
)
_TOPICS = {
    "page-size": PAGE_SIZE,
    "kconfig": re.compile(r"#?ifdef|#if\b|\bselects?\b|CONFIG_|IS_ENABLED|Kconfig"),
    "vm": re.compile(
        r"struct kvm\b|\bkvm (?:parameter|argument|pointer)|protected V|\binline\b|dereferenc|"
        r"\.h\b|header",
        re.IGNORECASE,
    ),
    "unsound": re.compile(
        r"\bDIC\b|I-?cache|instruction cache|unsound|IC IVAU|coheren", re.IGNORECASE
    ),
}
# A paragraph that ends so goes on in the next one.
_LEADS_IN = ":"


class Question(Struct, frozen=True, kw_only=True):
    """What a reply asks or remarks, from which line on; `section` is what answers, if anything.

    `quoted` are the lines that an answer quotes: those of its last paragraph.
    """

    line: int
    text: str
    section: str | None
    quoted: tuple[int, ...]


def questions(comments: Sequence[Comment]) -> tuple[Question, ...]:
    """Return the remarks of a reply that ask something or name a subject of the review.

    Paragraphs about the same subject below the same quotation are one.
    """
    found: list[Question] = []
    above: tuple[object, ...] = ()
    lead: Comment | None = None
    for comment in comments:
        line, text = comment.number, comment.text
        quoted = tuple(range(comment.number, comment.last + 1))
        if lead is not None:
            line, text = lead.number, f"{lead.text} {text}"
        # What leads in to a quotation is asked with what stands behind it.
        lead = comment if comment.text.endswith(_LEADS_IN) else None
        section = _subject(text)
        if lead is not None or (section is None and "?" not in text):
            continue
        if found and above == comment.above and section == found[-1].section:
            text = f"{found[-1].text} {text}"
            line = found.pop().line
        found.append(Question(line=line, text=text, section=section, quoted=quoted))
        above = comment.above
    return tuple(found)


def _subject(text: str) -> str | None:
    counts = {name: len(pattern.findall(text)) for name, pattern in _TOPICS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else None
