"""The DuckDB that the job works in: on a temporary file, with a memory limit, so that data may outgrow memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import ibis
from ibis.backends.duckdb import Backend

from segmentation.settings import Settings
from segmentation.workspace import open_workspace, unopened


@contextmanager
def open_database(settings: Settings) -> Iterator[Backend]:
    """Open an empty database that is gone afterwards.

    Parameters
    ----------
    settings
        `memory_limit` and `spill_dir`.

    Yields
    ------
    Backend
        Ibis' DuckDB backend; `raw_sql` takes SQL.

    Raises
    ------
    ConfigurationError
        The limit is not a size, or the folder cannot be written to.
    """
    with open_workspace(settings) as space:
        try:
            database = ibis.duckdb.connect(
                space.file,
                memory_limit=space.memory_limit,
                temp_directory=str(space.spill),
                autoinstall_known_extensions=False,
            )
        except duckdb.Error as error:
            raise unopened(error) from error
        database.raw_sql("SET TimeZone = 'UTC'")
        try:
            yield database
        finally:
            database.disconnect()


def first_row(database: Backend, sql: str) -> tuple[Any, ...]:
    """The first row of a query's answer.

    Parameters
    ----------
    database
        Where to run it.
    sql
        A SELECT of few rows.

    Returns
    -------
    tuple
        Empty where the answer has no row.
    """
    # All rows are fetched: an unfinished result would block the connection.
    rows: list[tuple[Any, ...]] = database.raw_sql(sql).fetchall()
    return rows[0] if rows else ()
