"""Files of customer ids: who wants to be forgotten, who must not be written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from campaigns.tables import AS_WHAT, OURS, Table, open_table, quoted, read_csv, reading
from segmentation.errors import BadValueError, EmptyTableError

if TYPE_CHECKING:
    from pathlib import Path

    from segmentation.pseudonyms import Pseudonyms

ID = "customer_id"

_WHOLE = {"VARCHAR", "UUID"} | {
    sign + size for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
}


def read_ids(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    name: str,
    hidden: Pseudonyms | None = None,
    column: str = ID,
    *,
    also_as_written: bool = False,
) -> int:
    """Read ids into a table of one column, `customer_id`, each once.

    Parameters
    ----------
    connection
        Where the table is made.
    file
        .csv or .parquet with a column of ids, or .txt with one per line; spaces around them do not count.
    name
        Of the table.
    hidden
        What stands for the ids; None: the ids.
    column
        Of the ids; a .txt has no names.
    also_as_written
        Whether ids with spaces around them are in the table with them as well: ids in Parquet may have them everywhere.

    Returns
    -------
    int
        How many, without such doubles.

    Raises
    ------
    SourceError
        It cannot be read, or holds no id.
    """
    bare = file.suffix.lower() == ".txt"
    table = open_table(connection, file, f"{name}_given", one_per_line=ID if bare else None)
    source = ID if bare else table.require(column)
    trimmed = f"trim({id_text(table, source)}, ' ' || chr(9) || chr(13) || chr(65279))"
    forms = f"unnest([{trimmed}, {id_text(table, source)}])" if also_as_written else trimmed
    with reading(file, AS_WHAT):
        row = connection.execute(
            f"SELECT count(DISTINCT {trimmed}) FROM {quoted(table.view)} WHERE {trimmed} <> ''"
        ).fetchone()
        connection.execute(
            f"CREATE TABLE {quoted(name)} AS SELECT DISTINCT {forms} AS customer_id FROM {quoted(table.view)} "
            f"WHERE {trimmed} <> ''"
        )
    number = int(row[0]) if row else 0
    connection.execute(f"DROP VIEW {quoted(table.view)}")
    if hidden is not None:
        connection.execute(
            f"CREATE OR REPLACE TABLE {quoted(name)} AS SELECT {hidden.sql('customer_id')} AS customer_id "
            f"FROM {quoted(name)}",
            hidden.parameters,
        )
    if not number:
        raise EmptyTableError(f"{file.name} holds no id", hint="give a file with at least one")
    return number


def write_ids(connection: duckdb.DuckDBPyConnection, name: str, file: Path) -> None:
    """Write a table of ids as CSV without a header, each in quotes.

    Parameters
    ----------
    connection, name
        Where the table is.
    file
        Where to.
    """
    target = "'" + str(file).replace("'", "''") + "'"
    connection.execute(
        f"COPY (SELECT customer_id FROM {quoted(name)} ORDER BY 1) TO {target} "
        "(FORMAT csv, HEADER false, FORCE_QUOTE (customer_id))"
    )


def written_ids(file: Path) -> str:
    """What DuckDB reads again what `write_ids` wrote from.

    Parameters
    ----------
    file
        Where it is.

    Returns
    -------
    str
        SQL, to stand behind FROM; one column, `customer_id`.
    """
    return read_csv(file, f"header = false, columns = {{'customer_id': 'VARCHAR'}}, {OURS}")


def id_text(table: Table, column: str) -> str:
    """Ids as text, as an SQL expression.

    Parameters
    ----------
    table
        Where the column is.
    column
        Its name.

    Returns
    -------
    str
        Of type VARCHAR.

    Raises
    ------
    BadValueError
        They are numbers with a fraction, or no ids at all.
    """
    kind = table.types[column]
    whole = kind in _WHOLE or (kind.startswith("DECIMAL") and kind.endswith(",0)"))
    if not whole:
        # 17.0 is not the id 17: whoever wrote the file has lost what the ids were.
        raise BadValueError(
            f"{table.file.name}, column {column}: ids are of type {kind}", hint="write them as text or whole numbers"
        )
    return f"CAST({quoted(column)} AS VARCHAR)"
