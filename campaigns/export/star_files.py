"""The tables of the star as files of one generation: read into DuckDB's schema `star`, and written out of it.

exports             a row per export
segment             a row per model and segment
customer_segment    who was where from when to when
segment_movement    how many went from where to where since the export before
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from campaigns import tables
from campaigns.errors import WarehouseAccessError, WarehouseTablesError
from campaigns.export import statements
from campaigns.export.contract import TABLES
from campaigns.export.star import literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from campaigns.export.generations import Format, Generation

_DAMAGED = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.SerializationException)

_ORDER = {
    "exports": "number",
    "segment": "model_version, id",
    "customer_segment": "customer, opened_by",
    "segment_movement": 'as_of, previous_as_of, model_version, "from" NULLS FIRST, "to" NULLS LAST, cause',
}


def read(connection: duckdb.DuckDBPyConnection, generation: Generation | None, shown: str) -> None:
    """Make the schema `star`; the table of customers is only looked at.

    Parameters
    ----------
    connection
        Where it is made, in place of one that is there.
    generation
        Whose tables; None: empty ones.
    shown
        Where it is, for errors.

    Raises
    ------
    WarehouseTablesError
        Its files are missing, or not those of the contract.
    """
    connection.execute("DROP SCHEMA IF EXISTS star CASCADE")
    connection.execute("CREATE SCHEMA star")
    for table, statement in zip(TABLES, statements.read("tables", "star"), strict=True):
        if generation is None or table != "customer_segment":
            connection.execute(statement)
        if generation is None:
            continue
        if not _file(generation.folder, table, generation.kind).is_file():
            raise WarehouseTablesError(
                f"{shown}: {table}.{generation.kind} is missing, so this is no export",
                hint="export to a place of its own",
            )
        making = "CREATE VIEW star.{} AS" if table == "customer_segment" else "INSERT INTO star.{}"
        try:
            connection.execute(f"{making.format(table)} {_select(generation, table)}")
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise WarehouseTablesError(
                f"{shown}: {table}.{generation.kind} is not as an export wrote it",
                hint="export to a place of its own, or restore the file; docs/warehouse.md has its columns",
            ) from error


def write(
    connection: duckdb.DuckDBPyConnection, selects: Mapping[str, str], folder: Path, kind: Format, shown: str
) -> None:
    """Write tables, sorted.

    Parameters
    ----------
    connection
        Where the rows are.
    selects
        Queries by table.
    folder
        Empty.
    kind
        Of the files.
    shown
        Where, for errors.

    Raises
    ------
    WarehouseAccessError
        They cannot be written.
    """
    form = "FORMAT parquet, COMPRESSION zstd" if kind == "parquet" else "FORMAT csv, HEADER"
    for table, select in selects.items():
        file = literal(str(_file(folder, table, kind)))
        try:
            connection.execute(f"COPY ({select} ORDER BY {_ORDER[table]}) TO {file} ({form})")
        except duckdb.IOException as error:
            raise WarehouseAccessError(
                f"{shown}: {table}.{kind} cannot be written: {_reason(error)}",
                hint="there must be room in the folder, and in SEGMENTATION_SPILL_DIR",
            ) from error


@contextmanager
def as_written(shown: str) -> Iterator[None]:
    """Put into words that the table of customers, which is read when it is needed, is damaged: DuckDB quotes its rows.

    Parameters
    ----------
    shown
        Where, for errors.

    Raises
    ------
    WarehouseTablesError
        It is not as an export wrote it.
    """
    try:
        yield
    except duckdb.Error as error:
        # Of the classes below duckdb.Error, these are of what is read; damage to a Parquet file may be of no class.
        if type(error) is duckdb.Error or isinstance(error, _DAMAGED):
            raise WarehouseTablesError(
                f"{shown}: customer_segment is not as an export wrote it",
                hint="export to a place of its own, or restore the file; docs/warehouse.md has its columns",
            ) from error
        raise


def source(generation: Generation, table: str) -> str:
    """What DuckDB reads a table from.

    Parameters
    ----------
    generation
        Whose.
    table
        One of the contract.

    Returns
    -------
    str
        SQL, to stand behind FROM.
    """
    file = _file(generation.folder, table, generation.kind)
    if generation.kind == "parquet":
        return tables.read_parquet(file)
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in TABLES[table].items())
    return tables.read_csv(file, f"header = true, columns = {{{columns}}}, {tables.OURS}")


def _select(generation: Generation, table: str) -> str:
    columns = ", ".join(f'"{name}"' for name in TABLES[table])
    return f"SELECT {columns} FROM {source(generation, table)}"


def _reason(error: duckdb.Error) -> str:
    told = str(error).splitlines()[0]
    # Beside the sentence there are the same things as JSON.
    number = re.search(r'"errno":"(\d+)"', told)
    return os.strerror(int(number[1])) if number else told


def _file(folder: Path, table: str, kind: Format) -> Path:
    return folder / f"{table}.{kind}"
