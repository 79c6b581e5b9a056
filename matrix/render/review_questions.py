"""What a reply to a patch asks, and which section of a review answers it.

Takes the paragraphs that a reply puts between quoted lines. A paragraph belongs to the section
whose words it has most of; the words are those of the kernel's mailing lists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a reply asks or remarks, on which line; `section` is the one that answers, if any."""

    line: int
    text: str
    section: str | None


def questions(comments: Sequence[Comment]) -> tuple[Question, ...]:
    """Return the remarks of a reply that ask something or name a subject of the review.

    Paragraphs about the same subject below the same quotation are one.
    """
    found: list[tuple[Comment, str, str | None]] = []
    lead = ""
    for comment in comments:
        text = f"{lead} {comment.text}".strip()
        lead = text if comment.text.endswith(_LEADS_IN) else ""
        section = _subject(text)
        if lead or (section is None and "?" not in text):
            continue
        last = found[-1] if found else None
        if last is not None and last[0].above == comment.above and section in (None, last[2]):
            found[-1] = (last[0], f"{last[1]} {text}", last[2])
        else:
            found.append((comment, text, section))
    return tuple(
        Question(line=comment.number, text=text, section=section)
        for comment, text, section in found
    )


def _subject(text: str) -> str | None:
    counts = {name: len(pattern.findall(text)) for name, pattern in _TOPICS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else None
