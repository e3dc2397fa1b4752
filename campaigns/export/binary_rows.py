"""Rows in PostgreSQL's binary COPY format, a batch of columns at a time: no row passes through Python by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ROWS_AT_ONCE = 65_536

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

_NUMBERS = {"int32": ">i4", "int64": ">i8", "double": ">f8", "bool": "u1"}

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


def blocks(connection: duckdb.DuckDBPyConnection, select: str) -> Iterator[bytes]:
    """What a query gives, as COPY … FROM STDIN (FORMAT binary) takes it.

    Parameters
    ----------
    connection
        Where the query runs.
    select
        Whose columns are text, int32, int64, float64 or bool.

    Yields
    ------
    bytes
        Some megabytes at most.

    References
    ----------
    PostgreSQL 15 documentation, "COPY", section "Binary Format".
    """
    yield HEADER
    # A cursor of its own: what was asked before on the connection may not be read to its end.
    with connection.cursor() as reading:
        for batch in reading.sql(select).to_arrow_reader(ROWS_AT_ONCE):
            if batch.num_rows:
                yield _encoded(batch)
    yield TRAILER


def _encoded(batch: pa.RecordBatch) -> bytes:
    columns = [_Column(column) for column in batch.columns]
    sizes = 2 + np.sum([4 + column.lengths for column in columns], axis=0, dtype=np.int64)
    ends = np.cumsum(sizes)
    at: Places = ends - sizes
    out: Bytes = np.empty(int(ends[-1]), dtype=np.uint8)
    _put(out, at, np.full(len(at), len(columns), dtype=">i2"))
    at = at + 2
    for column in columns:
        _put(out, at, np.where(column.valid, column.lengths, -1).astype(">i4"))
        column.put(out, at + 4)
        at = at + 4 + column.lengths
    return out.tobytes()


class _Column:
    """A column of a batch: how long each value is, and the bytes of those that are not NULL."""

    def __init__(self, values: pa.Array[Any]) -> None:
        import pyarrow as pa

        self.valid: npt.NDArray[np.bool_] = values.is_valid().to_numpy(zero_copy_only=False)
        kind = _NUMBERS.get(str(values.type))
        self._number: npt.NDArray[Any] | None = None
        if kind is not None:
            self._number = values.fill_null(pa.scalar(0).cast(values.type)).to_numpy(zero_copy_only=False).astype(kind)
            self.lengths = np.where(self.valid, np.dtype(kind).itemsize, 0).astype(np.int64)
            return
        text = values.cast(pa.large_binary()).fill_null(b"")
        _, offsets, content = text.buffers()
        self._offsets = np.frombuffer(offsets, dtype=np.int64)[text.offset : text.offset + len(text) + 1]
        self._content = np.frombuffer(content or b"", dtype=np.uint8)
        self.lengths = np.diff(self._offsets)

    def put(self, out: Bytes, at: Places) -> None:
        if self._number is not None:
            _put(out, at[self.valid], self._number[self.valid])
            return
        first, last = int(self._offsets[0]), int(self._offsets[-1])
        out[np.repeat(at - self._offsets[:-1], self.lengths) + np.arange(first, last)] = self._content[first:last]


def _put(out: Bytes, at: Places, numbers: npt.NDArray[Any]) -> None:
    width = numbers.dtype.itemsize
    # Not contiguous after a mask, and a view of bytes needs it to be.
    content = np.ascontiguousarray(numbers).view(np.uint8).reshape(len(numbers), width)
    out[at[:, None] + np.arange(width)] = content
