"""Orders as of a date, brought to one row of features per customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis.backends.duckdb import Backend

from segmentation.errors import UnusableDataError
from segmentation.features import Feature, available, compile_sql, customer_table, fill
from training.sources import Extent, Orders

FILL_DECIMALS = 6
"""Fills are rounded: a short literal is the same number in SQL, in JSON and in Python."""


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
        Orders and customers up to as_of.
    """

    as_of: datetime
    customers: pd.DataFrame
    features: tuple[Feature, ...]
    fills: dict[str, float]
    lacking: dict[str, int]
    left_out: dict[str, str]
    extent: Extent

    @property
    def sql(self) -> str:
        """The feature definition, to travel with the model."""
        return compile_sql(self.features, self.fills)


def take(database: Backend, orders: Orders, features: Sequence[Feature], as_of: datetime | None = None) -> Snapshot:
    """Look at the customers as of a date.

    Parameters
    ----------
    database
        Where the orders are.
    orders
        Canonical orders.
    features
        The features asked for; those whose columns the data lack, that nobody has, or that are the same for
        everybody, are left out with the reason.
    as_of
        UTC; None: the newest order in the data, never the clock.

    Returns
    -------
    Snapshot
        The customers who ordered on or before as_of.

    Raises
    ------
    UnusableDataError
        There is no order on or before as_of, or no feature can be made.
    """
    as_of = newest(orders) if as_of is None else as_of.astimezone(UTC)
    seen = orders.table.mutate(as_of=ibis.literal(as_of.replace(tzinfo=None), type="timestamp"))
    extent = measure(seen.filter(seen.ordered_at <= seen.as_of), as_of)
    makeable, left_out = available(features, orders.columns)
    if not makeable:
        raise UnusableDataError("no feature can be made of these data", hint="; ".join(left_out.values()))
    raw = database.create_table("customer_features", customer_table(seen, makeable), overwrite=True)
    fills, lacking, unknown = _fills(raw, makeable)
    left_out |= dict.fromkeys(unknown, "no customer has a value")
    makeable = tuple(feature for feature in makeable if feature.name not in unknown)
    _refuse_unknown(makeable, lacking)
    filled = fill(raw.select("customer_id", *[feature.name for feature in makeable]), fills)
    customers = filled.to_pandas().set_index("customer_id").astype(np.float64)
    constant = [name for name in customers.columns if customers[name].nunique() == 1]
    left_out |= dict.fromkeys(constant, "it is the same for every customer")
    kept = tuple(feature for feature in makeable if feature.name not in constant)
    if not kept:
        raise UnusableDataError("every customer is the same in every feature", hint="choose other features or data")
    names = [feature.name for feature in kept]
    return Snapshot(
        as_of=as_of,
        customers=customers[names],
        features=kept,
        fills={name: fills[name] for name in names if name in fills},
        lacking={name: lacking[name] for name in names},
        left_out=left_out,
        extent=extent,
    )


def newest(orders: Orders) -> datetime:
    """The moment of the newest order: what customers are looked at from unless asked otherwise.

    Parameters
    ----------
    orders
        Canonical orders.

    Returns
    -------
    datetime
        UTC.

    Raises
    ------
    UnusableDataError
        There is no order.
    """
    found: datetime | None = orders.table.ordered_at.max().to_pyarrow().as_py()
    if found is None:
        raise UnusableDataError("the data hold no order", hint="check that the right files were given")
    return found.replace(tzinfo=UTC)


def measure(lines: ir.Table, as_of: datetime | None = None) -> Extent:
    """Count orders and customers.

    Parameters
    ----------
    lines
        Canonical order lines.
    as_of
        For the error message.

    Returns
    -------
    Extent
        Counts and dates.

    Raises
    ------
    UnusableDataError
        There is no order.
    """
    per_order = lines.group_by("customer_id", "order_id").agg(lines=lines.count(), at=lines.ordered_at.min())
    per_customer = per_order.group_by("customer_id").agg(
        orders=per_order.count(), lines=per_order.lines.sum(), first=per_order["at"].min(), last=per_order["at"].max()
    )
    found = (
        per_customer.agg(
            order_lines=per_customer.lines.sum(),
            orders=per_customer.orders.sum(),
            customers=per_customer.count(),
            one_order_customers=(per_customer.orders == 1).sum(),
            earliest=per_customer["first"].min(),
            latest=per_customer["last"].max(),
        )
        .to_pyarrow()
        .to_pylist()[0]
    )
    if not found["customers"]:
        when = f" on or before {as_of:%Y-%m-%d %H:%M:%S}" if as_of else ""
        raise UnusableDataError(f"the data hold no order{when}", hint="choose a later --as-of, or check the files")
    for name in ("earliest", "latest"):
        found[name] = found[name].replace(tzinfo=UTC)
    return Extent(**found)


def _refuse_unknown(features: Sequence[Feature], lacking: Mapping[str, int]) -> None:
    for feature in features:
        if feature.lacking == "never" and lacking[feature.name]:
            raise UnusableDataError(
                f"{feature.name} cannot be computed for {lacking[feature.name]:,} customers",
                hint=f"none of their orders has what it needs: {', '.join(sorted(feature.needs))}",
            )


def _fills(raw: ir.Table, features: Sequence[Feature]) -> tuple[dict[str, float], dict[str, int], list[str]]:
    counted = raw.agg(**{feature.name: raw[feature.name].isnull().sum() for feature in features})
    lacking: dict[str, int] = counted.to_pyarrow().to_pylist()[0]
    fills: dict[str, float] = {}
    unknown: list[str] = []
    for feature in features:
        if feature.lacking == "never":
            continue
        # In the customers' order: a mean adds up in the order of its rows.
        values = raw.filter(raw[feature.name].notnull()).order_by("customer_id")[feature.name].to_pandas().to_numpy()
        if len(values) == 0:
            unknown.append(feature.name)
            continue
        middle = np.mean(values) if feature.lacking == "mean" else np.median(values)
        fills[feature.name] = round(float(middle), FILL_DECIMALS)
    return fills, lacking, unknown
