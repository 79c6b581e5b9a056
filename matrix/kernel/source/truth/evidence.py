"""What was recorded of the cited source when a profile was last read: a small JSON file beside it.

`configs/kernels/evidence/<profile>.json` holds no kernel text but one short statement a citation:

    {"schema": "matrix/evidence/1", "profile": "linux-7.3-arm64", "version": "7.3.0-rc7",
     "pieces": {"arch/arm64/mm/pageattr.c": {"function can_set_direct_map": ["digest", "units"]}},
     "places": {"arch/arm64/mm/pageattr.c:259": [[0, 0], ["function …", 19, 26, "if (…)"]]},
     "also": {"arch/arm64/kernel/cpufeature.c": {"function has_cache_dic": "cpucap …"}},
     "derived": {"function can_set_direct_map()": ["proved", "rodata_full || …"]},
     "declared": {"mechanism split_gate": "boot-flag"},
     "absent": ["lib/kstrtox.c"]}

`pieces`: the digest of a piece's words and, for each of its statements, four hex digits of its
words and two or more of their number. `places`: by how many lines the citation begins before its
first word and ends after its last one, then its pieces: name, first and last word, and what those
say. `also`: pieces that no citation names, and what depends on them. `derived`: what a function or
variable was found to be: `proved` where that is what the profile declares, `read` where a person
said so. `declared`: what the profile declared of everything else. `absent`: cited files that the
tree did not have. The file is written by `matrix kernels verify … --record`.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from msgspec import Struct, convert, field, to_builtins

from matrix.diagnostics import InputError, Location
from matrix.door.files import read_regular

# The evidence of a shipped profile has 60 kB.
_MOST_BYTES = 16 << 20
SCHEMA = "matrix/evidence/1"
_ORDER = ("profile", "version", "pieces", "places", "also", "declared", "derived", "absent")


class RecordedPiece(Struct, frozen=True, array_like=True):
    """The digest of a piece, and its statements: 4 digits of digest each, then how many words."""

    digest: str
    statements: str

    @property
    def units(self) -> tuple[tuple[str, int], ...]:
        """Return (digest, number of words) of each statement; ValueError where that is damaged."""
        return tuple((unit[:4], int(unit[4:], 16)) for unit in self.statements.split())


class RecordedPart(Struct, frozen=True, kw_only=True, array_like=True):
    """The words of one piece that a citation covers, and what they say."""

    piece: str
    first_word: int
    last_word: int
    says: str


class RecordedPlace(Struct, frozen=True, kw_only=True):
    """A citation: its pieces, and how many lines it begins before and ends after their words."""

    before: int
    after: int
    parts: tuple[RecordedPart, ...]


class Evidence(Struct, frozen=True, kw_only=True):
    """Everything recorded about one profile. `derived`: (how, expression in C)."""

    profile: str
    version: str
    pieces: dict[str, dict[str, RecordedPiece]] = field(default_factory=dict)
    places: dict[str, RecordedPlace] = field(default_factory=dict)
    also: dict[str, dict[str, str]] = field(default_factory=dict)
    derived: dict[str, tuple[str, str]] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()


# What reading a damaged file raises; a ValidationError is a ValueError.
_DAMAGES = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_CHECKSUM = re.compile(r'^  "checksum": "[^"\n]*",\n', re.MULTILINE)


def dump(evidence: Evidence) -> str:
    """Return the file: one line a piece and a citation, sorted, so that changes read well."""
    found = to_builtins(evidence, order="sorted")
    found["places"] = {
        citation: [[place["before"], place["after"]], *place["parts"]]
        for citation, place in found["places"].items()
    }
    document = {"schema": SCHEMA, **{name: found[name] for name in _ORDER}}
    return sealed(_lines(document, 0, deep=("pieces",)) + "\n")


def sealed(text: str) -> str:
    """Return the text of a file with the SHA-256 of its other lines in its second line."""
    head, rest = _CHECKSUM.sub("", text, count=1).split("\n", 1)
    checksum = hashlib.sha256(f"{head}\n{rest}".encode()).hexdigest()
    return f'{head}\n  "checksum": "{checksum}",\n{rest}'


def load(file: Path) -> Evidence | None:
    """Return the evidence in a file, None where there is none; InputError MX1115 if damaged."""
    try:
        text = read_regular(file, _MOST_BYTES).decode("utf-8")
        document = json.loads(text)
        schema = document["schema"]
        if schema == SCHEMA and text == sealed(text):
            return _evidence(document)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _damaged(file, f"cannot read `{file}`: {error}") from error
    except _DAMAGES as error:
        why = f"{type(error).__name__}: {error}"
    else:
        why = "it is not as it was written: its checksum is of another text"
        if schema != SCHEMA:
            why = f"its schema is `{schema}`, not `{SCHEMA}`"
    raise _damaged(file, f"`{file}` is no evidence of a profile: {why}")


def _evidence(document: dict[str, Any]) -> Evidence:
    places = {
        citation: {"before": before, "after": after, "parts": parts}
        for citation, ((before, after), *parts) in document["places"].items()
    }
    evidence = convert({**{name: document[name] for name in _ORDER}, "places": places}, Evidence)
    for found in evidence.pieces.values():
        for piece in found.values():
            _ = piece.units  # a damaged one is told now
    return evidence


def _lines(value: object, depth: int, deep: tuple[str, ...]) -> str:
    """Return JSON with one line for each entry of the two upper levels (three below `deep`)."""
    if not isinstance(value, dict) or not value or depth > 1 + bool(deep and depth <= 2):
        return json.dumps(value, ensure_ascii=False)
    indent = "  " * (depth + 1)
    rows = ",\n".join(
        f"{indent}{json.dumps(key, ensure_ascii=False)}: "
        + _lines(inner, depth + 1, deep if depth or key in deep else ())
        for key, inner in value.items()
    )
    return "{\n" + rows + "\n" + "  " * depth + "}"


def _damaged(file: Path, message: str) -> InputError:
    return InputError.of(
        code="MX1115",
        message=message,
        location=Location(file=str(file)),
        hint="write it anew with `matrix kernels verify RELEASE --tree DIR --record`",
    )
