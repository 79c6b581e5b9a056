"""Logs in JSON: the journal, an entry a document, and consoles of clouds, one text in a document.

`journalctl -o json`, `json-pretty` and `json-seq` have the fields of systemd.journal-fields(7).
Only what the kernel itself sent is a line (`_TRANSPORT`), with the time that it gave; all other
lines are empty, so that a line keeps its number. `aws ec2 get-console-output` gives the console as
`Output`, `gcloud compute instances get-serial-port-output --format json` as `contents`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from matrix.kernel.evidence.findings import EvidenceText, evidence_text

_SENT_BY, _MESSAGE, _SINCE_BOOT = "_TRANSPORT", "MESSAGE", "_SOURCE_MONOTONIC_TIMESTAMP"
_NO_TEXT = "a message that is no text"  # and has no time: a log that holds it is not whole
# The field of the text, and another one that tells the document from any other.
_CONSOLES = (("Output", "InstanceId"), ("contents", "selfLink"))
_BLANKS = re.compile(r"\s*")


def log_in_json(text: EvidenceText) -> EvidenceText:
    """Return the log that a text in JSON holds; `text` itself where it holds none, or is damaged.

    The lines of a console count from its own first one: its file is named `a.json (Output)`.
    """
    whole = "\n".join(text.lines)
    if not whole.lstrip().startswith("{"):
        return text
    try:
        if f'"{_SENT_BY}"' in whole:
            lines = [""] * len(text.lines)
            for number, entry in _entries(whole):
                lines[number] = _line(entry)
            return EvidenceText(file=text.file, lines=tuple(lines))
        for field, other in _CONSOLES:
            if f'"{field}"' in whole and f'"{other}"' in whole:
                document = json.loads(whole)
                if isinstance(console := document.get(field), str) and other in document:
                    return evidence_text(console.encode(errors="replace"), f"{text.file} ({field})")
    except (ValueError, RecursionError):
        pass
    return text


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
