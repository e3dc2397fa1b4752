"""The SQL that reads one file into the table of lines: typed, each row with the cleaning rule that applies to it."""

from __future__ import annotations

from collections.abc import Mapping as ByName
from glob import escape

from segmentation.tables import Column, Interval
from training import cleaning
from training.sources.checks import literal, quoted
from training.sources.headers import Source
from training.sources.loaded import Action
from training.sources.locations import is_parquet
from training.sources.mapping import AMOUNT, Mapping
from training.sources.typed import cell, currency, typed

LINES = "lines"
"""The table of all rows: canonical columns, `file`, `row_hash`, `rule`, the cleaning rule's code, and `currency`."""

CURRENCY = "currency"
"""What stands beside a row's amounts, as `unit_price=EUR freight_value=€`; NULL where nothing does."""

CANCELLED = ("cancelled", "canceled")

_SIGNED = ("quantity", "unit_price", "price", AMOUNT)
"""Columns whose negative values have rules of their own."""


def columns(mapping: Mapping) -> tuple[Column, ...]:
    """The columns of the table of lines that hold data.

    Parameters
    ----------
    mapping
        How the files read.

    Returns
    -------
    tuple of Column
        The canonical ones, and `amount` where the mapping has it.
    """
    extra = (
        (Column(AMOUNT, "money", "what the whole line cost", valid=Interval(0, 1e9)),)
        if AMOUNT in mapping.columns
        else ()
    )
    return (*mapping.shape.columns, *extra)


def create(mapping: Mapping) -> str:
    """SQL that makes the empty table of lines.

    Parameters
    ----------
    mapping
        How the files read.

    Returns
    -------
    str
        One statement.
    """
    types = ", ".join(
        f"{quoted(column.name)} {'UBIGINT' if _is_counted(column.name, mapping) else column.sql_type}"
        for column in columns(mapping)
    )
    return f"CREATE TABLE {LINES} ({types}, file UINTEGER, row_hash UBIGINT, rule UTINYINT, {CURRENCY} VARCHAR)"


def scan(source: Source, separator: str) -> str:
    """SQL that reads a file's records as they are.

    Parameters
    ----------
    source
        The file.
    separator
        Of CSV.

    Returns
    -------
    str
        A table function; text for CSV, the file's own types for Parquet.
    """
    path = literal(escape(str(source.path)))
    if is_parquet(source.path):
        return f"read_parquet({path}, hive_partitioning = false)"
    declared = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in source.kinds)
    return (
        f"read_csv({path}, columns = {{{declared}}}, auto_detect = false, header = true, quote = '\"', escape = '\"', "
        f"delim = {literal(separator)}, store_rejects = true, rejects_limit = 0, hive_partitioning = false)"
    )


def insert(
    number: int, source: Source, mapping: Mapping, done: ByName[str, Action], compared: ByName[str, str] | None = None
) -> str:
    """SQL that reads a file into the table of lines.

    Parameters
    ----------
    number
        Of the file.
    source
        The file.
    mapping
        How it reads.
    done
        What happens by cleaning rule.
    compared
        See `headers.unlike`.

    Returns
    -------
    str
        One statement.
    """
    file, compared = mapping.file, compared or {}
    there = {column.name: column for column in columns(mapping) if column.name in source.theirs}
    raw, made, borne = [], [], []
    for name, column in there.items():
        theirs = source.theirs[name]
        kind, inner = source.kinds[theirs], quoted(f"raw_{name}")
        raw.append(f"{cell(quoted(theirs), kind, file, csv=not is_parquet(source.path))} AS {inner}")
        made.append(f"{typed(column, inner, kind, file)} AS {quoted(name)}")
        if (beside := currency(column, inner, kind, file)) is not None:
            made.append(f"{beside} AS {quoted('currency_' + name)}")
            borne.append(name)
    # By name: two files may have the same columns in another order.
    whole = ", ".join(_comparable(quoted(name), compared.get(name)) for name in sorted(source.kinds))
    values = f"SELECT {', '.join(raw)}, hash({whole}) AS row_hash FROM {scan(source, file.separator)}"
    derived = _derived(there, mapping)
    present = {*there, *derived}
    told = "".join(f", {sql} AS {name}" for name, sql in derived.items())
    rule = cleaning.first_rule_sql(cleaning.rules_of(mapping.table), done, frozenset(present))
    into = [column.name for column in columns(mapping) if column.name in present]
    selected = ", ".join(_canonical(name, mapping) for name in into)
    return (
        f"INSERT INTO {LINES} ({', '.join(map(quoted, into))}, file, row_hash, rule, {CURRENCY}) "
        f"SELECT {selected}, {number}, row_hash, {rule}, {_borne(borne)} "
        f"FROM (SELECT *{told} FROM (SELECT *, {', '.join(made)} FROM ({values})))"
    )


def unreadable(there: ByName[str, Column]) -> dict[str, str]:
    """SQL conditions for values that are there and are no date or number, by our column.

    Parameters
    ----------
    there
        Our columns that the file has.

    Returns
    -------
    dict of str to str
        Over the columns `raw_…` and the typed ones.
    """
    return {
        name: f"({quoted('raw_' + name)} IS NOT NULL AND {quoted(name)} IS NULL)"
        for name, column in there.items()
        if column.kind != "text"
    }


def out_of_range(there: ByName[str, Column], moment: str | None) -> dict[str, str]:
    """SQL conditions for values that their column cannot hold, by our column.

    Parameters
    ----------
    there
        Our columns that the file has.
    moment
        The column that says when a row happened: it has a rule of its own.

    Returns
    -------
    dict of str to str
        Over the typed columns.
    """
    conditions: dict[str, list[str]] = {name: [] for name in there}
    for name, column in there.items():
        cell_ = quoted(name)
        if column.valid is not None and column.valid.high is not None:
            conditions[name].append(f"{cell_} > {column.valid.high:f}")
        if column.valid is not None and column.valid.low is not None and name not in _SIGNED:
            conditions[name].append(f"{cell_} < {column.valid.low:f}")
        if column.kind == "integer":
            conditions[name].append(f"{cell_} <> trunc({cell_})")
        if column.kind == "number":
            conditions[name].append(f"NOT isfinite({cell_}) OR abs({cell_}) > 1e12")
        if column.kind == "time" and name != moment:
            conditions[name].append(cleaning.impossible(cell_))
    return {name: f"({' OR '.join(found)})" for name, found in conditions.items() if found}


def _borne(names: list[str]) -> str:
    """SQL that gathers what stands beside the amounts of a row."""
    if not names:
        return "NULL"
    beside = [quoted("currency_" + name) for name in names]
    said = ", ".join(f"{literal(name + '=')} || {each}" for name, each in zip(names, beside, strict=True))
    return f"CASE WHEN coalesce({', '.join(beside)}) IS NOT NULL THEN concat_ws(' ', {said}) END"


def _derived(there: ByName[str, Column], mapping: Mapping) -> dict[str, str]:
    """What rules ask for, and columns that follow from others: SQL by name."""
    moment = mapping.shape.moment
    bad, outside = unreadable(there), out_of_range(there, moment)
    derived = {
        "unreadable": " OR ".join(bad.values()) or "false",
        "out_of_range": " OR ".join(outside.values()) or "false",
    }
    if moment is not None:
        derived |= {"moment": quoted(moment), "unreadable_moment": bad.get(moment, "false")}
    if mapping.table == "orders":
        derived |= _of_orders(there, mapping)
    return derived


def _of_orders(there: ByName[str, Column], mapping: Mapping) -> dict[str, str]:
    derived: dict[str, str] = {}
    marks = []
    if mapping.cancelled.order_id_prefix and "order_id" in there:
        marks.append(f"starts_with(order_id, {literal(mapping.cancelled.order_id_prefix)})")
    if mapping.cancelled.negative_quantity and "quantity" in there:
        marks.append("quantity < 0")
    if marks:
        derived["cancelled_line"] = f"coalesce({' OR '.join(marks)}, false)"
    if mapping.not_products and "product_id" in there:
        tests = [
            f"starts_with(product_id, {literal(code[:-1])})" if code.endswith("*") else f"product_id = {literal(code)}"
            for code in mapping.not_products
        ]
        derived["not_a_product"] = f"coalesce({' OR '.join(tests)}, false)"
    derived |= _of_prices(there)
    if "status" in there:
        said = ", ".join(literal(word.lower()) for word in mapping.cancelled.status or CANCELLED)
        derived["cancelled_order"] = f"coalesce(lower(status) IN ({said}), false)"
    if "order_id" not in there:
        # Whoever buys several things at one moment buys them in one order.
        derived["order_id"] = "concat_ws('@', customer_id, ordered_at)"
    return derived


def _comparable(name: str, kind: str | None) -> str:
    if kind is None:
        return name
    # To a DOUBLE whole numbers beyond 2**53, as ids may be, are the same as their neighbours.
    return f"CAST({name} AS {kind})" + (f", TRY_CAST(trunc({name}) AS HUGEINT)" if kind == "DOUBLE" else "")


def _of_prices(there: ByName[str, Column]) -> dict[str, str]:
    derived: dict[str, str] = {}
    if AMOUNT in there:
        one = f"{AMOUNT} / coalesce(nullif(quantity, 0), 1)" if "quantity" in there else AMOUNT
        derived |= {"unit_price": f"CAST({one} AS DECIMAL(18, 4))", "price": AMOUNT}
    elif "unit_price" in there:
        derived["price"] = "unit_price"
    if "price" in derived:
        paid = " AND payment_value IS NULL" if "payment_value" in there else ""
        derived["missing_price"] = f"({derived['price']} IS NULL{paid})"
    elif "payment_value" in there:
        derived["missing_price"] = "payment_value IS NULL"
    return derived


def _is_counted(name: str, mapping: Mapping) -> bool:
    """Whether a column of ids is only ever counted: then its hash is kept, at half the time of counting its text."""
    return mapping.table == "events" and name in ("session_id", "product_id")


def _canonical(name: str, mapping: Mapping) -> str:
    column = quoted(name)
    if _is_counted(name, mapping):
        return f"CASE WHEN {column} IS NULL THEN NULL ELSE hash({column}) END"
    if name == "status":
        return f"CASE WHEN cancelled_order THEN 'cancelled' ELSE {column} END"
    if name == "instalments":
        # A number that is none of its kind is refused by rule, not by a cast.
        return f"TRY_CAST({column} AS INTEGER)"
    if name == "event_type" and mapping.event_types:
        cases = " ".join(f"WHEN {literal(theirs)} THEN {literal(ours)}" for theirs, ours in mapping.event_types.items())
        return f"CASE {column} {cases} ELSE {column} END"
    return column
