"""The journal as JSON (`journalctl -o json`, `json-pretty`, `json-seq`): its text as a log's lines.

Field names: systemd.journal-fields(7). Only what the kernel itself sent is a line (`_TRANSPORT`),
with the time that it gave; all other lines are empty, so that a line keeps its number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from matrix.kernel.evidence.findings import EvidenceText

_SENT_BY, _MESSAGE, _SINCE_BOOT = "_TRANSPORT", "MESSAGE", "_SOURCE_MONOTONIC_TIMESTAMP"
_NO_TEXT = "a message that is no text"  # and has no time: a log that holds it is not whole
_BLANKS = re.compile(r"\s*")


def journal_text(text: EvidenceText) -> EvidenceText:
    """Return the lines that a journal in JSON holds; `text` itself where it is none, or damaged."""
    whole = "\n".join(text.lines)
    if not whole.lstrip().startswith("{") or f'"{_SENT_BY}"' not in whole:
        return text
    lines = [""] * len(text.lines)
    try:
        for number, entry in _entries(whole):
            lines[number] = _line(entry)
    except (ValueError, RecursionError):
        return text
    return EvidenceText(file=text.file, lines=tuple(lines))


def _entries(whole: str) -> Iterator[tuple[int, object]]:
    """Yield each document of the text with the number of its first line, from 0.

    Raises:
        ValueError: no JSON.
        RecursionError: nested too deep.
    """
    decoder = json.JSONDecoder()
    at = number = 0
    while True:
        blanks = _BLANKS.match(whole, at)
        number += blanks.group().count("\n") if blanks else 0
        at = blanks.end() if blanks else at
        if at == len(whole):
            return
        entry, end = decoder.raw_decode(whole, at)
        yield number, entry
        number += whole.count("\n", at, end)
        at = end


def _line(entry: object) -> str:
    if not isinstance(entry, dict) or entry.get(_SENT_BY) != "kernel":
        return ""
    message, since = entry.get(_MESSAGE), entry.get(_SINCE_BOOT)
    if not isinstance(message, str):
        return _NO_TEXT
    stamp = f"[{int(since) / 1e6:12.6f}] " if isinstance(since, str) and since.isdecimal() else ""
    return stamp + message.replace("\n", " ")
