"""What the queries of the report read: rows up to as_of, one row per basket, one row per customer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import ibis
from ibis.backends.duckdb import Backend

from segmentation.features.orders import per_order
from training.database import first_row
from training.sources.loaded import Loaded

ROWS, BASKETS, BUYERS = "explore_rows", "explore_baskets", "explore_buyers"
"""A view of the canonical rows up to as_of; a table of what was bought at once; a table of who bought."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the report reads.

    Parameters
    ----------
    database
        Holds `ROWS`; and `BASKETS` and `BUYERS`, where rows have a time.
    loaded
        The source.
    as_of
        Rows after it are left out, UTC.
    first
        Moment of the first row, UTC; None where rows have no time.
    count
        Number of rows.
    priced
        Whether any basket has a known value.
    """

    database: Backend
    loaded: Loaded
    as_of: datetime
    first: datetime | None
    count: int
    priced: bool

    @property
    def until(self) -> str:
        """as_of as an SQL literal."""
        return f"TIMESTAMP '{_naive(self.as_of).isoformat(sep=' ')}'"

    @property
    def span_seconds(self) -> float:
        """From the first row to as_of; 0 where rows have no time."""
        return 0.0 if self.first is None else (self.as_of - self.first).total_seconds()

    def fetch(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query's answer, for queries whose answer is small.

        Parameters
        ----------
        sql
            A SELECT.
        parameters
            Its values.

        Returns
        -------
        list of tuple
            In the query's order.
        """
        rows: list[tuple[Any, ...]] = self.database.con.execute(sql, parameters or []).fetchall()
        return rows


def prepare(database: Backend, loaded: Loaded, as_of: datetime) -> Rows:
    """Make the tables that the report's queries read.

    Parameters
    ----------
    database
        Where the canonical table is.
    loaded
        The source.
    as_of
        UTC.

    Returns
    -------
    Rows
        A basket is an order; of events, what one customer purchased in one session.
    """
    moment = loaded.shape.moment
    literal = ibis.literal(_naive(as_of), type="timestamp")
    seen = loaded.table.mutate(as_of=literal)
    if moment is not None:
        seen = seen.filter(seen[moment] <= seen.as_of)
    database.create_view(ROWS, seen, overwrite=True)
    first, priced = None, False
    if moment is not None:
        if loaded.shape.name == "orders":
            orders = per_order(seen)
            database.create_table(
                BASKETS, orders.select("customer_id", "value", bought_at="ordered_at"), overwrite=True
            )
        else:
            database.raw_sql(_EVENT_BASKETS)
        database.raw_sql(_BUYERS)
        first = first_row(database, f"SELECT min({moment}) FROM {ROWS}")[0].replace(tzinfo=UTC)
        priced = bool(first_row(database, f"SELECT count(value) FROM {BASKETS}")[0])
    count = int(first_row(database, f"SELECT count(*) FROM {ROWS}")[0])
    return Rows(database, loaded, as_of, first, count, priced)


# A purchase without a session is a basket with what was purchased in the same second.
_EVENT_BASKETS = f"""
CREATE OR REPLACE TABLE {BASKETS} AS
SELECT customer_id, sum(CAST(price AS DECIMAL(38, 7))) AS value, min(occurred_at) AS bought_at
FROM {ROWS} WHERE event_type = 'purchase'
GROUP BY customer_id, coalesce(CAST(session_id AS VARCHAR), CAST(occurred_at AS VARCHAR))
"""

_BUYERS = f"""
CREATE OR REPLACE TABLE {BUYERS} AS
SELECT customer_id, min(bought_at, 3) AS earliest, max(bought_at) AS last_at, count(*) AS baskets, sum(value) AS spent
FROM {BASKETS} GROUP BY customer_id
"""


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)
