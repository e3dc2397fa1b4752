"""The feature catalogue: every behaviour feature, what it is, what it needs and how it enters the model.

An expression is an aggregate over the orders of one customer, in Ibis. Sums run over integers and decimals only; the
one division comes last, so that a feature is the same double whatever the number of threads or the order of rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir

from segmentation.tables import Interval

Transform = Literal["log1p", "none"]
Lacking = Literal["never", "mean", "median"]

SECONDS_PER_DAY = 86_400
SUM = "decimal(38, 7)"
"""Holds a hundred thousand lines of the largest quantity and price, to the last decimal of their product."""

SHARE = Interval(0, 1)
NOT_NEGATIVE = Interval(0)


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the customer table: what it is, what it needs, how it enters the model.

    Parameters
    ----------
    name, unit, help
        What it is, for people.
    needs
        Columns of the canonical table without which it cannot be made.
    expression
        The aggregate over one customer's orders (`level` "order") or order lines (`level` "line").
    transform
        What the pipeline does to it before scaling.
    winsorised
        Whether extremes are pulled in to frozen quantiles; not for bounded shares and small counts.
    valid
        The numbers it can take.
    lacking
        What a customer gets who has no value: the mean or median of the training customers who have one.
        "never": every customer with an order has a value.
    low, high
        How marketers call a customer whose value is unusually low or high; segment names are made of these.
    """

    name: str
    unit: str
    help: str
    needs: frozenset[str]
    expression: Callable[[ir.Table], ir.Value]
    low: str
    high: str
    transform: Transform = "none"
    winsorised: bool = False
    valid: Interval = NOT_NEGATIVE
    lacking: Lacking = "never"
    level: Literal["order", "line"] = "order"


def _frequency(orders: ir.Table) -> ir.IntegerValue:
    return orders.count()


def _ratio(numerator: ir.NumericValue, denominator: ir.NumericValue) -> ir.FloatingValue:
    return numerator.cast("float64") / denominator.nullif(0).cast("float64")


def _share(condition: ir.BooleanValue, of: ir.NumericValue) -> ir.FloatingValue:
    return _ratio(condition.cast("int64").sum(), of)


def _days(later: ir.TimestampValue, earlier: ir.TimestampValue) -> ir.FloatingValue:
    return later.delta(earlier, unit="second").cast("float64") / SECONDS_PER_DAY


def _mean_days_between_orders(orders: ir.Table) -> ir.FloatingValue:
    return _days(orders.ordered_at.max(), orders.ordered_at.min()) / (_frequency(orders) - 1).nullif(0)


def _freight_share(orders: ir.Table) -> ir.FloatingValue:
    both = orders.goods + orders.freight
    return _ratio(both.notnull().ifelse(orders.freight, ibis.null(SUM)).sum(), both.sum())


def _needs(*columns: str) -> frozenset[str]:
    return frozenset({"customer_id", "order_id", "ordered_at", *columns})


VALUE = ("unit_price", "quantity")

ORDER_FEATURES: tuple[Feature, ...] = (
    Feature(
        name="recency_days",
        unit="days",
        help="time from the last order to as_of",
        needs=_needs(),
        expression=lambda orders: _days(orders.as_of.max(), orders.ordered_at.max()),
        low="recent",
        high="long gone",
    ),
    Feature(
        name="frequency",
        unit="orders",
        help="number of orders, cancelled ones included",
        needs=_needs(),
        expression=lambda orders: _frequency(orders).cast("float64"),
        transform="log1p",
        valid=Interval(1),
        low="one-time",
        high="frequent",
    ),
    Feature(
        name="monetary",
        unit="currency",
        help="sum of what was paid; goods plus freight for an order without a payment",
        needs=_needs(*VALUE),
        expression=lambda orders: orders.value.sum().cast("float64"),
        transform="log1p",
        winsorised=True,
        low="low spend",
        high="high spend",
    ),
    Feature(
        name="average_basket",
        unit="currency per order",
        help="monetary divided by the number of orders whose value is known",
        needs=_needs(*VALUE),
        expression=lambda orders: _ratio(orders.value.sum(), orders.value.count()),
        transform="log1p",
        winsorised=True,
        low="small baskets",
        high="large baskets",
    ),
    Feature(
        name="tenure_days",
        unit="days",
        help="time from the first order to as_of",
        needs=_needs(),
        expression=lambda orders: _days(orders.as_of.max(), orders.ordered_at.min()),
        low="new",
        high="long-standing",
    ),
    Feature(
        name="mean_days_between_orders",
        unit="days",
        help="time from the first to the last order, divided by the number of gaps between orders",
        needs=_needs(),
        expression=_mean_days_between_orders,
        transform="log1p",
        winsorised=True,
        lacking="median",
        low="quick to reorder",
        high="slow to reorder",
    ),
    Feature(
        name="items_per_order",
        unit="pieces per order",
        help="pieces bought divided by frequency",
        needs=_needs("quantity"),
        expression=lambda orders: _ratio(orders.pieces.sum(), _frequency(orders)),
        transform="log1p",
        winsorised=True,
        low="few pieces",
        high="many pieces",
    ),
    Feature(
        name="distinct_categories",
        unit="categories",
        help="number of different product categories bought; a product without a category counts for none",
        needs=_needs("category"),
        expression=lambda lines: lines.category.nunique().cast("float64"),
        level="line",
        transform="log1p",
        low="single-category",
        high="broad interests",
    ),
    Feature(
        name="review_score",
        unit="points",
        help="mean review score over the orders that were reviewed",
        needs=_needs("review_score"),
        expression=lambda orders: _ratio(orders.review_score.sum(), orders.review_score.count()),
        valid=Interval(0, 100),
        lacking="mean",
        low="dissatisfied",
        high="satisfied",
    ),
    Feature(
        name="freight_share",
        unit="share",
        help="freight divided by goods plus freight, over the orders where both are known",
        needs=_needs("freight_value", *VALUE),
        expression=_freight_share,
        valid=SHARE,
        lacking="mean",
        low="cheap to ship",
        high="costly to ship",
    ),
    Feature(
        name="instalments",
        unit="instalments per order",
        help="mean number of instalments over the orders that have one",
        needs=_needs("instalments"),
        expression=lambda orders: _ratio(orders.instalments.sum(), orders.instalments.count()),
        transform="log1p",
        winsorised=True,
        lacking="mean",
        low="pays at once",
        high="pays in instalments",
    ),
    Feature(
        name="delivery_delay_days",
        unit="days",
        help="mean of delivery minus promised date over delivered orders; negative is early",
        needs=_needs("delivered_at", "estimated_delivery_at"),
        expression=lambda orders: _ratio(orders.delay.sum(), orders.delay.count()) / SECONDS_PER_DAY,
        winsorised=True,
        valid=Interval(),
        lacking="mean",
        low="delivered early",
        high="delivered late",
    ),
    Feature(
        name="late_share",
        unit="share",
        help="share of delivered orders that came after the promised date",
        needs=_needs("delivered_at", "estimated_delivery_at"),
        expression=lambda orders: _share(orders.delay > 0, of=orders.delay.count()),
        valid=SHARE,
        lacking="mean",
        low="on time",
        high="kept waiting",
    ),
    Feature(
        name="cancelled_share",
        unit="share",
        help="share of orders that were cancelled",
        needs=_needs("status"),
        expression=lambda orders: _share(orders.cancelled, of=_frequency(orders)),
        valid=SHARE,
        low="keeps orders",
        high="cancels",
    ),
)
"""Every feature of the canonical orders table, in the order in which they enter a model."""


def per_order(lines: ir.Table) -> ir.Table:
    """Order lines brought to one row per order, with what the features aggregate.

    Parameters
    ----------
    lines
        The canonical orders table with `as_of`.

    Returns
    -------
    ir.Table
        customer_id, order_id, as_of, ordered_at, pieces, goods, freight, value (money), review_score, instalments,
        delay (seconds), cancelled.
    """
    # A line that does not say otherwise is one piece; an order without lines is worth nothing, not an unknown sum.
    pieces = lines.quantity.coalesce(1)
    # Widened first: the product of the largest quantity and price does not fit the type DuckDB gives it.
    goods = (pieces == 0).ifelse(0, (pieces.cast(SUM) * lines.unit_price.cast(SUM))).cast(SUM)
    unknown = (pieces > 0) & lines.unit_price.isnull()
    orders = lines.group_by("customer_id", "order_id").agg(
        as_of=lines.as_of.max(),
        ordered_at=lines.ordered_at.min(),
        pieces=pieces.sum(),
        goods=unknown.any().ifelse(ibis.null(SUM), goods.sum()),
        freight=lines.freight_value.max().cast(SUM),
        payment=lines.payment_value.max().cast(SUM),
        review_score=lines.review_score.max(),
        instalments=lines.instalments.max(),
        delivered_at=lines.delivered_at.max(),
        estimated_delivery_at=lines.estimated_delivery_at.max(),
        cancelled=lines.status.lower().isin(["cancelled", "canceled"]).any().coalesce(False),
    )
    # Unknown stays unknown: neither a payment nor a price is no free order.
    # A delivery after as_of has not happened yet for whoever looks from there.
    arrived = (orders.delivered_at <= orders.as_of).ifelse(orders.delivered_at, ibis.null("timestamp"))
    return orders.mutate(
        value=orders.payment.coalesce(orders.goods + orders.freight.coalesce(0)),
        delay=arrived.delta(orders.estimated_delivery_at, unit="second"),
    )
