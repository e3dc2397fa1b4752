"""The table that `assign` wrote is opened whole, or refused with what is wrong and what to do."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from campaigns.assignments import TYPES, open_assignments
from segmentation.errors import (
    BadValueError,
    DuplicateRowError,
    EmptyTableError,
    InputError,
    MissingColumnError,
    MissingTableError,
    UnreadableFileError,
)
from segmentation.settings import Settings


def rewritten(file: Path, select: str, out: Path) -> Path:
    """The table after a query over it, which is named `t`."""
    kind = "(FORMAT parquet)" if out.suffix == ".parquet" else "(FORMAT csv, HEADER)"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (WITH t AS (FROM read_parquet('{file}')) {select}) TO '{out}' {kind}")
    return out


def test_it_tells_who_was_assigned_by_what_and_when(sample_assignments: Path) -> None:
    with open_assignments(sample_assignments, Settings()) as table:
        assert table.customers == 3000
        assert table.model_version.startswith("20260101T000000Z-")
        assert table.as_of.tzinfo is not None
        assert {"frequency", "monetary"} <= set(table.features)
        columns = [row[0] for row in table.connection.execute("DESCRIBE assignments").fetchall()]
        assert columns == [*TYPES, *table.features]


def test_csv_and_parquet_are_the_same_table(sample_assignments: Path, tmp_path: Path) -> None:
    as_csv = rewritten(sample_assignments, "FROM t", tmp_path / "segments.csv")
    rows = []
    for file in (sample_assignments, as_csv):
        with open_assignments(file, Settings()) as table:
            query = "SELECT * EXCLUDE as_of FROM assignments ORDER BY customer_id"
            rows.append((table.as_of, table.connection.execute(query).fetchall()))
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("select", "error", "said"),
    [
        ("SELECT * EXCLUDE segment_id FROM t", MissingColumnError, "segment_id"),
        ("FROM t LIMIT 0", EmptyTableError, "no customer"),
        ("FROM t UNION ALL (FROM t LIMIT 3)", DuplicateRowError, "3 customers"),
        ("SELECT * REPLACE (customer_id || model_version AS model_version) FROM t", InputError, "mixes 3000 models"),
        ("SELECT * REPLACE ('first' AS segment_id) FROM t", BadValueError, "not of its column's type"),
        ("SELECT * REPLACE (17.0::DOUBLE AS customer_id) FROM t", BadValueError, "ids are of type DOUBLE"),
        ("SELECT * REPLACE ('infinity'::TIMESTAMPTZ AS as_of) FROM t", BadValueError, "column as_of: no moment"),
        (
            "SELECT * REPLACE ('29999-01-01'::TIMESTAMPTZ AS as_of) FROM t",
            BadValueError,
            "column as_of: no moment",
        ),
        (
            "SELECT * REPLACE (CASE WHEN segment_id <> 0 THEN frequency END AS frequency) FROM t",
            BadValueError,
            "column frequency",
        ),
    ],
)
def test_another_table_is_refused(
    sample_assignments: Path, tmp_path: Path, select: str, error: type[InputError], said: str
) -> None:
    file = rewritten(sample_assignments, select, tmp_path / "other.parquet")
    with pytest.raises(error, match=said) as refused, open_assignments(file, Settings()):
        pytest.fail("it was opened")
    assert refused.value.hint


@pytest.mark.parametrize(
    ("name", "make", "error"),
    [
        ("absent.parquet", lambda file: None, MissingTableError),
        ("notes.txt", lambda file: file.write_text("hello"), UnreadableFileError),
        ("broken.parquet", lambda file: file.write_bytes(b"PAR1 and nothing"), UnreadableFileError),
        ("latin.csv", lambda file: file.write_bytes(_late(b"caf\xe9,1,a,0.5,v,2026-01-01\n")), UnreadableFileError),
    ],
)
def test_what_is_no_table_is_refused(
    tmp_path: Path, name: str, make: Callable[[Path], object], error: type[InputError]
) -> None:
    make(tmp_path / name)
    with pytest.raises(error, match=name), open_assignments(tmp_path / name, Settings()):
        pytest.fail("it was opened")


def test_a_damaged_table_is_refused_wherever_the_damage_is(sample_assignments: Path, tmp_path: Path) -> None:
    """DuckDB has many words for it, some of which quote rows."""
    whole, seen = sample_assignments.read_bytes(), 0
    for place in range(100, len(whole) - 100, len(whole) // 40):
        file = tmp_path / "damaged.parquet"
        file.write_bytes(whole[:place] + bytes(255 - byte for byte in whole[place : place + 50]) + whole[place + 50 :])
        try:
            with open_assignments(file, Settings()):
                pass
        except InputError:
            seen += 1
    assert seen > 5


def test_the_file_is_read_and_nothing_of_the_folders_it_lies_in(sample_assignments: Path, tmp_path: Path) -> None:
    """DuckDB takes folders named column=value for columns, and some signs in a name for other names."""
    folder = tmp_path / "as_of=2020-01-01" / "brand=mine"
    folder.mkdir(parents=True)
    with open_assignments(sample_assignments, Settings()) as table:
        expected = (table.as_of, table.features, table.customers)
    rewritten(sample_assignments, "FROM t LIMIT 5", folder / "segments-1.parquet")
    for name in ("segments-*.parquet", "segments-[1].parquet", "segments-?.csv"):
        file = rewritten(sample_assignments, "FROM t", folder / name)
        with open_assignments(file, Settings()) as table:
            assert (table.as_of, table.features, table.customers) == expected


def test_ids_that_look_like_comments_or_quotes_are_customers_too(tmp_path: Path) -> None:
    """DuckDB would leave out the first two, and the quotes of the third."""
    rows = [f"{identity},0,a,0.5,v,2026-01-01" for identity in ("77", "#123", "#456", "'x'")]
    file = tmp_path / "segments.csv"
    file.write_text("\n".join([",".join(TYPES), *rows, ""]), encoding="utf-8")
    with open_assignments(file, Settings()) as table:
        found = table.connection.execute("SELECT customer_id FROM assignments ORDER BY 1").fetchall()
    assert [row[0] for row in found] == ["#123", "#456", "'x'", "77"]


def _late(line: bytes) -> bytes:
    """A CSV whose last line is far behind what is looked at first."""
    rows = [f"c{number},1,a,0.5,v,2026-01-01\n".encode() for number in range(50_000)]
    return b"".join([",".join(TYPES).encode() + b"\n", *rows, line])
