"""The SQL that brings a column of a file to what the canonical table wants; what cannot be read becomes NULL."""

import re

from segmentation.tables import SQL_TYPES, Column
from training.sources.checks import literal
from training.sources.mapping import FileFormat

IDS = ("customer_id", "order_id", "product_id", "session_id")

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")

SPACE = r"\s\p{Zs}"

BEHIND = rf"^[{SPACE}]*[A-Z]{{3}}[{SPACE}]|[{SPACE}\p{{Sc}}]*[{SPACE}][A-Z]{{3}}[{SPACE}]*$|[{SPACE}\p{{Sc}}]+$"
BEFORE = rf"^[{SPACE}\p{{Sc}}]*([-+]?)[{SPACE}\p{{Sc}}]*"
"""What may stand around a price: spaces, a currency's sign, or its three letters set apart."""

POINT = rf"^[-+]?\d{{1,3}}((,\d{{3}})+|([{SPACE}]\d{{3}})+)(\.\d+)?$"
COMMA = rf"^[-+]?(\d*|\d{{1,3}}((\.\d{{3}})+|([{SPACE}]\d{{3}})+))(,\d+)?$"
"""Numbers whose thousands are set apart, by their decimal sign."""

PLAIN = r"^[-+]?\d*(,\d+)?([eE][-+]?\d+)?$"
"""Numbers with a decimal comma as programs write them: R's 100000 is 1e+05."""

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
    if kind in ("DOUBLE", "FLOAT"):
        # Not a number is how frames write what is missing.
        return f"CASE WHEN isnan({name}) OR {_is_missing_number(name, file)} THEN NULL ELSE {name} END"
    if kind != "VARCHAR":
        return f"CASE WHEN {_is_missing_number(name, file)} THEN NULL ELSE {name} END" if _numbers(file) else name
    value = f"trim({name})" if csv else name
    if not file.missing:
        return f"nullif({value}, '')"
    said = ", ".join(literal(word) for word in ("", *(word.strip() for word in file.missing)))
    return f"CASE WHEN {value} IN ({said}) THEN NULL ELSE {value} END"


def _numbers(file: FileFormat) -> list[str]:
    """What stands for a missing value and is a number."""
    return [word.strip() for word in file.missing if NUMBER.fullmatch(word.strip())]


def _is_missing_number(name: str, file: FileFormat) -> str:
    tests = [f"TRY_CAST({name} AS DOUBLE) = {number}" for number in _numbers(file)]
    return f"coalesce({' OR '.join(tests)}, false)" if tests else "false"


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
    return _number(name, wanted, file)


def currency(column: Column, name: str, kind: str, file: FileFormat) -> str | None:
    """What stands beside an amount: three letters, or else a currency's sign.

    Parameters
    ----------
    column, name, kind, file
        As for `typed`.

    Returns
    -------
    str or None
        SQL, NULL for a number alone; None where the column can bear no currency.
    """
    if kind != "VARCHAR" or column.kind not in ("money", "number"):
        return None
    letters, sign = (f"nullif(regexp_extract({name}, '{what}'), '')" for what in ("[A-Z]{3}", r"\p{Sc}"))
    # The same cast as that of the value, which is made once: a number alone costs nothing more.
    alone = f"TRY_CAST({_plain(name, file)} AS {SQL_TYPES[column.kind]}) IS NOT NULL"
    return f"CASE WHEN {name} IS NULL OR {alone} THEN NULL ELSE coalesce({letters}, {sign}) END"


def _plain(name: str, file: FileFormat) -> str:
    """A number without thousands set apart, with a decimal point."""
    if file.decimal == ".":
        return name
    return f"CASE WHEN regexp_matches({name}, '{PLAIN}') THEN replace({name}, ',', '.') END"


def _number(name: str, wanted: str, file: FileFormat) -> str:
    # Only what is no number as it stands is looked at again: for a currency sign, or thousands set apart.
    bare = f"regexp_replace(regexp_replace({name}, '{BEHIND}', '', 'g'), '{BEFORE}', '\\1')"
    if file.decimal == ",":
        whole = f"replace(regexp_replace({bare}, '[.{SPACE}]', '', 'g'), ',', '.')"
        grouped = f"CASE WHEN regexp_matches({bare}, '{COMMA}') THEN {whole} END"
    else:
        whole = f"regexp_replace({bare}, '[,{SPACE}]', '', 'g')"
        grouped = f"CASE WHEN regexp_matches({bare}, '{POINT}') THEN {whole} ELSE {bare} END"
    read = f"TRY_CAST({_plain(name, file)} AS {wanted})"
    # Not by coalesce: DuckDB takes what repeats out of it, and then strips every number.
    return f"CASE WHEN {read} IS NOT NULL THEN {read} ELSE TRY_CAST({grouped} AS {wanted}) END"


def _text(column: Column, name: str, kind: str) -> str:
    if column.name not in IDS:
        return name if kind == "VARCHAR" else f"CAST({name} AS VARCHAR)"
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        # Frames make fractional numbers of ids as soon as one is missing.
        whole = f"CAST(TRY_CAST({name} AS HUGEINT) AS VARCHAR)"
        return f"CASE WHEN {name} = trunc({name}) THEN {whole} ELSE CAST({name} AS VARCHAR) END"
    if kind != "VARCHAR":
        return f"CAST({name} AS VARCHAR)"
    # As do spreadsheets, which then write the id 17850 as 17850.0.
    return f"CASE WHEN suffix({name}, '.0') THEN regexp_replace({name}, '^(\\d+)\\.0$', '\\1') ELSE {name} END"


def _time(name: str, kind: str, file: FileFormat) -> str:
    # A moment without a zone becomes one of the session's zone, which is the file's while it is read; plain TIMESTAMP
    # would drop the zone of a moment that has one.
    if kind == "VARCHAR" and file.date_format is None:
        return f"TRY_CAST({name} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
    moment = f"try_strptime({name}, {literal(str(file.date_format))})" if kind == "VARCHAR" else name
    if file.timezone == "UTC" and not kind.endswith("TIME ZONE") and not kind.startswith("TIMESTAMPTZ"):
        return f"TRY_CAST({moment} AS TIMESTAMP)"
    return f"TRY_CAST({moment} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
