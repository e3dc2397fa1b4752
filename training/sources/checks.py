"""What is wrong with a file, and where: told with file, line, column and value."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, cast

from ibis.backends.duckdb import Backend

from segmentation.errors import BadValueError, DuplicateRowError, UnreadableFileError
from segmentation.tables import EARLIEST, LATEST, Column
from training import progress
from training.database import first_row

# csv refuses cells over 128 KiB by default; a review comment may be longer.
csv.field_size_limit(16 * 1024 * 1024)

_MARKS = {
    b"\x1f\x8b": "it is compressed: name it .csv.gz",
    b"\xff\xfe": "it is UTF-16: convert it with iconv -f UTF-16 -t UTF-8",
    b"\xfe\xff": "it is UTF-16: convert it with iconv -f UTF-16 -t UTF-8",
    b"PK": "it is a zip archive or a spreadsheet: export it as CSV",
}

_REJECTIONS = {
    "MISSING COLUMNS": "has too few columns",
    "TOO MANY COLUMNS": "has too many columns",
    "UNQUOTED VALUE": "has a quotation mark that is not closed",
    "LINE SIZE OVER MAXIMUM": "is too long",
    "INVALID STATE": "is not well-formed CSV",
}


def refuse_rejected(database: Backend, path: Path, header: Sequence[str], types: Mapping[str, str]) -> None:
    """Refuse a file of which DuckDB rejected rows: the first of them is told.

    Parameters
    ----------
    database
        Where the file was read with `store_rejects`.
    path, header
        The file and its columns.
    types
        DuckDB types by name, of the columns that were read.

    Raises
    ------
    BadValueError
        A value is not of its column's type, or a row is not well-formed.
    UnreadableFileError
        The file is not UTF-8.
    """
    found = first_row(
        database, "SELECT line, error_type FROM reject_errors ORDER BY line, error_type = 'CAST', column_idx LIMIT 1"
    )
    if not found:
        return
    number, kind = found
    if kind == "INVALID ENCODING":
        raise not_utf8(path)
    line, record = locate(path, number, count_empty=True)
    where = f"{path.name}, line {line}"
    if kind != "CAST":
        raise BadValueError(
            f"{where}: the row {_REJECTIONS.get(kind, 'cannot be read')}",
            hint="mend or remove the row; the file may be cut off",
        )
    # Not by DuckDB's column name: where columns were left out it names another one.
    cells = dict(zip(header, record, strict=False))
    for name, kind in types.items():
        value = cells.get(name, "")
        if value and first_row(database, f"SELECT TRY_CAST({literal(value)} AS {kind}) IS NULL")[0]:
            takes = "a date such as 2018-10-17 17:30:18" if kind == "TIMESTAMPTZ" else "a number such as 129.90"
            raise BadValueError(
                f"{where}: {name} is {value[:40]!r}", hint=f"mend the value or empty it; {name} takes {takes}"
            )
    raise BadValueError(f"{where}: a value cannot be read", hint="mend the row; dates and numbers are checked")


def refuse_invalid(database: Backend, path: Path, header: Sequence[str], table: str, name: str, column: Column) -> None:
    """Refuse values outside their column's range: the first of them is told, and how many there are.

    Parameters
    ----------
    database, table
        Where the file was read to, in its own order.
    path, header
        The file and its columns.
    name, column
        The column in the file, and what it must be.

    Raises
    ------
    BadValueError
        There is such a value.
    """
    cell = quoted(name)
    conditions = []
    if column.required:
        conditions.append(f"{cell} IS NULL")
    if column.kind == "time":
        conditions.append(f"{cell} NOT BETWEEN '{EARLIEST:%Y-%m-%d}' AND '{LATEST:%Y-%m-%d}'")
    if column.kind == "integer":
        conditions.append(f"{cell} <> trunc({cell})")
    if column.valid is not None and column.valid.low is not None:
        conditions.append(f"{cell} < {column.valid.low:f}")
    if column.valid is not None and column.valid.high is not None:
        conditions.append(f"{cell} > {column.valid.high:f}")
    if not conditions:
        return
    found = first_row(
        database,
        f"SELECT min(rowid), count(*) FROM {quoted(table)} WHERE {' OR '.join(conditions)}",
    )
    if found[1] == 0:
        return
    number, count = found[0] + 2, found[1]
    line, record = locate(path, number)
    value = dict(zip(header, record, strict=False)).get(name, "")
    raise BadValueError(
        f"{path.name}, line {line}: {name} is {value[:40]!r} ({count} such row{'s' if count > 1 else ''})",
        hint=f"{name} takes {_range(column)}" if value else f"{name} must not be empty",
    )


def refuse_duplicates(database: Backend, path: Path, table: str, key: Sequence[str]) -> None:
    """Refuse two rows of one key: both lines are told, the key's values are not.

    Parameters
    ----------
    database, table
        Where the file was read to, in its own order.
    path
        The file.
    key
        Columns that no two rows may share.

    Raises
    ------
    DuplicateRowError
        There are two.
    """
    columns = ", ".join(quoted(name) for name in key)
    found = first_row(
        database,
        f"SELECT list_sort(array_agg(rowid))[:2] AS pair FROM {quoted(table)} GROUP BY {columns} "
        "HAVING count(*) > 1 ORDER BY pair LIMIT 1",
    )
    if not found:
        return
    first, second = (locate(path, rowid + 2)[0] for rowid in found[0])
    raise DuplicateRowError(
        f"{path.name}, line {second}: the same {' and '.join(key)} as on line {first}",
        hint="remove one of the two rows, or export the table again",
    )


def not_utf8(path: Path) -> UnreadableFileError:
    """The error for a file that is not UTF-8: the first line that is not, and what the file may be instead.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    UnreadableFileError
        To be raised.
    """
    with open_bytes(path) as file:
        for line, content in enumerate(file, start=1):
            try:
                content.decode("utf-8")
            except UnicodeDecodeError as error:
                kind = next((name for mark, name in _MARKS.items() if line == 1 and content.startswith(mark)), "")
                return UnreadableFileError(
                    f"{path.name}, line {line}: byte {error.start + 1} of the line is not UTF-8",
                    hint=kind or f"convert the file, for instance: iconv -f WINDOWS-1252 -t UTF-8 {path.name}",
                )
    return UnreadableFileError(f"{path.name} is not UTF-8", hint="convert the file to UTF-8")


def refuse_damaged(path: Path) -> None:
    """Check a compressed file's checksum and length: DuckDB reads over both.

    Parameters
    ----------
    path
        Any file; one that is not compressed is not looked at.

    Raises
    ------
    UnreadableFileError
        It is damaged, or cut off.
    """
    if not path.name.lower().endswith(".gz"):
        return
    try:
        with progress.step(f"checking {path.name}"), gzip.open(path) as file:
            while file.read(1 << 20):
                continue
    except (EOFError, zlib.error, OSError) as error:
        raise UnreadableFileError(f"{path.name} is damaged: {error}", hint="export or copy it again") from error


def open_bytes(path: Path) -> IO[bytes]:
    """Open a plain or compressed file as it is inside.

    Parameters
    ----------
    path
        The file; compressed where it ends in .gz.

    Returns
    -------
    file
        Bytes.
    """
    if path.name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path))
    return path.open("rb")


def open_text(path: Path, errors: str) -> IO[str]:
    """Open a plain or compressed file as UTF-8 text, with or without a byte-order mark.

    Parameters
    ----------
    path
        The file; compressed where it ends in .gz.
    errors
        "strict" or "replace", as for `open`.

    Returns
    -------
    file
        With its line ends as they are, as `csv` wants them.
    """
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors=errors, newline="")
    return path.open(encoding="utf-8-sig", errors=errors, newline="")


def _range(column: Column) -> str:
    if column.kind == "time":
        return f"dates from {EARLIEST:%Y} to {LATEST:%Y}"
    return f"{'whole numbers, ' if column.kind == 'integer' else ''}{column.valid}"


def locate(path: Path, number: int, separator: str = ",", *, count_empty: bool = False) -> tuple[int, list[str]]:
    """Line and cells of a record: records may span lines, so their number is not their line.

    Parameters
    ----------
    path, separator
        A CSV file.
    number
        Of the record; the header is 1.
    count_empty
        Whether empty lines count: DuckDB counts them where it tells of rejected rows, and not where it numbers the
        rows it kept.

    Returns
    -------
    int, list of str
        The line on which it begins, and its cells; the number itself and nothing where it cannot be found.
    """
    records = ((line, record) for line, record in _records(path, separator) if record or count_empty)
    try:
        return next(islice(records, number - 1, None), (number, []))
    except csv.Error:
        return number, []


def locate_row(path: Path, index: int, separator: str, rejected: Sequence[int]) -> tuple[int, list[str]]:
    """Line and cells of a row that was read, where other records were not.

    Parameters
    ----------
    path, separator
        A CSV file.
    index
        Of the row among those read, from 0.
    rejected
        Numbers of the records that were not read, blank lines counted, as DuckDB tells them.

    Returns
    -------
    int, list of str
        As for `locate`.
    """
    without = frozenset(rejected)
    records = enumerate(_records(path, separator), start=1)
    rows = ((line, record) for number, (line, record) in records if record and number not in without)
    try:
        return next(islice(rows, index + 1, None), (index + 2, []))
    except csv.Error:
        return index + 2, []


def literal(value: str) -> str:
    """A text as an SQL literal.

    Parameters
    ----------
    value
        Any text.

    Returns
    -------
    str
        In single quotes.
    """
    return "'" + value.replace("'", "''") + "'"


def _records(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line of the file on which it begins."""
    with open_text(path, "replace") as file:
        reader = csv.reader(file, delimiter=separator)
        start = 1
        for record in reader:
            yield start, record
            start = reader.line_num + 1


def quoted(name: str) -> str:
    """A name as an SQL identifier.

    Parameters
    ----------
    name
        Of a table or column.

    Returns
    -------
    str
        In double quotes.
    """
    return '"' + name.replace('"', '""') + '"'
