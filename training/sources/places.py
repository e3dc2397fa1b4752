"""Where in the files a row stands, and what is wrong in it: for people who look for it with an editor."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ibis.backends.duckdb import Backend

from segmentation.errors import BadValueError
from segmentation.tables import EARLIEST, LATEST, Column
from training.database import first_row
from training.sources import statement
from training.sources.checks import literal, locate, locate_row, not_utf8, open_bytes, quoted
from training.sources.headers import Source
from training.sources.locations import is_parquet
from training.sources.mapping import Mapping
from training.sources.typed import cell, typed

FARTHEST = 2_000_000
"""Records counted to find a line; farther ones are told by their number."""

TAIL = 1 << 16


@dataclass(frozen=True, slots=True)
class Rejected:
    """Records of a CSV file that are no rows of its table.

    Parameters
    ----------
    numbers
        Of the records, ascending; the header is 1.
    truncated
        Whether the last of them is a last line that was cut off.
    """

    numbers: tuple[int, ...]
    truncated: bool


def rejected(database: Backend, source: Source, separator: str, rows: int) -> Rejected:
    """What DuckDB could not read as rows when it read a file; to be asked before it reads the next.

    Parameters
    ----------
    database
        Where the file was read.
    source
        The file.
    separator
        Of CSV.
    rows
        How many records it could read.

    Returns
    -------
    Rejected
        Nothing, for Parquet.

    Raises
    ------
    UnreadableFileError
        The file is not UTF-8.
    """
    if is_parquet(source.path):
        return Rejected((), truncated=False)
    found = database.raw_sql(
        "SELECT line, any_value(error_type), min(line_byte_position) FROM reject_errors GROUP BY line ORDER BY line"
    ).fetchall()
    encoding = database.raw_sql("SELECT count(*) FROM reject_errors WHERE error_type = 'INVALID ENCODING'").fetchall()
    database.raw_sql("DELETE FROM reject_errors")
    database.raw_sql("DELETE FROM reject_scans")
    if encoding[0][0]:
        raise not_utf8(source.path)
    if not found:
        return Rejected((), truncated=False)
    numbers = tuple(int(line) for line, _, _ in found)
    # The last record of the file, if blank lines are not counted; they only make its number larger.
    last = numbers[-1] >= 1 + rows + len(numbers)
    rest = _from(source.path, int(found[-1][2])) if last else b""
    if last and found[-1][1] == "UNQUOTED VALUE" and b"\n" in rest:
        raise BadValueError(
            f"{place_of_record(source, separator, numbers[-1])}: a quotation mark is not closed, and takes in all that "
            "follows",
            hint="close or remove it",
        )
    return Rejected(numbers, last and b"\n" not in rest and _is_cut(source, separator))


def place(source: Source, separator: str, index: int, skipped: Rejected) -> str:
    """Where a row stands.

    Parameters
    ----------
    source, separator
        The file.
    index
        Of the row among those read, from 0.
    skipped
        What was not read.

    Returns
    -------
    str
        File and line; file and record where that is far, or the file has no lines.
    """
    if is_parquet(source.path):
        return f"{source.path.name}, row {index + 1}"
    number = _number(index, skipped)
    if number > FARTHEST:
        return f"{source.path.name}, record {number:,}"
    return f"{source.path.name}, line {locate_row(source.path, index, separator, skipped.numbers)[0]}"


def place_of_record(source: Source, separator: str, number: int) -> str:
    """Where a record stands that is no row.

    Parameters
    ----------
    source, separator
        The file.
    number
        Of the record; the header is 1.

    Returns
    -------
    str
        File and line.
    """
    if number > FARTHEST:
        return f"{source.path.name}, record {number:,}"
    return f"{source.path.name}, line {locate(source.path, number, separator, count_empty=True)[0]}"


def refuse_value(
    database: Backend, source: Source, mapping: Mapping, index: int, skipped: Rejected, count: int
) -> None:
    """Refuse a file for a value that is no date or number, or that its column cannot hold.

    Parameters
    ----------
    database
        Where the file can be read.
    source, mapping
        The file and how it reads.
    index, skipped
        As for `place`.
    count
        How many such rows there are.

    Raises
    ------
    BadValueError
        With place, column and value.
    """
    where = place(source, mapping.file.separator, index, skipped)
    there = {column.name: column for column in statement.columns(mapping) if column.name in source.theirs}
    cells = _cells(database, source, mapping.file.separator, index, skipped)
    moment = mapping.shape.moment
    bad, outside = statement.unreadable(there), statement.out_of_range(there, moment)
    many = f" ({count:,} such rows)" if count > 1 else ""
    database.raw_sql(f"SET TimeZone = {literal(mapping.file.timezone)}")
    for name, column in there.items():
        theirs = source.theirs[name]
        value, kind = cells.get(theirs), source.kinds[theirs]
        if value is None:
            continue
        raw = cell(literal(value), "VARCHAR", mapping.file, csv=not is_parquet(source.path))
        made = typed(column, quoted(f"raw_{name}"), "VARCHAR" if kind == "VARCHAR" else kind, mapping.file)
        row = f"(SELECT *, {made} AS {quoted(name)} FROM (SELECT {raw} AS {quoted('raw_' + name)}))"
        for condition, hint in (
            (bad.get(name), _takes(name, mapping)),
            (outside.get(name), _holds(column)),
        ):
            if condition and first_row(database, f"SELECT {condition} FROM {row}")[0]:
                raise BadValueError(f"{where}: {theirs} is {value[:40]!r}{many}", hint=hint)
    raise BadValueError(f"{where}: a value cannot be used{many}", hint="mend the row")


def _holds(column: Column) -> str:
    said = (
        f"dates from {EARLIEST:%Y} to {LATEST:%Y}" if column.kind == "time" else str(column.valid or "finite numbers")
    )
    return f"{column.name} takes {said}: mend the value, or set cleaning.out_of_range to drop"


def _takes(name: str, mapping: Mapping) -> str:
    if mapping.shape.moment is not None and name in mapping.shape.times:
        form = mapping.file.date_format or "ISO 8601, such as 2018-10-17 17:30:18"
        return f"dates are read as {form}: set file.date_format in the mapping, or mend the value"
    return (
        f"{name} takes a number such as 129{mapping.file.decimal}90: mend the value, say in the mapping what stands "
        "for a missing one (file.missing), or set cleaning.unreadable_value to drop"
    )


def _number(index: int, skipped: Rejected) -> int:
    """The record's number, counting those that were not read and the header; about, where there are blank lines."""
    number = index + 2
    for other in skipped.numbers:
        if other <= number:
            number += 1
    return number


def _cells(database: Backend, source: Source, separator: str, index: int, skipped: Rejected) -> dict[str, str | None]:
    if not is_parquet(source.path):
        record = locate_row(source.path, index, separator, skipped.numbers)[1]
        return dict(zip(source.kinds, record, strict=False))
    names = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in source.kinds)
    rows = database.raw_sql(
        f"SELECT {names} FROM {statement.scan(source, separator)} LIMIT 1 OFFSET {index}"
    ).fetchall()
    return dict(zip(source.kinds, rows[0], strict=True)) if rows else {}


def _from(path: Path, position: int) -> bytes:
    """What follows a byte of a file, to its next line end or the file's; a few kilobytes are enough to tell."""
    with open_bytes(path) as file:
        file.seek(position)
        rest = file.read(TAIL)
        while b"\n" not in rest and (more := file.read(TAIL)):
            rest = rest[-1:] + more
    return rest


def _is_cut(source: Source, separator: str) -> bool:
    """Whether the file ends in the middle of a line: without a line end, and too short or within quotation marks."""
    tail = _tail(source.path)
    if tail.endswith((b"\n", b"\r")):
        return False
    last = tail.decode("utf-8", "replace").splitlines()[-1]
    try:
        cells = next(csv.reader([last], delimiter=separator), [])
    except csv.Error:
        return True
    return len(cells) < len(source.kinds) or last.count('"') % 2 == 1


def _tail(path: Path) -> bytes:
    if path.name.lower().endswith(".gz"):
        tail = b""
        with gzip.open(path) as file:
            while chunk := file.read(1 << 20):
                tail = (tail + chunk)[-TAIL:]
        return tail
    with path.open("rb") as plain:
        _to_tail(plain, path.stat().st_size)
        return plain.read()


def _to_tail(file: IO[bytes], size: int) -> None:
    file.seek(max(0, size - TAIL))
