"""The cells of a study as pandas frames and Arrow batches, a bounded number of rows at a time.

Takes `CellRows`, gives the same rows under the names of their columns. The only module of this room
that imports pandas or pyarrow, and only where it is called.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from matrix.analyze.space.cell_rows import CellColumn, CellRows
from matrix.analyze.space.result import Table
from matrix.solve.listing import Columns, Numbers

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# Rows of a frame or a batch: about 25 bytes each, and enough for its making not to be noticed.
CHUNK_ROWS = 1 << 20


def frames(
    rows: CellRows, *, limit: int | None = None, size: int = CHUNK_ROWS
) -> Iterator[pd.DataFrame]:
    """Yield all rows, or the first `limit`, as frames of at most `size` rows.

    Every column is categorical: int8 or int16 codes, and the options of the axis, in declared
    order, as categories, the same in every frame; no value is pandas' missing one.
    """
    return map(Framing(rows.columns).frame, rows.chunks(size, limit))


class Framing:
    """Makes frames of the columns of some `CellRows`; all have equal categories."""

    def __init__(self, columns: Sequence[CellColumn]) -> None:
        import pandas as pd

        self._types = {column.name: pd.CategoricalDtype(list(column.texts)) for column in columns}

    def frame(self, columns: Columns) -> pd.DataFrame:
        """Return one chunk as a frame; the numbers are not copied."""
        import pandas as pd

        return pd.DataFrame(
            {
                name: pd.Categorical.from_codes(codes, dtype=kind, validate=False)
                for (name, kind), codes in zip(self._types.items(), columns, strict=True)
            },
            copy=False,
        )


def batches(columns: Sequence[CellColumn], chunks: Iterable[Columns]) -> Iterator[pa.RecordBatch]:
    """Yield chunks as Arrow batches of dictionary columns; no value is a null."""
    import pyarrow as pa

    schema = arrow_schema(columns)
    dictionaries = [arrow_texts(column.texts) for column in columns]
    for chunk in chunks:
        arrays = [
            pa.DictionaryArray.from_arrays(arrow_numbers(numbers), texts)
            for numbers, texts in zip(chunk, dictionaries, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def arrow_numbers(numbers: Numbers) -> pa.Array:
    """Return numbers as an Arrow array, negative ones as nulls.

    From their bytes: `pyarrow.array` would import pandas, half of the time to the first row.
    """
    import pyarrow as pa

    valid = numbers >= 0
    known = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    data = pa.py_buffer(np.ascontiguousarray(numbers))
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), [known, data])


def arrow_texts(texts: Sequence[str]) -> pa.Array:
    """Return texts as an Arrow array, from their bytes as well."""
    import pyarrow as pa

    encoded = [text.encode() for text in texts]
    ends = np.array([0, *itertools.accumulate(map(len, encoded))], np.int32)
    return pa.StringArray.from_buffers(
        len(texts), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))
    )


def arrow_schema(columns: Sequence[CellColumn]) -> pa.Schema:
    """Return the Arrow schema of columns: dictionaries with the smallest indices that do.

    Only optional columns may have nulls, which Parquet writes in half of the time.
    """
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(
                column.name,
                pa.dictionary(pa.from_numpy_dtype(column.kind), pa.string()),
                nullable=column.optional,
            )
            for column in columns
        ]
    )


def table_frame(table: Table) -> pd.DataFrame:
    """Return the verdicts of a table: a row for each label, columns of as many levels.

    A cell that does not exist is None.
    """
    import pandas as pd

    rows = [
        (label, [None if cell is None else str(cell.verdict) for cell in row])
        for labels, row in zip(table.row_groups, table.cells, strict=True)
        for label in labels
    ]
    return pd.DataFrame(
        [verdicts for _, verdicts in rows],
        index=pd.Index([label for label, _ in rows], name=table.row_title),
        columns=pd.MultiIndex.from_tuples(table.columns, names=table.column_levels),
    )
