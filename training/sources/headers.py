"""What columns a file has, and which of them a mapping means."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Mapping as ByName
from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

import duckdb
from ibis.backends.duckdb import Backend

from segmentation.errors import EmptyTableError, MissingColumnError, SourceError, UnreadableFileError
from training.sources.checks import literal, not_utf8, open_text, refuse_damaged
from training.sources.locations import is_parquet
from training.sources.mapping import Mapping, matched

DATA = re.compile(r"^-?[\d.,:/ -]*\d[\d.,:/ -]*$|@")
"""What no column is called: a number, a date, an address."""

NUMERIC = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL")
"""DuckDB's types of numbers."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read.

    Parameters
    ----------
    path
        In UTF-8, or Parquet.
    kinds
        DuckDB type by column, in the order of its columns.
    theirs
        By our column theirs; columns that it has not are absent.
    """

    path: Path
    kinds: ByName[str, str]
    theirs: ByName[str, str]

    @property
    def not_used(self) -> tuple[str, ...]:
        """Its columns that nothing is made of."""
        used = set(self.theirs.values())
        return tuple(name for name in self.kinds if name not in used)


def unlike(sources: Sequence[Source]) -> dict[str, str]:
    """Columns that some files have in another type than others, as frames make fractions of whole numbers.

    Parameters
    ----------
    sources
        Files that are read as one table.

    Returns
    -------
    dict of str to str
        By column the DuckDB type in which its values can be compared.
    """
    found: dict[str, set[str]] = {}
    for source in sources:
        for name, kind in source.kinds.items():
            found.setdefault(name, set()).add(kind)
    return {
        name: "DOUBLE" if all(NUMERIC.match(kind) for kind in kinds) else "VARCHAR"
        for name, kinds in found.items()
        if len(kinds) > 1
    }


def examine(database: Backend, path: Path, mapping: Mapping) -> Source:
    """Look at a file's columns, and match them with the mapping.

    Parameters
    ----------
    database
        Reads Parquet.
    path
        The file.
    mapping
        How it reads.

    Returns
    -------
    Source
        Ready to read.

    Raises
    ------
    MissingColumnError
        A column that the mapping names, or that is always needed, is not there; with the nearest one.
    SourceError
        The file cannot be read, is empty, or has a column twice.
    """
    if is_parquet(path):
        kinds = _parquet_columns(database, path)
    else:
        refuse_damaged(path)
        kinds = dict.fromkeys(csv_header(path, mapping.file.separator, unnamed_end=True), "VARCHAR")
    theirs: dict[str, str] = {}
    for name in mapping.wanted:
        found = matched(tuple(kinds), mapping.theirs(name))
        if found is not None:
            theirs[name] = found
        elif name in mapping.needed:
            raise _missing(path, mapping, name, list(kinds))
    return Source(path, kinds, theirs)


def _missing(path: Path, mapping: Mapping, name: str, header: list[str]) -> MissingColumnError:
    error = MissingColumnError(path.name, mapping.theirs(name)[0], header)
    if any(DATA.search(cell) for cell in header):
        # What stands there may be a customer's.
        error.hint = "its first line does not seem to name the columns: add a line that does"
    elif len(header) == 1:
        error.hint = "the file has one column: is its separator another? set file.separator in the mapping"
    elif name not in mapping.columns and name not in mapping.numbers:
        error.hint += "; where it has another name, a mapping says so: docs/mapping.md"
    return error


def _parquet_columns(database: Backend, path: Path) -> dict[str, str]:
    try:
        rows = database.raw_sql(
            f"DESCRIBE SELECT * FROM read_parquet({literal(escape(str(path)))}, hive_partitioning = false)"
        ).fetchall()
    except duckdb.Error as error:
        raise UnreadableFileError(f"{path.name} is not Parquet, or damaged", hint="export or copy it again") from error
    return {row[0]: row[1] for row in rows}


def csv_header(path: Path, separator: str = ",", *, unnamed_end: bool = False) -> list[str]:
    """The columns of a CSV file.

    Parameters
    ----------
    path
        In UTF-8, plain or compressed.
    separator
        Between columns.
    unnamed_end
        Whether columns without a name may stand at the end, as where each line ends in a separator.

    Returns
    -------
    list of str
        As they stand in the first line; what has no name is called by its number.

    Raises
    ------
    SourceError
        The file cannot be read, is empty, or its first line does not name its columns.
    """
    try:
        with open_text(path, "strict") as file:
            beginning = file.read(1)
            file.seek(0)
            header = next(csv.reader(file, delimiter=separator), [])
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error
    except OSError as error:
        raise UnreadableFileError(
            f"{path.name} cannot be read: {error.strerror or error}", hint="check its permissions, and that it is whole"
        ) from error
    except (EOFError, zlib.error) as error:
        raise UnreadableFileError(f"{path.name} is damaged: {error}", hint="export or copy it again") from error
    except csv.Error as error:
        raise UnreadableFileError(f"{path.name} cannot be read: {error}", hint="it must be CSV in UTF-8") from error
    if not beginning:
        raise EmptyTableError(f"{path.name} is empty", hint="export it again")
    if not header:
        raise SourceError(f"{path.name} begins with an empty line", hint="its first line must name the columns")
    if unnamed_end:
        header = _named_to_the_end(header)
    folded = [name.casefold() for name in header]
    twice = [name for name, fold in zip(header, folded, strict=True) if folded.count(fold) > 1]
    if twice:
        raise SourceError(f"{path.name} has the column {twice[0]!r} twice", hint="keep one of the two")
    if "" in header:
        raise SourceError(
            f"{path.name} has a column without a name, number {header.index('') + 1}", hint="name or remove it"
        )
    return header


def _named_to_the_end(header: list[str]) -> list[str]:
    named = len(header)
    while named and not header[named - 1]:
        named -= 1
    return [*header[:named], *(f"(column {number})" for number in range(named + 1, len(header) + 1))]
