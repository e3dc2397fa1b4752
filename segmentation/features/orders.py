"""Features of orders: every one, what it is, what it needs and how it enters the model."""

import ibis
import ibis.expr.types as ir

from segmentation.features.feature import (
    SECONDS_PER_DAY,
    SHARE,
    SUM,
    Feature,
    days,
    ratio,
)
from segmentation.tables import Interval


def _frequency(orders: ir.Table) -> ir.IntegerValue:
    return orders.count()


def _share(condition: ir.BooleanValue, of: ir.NumericValue) -> ir.FloatingValue:
    return ratio(condition.cast("int64").sum(), of)


def _mean_days_between_orders(orders: ir.Table) -> ir.FloatingValue:
    return days(orders.ordered_at.max(), orders.ordered_at.min()) / (_frequency(orders) - 1).nullif(0)


def _freight_share(orders: ir.Table) -> ir.FloatingValue:
    both = orders.goods + orders.freight
    return ratio(both.notnull().ifelse(orders.freight, ibis.null(SUM)).sum(), both.sum())


def _needs(*columns: str) -> frozenset[str]:
    return frozenset({"customer_id", "order_id", "ordered_at", *columns})


VALUE = ("unit_price", "quantity")

ORDER_FEATURES: tuple[Feature, ...] = (
    Feature(
        name="recency_days",
        unit="days",
        help="time from the last order to as_of",
        needs=_needs(),
        expression=lambda orders: days(orders.as_of.max(), orders.ordered_at.max()),
        low="bought lately",
        high="no order lately",
        ages=True,
    ),
    Feature(
        name="frequency",
        unit="orders",
        help="number of orders, cancelled ones included",
        needs=_needs(),
        expression=lambda orders: _frequency(orders).cast("float64"),
        transform="log1p",
        valid=Interval(1),
        low="few orders",
        high="several orders",
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
        expression=lambda orders: ratio(orders.value.sum(), orders.value.count()),
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
        expression=lambda orders: days(orders.as_of.max(), orders.ordered_at.min()),
        low="new",
        high="long-standing",
        ages=True,
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
        expression=lambda orders: ratio(orders.pieces.sum(), _frequency(orders)),
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
        low="few categories",
        high="broad interests",
    ),
    Feature(
        name="review_score",
        unit="points",
        help="mean review score over the orders that were reviewed",
        needs=_needs("review_score"),
        expression=lambda orders: ratio(orders.review_score.sum(), orders.review_score.count()),
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
        expression=lambda orders: ratio(orders.instalments.sum(), orders.instalments.count()),
        transform="log1p",
        winsorised=True,
        lacking="mean",
        low="paying at once",
        high="paying in instalments",
    ),
    Feature(
        name="delivery_delay_days",
        unit="days",
        help="mean of delivery minus promised date over delivered orders; negative is early",
        needs=_needs("delivered_at", "estimated_delivery_at"),
        expression=lambda orders: ratio(orders.delay.sum(), orders.delay.count()) / SECONDS_PER_DAY,
        winsorised=True,
        valid=Interval(),
        lacking="mean",
        low="delivered early",
        high="kept waiting",
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
        low="keeping orders",
        high="cancelling orders",
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
