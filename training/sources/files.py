"""CSV files to typed tables; whatever cannot be read is told with file, line, column and value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from glob import escape
from pathlib import Path

import duckdb
from ibis.backends.duckdb import Backend

from segmentation.errors import (
    EmptyTableError,
    MissingColumnError,
    MissingTableError,
    SourceError,
    UnreadableFileError,
)
from segmentation.file_names import refuse_name
from segmentation.tables import SQL_TYPES, Column, Kind
from training.database import first_row
from training.sources.checks import (
    literal,
    locate,
    quoted,
    refuse_damaged,
    refuse_duplicates,
    refuse_invalid,
    refuse_rejected,
)
from training.sources.headers import csv_header
from training.sources.loaded import Action, Cleaned, TableRead

_READ_AS: dict[Kind, str] = SQL_TYPES | {
    # With their zone, which plain TIMESTAMP would drop; and with their fraction, which INTEGER would round away.
    "time": "TIMESTAMPTZ",
    "integer": "DECIMAL(18, 6)",
}

ENDINGS = (".csv", ".csv.gz")


@dataclass(frozen=True, slots=True)
class FileTable:
    """A file that a source reads.

    Parameters
    ----------
    name
        File name without its ending; also the name of the table made of it.
    columns
        Columns needed, by their name in the file.
    key
        Columns that no two rows may share; empty: none.
    """

    name: str
    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()


def find(folder: Path, names: Sequence[str], others: Sequence[str] = ()) -> dict[str, Path]:
    """The files of a folder by table name.

    Parameters
    ----------
    folder
        A directory.
    names
        The tables needed, without ending.
    others
        Tables that may be there and are not needed; none of them is taken for a misnamed one.

    Returns
    -------
    dict of str to Path
        Every CSV file of the folder by its name without ending.

    Raises
    ------
    MissingTableError
        The folder, or one of the tables, is not there.
    EmptyTableError
        The folder has no CSV file in it.
    SourceError
        The folder cannot be read, or a table is there twice.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.lower().endswith(ENDINGS))
    except FileNotFoundError as error:
        raise MissingTableError(
            f"{folder} does not exist", hint="--data takes the folder that holds the tables"
        ) from error
    except NotADirectoryError as error:
        raise MissingTableError(f"{folder} is a file", hint="--data takes the folder that holds the tables") from error
    except OSError as error:
        raise SourceError(
            f"{folder} cannot be read: {error.strerror}", hint="check its name and permissions"
        ) from error
    for path in paths:
        refuse_name(path)
    if not paths:
        raise EmptyTableError(f"{folder} holds no CSV file", hint=f"it needs {', '.join(names)} as .csv or .csv.gz")
    found: dict[str, Path] = {}
    for path in paths:
        if _stem(path) in found:
            raise SourceError(
                f"{folder} has both {found[_stem(path)].name} and {path.name}", hint="keep one of the two"
            )
        found[_stem(path)] = path
    for name in names:
        if name not in found:
            strange = [other for other in found if other not in (*names, *others)]
            near = get_close_matches(name, strange, n=1, cutoff=0.8)
            raise MissingTableError(
                f"{folder} has no {name}.csv",
                hint=f"is it {found[near[0]].name!r}? rename it" if near else f"it has {', '.join(found)}",
            )
    return found


def read(database: Backend, path: Path, table: FileTable, duplicates: Action = "drop") -> tuple[TableRead, Cleaned]:
    """Read one file into a typed table of the database, and check it.

    Parameters
    ----------
    database
        Where the table is made.
    path
        The file.
    table
        What is expected in it.
    duplicates
        Whether rows that are the same in every column used are dropped but for the first, or refused.

    Returns
    -------
    TableRead, Cleaned
        What was read, and the exact duplicates in it.

    Raises
    ------
    SourceError
        Whatever is wrong with the file, and where.
    """
    refuse_damaged(path)
    header = csv_header(path)
    for name in table.columns:
        if name not in header:
            error = MissingColumnError(path.name, name, header)
            if len(header) == 1:
                error.hint = "the file has one column: is its separator another than the comma?"
            raise error
    types = {name: _READ_AS.get(table.columns[name].kind, "VARCHAR") if name in table.columns else "VARCHAR"
             for name in header}  # fmt: skip
    wanted = ", ".join(_canonical(name, column) for name, column in table.columns.items())
    declared = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
    options = (
        f"columns = {{{declared}}}, auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
        "store_rejects = true, rejects_limit = 1000"
    )
    sql = f"CREATE TABLE {quoted(table.name)} AS SELECT {wanted} FROM read_csv({literal(escape(str(path)))}, {options})"
    try:
        database.raw_sql(sql)
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        raise UnreadableFileError(
            f"{path.name} cannot be read: {str(error).splitlines()[0]}",
            hint="it must be CSV in UTF-8 with commas and one kind of line ends",
        ) from error
    refuse_rejected(database, path, header, {name: types[name] for name in header if name in table.columns})
    rows = first_row(database, f"SELECT count(*) FROM {quoted(table.name)}")[0]
    if rows == 0:
        raise EmptyTableError(f"{path.name} has a header and no rows", hint="export it again")
    for name, column in table.columns.items():
        refuse_invalid(database, path, header, table.name, name, column)
    cleaned = Cleaned("exact_duplicate", 0, dropped=True)
    if table.key and duplicates == "drop":
        cleaned = _drop_duplicates(database, path, table)
    if table.key:
        refuse_duplicates(database, path, table.name, table.key)
    not_used = tuple(name for name in header if name not in table.columns)
    return TableRead(path.name, rows, tuple(table.columns), not_used), cleaned


def _drop_duplicates(database: Backend, path: Path, table: FileTable) -> Cleaned:
    columns = ", ".join(quoted(name) for name in table.columns)
    later = (
        f"SELECT rowid FROM {quoted(table.name)} QUALIFY row_number() OVER (PARTITION BY {columns} ORDER BY rowid) > 1"
    )
    rows, first = first_row(database, f"SELECT count(*), min(rowid) FROM ({later})")
    if not rows:
        return Cleaned("exact_duplicate", 0, dropped=True)
    database.raw_sql(f"DELETE FROM {quoted(table.name)} WHERE rowid IN ({later})")
    return Cleaned("exact_duplicate", rows, dropped=True, example=f"{path.name}, line {locate(path, first + 2)[0]}")


def _stem(path: Path) -> str:
    return path.name.lower().removesuffix(".gz").removesuffix(".csv")


def _canonical(name: str, column: Column) -> str:
    """The column as it is kept: moments in UTC, without their zone."""
    moment = f"{quoted(name)} AT TIME ZONE 'UTC' AS {quoted(name)}"
    return moment if column.kind == "time" else quoted(name)
