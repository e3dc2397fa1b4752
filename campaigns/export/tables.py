"""Whether the tables of a warehouse are those of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaigns.errors import WarehouseTablesError
from campaigns.export.contract import TABLES
from segmentation.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable


def missing(columns: Iterable[tuple[str, str]], schema: str) -> bool:
    """Whether the tables are to be made first.

    Parameters
    ----------
    columns
        Table and column of everything in the schema, from `sql/columns.sql`.
    schema
        Its name, for errors.

    Returns
    -------
    bool
        None of them is there.

    Raises
    ------
    WarehouseTablesError
        Some of the tables are there, or one has other columns.
    """
    found: dict[str, list[str]] = {}
    for table, column in columns:
        found.setdefault(table, []).append(column)
    there = [table for table in TABLES if table in found]
    if there and len(there) < len(TABLES):
        absent = next(table for table in TABLES if table not in found)
        raise WarehouseTablesError(
            f"{schema} has a table {there[0]}, but none named {absent}",
            hint="export to another --schema, or restore the table; docs/warehouse.md has all four",
        )
    for table in there:
        for column in TABLES[table]:
            if column not in found[table]:
                raise WarehouseTablesError(
                    f"{schema}.{table} has no column {column!r}: {nearest(column, found[table])}",
                    hint="export to another --schema, or give the table the columns of docs/warehouse.md",
                )
    return not there


def nothing_there(shown: str) -> WarehouseTablesError:
    """What is said when somebody shall be forgotten where nothing was exported to.

    Parameters
    ----------
    shown
        Where.

    Returns
    -------
    WarehouseTablesError
        To raise.
    """
    return WarehouseTablesError(f"{shown} holds no export", hint="check --to and --schema: nobody was forgotten")
