"""A table that breaks somewhere in the middle is refused with the line, and nothing of it is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from campaigns.assignments import open_assignments, open_duckdb
from campaigns.experiment import outcomes
from campaigns.ids import read_ids
from campaigns.lists.consent import read_consent
from campaigns.tables import reading
from segmentation.errors import EmptyTableError, UnreadableFileError
from segmentation.settings import Settings

COLUMNS = "customer_id,segment_id,segment_name,confidence,model_version,as_of\n"
ROW = 'secret-{},0,"Big spenders",1,v,2026-01-01 00:00:00Z\n'
# DuckDB looks at the first 20,480 rows to find out what a file is; these are farther down.
BROKEN, ROWS = 30_000, 40_000


def assigned(_: duckdb.DuckDBPyConnection, file: Path) -> None:
    with open_assignments(file, Settings()):
        pass


def consenting(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    read_consent(connection, file, "customer_id", "confidence", [], "agreed")


def listed(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    read_ids(connection, file, "ids")


READERS = [assigned, consenting, listed, outcomes.read_ids]
Reader = Callable[[duckdb.DuckDBPyConnection, Path], object]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("row", "told"),
    [
        (b'"secret,0\n', "has a quotation mark that is not closed"),
        (b"secret,0\n", "has more or fewer columns than the header line"),
        (b'secr\xe9t,0,"Big spenders",1,v,2026-01-01 00:00:00Z\n', "is not UTF-8"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_its_line_alone(
    reader: Reader, row: bytes, told: str, tmp_path: Path
) -> None:
    file = tmp_path / "table.csv"
    rows = [ROW.format(number).encode() for number in range(ROWS)]
    file.write_bytes(COLUMNS.encode() + b"".join([*rows[:BROKEN], row, *rows[BROKEN:]]))
    with open_duckdb(Settings()) as connection, pytest.raises(UnreadableFileError) as error:
        reader(connection, file)
    assert error.value.message == f"table.csv, line {BROKEN + 2} {told}"
    assert "secret" not in error.value.hint


@pytest.mark.parametrize("reader", READERS)
def test_a_parquet_file_with_a_hole_is_no_defect(reader: Reader, tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT concat('secret-', hash(range)) AS customer_id, 0 AS segment_id, 'Big' AS segment_name, "
            "1.0 AS confidence, 'v' AS model_version, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS as_of "
            f"FROM range({ROWS})) TO '{file}' (FORMAT parquet)"
        )
    content = bytearray(file.read_bytes())
    content[1000:2000] = bytes(1000)
    file.write_bytes(content)
    with (
        open_duckdb(Settings()) as connection,
        pytest.raises(UnreadableFileError, match=r"table\.parquet cannot be read as parquet"),
    ):
        reader(connection, file)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file_is_called_empty(reader: Reader, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(content)
    with open_duckdb(Settings()) as connection, pytest.raises(EmptyTableError, match=r"table\.csv is empty"):
        reader(connection, tmp_path / "table.csv")


def test_a_file_that_may_not_be_read_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "table.csv"
    file.write_text(COLUMNS)
    opened = Path.open

    def refuse(path: Path, mode: str = "r", **options: Any) -> Any:
        if path == file:
            raise PermissionError(13, "Permission denied")
        return opened(path, mode, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with open_duckdb(Settings()) as connection, pytest.raises(UnreadableFileError, match="read: Permission denied"):
        read_ids(connection, file, "ids")


def test_a_name_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    """DuckDB cannot be told of it at all."""
    named = tmp_path / "b\udce9d.csv"
    named.write_text(COLUMNS + ROW.format(1))
    with pytest.raises(UnreadableFileError, match=r"b\\udce9d\.csv is not UTF-8"):
        assigned(duckdb.connect(), named)


def test_a_full_disk_of_the_work_database_is_no_fault_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "segments.csv"
    for error in (duckdb.TransactionException("Failed to commit: No space left on device"), duckdb.FatalException("")):
        with pytest.raises(type(error)), reading(file, "write it anew"):
            raise error
