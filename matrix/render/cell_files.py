"""Rows of cells as CSV, JSON Lines, Parquet or Arrow, written while they are made.

Takes the columns and chunks of `CellRows` and an open file; nothing holds more than one chunk. The
texts of CSV and JSON are made per option, once, and joined by Arrow: no row is formatted by itself.
"""

from __future__ import annotations

import csv
import enum
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from matrix.analyze.space.cell_rows import CellColumn
from matrix.analyze.space.frame import CHUNK_ROWS, arrow_numbers, arrow_schema, arrow_texts, batches
from matrix.diagnostics import Diagnostic, InputError, Location
from matrix.flows.cells import Listing
from matrix.solve.covering import CoveringArray
from matrix.solve.listing import Columns
from matrix.solve.space import Region

if TYPE_CHECKING:
    import pyarrow as pa


class CellFormat(enum.StrEnum):
    """What cells can be written as."""

    CSV = "csv"
    JSON_LINES = "json-lines"
    PARQUET = "parquet"
    ARROW = "arrow"


# The format that a file's name asks for where no other is given.
_SUFFIXES = {
    ".csv": CellFormat.CSV,
    ".jsonl": CellFormat.JSON_LINES,
    ".ndjson": CellFormat.JSON_LINES,
    ".parquet": CellFormat.PARQUET,
    ".arrow": CellFormat.ARROW,
    ".feather": CellFormat.ARROW,
}
TEXTS = frozenset({CellFormat.CSV, CellFormat.JSON_LINES})

# A row of text is some 200 bytes, one of numbers some 25: a chunk of text has fewer of them.
_TEXT_ROWS = CHUNK_ROWS // 8
# Every row group holds all options of the later axes: their least and greatest value exclude no
# group, and finding them takes a third of the time.
_STATISTICS = 3
# Values encoded at a time: the default of 1024 is made for values larger than one byte.
_PARQUET_BATCH = 1 << 16


def format_of(path: Path | None) -> CellFormat:
    """Return the format that a file's name asks for, CSV where it has no suffix.

    Raises:
        InputError: MX1509, a suffix that stands for no format.
    """
    suffix = path.suffix.lower() if path else ""
    if path is None or not suffix:
        return CellFormat.CSV
    if suffix not in _SUFFIXES:
        *most, last = _SUFFIXES
        raise InputError.of(
            code="MX1509",
            message=f"`{path.name}` says none of the formats of cells",
            location=Location(file=str(path)),
            hint=f"end its name in {', '.join(most)} or {last}, or add --format",
        )
    return _SUFFIXES[suffix]


def format_problems(
    form: CellFormat, path: Path | None, *, parts: bool = False
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a format where there is no file, or are several (MX0633)."""
    if parts and form is not CellFormat.PARQUET:
        return (
            Diagnostic(
                code="MX0633",
                message=f"--jobs and --engine write a folder of Parquet files, not {form}",
                hint="leave --format out, or them",
            ),
        )
    if form in TEXTS or path is not None:
        return ()
    return (
        Diagnostic(
            code="MX0633",
            message=f"{form} is not text and needs a file",
            hint=f"add --output cells.{form}",
        ),
    )


def chunk_rows(form: CellFormat) -> int:
    """Return how many rows a chunk of a format should have."""
    return _TEXT_ROWS if form in TEXTS else CHUNK_ROWS


def write_cells(
    columns: Sequence[CellColumn], chunks: Iterable[Columns], form: CellFormat, file: BinaryIO
) -> int:
    """Write rows to an open file; return their number."""
    match form:
        case CellFormat.CSV:
            return _write_text(_csv_header(columns), _csv_pieces(columns), chunks, file)
        case CellFormat.JSON_LINES:
            return _write_text("", _json_pieces(columns), chunks, file)
        case CellFormat.PARQUET:
            return _write_parquet(columns, chunks, file)
        case CellFormat.ARROW:
            return _write_arrow(columns, chunks, file)


def _write_text(
    header: str, pieces: Iterable[Sequence[str]], chunks: Iterable[Columns], file: BinaryIO
) -> int:
    """Write rows as the texts of their columns, one after the other; the last text of each: none.

    Arrow keeps joined texts in one piece of memory: the bytes to be written.
    """
    import pyarrow.compute

    file.write(header.encode())
    texts = [arrow_texts(column) for column in pieces]
    nothing = arrow_texts([""])[0]
    rows = 0
    for chunk in chunks:
        if not len(chunk[0]):
            continue
        found = [
            text.take(arrow_numbers(numbers.astype("int32") % len(text)))  # -1 is the last text
            for text, numbers in zip(texts, chunk, strict=True)
        ]
        # The last argument stands between the others: nothing.
        lines = pyarrow.compute.binary_join_element_wise(*found, nothing)
        # Of an array of strings: which are valid, where each ends, and the bytes of all.
        file.write(lines.buffers()[2])
        rows += len(lines)
    return rows


def _csv_header(columns: Sequence[CellColumn]) -> str:
    return ",".join(_csv_text(column.name) for column in columns) + "\n"


def _csv_pieces(columns: Sequence[CellColumn]) -> Iterator[list[str]]:
    ends = [","] * (len(columns) - 1) + ["\n"]
    for column, end in zip(columns, ends, strict=True):
        yield [f"{_csv_text(text)}{end}" for text in column.texts] + [end]


def _csv_text(text: str) -> str:
    """Return one field of CSV, quoted where it has to be."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([text])  # what ends a line is quoted
    return line.getvalue()[:-1]


def _json_pieces(columns: Sequence[CellColumn]) -> Iterator[list[str]]:
    begin = "{"
    for column in columns:
        end = "}\n" if column is columns[-1] else ""
        key = f"{begin}{json.dumps(column.name)}: "
        # `true` and `false` of the predicate are JSON's own, as in the answer of `validate`.
        written = str if column.name == "predicate" else _json_text
        values = [*map(written, column.texts), "null"]
        yield [f"{key}{value}{end}" for value in values]
        begin = ", "


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _write_parquet(columns: Sequence[CellColumn], chunks: Iterable[Columns], file: BinaryIO) -> int:
    """Write one row group per chunk."""
    import pyarrow.parquet

    names = [column.name for column in columns]
    with pyarrow.parquet.ParquetWriter(
        file,
        arrow_schema(columns),
        compression="snappy",
        write_statistics=names[:_STATISTICS],
        write_batch_size=_PARQUET_BATCH,
    ) as writer:
        return _write_batches(writer, batches(columns, chunks))


def _write_arrow(columns: Sequence[CellColumn], chunks: Iterable[Columns], file: BinaryIO) -> int:
    """Write Arrow's file format, also known as Feather V2."""
    import pyarrow.ipc

    with pyarrow.ipc.new_file(file, arrow_schema(columns)) as writer:
        return _write_batches(writer, batches(columns, chunks))


def _write_batches(writer: pa.RecordBatchWriter, found: Iterable[pa.RecordBatch]) -> int:
    rows = 0
    for batch in found:
        writer.write_batch(batch)
        rows += batch.num_rows
    return rows


def listing_speech(found: Listing, written: int) -> Iterator[str]:
    """Yield what was understood of what was asked, and which cells were left out."""
    if found.array is not None:
        yield _covered(found.array, found.region)
    else:
        how = "chosen at random" if found.wanted.random is not None else "the first"
        yield f"{written:,} rows" + (f", {how} of {found.rows:,}" if written < found.rows else "")
    if found.undecided:
        yield (
            f"{found.undecided:,} cells are left out: whether `{found.wanted.where}` holds there "
            "depends on what nobody recorded of their CPU"
        )
    missing: dict[tuple[str, ...], list[str]] = {}
    for release, names in found.lacking:
        missing.setdefault(names, []).append(release)
    for names, releases in missing.items():
        yield f"cells of Linux {', '.join(releases)} are left out: no `{'`, `'.join(names)}` there"


def _covered(array: CoveringArray, region: Region) -> str:
    """Return what a covering array holds, and how far it may be from the smallest one."""
    if not array.rows:
        return "0 rows: no cell is chosen"
    what = f"options of any {array.strength} axes" if array.strength > 1 else "options"
    least = "fewer" if len(array.rows) == array.fewest else f"fewer than {array.fewest:,}"
    return (
        f"{len(array.rows):,} of {region.count():,} cells hold all {array.combinations:,} valid "
        f"{'combinations of ' if array.strength > 1 else ''}{what}; {least} cannot"
    )
