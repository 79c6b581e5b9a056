"""A table of hosts (CSV, or Parquet), read in batches of bounded size.

Takes a path, gives batches: for each column the distinct values of the batch and, per row, which of
them it holds. A table of millions of rows is never in memory as a whole, and what is equal in many
rows is looked at once a batch. Values stay bytes until somebody needs them: a value that is no
UTF-8 is a problem of its row.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from io import BufferedReader
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.door.bounded import STANDARD_INPUT, file_name
from matrix.door.files import opened
from matrix.expr.position import shown
from matrix.kernel.fleet.closed_quotes import ClosedQuotes
from matrix.kernel.fleet.no_table import what_it_is

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Enough rows to make a batch's overhead small, few enough to keep it in some megabytes.
_BATCH_ROWS = 1 << 16
_BLOCK_BYTES = 8 << 20
_MOST_HEADER_BYTES = 1 << 16
_PARQUET_MAGIC = b"PAR1"
_GZIP_MAGIC = b"\x1f\x8b"

# The columns read, each with the names it may have in a header (case, `-` and blanks aside).
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "host": ("host", "hostname"),
    "kernel": ("kernel", "release", "kernel_release"),
    "config": ("config", "config_path", "config_hash"),
    "cpu": ("cpu", "cpu_name"),
    "midrs": ("midrs", "midr"),
    "cmdline": ("cmdline", "command_line"),
    "vm": ("vm", "vm_kind"),
}
_NEEDED = ("kernel", "config")
_EITHER = ("cpu", "midrs")


class Column(Struct, frozen=True, kw_only=True):
    """One column of a batch: its distinct values, and per row the index of one (int64)."""

    values: tuple[bytes, ...]
    codes: npt.NDArray[np.int64]


class HostBatch(Struct, frozen=True, kw_only=True):
    """Some rows that stand together; `first` counts the rows before them that were read.

    `hosts` is an Arrow array of the hosts' names as bytes, None where the table has no such column;
    `columns` are the others.
    """

    first: int
    rows: int
    hosts: Any
    columns: Mapping[str, Column]

    def host(self, index: int) -> str:
        """Return the name of the host in a row of the batch, empty where there is none."""
        return "" if self.hosts is None else decode(self.hosts[index].as_py())


class HostTable:
    """A table that was opened: `columns` are those of `COLUMNS` it has, `ignored` the others.

    `broken` fills while the batches are read: rows of a CSV with a wrong number of fields, which
    are in no batch.
    """

    def __init__(self, file: str, header: list[str]) -> None:
        self.file = file
        self.names = _find_columns(file, header)
        self.columns = tuple(self.names)
        self.ignored = tuple(title for title in header if title not in self.names.values())
        self.broken: list[Diagnostic] = []
        self._broken_rows: list[int] = []
        self._batches: Any = ()

    def read_from(self, batches: Any) -> HostTable:
        """Take the record batches from a reader."""
        self._batches = batches
        return self

    def row_numbers(self, first: int, rows: int) -> npt.NDArray[np.int64]:
        """Return the numbers (int64) of rows that were read after `first` others.

        Row 1 is the one under the header; broken rows have numbers, too.
        """
        import numpy as np

        numbers = np.arange(first + 1, first + rows + 1, dtype=np.int64)
        for broken in self._broken_rows:
            numbers[numbers >= broken] += 1
        return numbers

    def skip(self, row: Any) -> str:
        """Note a row that does not fit the header; pyarrow asks what to do with it."""
        self._broken_rows.append(row.number)
        self.broken.append(
            Diagnostic(
                code="MX1505",
                message=f"row {row.number:,} has {row.actual_columns} fields, the header "
                f"{row.expected_columns}: `{shown(str(row.text))}`",
                location=Location(file=self.file),
                hint='put double quotes around a field that holds a comma: "rodata=on,x"',
            )
        )
        return "skip"

    def batches(self) -> Iterator[HostBatch]:
        """Yield the rows in the order of the table.

        Raises:
            InputError: MX1502, the table is damaged, ends in the middle, has an open quote, or no
                row at all.
        """
        import pyarrow as pa

        first = 0
        try:
            for batch in self._batches:
                if batch.num_rows:
                    columns = {
                        name: _bytes(batch.column(title)) for name, title in self.names.items()
                    }
                    yield HostBatch(
                        first=first,
                        rows=batch.num_rows,
                        hosts=columns.pop("host", None),
                        columns={name: _encode(array) for name, array in columns.items()},
                    )
                    first += batch.num_rows
        except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
            reason = f"after {first:,} rows: {_sentence(error)}"
            raise InputError(_damaged(self.file, reason)) from None
        if not first and not self.broken:
            raise InputError(_damaged(self.file, "it has a header and no host"))


@contextlib.contextmanager
def open_hosts(path: str | os.PathLike[str]) -> Iterator[HostTable]:
    """Open a table of hosts; `-` is a CSV on standard input.

    The format is told by the first bytes: Parquet, or else CSV with a header, packed with gzip or
    not.

    Raises:
        InputError: MX1501 the file cannot be opened, MX1502 it is neither CSV nor Parquet, MX1503 a
            column is missing or there twice, MX1504 a column of numbers where text is needed.
    """
    name = file_name(path)
    if os.fspath(path) == STANDARD_INPUT:
        with _reported(name):
            table = _open_csv(cast("BufferedReader", sys.stdin.buffer), name)
        yield table
        return
    with contextlib.ExitStack() as stack:
        with _reported(name):
            stream = stack.enter_context(opened(path))
            table = _open_file(stream, name)
        yield table


@contextlib.contextmanager
def _reported(name: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        raise InputError(_damaged(name, _sentence(error))) from None
    except (EOFError, zlib.error) as error:
        raise InputError(_damaged(name, _sentence(error))) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            Diagnostic(
                code="MX1501",
                message=f"cannot read `{name}`: {reason}",
                location=Location(file=name),
                hint="give a table of hosts: CSV with a header, or Parquet",
            )
        ) from None


def _open_file(stream: BufferedReader, name: str) -> HostTable:
    magic = stream.peek(len(_PARQUET_MAGIC))
    if magic.startswith(_PARQUET_MAGIC):
        return _open_parquet(stream, name)
    if magic.startswith(_GZIP_MAGIC):
        return _open_csv(cast("BufferedReader", gzip.GzipFile(fileobj=stream)), name)
    return _open_csv(stream, name)


def _open_parquet(stream: BufferedReader, name: str) -> HostTable:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(stream)
    schema = file.schema_arrow
    table = HostTable(name, list(schema.names))
    _refuse_numbers(name, {key: schema.field(title).type for key, title in table.names.items()})
    titles = list(table.names.values())
    return table.read_from(file.iter_batches(batch_size=_BATCH_ROWS, columns=titles))


def _open_csv(stream: BufferedReader, name: str) -> HostTable:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    line = stream.readline(_MOST_HEADER_BYTES)
    reason = what_it_is(line, at_end=not stream.peek(1))
    if reason is not None:
        raise InputError(_damaged(name, reason))
    header_line = ClosedQuotes(io.BytesIO(line.rstrip(b"\r\n")), name)
    while header_line.read(_MOST_HEADER_BYTES):
        pass
    fields = next(csv.reader([line.decode("utf-8-sig", "replace").rstrip("\r\n")]), [])
    header = [title.strip() for title in fields]
    table = HostTable(name, header)
    if not stream.peek(1):
        return table
    reader = arrow_csv.open_csv(
        ClosedQuotes(stream, name, line=2),
        read_options=arrow_csv.ReadOptions(
            block_size=_BLOCK_BYTES, use_threads=False, column_names=header
        ),
        parse_options=arrow_csv.ParseOptions(invalid_row_handler=table.skip),
        # Bytes, whatever a column looks like: the release 6.10 is no number.
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.binary()),
            strings_can_be_null=False,
        ),
    )
    return table.read_from(reader)


def _find_columns(file: str, header: list[str]) -> dict[str, str]:
    """Return the header's title of each column that is there, in the order of `COLUMNS`."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for name, spellings in COLUMNS.items():
        titles = [title for title in header if _plain(title) in spellings]
        if len(titles) > 1:
            problems.append(f"there are several columns for `{name}`: {', '.join(titles)}")
        if titles:
            found[name] = titles[0]
    problems += [f"there is no column `{name}`" for name in _NEEDED if name not in found]
    if not any(name in found for name in _EITHER):
        problems.append("there is neither a column `cpu` nor `midrs`")
    if problems:
        names = ", ".join(shown(title) for title in header[:20]) or "nothing"
        raise InputError(
            [
                Diagnostic(
                    code="MX1503",
                    message=problem,
                    location=Location(file=file),
                    hint=f"the header has {names}; a table of hosts has host, kernel, config, "
                    "cpu or midrs, cmdline, vm",
                )
                for problem in problems
            ]
        )
    return found


def _plain(title: str) -> str:
    return title.strip().lower().replace("-", "_").replace(" ", "_")


def _refuse_numbers(file: str, types: Mapping[str, Any]) -> None:
    """Refuse a kernel that is a number: 6.10 has become 6.1 there."""
    import pyarrow.types as kinds

    wrong = [name for name, kind in types.items() if kinds.is_floating(kind)]
    if wrong:
        raise InputError(
            [
                Diagnostic(
                    code="MX1504",
                    message=f"column `{name}` holds numbers, not text",
                    location=Location(file=file),
                    hint="write it as text: as a number, the release 6.10 is 6.1",
                )
                for name in wrong
            ]
        )


def _bytes(array: Any) -> Any:
    """Return a column as bytes; nothing (null) is empty, a list has `;` between its items."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        array = pc.binary_join(array.cast(pa.list_(pa.string())), ";")
    elif not pa.types.is_binary(kind):
        # Text stays the bytes it is; anything else, such as a MIDR as a number, is written out.
        array = array.cast(pa.string())
    return pc.fill_null(array.cast(pa.binary()), b"")


def _encode(array: Any) -> Column:
    """Return a column of bytes as its distinct values and the rows' indices."""
    encoded = array.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype("int64")
    return Column(values=tuple(encoded.dictionary.to_pylist()), codes=codes)


def decode(value: bytes) -> str:
    """Return a value of a table as text; what is no UTF-8 comes as Python's surrogates."""
    return value.decode("utf-8", "surrogateescape")


def _damaged(name: str, reason: str) -> Diagnostic:
    return Diagnostic(
        code="MX1502",
        message=f"the table cannot be read: {reason}",
        location=Location(file=name),
        hint="give CSV with a header, commas and a row a host, or Parquet",
    )


def _sentence(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
