"""The table that `assign` wrote, opened in DuckDB: checked before anything is done with it, never whole in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from campaigns.database import open_database
from campaigns.ids import id_text
from campaigns.tables import OF_USERS, Table, quoted, read_csv, read_parquet, reading, refuse_empty
from segmentation.errors import (
    BadValueError,
    DuplicateRowError,
    EmptyTableError,
    InputError,
    MissingTableError,
    UnreadableFileError,
)
from segmentation.settings import Settings
from segmentation.tables import EARLIEST, LATEST

TYPES = {
    "customer_id": "VARCHAR",
    "segment_id": "INTEGER",
    "segment_name": "VARCHAR",
    "confidence": "DOUBLE",
    "model_version": "VARCHAR",
    "as_of": "TIMESTAMP WITH TIME ZONE",
}
"""Columns of every such table, with their types in DuckDB; whatever else it has are features."""

NULLABLE = frozenset({"confidence"})
"""A customer whom a rule took has no confidence."""


@dataclass(frozen=True, slots=True)
class Assignments:
    """The checked table of one model at one moment.

    Parameters
    ----------
    connection
        Its DuckDB; the view `assignments` has the columns of `TYPES`, then the features as DOUBLE.
    file
        Where it was read from.
    model_version
        Of the model that assigned.
    as_of
        The moment the customers were looked at from, UTC.
    customers
        Rows, one per customer.
    features
        Names of the further columns; empty without `--with-features`.
    """

    connection: duckdb.DuckDBPyConnection
    file: Path
    model_version: str
    as_of: datetime
    customers: int
    features: tuple[str, ...]


@contextmanager
def open_assignments(file: Path, settings: Settings) -> Iterator[Assignments]:
    """Open and check a table of assignments.

    Parameters
    ----------
    file
        .parquet or .csv, as `python -m training assign` writes it.
    settings
        `memory_limit` and `spill_dir`.

    Yields
    ------
    Assignments
        With a DuckDB that is closed, and whose files are gone, afterwards.

    Raises
    ------
    SourceError
        The file is missing or not such a table; a column is missing or of another type; a customer is there twice; it
        mixes models or moments.
    """
    with open_duckdb(settings) as connection:
        yield _checked(connection, file)


@contextmanager
def open_duckdb(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty DuckDB to work in.

    Parameters
    ----------
    settings
        `memory_limit` and `spill_dir`.

    Yields
    ------
    DuckDBPyConnection
        Closed, and its files gone, afterwards; its time zone is UTC.
    """
    with open_database(settings) as (connection, _):
        yield connection


def _checked(connection: duckdb.DuckDBPyConnection, file: Path) -> Assignments:
    given = Table(file, "given", _columns(connection, file))
    for column in TYPES:
        given.require(column)
    features = tuple(column for column in given.types if column not in TYPES)
    typed = {column: f"CAST({quoted(column)} AS {TYPES.get(column, 'DOUBLE')})" for column in (*TYPES, *features)}
    typed["customer_id"] = id_text(given, "customer_id")
    chosen = ", ".join(f"{value} AS {quoted(column)}" for column, value in typed.items())
    # The cast is a table of its own, so that a value that does not fit is met here and nowhere later.
    with reading(file, "write it anew with `training assign`"):
        connection.execute(f"CREATE TABLE assignments AS SELECT {chosen} FROM given")
    connection.execute("DROP VIEW given")
    _refuse_missing(connection, file, features)
    versions, moments, customers, version, moment, strange = _first(
        connection,
        "SELECT count(DISTINCT model_version), count(DISTINCT as_of), count(*), any_value(model_version), "
        "any_value(epoch_us(as_of)), count(*) FILTER (NOT as_of BETWEEN ? AND ?) FROM assignments",
        [EARLIEST, LATEST],
    )
    if not customers:
        raise EmptyTableError(f"{file.name} holds no customer", hint="run `training assign` on data that have some")
    if versions > 1 or moments > 1:
        raise InputError(
            f"{file.name} mixes {versions} models and {moments} moments", hint="give what one `training assign` wrote"
        )
    if strange:
        raise BadValueError(
            f"{file.name}, column as_of: no moment from {EARLIEST.year} to {LATEST.year}", hint="assign them anew"
        )
    (twice,) = _first(
        connection, "SELECT count(*) FROM (SELECT customer_id FROM assignments GROUP BY 1 HAVING count(*) > 1)"
    )
    if twice:
        raise DuplicateRowError(
            f"{file.name} holds {twice} customers more than once", hint="give what one `training assign` wrote"
        )
    as_of = datetime.fromtimestamp(moment // 1_000_000, UTC).replace(microsecond=moment % 1_000_000)
    return Assignments(connection, file, version, as_of, customers, features)


def _columns(connection: duckdb.DuckDBPyConnection, file: Path) -> dict[str, str]:
    """The file's columns and their types; afterwards the view `given` reads it."""
    if not file.is_file():
        raise MissingTableError(f"there is no file {file}", hint="write it with `python -m training assign --out …`")
    readers = {".parquet": read_parquet(file), ".csv": read_csv(file, OF_USERS)}
    if file.suffix.lower() not in readers:
        raise UnreadableFileError(f"{file.name} is neither .parquet nor .csv", hint="give what `training assign` wrote")
    refuse_empty(file)
    with reading(file, "give what `training assign` wrote"):
        connection.execute(f"CREATE VIEW given AS SELECT * FROM {readers[file.suffix.lower()]}")
        return {row[0]: row[1] for row in connection.execute("DESCRIBE given").fetchall()}


def _refuse_missing(connection: duckdb.DuckDBPyConnection, file: Path, features: tuple[str, ...]) -> None:
    needed = [column for column in (*TYPES, *features) if column not in NULLABLE]
    missing = _first(
        connection,
        "SELECT " + ", ".join(f"count(*) FILTER ({quoted(column)} IS NULL)" for column in needed) + " FROM assignments",
    )
    for column, rows in zip(needed, missing, strict=True):
        if rows:
            raise BadValueError(f"{file.name}, column {column}: {rows} rows have no value", hint="assign them anew")


def _first(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
    row = connection.execute(sql, list(parameters)).fetchone()
    return () if row is None else row
