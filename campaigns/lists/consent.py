"""Who agreed to be written to: a column of the user's own customer table, read strictly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaigns.ids import id_text
from campaigns.tables import AS_WHAT, Table, open_table, quoted, reading
from segmentation.errors import BadValueError, DuplicateRowError, EmptyTableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

YES = ("true", "t", "yes", "y", "1")
NO = ("false", "f", "no", "n", "0", "")
"""As text, in capitals or not, with spaces around or not; an empty cell, like a missing row, is no consent."""


def read_consent(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    identity: str,
    column: str,
    carried: Sequence[str] = (),
    name: str = "consent",
) -> int:
    """Read consent into a table `customer_id`, `agreed`, and what is carried along as `carried_0` and so on.

    Parameters
    ----------
    connection
        Where the table is made.
    file
        .csv or .parquet, one row per customer.
    identity, column
        Names of the columns of ids and of consent.
    carried
        Names of further columns, of which nothing is asked but that a cell holds one value.
    name
        Of the table.

    Returns
    -------
    int
        Customers in it.

    Raises
    ------
    SourceError
        The file cannot be read, lacks a column or holds nobody; a customer is in it twice; a cell says neither.
    """
    table = open_table(connection, file, f"{name}_given")
    ids = f"trim({id_text(table, table.require(identity))})"
    said = f"lower(trim(CAST({quoted(table.require(column))} AS VARCHAR)))"
    further = "".join(f", {_single(table, source)} AS carried_{place}" for place, source in enumerate(carried))
    yes, no = (", ".join(f"'{word}'" for word in words) for words in (YES, NO))
    # What is neither becomes NULL, and is counted.
    with reading(file, AS_WHAT):
        connection.execute(
            f"CREATE TABLE {quoted(name)} AS SELECT {ids} AS customer_id, CASE WHEN {said} IN ({yes}) THEN true "
            f"WHEN coalesce({said}, '') IN ({no}) THEN false END AS agreed{further} "
            f"FROM {quoted(table.view)}"
        )
    row = connection.execute(
        "SELECT count(*), count(*) FILTER (agreed IS NULL), count(*) FILTER (coalesce(customer_id, '') = ''), "
        f"count(*) - count(DISTINCT customer_id) FROM {quoted(name)}"
    ).fetchone()
    customers, unclear, nameless, twice = row or (0, 0, 0, 0)
    if not customers:
        raise EmptyTableError(f"{file.name} holds no customer", hint="give the table of those who could agree")
    if nameless:
        raise BadValueError(f"{file.name}, column {identity}: {nameless:,} rows have no id", hint="mend or remove them")
    if unclear:
        raise BadValueError(
            f"{file.name}, column {column}: {unclear:,} cells say neither yes nor no",
            hint=f"write {', '.join(YES)} or {', '.join(NO[:-1])}, or leave a cell empty: that is no",
        )
    if twice:
        raise DuplicateRowError(
            f"{file.name} holds customers more than once: {twice:,} rows too many",
            hint="give one row per customer, so that it is clear what the customer said last",
        )
    return int(customers)


def _single(table: Table, column: str) -> str:
    kind = table.types[table.require(column)]
    if kind == "BLOB" or kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        raise BadValueError(
            f"{table.file.name}, column {column}: a cell of type {kind.partition('(')[0]} does not fit into a list",
            hint="make a column of text, a number or a date of it",
        )
    # An enumeration is text with few values, and as dangerous in a cell.
    return f"CAST({quoted(column)} AS VARCHAR)" if kind == "JSON" or kind.startswith("ENUM") else quoted(column)
