"""The SQL that brings a column of a file to what the canonical table wants; what cannot be read becomes NULL."""

from segmentation.tables import SQL_TYPES, Column
from training.sources.checks import literal
from training.sources.mapping import FileFormat

# Whole numbers are read with their fraction, which INTEGER would round away.
INTEGER = "DECIMAL(18, 6)"


def cell(name: str, kind: str, file: FileFormat, *, csv: bool) -> str:
    """A column as the file has it, NULL where the value is missing.

    Parameters
    ----------
    name
        The column as an SQL identifier.
    kind
        Its DuckDB type in the file.
    file
        How the file is written.
    csv
        Whether spaces around a value are the file's and not the value's.

    Returns
    -------
    str
        SQL.
    """
    if kind != "VARCHAR":
        return name
    value = f"trim({name})" if csv else name
    if not file.missing:
        return f"nullif({value}, '')"
    said = ", ".join(literal(word) for word in ("", *(word.strip() for word in file.missing)))
    return f"CASE WHEN {value} IN ({said}) THEN NULL ELSE {value} END"


def typed(column: Column, name: str, kind: str, file: FileFormat) -> str:
    """A column as the canonical table has it.

    Parameters
    ----------
    column
        What it is.
    name
        The column, as `cell` made it, as an SQL identifier.
    kind
        Its DuckDB type in the file.
    file
        How the file is written.

    Returns
    -------
    str
        SQL; moments in UTC without their zone.
    """
    if column.kind == "text":
        return _text(column, name, kind)
    if column.kind == "time":
        return _time(name, kind, file)
    wanted = INTEGER if column.kind == "integer" else SQL_TYPES[column.kind]
    if kind != "VARCHAR":
        return f"TRY_CAST({name} AS {wanted})"
    plain = f"replace(replace({name}, '.', ''), ',', '.')" if file.decimal == "," else name
    # Only what is no number as it stands is looked at again: for a currency sign, or thousands set apart.
    bare = f"regexp_replace({plain}, '[\\s\\p{{Sc}}]|^[A-Z]{{3}}|[A-Z]{{3}}$', '', 'g')"
    grouped = f"CASE WHEN regexp_matches({bare}, '^-?\\d{{1,3}}(,\\d{{3}})+(\\.\\d+)?$') THEN replace({bare}, ',', '') ELSE {bare} END"  # noqa: E501
    return f"coalesce(TRY_CAST({plain} AS {wanted}), TRY_CAST({grouped} AS {wanted}))"


def _text(column: Column, name: str, kind: str) -> str:
    if column.name != "customer_id":
        return name if kind == "VARCHAR" else f"CAST({name} AS VARCHAR)"
    if kind in ("DOUBLE", "FLOAT"):
        return f"CAST(TRY_CAST({name} AS HUGEINT) AS VARCHAR)"
    if kind not in ("VARCHAR", "DOUBLE", "FLOAT") and not kind.startswith("DECIMAL"):
        return f"CAST({name} AS VARCHAR)"
    # A spreadsheet writes the id 17850 as 17850.0 as soon as one is missing.
    text = name if kind == "VARCHAR" else f"CAST({name} AS VARCHAR)"
    return f"CASE WHEN suffix({text}, '.0') THEN regexp_replace({text}, '^(\\d+)\\.0$', '\\1') ELSE {text} END"


def _time(name: str, kind: str, file: FileFormat) -> str:
    # A moment without a zone becomes one of the session's zone, which is the file's while it is read; plain TIMESTAMP
    # would drop the zone of a moment that has one.
    if kind == "VARCHAR" and file.date_format is None:
        return f"TRY_CAST({name} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
    moment = f"try_strptime({name}, {literal(str(file.date_format))})" if kind == "VARCHAR" else name
    if file.timezone == "UTC" and not kind.endswith("TIME ZONE"):
        return f"TRY_CAST({moment} AS TIMESTAMP)"
    return f"TRY_CAST({moment} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
