"""The customers at many dates, from one canonical table: ids are numbered once, the query is compiled once."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt

from segmentation.features import canonical, customer_table
from segmentation.scoring import Floats
from training.database import first_row
from training.maintenance.dates import plain
from training.snapshot import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ibis.backends.duckdb import Backend

    from segmentation.features import Feature
    from training.sources import Loaded

Ints = npt.NDArray[np.int64]

ROWS, SEEN = "replayed", "replayed_until"


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The customers of a date, n of them.

    Parameters
    ----------
    date
        The moment they are looked at from, UTC.
    customers
        Their numbers, in the order of their ids; int64, ascending, shape (n,).
    features
        float64, shape (n, d); NaN where a customer lacks a feature.
    worth
        What each is worth so far; float64, shape (n,). None where the source does not tell.
    """

    date: datetime
    customers: Ints
    features: Floats
    worth: Floats | None


class Replay:
    """A canonical table that can be looked at as of any date.

    Parameters
    ----------
    database, loaded
        The canonical table.
    features
        The columns, in the model's order.
    worth
        The feature that says what customers are worth; it may be one of the columns. None: nothing does.
    """

    def __init__(
        self, database: Backend, loaded: Loaded, features: Sequence[Feature], worth: Feature | None = None
    ) -> None:
        self._database, self._names = database, [feature.name for feature in features]
        self._moment = loaded.shape.moment
        asked = list(features)
        self._worth = None if worth is None else worth.name
        if worth is not None and worth.name not in self._names:
            asked.append(worth)
        query = customer_table(canonical(loaded.shape, SEEN), loaded.shape, asked)
        self._sql = ibis.to_sql(query, dialect="duckdb")
        rows = _number(database, loaded)
        self._parts = max(1, ceil(rows / AT_ONCE))

    def at(self, date: datetime) -> Seen:
        """Look at the customers as of a date.

        Parameters
        ----------
        date
            Later rows are not seen, UTC.

        Returns
        -------
        Seen
            Everybody with a row on or before it.
        """
        parts = [self._part(date, part) for part in range(self._parts)]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        numbers = columns["customer_id"].astype(np.int64)
        order = np.argsort(numbers, kind="stable")
        features = np.column_stack([columns[name] for name in self._names])
        return Seen(
            date=date,
            customers=numbers[order],
            features=features[order],
            worth=None if self._worth is None else np.nan_to_num(columns[self._worth][order]),
        )

    def _part(self, date: datetime, part: int) -> dict[str, npt.NDArray[np.float64]]:
        # Customers in parts: the sets of what is different in each of them would not fit memory for all at once.
        only = f" AND customer_id % {self._parts} = {part}" if self._parts > 1 else ""
        self._database.raw_sql(
            f"CREATE OR REPLACE TEMP VIEW {SEEN} AS SELECT *, TIMESTAMP '{plain(date)}' AS as_of FROM {ROWS} "
            f"WHERE {self._moment} <= TIMESTAMP '{plain(date)}'{only}"
        )
        found = self._database.con.sql(self._sql).fetchnumpy()
        return {name: np.ma.filled(column.astype(np.float64), np.nan) for name, column in found.items()}


def _number(database: Backend, loaded: Loaded) -> int:
    """The table with numbers for ids, customers in the order of their ids; gives the number of its rows."""
    table, ordered = loaded.table.get_name(), loaded.shape.name == "orders"
    order = "JOIN replayed_orders USING (order_id)" if ordered else ""
    numbers = "replayed_customers.number AS customer_id" + (", replayed_orders.number AS order_id" if ordered else "")
    database.raw_sql(
        f"CREATE OR REPLACE TEMP TABLE replayed_customers AS SELECT customer_id, row_number() OVER (ORDER BY "
        f"customer_id) AS number FROM (SELECT DISTINCT customer_id FROM {table})"
    )
    if ordered:
        database.raw_sql(
            f"CREATE OR REPLACE TEMP TABLE replayed_orders AS SELECT order_id, row_number() OVER () AS number FROM "
            f"(SELECT DISTINCT order_id FROM {table})"
        )
    database.raw_sql(
        f"CREATE OR REPLACE TABLE {ROWS} AS SELECT {table}.* REPLACE ({numbers}) FROM {table} "
        f"JOIN replayed_customers USING (customer_id) {order}"
    )
    for gone in ("replayed_customers", "replayed_orders"):
        database.raw_sql(f"DROP TABLE IF EXISTS {gone}")
    return int(first_row(database, f"SELECT count(*) FROM {ROWS}")[0])
