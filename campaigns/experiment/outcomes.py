"""Files of outcomes: one row per customer, or one per event, into one value per customer of the experiment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from campaigns.errors import PlanMismatchError
from campaigns.experiment.description import Experiment, Metric, Window
from campaigns.ids import id_text
from campaigns.tables import OF_USERS, Table, quoted, read_csv, read_parquet, reading, refuse_empty
from segmentation.clock import iso
from segmentation.errors import (
    BadValueError,
    DuplicateRowError,
    EmptyTableError,
    MissingTableError,
    UnreadableFileError,
)

LARGEST = 1e15
"""Squares of larger values leave too few digits to compare segments by."""

# In a fixed order: the last bit of a sum depends on it.
SUM = "list_sum(list(value ORDER BY moment, value))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What a file of outcomes held; the values are in the table `outcome`.

    Parameters
    ----------
    rows
        Of the file.
    strangers
        Rows of customers who are not in the experiment.
    outside
        Events of members outside the window.
    absent
        Members without a row.
    latest
        Of the newest event; None without events.
    """

    rows: int
    strangers: int
    outside: int
    absent: int
    latest: str | None


def read_outcomes(
    connection: duckdb.DuckDBPyConnection, file: Path, metric: Metric, window: Window, arms: tuple[str, ...]
) -> Outcomes:
    """Bring a file of outcomes and the members of an experiment together.

    Parameters
    ----------
    connection
        With the table `member` (customer_id, segment_id, arm, covariate).
    file
        .parquet or .csv: customer_id, and the columns that the metric names.
    metric
        How to read it.
    window
        Events in it count.
    arms
        Of which an outcome's column `arm`, if there is one, may speak; empty: such a column is not looked at.

    Returns
    -------
    Outcomes
        The table `outcome` is made, in the order of customers' ids: the columns of `member`, and `value`.

    Raises
    ------
    SourceError
        The file cannot be read, lacks a column, has two rows for a customer, or has values that are missing or no
        numbers.
    PlanMismatchError
        Its customers are others, or in other arms.
    """
    given = _given(connection, file)
    for column in ("customer_id", metric.column, metric.when):
        if column is not None:
            given.require(column)
    _typed(connection, given, metric)
    if arms and "arm" in given.types:
        _refuse_other_arms(connection, file)
    (rows, strangers) = _first(
        connection,
        "SELECT count(*), count(*) FILTER (member.customer_id IS NULL) FROM typed LEFT JOIN member USING (customer_id)",
    )
    if not rows:
        raise EmptyTableError(f"{file.name} holds no row", hint="give the outcomes of the experiment's customers")
    if rows == strangers:
        raise PlanMismatchError(
            f"{file.name} holds none of the experiment's customers", hint="give the outcomes of this experiment"
        )
    outside, latest = _per_customer(connection, file, metric, window)
    (absent,) = _first(connection, "SELECT count(*) FROM member ANTI JOIN per_customer USING (customer_id)")
    if absent and metric.absent == "refuse":
        (members,) = _first(connection, "SELECT count(*) FROM member")
        raise BadValueError(
            f"{file.name} has no row for {absent:,} of {members:,} members of the experiment",
            hint="give every member a row; where having none means 0, metric.absent: zero says so, before assigning",
        )
    connection.execute(
        "CREATE OR REPLACE TABLE outcome AS SELECT member.*, coalesce(per_customer.value, 0.0) AS value FROM member "
        + ("LEFT JOIN" if metric.absent == "zero" else "JOIN")
        + " per_customer USING (customer_id) ORDER BY customer_id"
    )
    return Outcomes(rows=rows, strangers=strangers, outside=outside, absent=absent, latest=latest)


def read_history(connection: duckdb.DuckDBPyConnection, file: Path, experiment: Experiment) -> Outcomes:
    """Bring the same metric of an earlier period and the members together.

    Parameters
    ----------
    connection
        As for `read_outcomes`.
    file
        In the form of the outcomes; of events, as many days as the window has, just before it.
    experiment
        Of which the metric and the window are taken.

    Returns
    -------
    Outcomes
        As of `read_outcomes`.
    """
    return read_outcomes(connection, file, experiment.metric, experiment.window.before, ())


def read_ids(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Read the customers that may take part into the table `listed`.

    Parameters
    ----------
    connection
        Where to.
    file
        .parquet or .csv with a column customer_id.

    Raises
    ------
    SourceError
        It cannot be read, or has no such column.
    """
    given = _given(connection, file)
    ids = id_text(given, given.require("customer_id"))
    with reading(file, "write it anew"):
        connection.execute(f"CREATE TABLE listed AS SELECT DISTINCT {ids} AS customer_id FROM given")


def _given(connection: duckdb.DuckDBPyConnection, file: Path) -> Table:
    """The file; afterwards the view `given` reads it."""
    if not file.is_file():
        raise MissingTableError(f"there is no file {file}", hint="check its name")
    reader = {".parquet": read_parquet(file), ".csv": read_csv(file, OF_USERS)}.get(file.suffix.lower())
    if reader is None:
        raise UnreadableFileError(f"{file.name} is neither .parquet nor .csv", hint="give one of the two")
    refuse_empty(file)
    with reading(file, "write it anew"):
        connection.execute(f"CREATE OR REPLACE VIEW given AS SELECT * FROM {reader}")
        described = connection.execute("DESCRIBE given").fetchall()
    return Table(file, "given", {row[0]: row[1] for row in described})


def _typed(connection: duckdb.DuckDBPyConnection, given: Table, metric: Metric) -> None:
    """The table `typed` (customer_id, value, moment, arm), every value of it a number."""
    file, ids = given.file, id_text(given, "customer_id")
    text = "1.0" if metric.column is None else quoted(metric.column)
    value = f"coalesce(TRY_CAST({text} AS DOUBLE), CAST(TRY_CAST({text} AS BOOLEAN) AS DOUBLE))"
    moment = f"TRY_CAST({quoted(metric.when)} AS TIMESTAMPTZ)" if metric.when else "CAST(NULL AS TIMESTAMPTZ)"
    arm = "CAST(arm AS VARCHAR)" if "arm" in given.types else "CAST(NULL AS VARCHAR)"
    with reading(file, "write times as 2026-12-01T12:00:00Z, and numbers with a decimal point"):
        connection.execute(
            f"CREATE OR REPLACE TABLE typed AS SELECT {ids} AS customer_id, {value} AS value, {moment} AS moment, "
            f"{arm} AS arm, {text} IS NULL AS empty FROM given"
        )
    connection.execute("DROP VIEW given")
    nobody, empty, unread, infinite, undated, other = _first(
        connection,
        "SELECT count(*) FILTER (customer_id IS NULL), count(*) FILTER (empty), "
        f"count(*) FILTER (value IS NULL AND NOT empty), count(*) FILTER (NOT abs(value) <= {LARGEST}), "
        "count(*) FILTER (moment IS NULL), count(*) FILTER (value NOT IN (0, 1)) FROM typed",
    )
    faults = (
        ("customer_id", nobody, "no value", "leave such rows out of the file"),
        (metric.column, empty, "no value", "write 0 where nothing happened, or leave such rows out and set absent"),
        (metric.column, unread, "a value that is no number", "write numbers with a decimal point"),
        (metric.column, infinite, f"a value that is not finite, or beyond {LARGEST:g}", "look where they come from"),
        (metric.when, undated if metric.when else 0, "no time that can be read", "write 2026-12-01T12:00:00Z"),
    )
    for column, count, what, hint in faults:
        if count:
            raise BadValueError(f"{file.name}, column {column}: {count:,} rows have {what}", hint=hint)
    if other and metric.kind == "proportion" and metric.when is None:
        raise BadValueError(
            f"{file.name}, column {metric.column}: {other:,} rows have neither 0 nor 1",
            hint="of a proportion every customer has 0 or 1; for amounts, metric.kind is mean",
        )


def _per_customer(
    connection: duckdb.DuckDBPyConnection, file: Path, metric: Metric, window: Window
) -> tuple[int, str | None]:
    """The table `per_customer` (customer_id, value); events of members outside the window, and the newest of all."""
    if metric.when is None:
        (twice,) = _first(
            connection, "SELECT count(*) FROM (SELECT customer_id FROM typed GROUP BY 1 HAVING count(*) > 1)"
        )
        if twice:
            raise DuplicateRowError(
                f"{file.name} holds {twice:,} customers more than once",
                hint="give one row per customer; of events, metric.when names the column with their time",
            )
        connection.execute(
            "CREATE OR REPLACE TABLE per_customer AS "
            "SELECT customer_id, value FROM typed SEMI JOIN member USING (customer_id)"
        )
        return 0, None
    total = "CAST(coalesce(bool_or(value <> 0), false) AS DOUBLE)" if metric.kind == "proportion" else SUM
    connection.execute(
        f"CREATE OR REPLACE TABLE per_customer AS SELECT customer_id, {total} AS value "
        "FROM typed SEMI JOIN member USING (customer_id) WHERE moment >= ? AND moment < ? GROUP BY customer_id",
        list(window.bounds),
    )
    outside, newest = _first(
        connection,
        "SELECT count(*) FILTER (member.customer_id IS NOT NULL AND NOT (moment >= ? AND moment < ?)), "
        "epoch_us(max(moment)) "
        "FROM typed LEFT JOIN member USING (customer_id)",
        list(window.bounds),
    )
    return outside, _moment(newest)


def _refuse_other_arms(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    (others,) = _first(
        connection,
        "SELECT count(DISTINCT customer_id) FROM typed JOIN member USING (customer_id) "
        "WHERE typed.arm IS DISTINCT FROM member.arm",
    )
    if others:
        raise PlanMismatchError(
            f"{file.name}, column arm: {others:,} customers are in another arm than the plan put them into",
            hint="find out what they were sent; an analysis by what people got is no longer a randomised one",
        )


def _moment(microseconds: int | None) -> str | None:
    return None if microseconds is None else iso(datetime.fromtimestamp(microseconds // 1_000_000, UTC))


def _first(connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[Any] | None = None) -> tuple[Any, ...]:
    row = connection.execute(sql, parameters or []).fetchone()
    return () if row is None else row
