"""Tables that users give beside the assignments: CSV or Parquet, seen through a view of DuckDB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from segmentation.errors import MissingColumnError, MissingTableError, UnreadableFileError

if TYPE_CHECKING:
    from pathlib import Path


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
    UnreadableFileError
        It cannot be read as what its name says.
    """
    if not file.is_file():
        raise MissingTableError(f"there is no file {file}", hint="check its name")
    source = "'" + str(file).replace("'", "''") + "'"
    kind = file.suffix.lower()
    if one_per_line is not None:
        # No line holds this sign, so that a line is one value whatever else is in it.
        reader = (
            f"read_csv({source}, header = false, columns = {{'{one_per_line}': 'VARCHAR'}}, delim = '\x1f', "
            "quote = '', escape = '', auto_detect = false)"
        )
    elif kind == ".csv":
        reader = f"read_csv({source}, header = true, all_varchar = true, strict_mode = true)"
    elif kind == ".parquet":
        reader = f"read_parquet({source})"
    else:
        raise UnreadableFileError(f"{file.name} is neither .csv nor .parquet", hint="name the file by what it is")
    try:
        connection.execute(f"CREATE VIEW {quoted(view)} AS SELECT * FROM {reader}")
        described = connection.execute(f"DESCRIBE {quoted(view)}").fetchall()
        connection.execute(f"SELECT count(COLUMNS(*)) FROM {quoted(view)}")
    except duckdb.Error as error:
        raise UnreadableFileError(
            f"{file.name} cannot be read as {kind[1:]}", hint="save it as UTF-8 with one header line, or as Parquet"
        ) from error
    return Table(file, view, {str(row[0]): str(row[1]) for row in described})


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
