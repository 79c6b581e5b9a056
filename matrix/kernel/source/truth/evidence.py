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

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.door.files import read_regular

# The evidence of a shipped profile has 60 kB.
_MOST_BYTES = 16 << 20
SCHEMA = "matrix/evidence/1"


class RecordedPiece(Struct, frozen=True, kw_only=True):
    """The digest of a piece, and (digest, number of words) of each of its statements."""

    digest: str
    units: tuple[tuple[str, int], ...]


class RecordedPart(Struct, frozen=True, kw_only=True):
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
    pieces: Mapping[str, Mapping[str, RecordedPiece]] = field(default_factory=dict)
    places: Mapping[str, RecordedPlace] = field(default_factory=dict)
    also: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    derived: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    declared: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()


def dump(evidence: Evidence) -> str:
    """Return the file: one line a piece and a citation, sorted, so that changes read well."""
    document = {
        "schema": SCHEMA,
        "profile": evidence.profile,
        "version": evidence.version,
        "pieces": {
            path: {name: _piece_row(piece) for name, piece in sorted(found.items())}
            for path, found in sorted(evidence.pieces.items())
        },
        "places": {
            citation: [
                [place.before, place.after],
                *([p.piece, p.first_word, p.last_word, p.says] for p in place.parts),
            ]
            for citation, place in sorted(evidence.places.items())
        },
        "also": {path: dict(sorted(row.items())) for path, row in sorted(evidence.also.items())},
        "declared": dict(sorted(evidence.declared.items())),
        "derived": {name: list(row) for name, row in sorted(evidence.derived.items())},
        "absent": sorted(evidence.absent),
    }
    return _lines(document, 0, deep=("pieces",)) + "\n"


def load(file: Path) -> Evidence | None:
    """Return the evidence in a file, None where there is none; InputError MX1115 if damaged."""
    try:
        document = json.loads(read_regular(file, _MOST_BYTES))
        schema = document["schema"]
        if schema == SCHEMA:
            return _evidence(document)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _damaged(file, f"cannot read `{file}`: {error}") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
    else:
        why = f"its schema is `{schema}`, not `{SCHEMA}`"
    raise _damaged(file, f"`{file}` is no evidence of a profile: {why}")


def _evidence(document: Mapping[str, Any]) -> Evidence:
    return Evidence(
        profile=document["profile"],
        version=document["version"],
        pieces={
            path: {name: _read_piece(row) for name, row in found.items()}
            for path, found in document["pieces"].items()
        },
        places={
            citation: RecordedPlace(
                before=edges[0],
                after=edges[1],
                parts=tuple(
                    RecordedPart(piece=row[0], first_word=row[1], last_word=row[2], says=row[3])
                    for row in rows
                ),
            )
            for citation, (edges, *rows) in document["places"].items()
        },
        also={path: dict(row) for path, row in document["also"].items()},
        declared={name: str(text) for name, text in document["declared"].items()},
        derived={name: (row[0], row[1]) for name, row in document["derived"].items()},
        absent=frozenset(document["absent"]),
    )


def _piece_row(piece: RecordedPiece) -> list[str]:
    return [piece.digest, " ".join(f"{digest}{count:x}" for digest, count in piece.units)]


def _read_piece(row: list[str]) -> RecordedPiece:
    digest, units = row
    return RecordedPiece(
        digest=digest, units=tuple((unit[:4], int(unit[4:], 16)) for unit in units.split())
    )


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
    return InputError(
        Diagnostic(
            code="MX1115",
            message=message,
            location=Location(file=str(file)),
            hint="write it anew with `matrix kernels verify RELEASE --tree DIR --record`",
        )
    )
