"""A canonical table as of a date, brought to one row of features per customer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

import ibis
import numpy as np
import pandas as pd
from ibis.backends.duckdb import Backend

from segmentation import clock
from segmentation.errors import UnusableDataError
from segmentation.features import Feature, available, canonical, compile_sql, customer_table
from segmentation.tables import Table
from training import progress
from training.database import first_row
from training.fills import stand_in, with_missing
from training.sources import Extent, Loaded

FLATTEST = 1e7
"""Mean over standard deviation from which on the last digits of a scaled feature are rounding."""

AT_ONCE = 25_000_000
"""Rows whose customers are computed in one go."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Customers as of a date.

    Parameters
    ----------
    as_of
        The moment they are looked at from, UTC.
    customers
        One row per customer, float64, indexed by customer_id and sorted by it; columns are the features.
    features
        What the columns are.
    fills
        By feature, what customers got who lacked it.
    lacking
        By feature, how many customers lacked it.
    left_out
        Features asked for that are not there, and why.
    extent
        Rows and customers up to as_of.
    shape
        The canonical table that they were made of.
    """

    as_of: datetime
    customers: pd.DataFrame
    features: tuple[Feature, ...]
    fills: dict[str, float]
    lacking: dict[str, int]
    left_out: dict[str, str]
    extent: Extent
    shape: Table

    @property
    def sql(self) -> str:
        """The feature definition, to travel with the model."""
        return compile_sql(self.shape, self.features, self.fills)


def take(
    database: Backend,
    loaded: Loaded,
    features: Sequence[Feature],
    as_of: datetime | None = None,
    *,
    missing: Mapping[str, float | str] | None = None,
    needed: Collection[str] = (),
) -> Snapshot:
    """Look at the customers as of a date.

    Parameters
    ----------
    database
        Where the table is.
    loaded
        A canonical table.
    features
        The features asked for; those whose columns the data lack, that nobody has, or that are the same for
        everybody, are left out with the reason.
    as_of
        UTC; None: the newest row in the data, never the clock.
    missing
        By feature, what customers get who lack it (mean, median or a number), where not as the catalogue says.
    needed
        Features that rule segments ask for: kept even where they are the same for everybody.

    Returns
    -------
    Snapshot
        The customers who have a row on or before as_of.

    Raises
    ------
    UnusableDataError
        There is no row on or before as_of, or no feature can be made.
    """
    as_of = newest(loaded) if as_of is None else as_of.astimezone(UTC)
    extent = measure(database, loaded, as_of)
    makeable, left_out = available(with_missing(features, missing or {}), loaded.columns)
    if not makeable:
        raise UnusableDataError("no feature can be made of these data", hint="; ".join(left_out.values()))
    customers, fills, lacking = _compute(database, loaded, makeable, as_of, extent.rows, missing or {})
    unknown = [feature.name for feature in makeable if lacking[feature.name] == len(customers)]
    left_out |= dict.fromkeys(unknown, "no customer has a value")
    makeable = tuple(feature for feature in makeable if feature.name not in unknown)
    _refuse_unknown(makeable, lacking)
    customers = customers.drop(columns=unknown)
    constant = [name for name in customers.columns if name not in needed and _constant(customers[name])]
    left_out |= {name: _why_constant(customers[name]) for name in constant}
    kept = tuple(feature for feature in makeable if feature.name not in constant)
    if not kept:
        raise UnusableDataError("every customer is the same in every feature", hint="choose other features or data")
    names = [feature.name for feature in kept]
    return Snapshot(
        as_of=as_of,
        customers=customers if names == list(customers.columns) else customers[names],
        features=kept,
        fills={name: fills[name] for name in names if name in fills},
        lacking={name: lacking[name] for name in names},
        left_out=left_out,
        extent=extent,
        shape=loaded.shape,
    )


def newest(loaded: Loaded) -> datetime:
    """The moment of the newest row: what customers are looked at from unless asked otherwise.

    Parameters
    ----------
    loaded
        A canonical table.

    Returns
    -------
    datetime
        UTC; for a table without time, the moment that the model bears as its creation.

    Raises
    ------
    UnusableDataError
        There is no row.
    """
    if loaded.shape.moment is None:
        return clock.now()
    found: datetime | None = loaded.table[loaded.shape.moment].max().to_pyarrow().as_py()
    if found is None:
        raise UnusableDataError(
            f"no {loaded.shape.rows} are left", hint="check that the right files were given, and what was dropped"
        )
    return found.replace(tzinfo=UTC)


def measure(database: Backend, loaded: Loaded, as_of: datetime) -> Extent:
    """Count rows, orders and customers.

    Parameters
    ----------
    database
        Where the table is.
    loaded
        A canonical table.
    as_of
        Later rows do not count; UTC.

    Returns
    -------
    Extent
        Counts and dates.

    Raises
    ------
    UnusableDataError
        There is no row.
    """
    table, moment = loaded.table.get_name(), loaded.shape.moment
    if moment is None:
        rows, customers = first_row(database, f"SELECT count(*), count(DISTINCT customer_id) FROM {table}")
        extent = Extent(rows, customers, None, None, None, None)
    else:
        until = f"{moment} <= TIMESTAMP '{as_of.replace(tzinfo=None).isoformat(sep=' ')}'"
        span = (
            f"sum(n), count(*), min(first), max(last) FROM (SELECT customer_id, count(*) AS n, min({moment}) AS first, "
        )
        if loaded.shape.name == "orders":
            # One row per order first: the same order on many lines counts once, without a set of ids per customer.
            inner = (
                f"SELECT customer_id, order_id, count(*) AS lines, min({moment}) AS first, max({moment}) AS last "
                f"FROM {table} WHERE {until} GROUP BY ALL"
            )
            orders, single, rows, customers, earliest, latest = first_row(
                database,
                "SELECT sum(orders), count(*) FILTER (orders = 1), sum(lines), count(*), min(first), max(last) FROM ("
                "SELECT customer_id, count(*) AS orders, sum(lines) AS lines, min(first) AS first, max(last) AS last "
                f"FROM ({inner}) GROUP BY customer_id)",
            )
        else:
            orders = single = None
            rows, customers, earliest, latest = first_row(
                database,
                f"SELECT {span}max({moment}) AS last FROM {table} WHERE {until} GROUP BY customer_id)",
            )
        extent = Extent(
            rows=int(rows or 0),
            customers=customers,
            orders=None if orders is None else int(orders),
            one_order_customers=single,
            earliest=earliest.replace(tzinfo=UTC) if earliest else None,
            latest=latest.replace(tzinfo=UTC) if latest else None,
        )
    if not extent.customers:
        raise UnusableDataError(
            f"the data hold no {loaded.shape.name[:-1]} on or before {as_of:%Y-%m-%d %H:%M:%S}",
            hint="choose a later --as-of, or check the files",
        )
    return extent


def _constant(values: pd.Series) -> bool:
    """Whether nobody can be told apart by a feature: also where its differences are lost in rounding."""
    return _same(values) or bool(values.std() * FLATTEST < abs(values.mean()))


def _same(values: pd.Series) -> bool:
    return bool((values == values.iloc[0]).all())


def _why_constant(values: pd.Series) -> str:
    if _same(values):
        return "it is the same for every customer"
    return "its differences are lost in rounding beside its size: subtract what all have in common"


def _refuse_unknown(features: Sequence[Feature], lacking: Mapping[str, int]) -> None:
    for feature in features:
        if feature.lacking == "never" and lacking[feature.name]:
            raise UnusableDataError(
                f"{feature.name} cannot be computed for {lacking[feature.name]:,} customers",
                hint=f"none of their orders has what it needs: {', '.join(sorted(feature.needs))}",
            )


def _compute(
    database: Backend,
    loaded: Loaded,
    features: Sequence[Feature],
    as_of: datetime,
    rows: int,
    missing: Mapping[str, float | str],
) -> tuple[pd.DataFrame, dict[str, float], dict[str, int]]:
    """The features of all customers, in the order of their ids; what customers get who lack one; how many lack it."""
    parts = max(1, ceil(rows / AT_ONCE))
    database.raw_sql("DROP TABLE IF EXISTS customer_features")
    for part in range(parts):
        # Customers in parts: the sets of what is different in each of them would not fit memory for all at once.
        database.raw_sql(
            f"CREATE OR REPLACE TEMP VIEW seen AS SELECT *, TIMESTAMP '{as_of.replace(tzinfo=None)}' AS as_of "
            f"FROM main.{loaded.table.get_name()}"
            + (f" WHERE hash(customer_id) % {parts} = {part}" if parts > 1 else "")
        )
        sql = ibis.to_sql(customer_table(canonical(loaded.shape, "seen"), loaded.shape, features), dialect="duckdb")
        into = "INSERT INTO customer_features" if part else "CREATE TABLE customer_features AS"
        with progress.step("computing features", database.con):
            database.raw_sql(f"{into} {sql}")
    with progress.step("ordering customers", database.con):
        customers = database.con.sql("SELECT * FROM customer_features ORDER BY customer_id").df()
    database.raw_sql("DROP TABLE customer_features")
    customers = customers.set_index("customer_id").astype(np.float64)
    lacking = {name: int(customers[name].isna().sum()) for name in customers.columns}
    fills: dict[str, float] = {}
    for feature in features:
        values = customers[feature.name].to_numpy()
        if feature.lacking == "never" or lacking[feature.name] == len(values):
            continue
        fills[feature.name] = stand_in(feature, values[~np.isnan(values)], missing)
        if lacking[feature.name]:
            customers[feature.name] = np.where(np.isnan(values), fills[feature.name], values)
    return customers, fills, lacking
