"""The answers of a fleet as a table, one row a host: CSV, or Parquet by the file's name.

Takes batches of answers, writes them as they come; memory does not grow with the fleet. The file
stands under its name only when it is whole.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matrix.diagnostics import InputError, Location
from matrix.door.output import replacing
from matrix.expr.nodes import Value
from matrix.flows.fleet import AnsweredRows
from matrix.flows.fleet_summary import HostAnswer
from matrix.render.fixes import fix_line

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_PARQUET = (".parquet", ".pq")
_CSV = (".csv",)
COLUMNS = (
    "row",
    "host",
    "kernel",
    "read_on",
    "cpu",
    "vm",
    "verdict",
    "predicate",
    "outcome",
    "reason",
    "problem",
    "fix",
)


class HostTableWriter:
    """Writes the rows of one table."""

    def __init__(self, sink: Any, *, parquet: bool) -> None:
        self._sink = sink
        self._parquet = parquet
        self._writer: Any = None
        self._schema: Any = None
        self._titles: dict[str, str] = {}

    def _begin(self, own: Sequence[str]) -> None:
        """Open the table, when the user's columns are known; their titles stay apart from ours."""
        import pyarrow as pa

        self._titles = {
            title: title if title not in COLUMNS else f"{title} (given)" for title in own
        }
        words = pa.dictionary(pa.int32(), pa.string())
        kinds: dict[str, Any] = dict.fromkeys(COLUMNS, words if self._parquet else pa.string())
        kinds.update(row=pa.int64(), host=pa.string())
        names = [(name, kinds[name]) for name in COLUMNS]
        self._schema = pa.schema([*names, *((name, pa.string()) for name in self._titles.values())])
        if self._parquet:
            import pyarrow.parquet as pq

            self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd")
        else:
            from pyarrow import csv

            self._writer = csv.CSVWriter(self._sink, self._schema)

    def write(self, answered: AnsweredRows) -> None:
        """Write some rows."""
        import pyarrow as pa

        if self._writer is None:
            self._begin(tuple(answered.own))
        found, codes = answered.answers
        texts: dict[str, Any] = {
            "kernel": [item.release for item in found],
            "read_on": [item.read_on or "" for item in found],
            "verdict": [str(item.verdict or "") for item in found],
            "predicate": [_word(item.predicate) for item in found],
            "outcome": [item.outcome for item in found],
            "reason": ["; ".join(item.reasons) for item in found],
            "problem": [_problems(item) for item in found],
        }
        columns: dict[str, Any] = {name: _words(text, codes) for name, text in texts.items()}
        columns["cpu"] = _words(*answered.cpus)
        columns["vm"] = _words(*answered.vms)
        best, codes = answered.fixes
        columns["fix"] = _words([next(map(fix_line, fix), "") for fix in best], codes)
        columns["row"] = pa.array(answered.rows)
        columns["host"] = (
            pa.array([""] * len(answered.rows)) if answered.hosts is None else _text(answered.hosts)
        )
        columns |= {self._titles[title]: _text(array) for title, array in answered.own.items()}
        arrays = [columns[field.name].cast(field.type) for field in self._schema]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Write what the format has at its end."""
        if self._writer is None:
            self._begin(())
        self._writer.close()


@contextlib.contextmanager
def host_table(path: Path) -> Iterator[HostTableWriter]:
    """Open a table for writing; the format is that of the file's name.

    Raises:
        InputError: MX1509 the name says neither CSV nor Parquet, MX0801 it cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (*_PARQUET, *_CSV):
        raise InputError.of(
            code="MX1509",
            message=f"`{path.name}` says neither CSV nor Parquet",
            location=Location(file=str(path)),
            hint="end its name in .csv or .parquet",
        )
    with replacing(path) as sink:
        writer = HostTableWriter(sink, parquet=suffix in _PARQUET)
        try:
            yield writer
        finally:
            writer.close()


def _words(values: Sequence[str], codes: npt.NDArray[np.int64]) -> Any:
    import pyarrow as pa

    printable = [value.encode("utf-8", "backslashreplace").decode("utf-8") for value in values]
    # Each word once: Arrow reserves room for every entry of a dictionary and fills that of the
    # distinct ones; the rest, whatever lay in memory, went into the file.
    distinct = pa.array(printable, pa.string()).dictionary_encode()
    indices = distinct.indices.to_numpy().astype("int32")[codes]
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), distinct.dictionary)


def _text(hosts: Any) -> Any:
    """Return names as text; bytes that are no UTF-8 are written as escapes."""
    import pyarrow as pa

    try:
        return hosts.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([item.decode("utf-8", "backslashreplace") for item in hosts.to_pylist()])


def _word(value: Value) -> str:
    return "" if value is None else str(value).lower()


def _problems(answer: HostAnswer) -> str:
    return "; ".join(
        f"{item.code}: {item.message}" for item in (*answer.problems, *answer.warnings)
    )
