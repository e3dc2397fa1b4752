"""CSV files to typed tables; whatever cannot be read is told with file, line, column and value."""

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import IO

import duckdb
from ibis.backends.duckdb import Backend

from segmentation.errors import (
    BadValueError,
    DuplicateRowError,
    EmptyTableError,
    MissingColumnError,
    MissingTableError,
    SourceError,
    UnreadableFileError,
)
from segmentation.tables import Column
from training.database import first_row
from training.sources.orders import TableRead

ENDINGS = (".csv", ".csv.gz")

# csv refuses cells over 128 KiB by default; a review comment may be longer.
csv.field_size_limit(16 * 1024 * 1024)

_REJECTIONS = {
    "MISSING COLUMNS": "has too few columns",
    "TOO MANY COLUMNS": "has too many columns",
    "UNQUOTED VALUE": "has a quotation mark that is not closed",
    "LINE SIZE OVER MAXIMUM": "is too long",
    "INVALID STATE": "is not well-formed CSV",
}


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


def find(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """The files of a folder by table name.

    Parameters
    ----------
    folder
        A directory.
    names
        The tables needed, without ending.

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
    """
    if not folder.exists():
        raise MissingTableError(f"{folder} does not exist", hint="--data takes the folder that holds the tables")
    if not folder.is_dir():
        raise MissingTableError(f"{folder} is a file", hint="--data takes the folder that holds the tables")
    found = {_stem(path): path for path in sorted(folder.iterdir()) if path.name.lower().endswith(ENDINGS)}
    if not found:
        raise EmptyTableError(f"{folder} holds no CSV file", hint=f"it needs {', '.join(names)} as .csv or .csv.gz")
    for name in names:
        if name not in found:
            near = get_close_matches(name, [other for other in found if other not in names], n=1)
            raise MissingTableError(
                f"{folder} has no {name}.csv",
                hint=f"is it {found[near[0]].name!r}? rename it" if near else f"it has {', '.join(found)}",
            )
    return found


def read(database: Backend, path: Path, table: FileTable) -> TableRead:
    """Read one file into a typed table of the database, and check it.

    Parameters
    ----------
    database
        Where the table is made.
    path
        The file.
    table
        What is expected in it.

    Returns
    -------
    TableRead
        What was read.

    Raises
    ------
    SourceError
        Whatever is wrong with the file, and where.
    """
    header = _header(path)
    for name in table.columns:
        if name not in header:
            raise MissingColumnError(path.name, name, header)
    types = {name: table.columns[name].sql_type if name in table.columns else "VARCHAR" for name in header}
    wanted = ", ".join(_quoted(name) for name in table.columns)
    declared = ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in types.items())
    options = (
        f"columns = {{{declared}}}, auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
        "store_rejects = true, rejects_limit = 1000"
    )
    sql = f"CREATE TABLE {_quoted(table.name)} AS SELECT {wanted} FROM read_csv({_text(str(path))}, {options})"
    try:
        database.raw_sql(sql)
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        raise UnreadableFileError(
            f"{path.name} cannot be read: {str(error).splitlines()[0]}", hint="it must be CSV in UTF-8 with commas"
        ) from error
    _refuse_rejected(database, path, header)
    rows = first_row(database, f"SELECT count(*) FROM {_quoted(table.name)}")[0]
    if rows == 0:
        raise EmptyTableError(f"{path.name} has a header and no rows")
    for name, column in table.columns.items():
        _refuse_invalid(database, path, table.name, name, column)
    if table.key:
        _refuse_duplicates(database, path, table)
    return TableRead(file=path.name, rows=rows, columns=tuple(table.columns))


def _stem(path: Path) -> str:
    return path.name.lower().removesuffix(".gz").removesuffix(".csv")


def _open(path: Path, errors: str) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors=errors, newline="")
    return path.open(encoding="utf-8-sig", errors=errors, newline="")


def _header(path: Path) -> list[str]:
    try:
        with _open(path, "strict") as file:
            header = next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except (OSError, EOFError, csv.Error) as error:
        raise UnreadableFileError(f"{path.name} cannot be read: {error}", hint="it must be CSV in UTF-8") from error
    if not header:
        raise EmptyTableError(f"{path.name} is empty", hint="export it again")
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise SourceError(f"{path.name} has the column {min(twice)!r} twice", hint="keep one of the two")
    return header


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line of the file on which it begins."""
    with _open(path, "replace") as file:
        reader = csv.reader(file)
        start = 1
        for record in reader:
            yield start, record
            start = reader.line_num + 1


def _locate(path: Path, number: int) -> tuple[int, list[str]]:
    """Line and cells of a record; the header is number 1. Records may span lines, so their number is not their line."""
    line = 0
    record: list[str] = []
    for position, (line, record) in enumerate(_records(path), start=1):  # noqa: B007
        if position == number:
            break
    return line, record


def _refuse_rejected(database: Backend, path: Path, header: Sequence[str]) -> None:
    found = first_row(
        database, "SELECT line, column_name, error_type FROM reject_errors ORDER BY line, column_idx LIMIT 1"
    )
    if not found:
        return
    number, name, kind = found
    if kind == "INVALID ENCODING":
        raise _not_utf8(path)
    line, record = _locate(path, number)
    where = f"{path.name}, line {line}"
    if kind != "CAST":
        raise BadValueError(
            f"{where}: the row {_REJECTIONS.get(kind, 'cannot be read')}",
            hint="mend or remove the row; the file may be cut off",
        )
    value = record[header.index(name)] if name in header and len(record) == len(header) else ""
    raise BadValueError(
        f"{where}: {name} is {value[:40]!r}", hint=f"mend the value or empty it; {_expected(database, name)}"
    )


def _expected(database: Backend, name: str) -> str:
    message = str(first_row(database, "SELECT error_message FROM reject_errors ORDER BY line, column_idx LIMIT 1")[0])
    if "TIMESTAMP" in message:
        return f"{name} takes a date such as 2018-10-17 17:30:18"
    return f"{name} takes a number such as 129.90"


def _refuse_invalid(database: Backend, path: Path, table: str, name: str, column: Column) -> None:
    quoted, conditions = _quoted(name), []
    if column.required:
        conditions.append(f"{quoted} IS NULL")
    if column.valid is not None and column.valid.low is not None:
        conditions.append(f"{quoted} < {column.valid.low:f}")
    if column.valid is not None and column.valid.high is not None:
        conditions.append(f"{quoted} > {column.valid.high:f}")
    if not conditions:
        return
    found = first_row(
        database,
        f"SELECT min(rowid), count(*) FROM {_quoted(table)} WHERE {' OR '.join(conditions)}",
    )
    if found[1] == 0:
        return
    number, count = found[0] + 2, found[1]
    line, record = _locate(path, number)
    value = record[_header(path).index(name)]
    rule = f"{name} takes {column.valid}" if column.valid is not None and value else f"{name} must not be empty"
    raise BadValueError(
        f"{path.name}, line {line}: {name} is {value[:40]!r} ({count} such row{'s' if count > 1 else ''})", hint=rule
    )


def _refuse_duplicates(database: Backend, path: Path, table: FileTable) -> None:
    key = ", ".join(_quoted(name) for name in table.key)
    found = first_row(
        database,
        f"SELECT list_sort(array_agg(rowid))[:2] AS pair FROM {_quoted(table.name)} GROUP BY {key} "
        "HAVING count(*) > 1 ORDER BY pair LIMIT 1",
    )
    if not found:
        return
    first, second = (_locate(path, rowid + 2)[0] for rowid in found[0])
    raise DuplicateRowError(
        f"{path.name}, line {second}: the same {' and '.join(table.key)} as on line {first}",
        hint="remove one of the two rows, or export the table again",
    )


def _not_utf8(path: Path) -> UnreadableFileError:
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
        for line, content in enumerate(file, start=1):
            try:
                content.decode("utf-8")
            except UnicodeDecodeError as error:
                return UnreadableFileError(
                    f"{path.name}, line {line}: byte {error.start + 1} of the line is not UTF-8",
                    hint=f"convert the file, for instance: iconv -f WINDOWS-1252 -t UTF-8 {path.name}",
                )
    return UnreadableFileError(f"{path.name} is not UTF-8", hint="convert the file to UTF-8")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
