"""Tables that users give beside the assignments: CSV or Parquet, seen through a view of DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from typing import TYPE_CHECKING

import duckdb

from segmentation.errors import (
    BadValueError,
    EmptyTableError,
    MissingColumnError,
    MissingTableError,
    UnreadableFileError,
)
from segmentation.file_names import refuse_name

if TYPE_CHECKING:
    from pathlib import Path

AS_WHAT = "save it as UTF-8 with one header line, or as Parquet"

_MEND = "mend it, or write the file anew"
_FAULTS = {
    "Invalid unicode": ("is not UTF-8", AS_WHAT),
    "unterminated quote": ("has a quotation mark that is not closed", _MEND),
    "Expected Number of Columns": ("has more or fewer columns than the header line", _MEND),
}
"""What DuckDB says of a row of CSV, and what is told of it, and what to do."""

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

OF_USERS = "header = true, all_varchar = true, strict_mode = true, comment = '', quote = '\"'"
"""Options of CSV that others wrote. What DuckDB would guess else: that ids which begin with # are comments, which it
leaves out, and that an id in apostrophes is one without them."""

OURS = "auto_detect = false, delim = ',', quote = '\"', escape = '\"', new_line = '\\n'"
"""Options of CSV that DuckDB wrote: nothing is guessed, whatever ids look like."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file, seen through a view.

    Parameters
    ----------
    file
        Where it is.
    view
        Name of the view.
    types
        DuckDB's types by column; all of a CSV are VARCHAR.
    """

    file: Path
    view: str
    types: dict[str, str]

    def require(self, column: str) -> str:
        """Check that there is a column.

        Parameters
        ----------
        column
            Its name.

        Returns
        -------
        str
            The same.

        Raises
        ------
        MissingColumnError
            There is none; with the nearest match.
        """
        if column not in self.types:
            raise MissingColumnError(self.file.name, column, list(self.types))
        return column


def open_table(connection: duckdb.DuckDBPyConnection, file: Path, view: str, one_per_line: str | None = None) -> Table:
    """Look at a file through a view.

    Parameters
    ----------
    connection
        Where the view is made.
    file
        .csv, .txt or .parquet.
    view
        Its name.
    one_per_line
        Name of the one column of a file whose lines are whole values; None: the file names its columns.

    Returns
    -------
    Table
        With its columns.

    Raises
    ------
    MissingTableError
        There is no such file.
    EmptyTableError
        There is nothing in it.
    UnreadableFileError
        It cannot be read as what its name says.
    """
    if not file.is_file():
        raise MissingTableError(f"there is no file {file}", hint="check its name")
    if one_per_line is None:
        refuse_empty(file)
    kind = file.suffix.lower()
    if one_per_line is not None:
        # No line holds this sign, so that a line is one value whatever else is in it.
        options = f"header = false, columns = {{'{one_per_line}': 'VARCHAR'}}, delim = '\x1f', quote = '', escape = ''"
        reader = read_csv(file, f"{options}, auto_detect = false")
    elif kind == ".csv":
        reader = read_csv(file, OF_USERS)
    elif kind == ".parquet":
        reader = read_parquet(file)
    else:
        raise UnreadableFileError(f"{file.name} is neither .csv nor .parquet", hint="name the file by what it is")
    with reading(file, AS_WHAT):
        connection.execute(f"CREATE VIEW {quoted(view)} AS SELECT * FROM {reader}")
        described = connection.execute(f"DESCRIBE {quoted(view)}").fetchall()
        connection.execute(f"SELECT count(COLUMNS(*)) FROM {quoted(view)}")
    return Table(file, view, {str(row[0]): str(row[1]) for row in described})


@contextmanager
def reading(file: Path, hint: str) -> Iterator[None]:
    """Put into words what is met in the middle of a file: DuckDB's own words quote the row.

    Parameters
    ----------
    file
        That is read.
    hint
        What to do.

    Raises
    ------
    BadValueError
        A value is not of its column's type.
    UnreadableFileError
        It is damaged; with the line, where there are lines.
    """
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.TransactionException, duckdb.FatalException):
        # Of the work database, which says the last two where its disk is full.
        raise
    except (duckdb.ConversionException, duckdb.BinderException) as error:
        raise BadValueError(f"{file.name} has a value that is not of its column's type", hint=hint) from error
    except duckdb.Error as error:
        if isinstance(error, duckdb.IOException) and str(file) not in str(error):
            raise
        line = _LINE.search(str(error))
        where = f"{file.name}, line {line[1]}" if line else file.name
        otherwise = f"cannot be read as {file.suffix[1:].lower()}", hint
        told, mend = next((fault for said, fault in _FAULTS.items() if said in str(error)), otherwise)
        raise UnreadableFileError(f"{where} {told}", hint=mend) from error


def refuse_empty(file: Path) -> None:
    """Refuse a file without a header line, of which DuckDB would make up the columns.

    Parameters
    ----------
    file
        One that is there.

    Raises
    ------
    EmptyTableError
        There is nothing in it.
    UnreadableFileError
        Somebody else may read it, or nobody.
    """
    try:
        with file.open("rb") as content:
            beginning = content.read(1 << 16)
    except OSError as error:
        raise UnreadableFileError(
            f"{file.name} cannot be read: {error.strerror}", hint="check who may read it"
        ) from error
    if not beginning.removeprefix(_BYTE_ORDER_MARK).strip():
        raise EmptyTableError(f"{file.name} is empty", hint="it needs a header line and a row per customer")


def read_csv(file: Path, options: str) -> str:
    """What DuckDB reads a CSV file from: that file alone, and no columns out of the names of its folders.

    Parameters
    ----------
    file
        Where it is.
    options
        Such as `OF_USERS`.

    Returns
    -------
    str
        SQL, to stand behind FROM.
    """
    return f"read_csv({_name(file)}, {options}, hive_partitioning = false)"


def read_parquet(file: Path) -> str:
    """What DuckDB reads a Parquet file from: that file alone, and no columns out of the names of its folders.

    Parameters
    ----------
    file
        Where it is.

    Returns
    -------
    str
        SQL, to stand behind FROM.
    """
    return f"read_parquet({_name(file)}, hive_partitioning = false)"


def _name(file: Path) -> str:
    refuse_name(file)
    return "'" + escape(str(file)).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as an identifier of SQL.

    Parameters
    ----------
    name
        Of a table or column.

    Returns
    -------
    str
        In quotes.
    """
    return '"' + name.replace('"', '""') + '"'
