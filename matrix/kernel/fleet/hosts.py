"""A table of hosts (CSV or its like, JSON, Parquet), read in batches of bounded size.

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
import itertools
import json
import math
import os
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BufferedReader
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location, unknown_word_hint
from matrix.door.bounded import STANDARD_INPUT, file_name
from matrix.door.files import opened
from matrix.expr.position import shown
from matrix.kernel.fleet.closed_quotes import ClosedQuotes
from matrix.kernel.fleet.json_rows import (
    MOST_LEVELS,
    begins_document,
    flat_row,
    read_machines,
)
from matrix.kernel.fleet.no_table import what_it_is
from matrix.kernel.fleet.other_rows import OtherRows, splits_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Enough rows to make a batch's overhead small, few enough to keep it in some megabytes.
_BATCH_ROWS = 1 << 16
_BLOCK_BYTES = 8 << 20
_MOST_HEADER_BYTES = 1 << 16
_MOST_BYTES = 512 << 20
_LONGEST_VALUE = 4096  # a path; a command line has 2,048 bytes (COMMAND_LINE_SIZE)
_PARQUET_MAGIC = b"PAR1"
_GZIP_MAGIC = b"\x1f\x8b"
_OBJECT = b"{"

# The columns read, each with the names it may have in a header (case, `-` and blanks aside).
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "host": ("host", "hostname"),
    "kernel": ("kernel", "release", "kernel_release"),
    "config": ("config", "config_path", "config_hash"),
    "cpu": ("cpu", "cpu_name"),
    "midrs": ("midrs", "midr"),
    "cmdline": ("cmdline", "command_line"),
    "vm": ("vm", "vm_kind"),
    "evidence": ("evidence", "host_record", "dmesg", "boot_log"),
}
# What inventories call them, where a table has none of the names above: `kubectl get nodes -o
# wide`, exports of clouds, Ansible. In the order in which they count.
EXPORTED: Mapping[str, tuple[str, ...]] = {
    "host": ("name", "node", "node_name", "instance_id", "fqdn", "inventory_hostname"),
    "kernel": ("kernel_version", "uname_r", "ansible_kernel", "os_kernel"),
    "cpu": (
        *("instance_type", "machine_type", "vm_size", "shape", "flavor"),
        *("node.kubernetes.io/instance_type", "ansible_product_name", "product_name", "cpu_model"),
    ),
    "cmdline": ("kernel_command_line", "proc_cmdline", "boot_parameters"),
}
# Each of these must be there by one of its columns.
_NEEDED = (("kernel", "evidence"), ("cpu", "midrs", "evidence"))


class Column(Struct, frozen=True, kw_only=True):
    """One column of a batch: its distinct values, and per row the index of one (int64)."""

    values: tuple[bytes, ...]
    codes: npt.NDArray[np.int64]


class HostBatch(Struct, frozen=True, kw_only=True):
    """Some rows that stand together; `first` counts the rows before them that were read.

    `hosts` and `lines` are Arrow arrays of the hosts' names and command lines as bytes, None where
    the table has no such column; `columns` are the others that are read, `own` the user's as texts,
    where they are kept.
    """

    first: int
    rows: int
    hosts: Any
    lines: Any
    columns: Mapping[str, Column]
    own: Mapping[str, Any]

    def host(self, index: int) -> str:
        """Return the name of the host in a row of the batch, empty where there is none."""
        return "" if self.hosts is None else decode(self.hosts[index].as_py())


class HostPart(Struct, frozen=True, kw_only=True):
    """Rows of a Parquet table: so many of some groups, behind `skip` others.

    `first` counts all rows before them.
    """

    groups: tuple[int, ...]
    skip: int
    rows: int
    first: int


class HostTable:
    """A table that was opened: `columns` are those of `COLUMNS` it has, `ignored` the others.

    `broken` fills while the batches are read: rows of a CSV with a wrong number of fields, which
    are in no batch.
    """

    def __init__(
        self, file: str, header: list[str], chosen: Mapping[str, str], *, keep: bool
    ) -> None:
        self.file = file
        self._keep = keep
        self.names = _find_columns(file, header, chosen)
        self.columns = tuple(self.names)
        own = (title for title in header if title not in self.names.values())
        self.ignored = tuple(dict.fromkeys(own))
        self.broken: list[Diagnostic] = []
        self._broken_rows: list[int] = []
        self._batches: Any = ()
        self._first = 0

    def read_from(self, batches: Any, first: int = 0) -> HostTable:
        """Take the record batches from a reader that begins behind `first` rows."""
        self._batches, self._first = batches, first
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

        first = self._first
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
                        lines=columns.pop("cmdline", None),
                        columns={name: _encode(array) for name, array in columns.items()},
                        own={
                            # By number: several columns may have one title, or none.
                            title: _bytes(batch.column(batch.schema.names.index(title)))
                            for title in (self.ignored if self._keep else ())
                        },
                    )
                    first += batch.num_rows
        except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
            reason = f"after {first:,} rows: {_sentence(error)}"
            raise _damaged(self.file, reason) from None
        if not first and not self.broken:
            raise _damaged(self.file, "it has a header and no host")


@contextlib.contextmanager
def open_hosts(
    path: str | os.PathLike[str],
    chosen: Mapping[str, str] | None = None,
    *,
    keep: bool = False,
    part: HostPart | None = None,
) -> Iterator[HostTable]:
    """Open a table of hosts; `-` is a CSV on standard input.

    `chosen` are titles of the table for names of `COLUMNS`, as a person gave them; with `keep` the
    batches have the table's other columns, too. Of a Parquet table the rows may be those of `part`.

    The format is told by the first bytes: Parquet, or else JSON Lines, a JSON document, or a table
    with a header and commas, tabs, semicolons, `|` or aligned columns, packed with gzip or not.

    Raises:
        InputError: MX1501 the file cannot be opened, MX1502 it is none of these, MX1503 a
            column is missing or there twice, MX1504 a column of numbers where text is needed.
    """
    name = file_name(path)
    asked = _Asked(name=name, chosen=chosen or {}, keep=keep)
    if os.fspath(path) == STANDARD_INPUT:
        with _reported(name):
            table = _open_csv(cast("BufferedReader", sys.stdin.buffer), asked)
        yield table
        return
    with contextlib.ExitStack() as stack:
        with _reported(name):
            stream = stack.enter_context(opened(path))
            table = (
                _open_file(stream, asked) if part is None else _open_parquet(stream, asked, part)
            )
        yield table


def host_parts(path: str | os.PathLike[str], size: int) -> tuple[HostPart, ...]:
    """Return the parts of a Parquet table, of `size` or so rows each: they depend on it alone.

    Raises:
        InputError: MX1501, MX1502 as `open_hosts`; MX1523, a table of another kind.
    """
    import pyarrow.parquet as pq

    name = file_name(path)
    if os.fspath(path) == STANDARD_INPUT:
        raise _no_parts(name)
    with _reported(name), opened(path) as stream:
        if not stream.peek(len(_PARQUET_MAGIC)).startswith(_PARQUET_MAGIC):
            raise _no_parts(name)
        metadata = pq.read_metadata(stream)
    found: list[HostPart] = []
    first = 0
    for groups in _together(metadata, size):
        rows = sum(metadata.row_group(group).num_rows for group in groups)
        # A group that holds several parts is read up to the end of each.
        step = max(1, math.ceil(rows / max(1, round(rows / size))))
        found += (
            HostPart(
                groups=tuple(groups), skip=skip, rows=min(step, rows - skip), first=first + skip
            )
            for skip in range(0, rows, step)
        )
        first += rows
    return tuple(found)


def named_in(
    path: str | os.PathLike[str], columns: Sequence[str], chosen: Mapping[str, str]
) -> list[str]:
    """Return the distinct texts in some columns of `COLUMNS` of a Parquet table, sorted.

    Raises:
        InputError: as `open_hosts`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = file_name(path)
    found: set[bytes] = set()
    with opened(path) as stream:
        names = _open_parquet(stream, _Asked(name=name, chosen=chosen, keep=False)).names
        titles = [names[column] for column in columns if column in names]
        file = pq.ParquetFile(stream)
        try:
            _refuse_long(stream, titles, range(file.num_row_groups))
            for groups in _together(file.metadata, 4 * _BATCH_ROWS) if titles else ():
                for batch in file.iter_batches(_BATCH_ROWS, row_groups=groups, columns=titles):
                    for column in batch.columns:
                        found.update(_bytes(column).unique().to_pylist())
        except (pa.ArrowException, OSError) as error:
            raise _damaged(name, _sentence(error)) from None
    return sorted(decode(value).strip() for value in found)


def _no_parts(name: str) -> InputError:
    return InputError.of(
        code="MX1523",
        message="the table has no parts that can be read by themselves: it is no Parquet file",
        location=Location(file=name),
        hint="write it as Parquet, or leave --engine out",
    )


@contextlib.contextmanager
def _reported(name: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        raise _damaged(name, _sentence(error)) from None
    except (EOFError, zlib.error) as error:
        raise _damaged(name, _sentence(error)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError.of(
            code="MX1501",
            message=f"cannot read `{name}`: {reason}",
            location=Location(file=name),
            hint="give a table of hosts: CSV with a header, JSON Lines, or Parquet",
        ) from None


class _Asked(Struct, frozen=True, kw_only=True):
    """What is asked of a table: its name, the columns that a person chose, and whether all stay."""

    name: str
    chosen: Mapping[str, str]
    keep: bool

    def table(self, header: Iterable[str]) -> HostTable:
        """Return the table with a header."""
        return HostTable(self.name, list(header), self.chosen, keep=self.keep)


def _open_file(stream: BufferedReader, asked: _Asked) -> HostTable:
    magic = stream.peek(len(_PARQUET_MAGIC)).lstrip(b"\xef\xbb\xbf")
    if magic.startswith(_PARQUET_MAGIC):
        return _open_parquet(stream, asked)
    if magic.startswith(_GZIP_MAGIC):
        return _open_csv(cast("BufferedReader", gzip.GzipFile(fileobj=stream)), asked)
    return _open_csv(stream, asked)


def _open_parquet(stream: BufferedReader, asked: _Asked, part: HostPart | None = None) -> HostTable:
    import pyarrow.parquet as pq

    schema = pq.read_schema(stream)
    table = asked.table(schema.names)
    types = {key: schema.field(title).type for key, title in table.names.items()}
    _refuse_numbers(asked.name, types)
    titles = [*table.names.values(), *(table.ignored if asked.keep else ())]
    file = pq.ParquetFile(stream)
    _refuse_large(asked.name, file.metadata)
    texts = [title for title in titles if _is_text(schema.field(title).type)]

    def batches(groups: Sequence[int]) -> Iterator[Any]:
        return cast(
            "Iterator[Any]", file.iter_batches(_BATCH_ROWS, row_groups=groups, columns=titles)
        )

    def asked_batches() -> Iterator[Any]:
        _refuse_long(stream, texts, part.groups if part else range(file.num_row_groups))
        if part is not None:
            yield from _rows_of(batches(part.groups), part)
            return
        # A reader keeps what it has read until its end: a few groups of rows each.
        for groups in _together(file.metadata, 4 * _BATCH_ROWS):
            yield from batches(groups)

    return table.read_from(asked_batches(), part.first if part else 0)


def _rows_of(batches: Iterator[Any], part: HostPart) -> Iterator[Any]:
    """Yield the rows of a part, which begins and ends somewhere in the batches of its groups."""
    begin = -part.skip
    for batch in batches:
        end = begin + batch.num_rows
        if end > 0:
            yield batch.slice(max(0, -begin), min(end, part.rows) - max(0, begin))
        if end >= part.rows:
            return
        begin = end


def _together(metadata: Any, size: int) -> Iterator[list[int]]:
    """Yield groups that stand together, of `size` rows or more where there are so many left."""
    groups: list[int] = []
    rows = 0
    for group in range(metadata.num_row_groups):
        groups.append(group)
        rows += metadata.row_group(group).num_rows
        if rows >= size:
            yield groups
            groups, rows = [], 0
    if groups:
        yield groups


def _open_csv(stream: BufferedReader, asked: _Asked) -> HostTable:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    name, beginning = asked.name, stream.peek(_MOST_HEADER_BYTES)
    if begins_document(beginning):
        return _open_document(stream, asked)
    if beginning[:1] == _OBJECT:
        return _open_json_lines(stream, asked)
    line = stream.readline(_MOST_HEADER_BYTES)
    reason = what_it_is(line, at_end=not stream.peek(1))
    if reason is not None:
        raise _damaged(name, reason)
    header_line = ClosedQuotes(io.BytesIO(line.rstrip(b"\r\n")), name)
    while header_line.read(_MOST_HEADER_BYTES):
        pass
    titles = line.decode("utf-8-sig", "replace").rstrip("\r\n")
    split = splits_of(titles)
    fields = split(titles) if split is not None else next(csv.reader([titles]), [])
    header = [title.strip() for title in fields]
    table = asked.table(header)
    if not stream.peek(1):
        return table
    reader = arrow_csv.open_csv(
        ClosedQuotes(
            stream if split is None else OtherRows(stream, split, name),
            name,
            line=2,
            fields=len(header),
        ),
        read_options=arrow_csv.ReadOptions(
            block_size=_BLOCK_BYTES, use_threads=False, column_names=header
        ),
        parse_options=arrow_csv.ParseOptions(
            invalid_row_handler=table.skip, newlines_in_values=True
        ),
        # Bytes, whatever a column looks like: the release 6.10 is no number.
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.binary()),
            strings_can_be_null=False,
        ),
    )
    return table.read_from(reader)


def _open_document(stream: BufferedReader, asked: _Asked) -> HostTable:
    """Open a JSON document that lists machines.

    Raises:
        InputError: MX1502, as `read_machines`.
    """
    machines = read_machines(stream, asked.name)
    header, numbers = _keys(map(flat_row, machines))
    table = _table_of_keys(asked, header, numbers)
    return table.read_from(
        _record_batch([flat_row(one) for one in machines[first : first + _BATCH_ROWS]], header)
        for first in range(0, len(machines), _BATCH_ROWS)
    )


def _table_of_keys(asked: _Asked, header: Mapping[str, None], numbers: set[str]) -> HostTable:
    import pyarrow as pa

    table = asked.table(header)
    types = {key: pa.float64() for key, title in table.names.items() if title in numbers}
    _refuse_numbers(asked.name, types)
    return table


def _record_batch(objects: Sequence[Mapping[str, Any]], header: Iterable[str]) -> Any:
    import pyarrow as pa

    columns = [pa.array([_json_text(one.get(key)) for one in objects]) for key in header]
    return pa.record_batch(columns, names=list(header))


def _open_json_lines(stream: BufferedReader, asked: _Asked) -> HostTable:
    """Open a table with an object a line; its columns are the keys of all lines.

    A file is read twice for them. A pipe cannot be: its keys are those of the first batch.

    Raises:
        InputError: MX1502, a line is no object, or a later one of a pipe has another key.
    """
    name = asked.name
    start = stream.tell() if stream.seekable() else None
    batches = _objects(stream, name)
    first = next(batches, [])
    header, numbers = _keys(first)
    if start is not None:
        for found in batches:
            more, floats = _keys(found)
            header.update(more)
            numbers |= floats
        stream.seek(start)
        batches = _objects(stream, name)
    else:
        batches = itertools.chain([first], batches)
    table = _table_of_keys(asked, header, numbers)

    def rows() -> Iterator[Any]:
        done = 0
        for found in batches:
            if start is None and (more := _keys(found)[0].keys() - header.keys()):
                raise _later_key(name, min(more), done)
            yield _record_batch(found, header)
            done += len(found)

    return table.read_from(rows())


def _objects(stream: BufferedReader, name: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the objects of a table, a batch at a time.

    Raises:
        InputError: MX1502, a line is none.
    """
    import msgspec

    decoder = msgspec.json.Decoder(dict[str, Any])
    found: list[dict[str, Any]] = []
    for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_OBJECT), b""), 1):
        if not line.strip():
            continue
        try:
            one = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _no_object(name, number, line, _sentence(error)) from None
        except RecursionError:
            one = None
        if one is None or any(map(_is_deep, one.values())):
            why = f"it has more than {MOST_LEVELS} lists and objects within each other"
            raise _no_object(name, number, line, why) from None
        found.append(one)
        if len(found) == _BATCH_ROWS:
            yield found
            found = []
    if found:
        yield found


def _keys(objects: Iterable[Mapping[str, Any]]) -> tuple[dict[str, None], set[str]]:
    """Return the keys of objects in the order of their first, and those with a fraction."""
    keys: dict[str, None] = {}
    numbers: set[str] = set()
    for one in objects:
        keys.update(dict.fromkeys(one))
        numbers.update(key for key, value in one.items() if isinstance(value, float))
    return keys, numbers


def _later_key(name: str, key: str, rows: int) -> InputError:
    return InputError.of(
        code="MX1502",
        message=f"the key `{shown(key)}` stands in none of the first {_BATCH_ROWS:,} lines, and "
        f"in one behind row {rows:,}",
        location=Location(file=name),
        hint="give a file, which can be read twice, or the key in the first line, with null",
    )


_LONGEST_OBJECT = 1 << 20


def _is_deep(value: Any, left: int = MOST_LEVELS) -> bool:
    """Tell whether a value is too deep to be written by functions that call themselves."""
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, list | dict):
        return False
    return not left or any(_is_deep(one, left - 1) for one in inner)


def _json_text(value: Any) -> bytes:
    """Return a value as its text: a list has `;` between its items, nothing (null) is empty."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if value is None:
        return b""
    if isinstance(value, list):
        return b";".join(map(_json_text, value))
    return json.dumps(value).encode()


def _no_object(name: str, number: int, line: bytes, why: str) -> InputError:
    text = line.decode("utf-8", "replace").rstrip("\r\n")
    return InputError.of(
        code="MX1502",
        message=f"the line is no JSON object: {why}",
        location=Location(file=name, line=number, column=1, length=max(1, len(text)), text=text),
        hint="JSON Lines have an object a line, a key a column",
    )


def _find_columns(file: str, header: list[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the header's title of each column that is there, in the order of `COLUMNS`."""
    found: dict[str, str] = {}
    problems: list[Diagnostic] = [
        _unknown_column(name, COLUMNS, "a column that is read") for name in chosen.keys() - COLUMNS
    ]
    for name, spellings in COLUMNS.items():
        if name in chosen:
            titles = [title for title in header if title == chosen[name]]
            titles = titles or [t for t in header if _plain(t) == _plain(chosen[name])]
            if not titles:
                problems.append(_unknown_column(chosen[name], header, "a column of the table"))
        else:
            plain_names = {_plain(word) for word in spellings}
            titles = [title for title in header if _plain(title) in plain_names]
        if len(titles) > 1:
            problems.append(
                _header_problem(
                    file, header, f"there are several columns for `{name}`: {', '.join(titles)}"
                )
            )
        if titles:
            found[name] = titles[0]
    taken = {*found.values(), *chosen.values()}
    for name, spellings in EXPORTED.items():
        told = name in found or (name == "cpu" and "midrs" in found)
        plain = {_plain(title): title for title in reversed(header) if title not in taken}
        title = next((plain[_plain(word)] for word in spellings if _plain(word) in plain), None)
        if not told and title is not None:
            found[name] = title
    problems += [
        _header_problem(file, header, f"there is no column `{'` or `'.join(names)}`")
        for names in _NEEDED
        if not (found.keys() | chosen.keys()) & set(names)
    ]
    if problems:
        raise InputError(problems)
    return {name: found[name] for name in COLUMNS if name in found}


def _unknown_column(word: str, known: Iterable[str], kind: str) -> Diagnostic:
    return Diagnostic(
        code="MX1520",
        message=f"`{shown(word)}` of --column is not {kind}",
        hint=unknown_word_hint(word, known, "columns"),
    )


def _header_problem(file: str, header: list[str], problem: str) -> Diagnostic:
    names = ", ".join(shown(title) for title in header[:20]) or "nothing"
    return Diagnostic(
        code="MX1503",
        message=problem,
        location=Location(file=file),
        hint=f"the header has {names}; a table of hosts has host, kernel, config, cpu or midrs, "
        "cmdline, vm, or evidence; --column kernel=TITLE names one of yours",
    )


def _plain(title: str) -> str:
    """Return a title as it is compared: `Instance Type` and `instanceType` are one."""
    return re.sub(r"[\s_-]", "", title.lower())


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


def _refuse_large(file: str, metadata: Any) -> None:
    """Refuse a group of rows that would take more memory than a whole table may."""
    for index in range(metadata.num_row_groups):
        # Of a damaged file, asking for a column's own size ends the process in Arrow's C++.
        size = metadata.row_group(index).total_byte_size
        if size > _MOST_BYTES:
            reason = f"group {index + 1} of its rows has {size >> 20:,} MiB"
            raise _damaged(file, f"{reason}, more than {_MOST_BYTES >> 20} MiB")


def _is_text(kind: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_string(kind) or kinds.is_binary(kind))


def _refuse_long(stream: BufferedReader, titles: Sequence[str], groups: Iterable[int]) -> None:
    """Refuse a value that stands in a file once, for as many rows as it says, and is long.

    Read as the dictionary that it is stored as, such a column shows its values with its first row.
    A column whose values differ takes five times as long to be read like that as it does plainly.

    Raises:
        ArrowInvalid: there is one.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(stream, read_dictionary=list(titles))
    for group in groups if titles else ():
        batches = file.iter_batches(batch_size=1, row_groups=[group], columns=list(titles))
        for column in next(batches, ()):
            _refuse_long_values(column.dictionary)


def _refuse_long_values(values: Any) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if (pc.max(pc.binary_length(values)).as_py() or 0) > _LONGEST_VALUE:
        raise pa.ArrowInvalid(f"a value has more than {_LONGEST_VALUE:,} bytes")


def _bytes(array: Any) -> Any:
    """Return a column as bytes; nothing (null) is empty, a list has `;` between its items.

    Raises:
        ArrowInvalid: a value that stands for many rows is longer than any of a host.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        _refuse_long_values(array.dictionary)
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


def _damaged(name: str, reason: str) -> InputError:
    return InputError.of(
        code="MX1502",
        message=f"the table cannot be read: {reason}",
        location=Location(file=name),
        hint="give a table with a header and a row a host: CSV and its like, JSON, or Parquet",
    )


def _sentence(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
