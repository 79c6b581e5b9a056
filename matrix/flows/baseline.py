"""The findings a repository already knows, so that CI fails on new ones only.

Takes results, gives a JSON file that a person can read and review, and compares. An entry holds
what a finding is about and nothing that an unrelated change moves: no line, no release, no text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.door.files import read_regular
from matrix.flows.user_settings import relative_name
from matrix.flows.validate_result import Standing, ValidateResult

SCHEMA = "matrix/baseline/1"
_MOST_BYTES = 64 << 20  # some 300,000 findings
# Past this many stale entries one diagnostic counts the rest.
_MOST_SHOWN = 20


class Entry(NamedTuple):
    """One finding: `file` from the folder of the baseline, `violates` the broken invariants."""

    file: str
    capability: str
    predicate: str
    vm: str
    cpu: str
    verdict: str
    violates: str

    @property
    def asked(self) -> tuple[str, ...]:
        """What was asked; the rest is the answer."""
        return self[:5]


def entry_of(result: ValidateResult, folder: Path) -> Entry:
    """Return the entry of a result in a baseline of a folder."""
    violated = sorted({finding.invariant for finding in result.answer.violations})
    return Entry(
        file=relative_name(result.file, folder),
        capability=result.capability,
        predicate=result.predicate_version,
        vm=result.vm,
        cpu="+".join(result.cpu),
        verdict=str(result.answer.verdict),
        violates=" ".join(violated),
    )


def baseline_text(entries: Iterable[Entry]) -> str:
    """Return the file that makes these findings known."""
    rows = ",\n".join(f"    {json.dumps(entry._asdict())}" for entry in sorted(entries))
    listed = f"[\n{rows}\n  ]" if rows else "[]"
    return f'{{\n  "schema": "{SCHEMA}",\n  "findings": {listed}\n}}\n'


class Baseline(Struct, kw_only=True, dict=True):
    """The known findings, and which of them this run asked about and found again."""

    path: Path | None = None
    entries: frozenset[Entry] = frozenset()
    asked: set[tuple[str, ...]] = field(default_factory=set)
    found: set[Entry] = field(default_factory=set)

    @cached_property
    def _questions(self) -> frozenset[tuple[str, ...]]:
        return frozenset(entry.asked for entry in self.entries)

    def apply(self, result: ValidateResult) -> ValidateResult:
        """Return the result, KNOWN where the baseline has it."""
        if self.path is None:
            return result
        entry = entry_of(result, self.path.parent)
        # What was not asked in this run (other files, fewer CPUs) is not gone.
        if entry.asked in self._questions:
            self.asked.add(entry.asked)
        if entry not in self.entries:
            return result
        self.found.add(entry)
        return replace(result, standing=Standing.KNOWN)

    def stale(self) -> Sequence[Diagnostic]:
        """Return a warning for each entry whose question was asked and whose finding is gone."""
        gone = sorted(entry for entry in self.entries - self.found if entry.asked in self.asked)
        shown = [
            self._stale(f"`{entry.file}` is no longer {entry.verdict} on {entry.cpu}")
            for entry in gone[:_MOST_SHOWN]
        ]
        if len(gone) > _MOST_SHOWN:
            shown.append(self._stale(f"{len(gone) - _MOST_SHOWN} more findings are gone"))
        return shown

    def _stale(self, message: str) -> Diagnostic:
        return Diagnostic.warning(
            code="MX1421",
            message=message,
            location=Location(file=str(self.path)),
            hint="write the baseline anew with --write-baseline, so that it cannot come back",
        )


def load_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        InputError: MX1420: it cannot be read, or is no baseline of ours.
    """
    try:
        entries = _read(path)
    except (OSError, ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 0
        column = error.colno if isinstance(error, json.JSONDecodeError) else 0
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        hint = "write it with --write-baseline; it is not edited by hand"
        if isinstance(error, FileNotFoundError):
            hint = f"the same command with `--write-baseline {path}` writes the first one"
        raise InputError.of(
            code="MX1420",
            message=f"cannot read the baseline: {reason}",
            location=Location(file=str(path), line=line, column=column),
            hint=hint,
        ) from error
    return Baseline(path=path, entries=entries)


def _read(path: Path) -> frozenset[Entry]:
    document = json.loads(read_regular(path, _MOST_BYTES))
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError(f'it does not say "schema": "{SCHEMA}"')
    if set(document) != {"schema", "findings"} or not isinstance(document["findings"], list):
        raise ValueError("it has no list of findings")
    return frozenset(_entry(number, row) for number, row in enumerate(document["findings"]))


def _entry(number: int, row: object) -> Entry:
    if (
        not isinstance(row, dict)
        or set(row) != set(Entry._fields)
        or not all(isinstance(value, str) for value in row.values())
    ):
        raise ValueError(f"finding {number + 1} does not have the keys {', '.join(Entry._fields)}")
    return Entry(**row)
