"""Features of click events: every one, what it is, what it needs and how it enters the model."""

import ibis
import ibis.expr.types as ir

from segmentation.features.feature import SHARE, Feature, count, days, ratio
from segmentation.tables import Interval


def _is(events: ir.Table, kind: str) -> ir.BooleanValue:
    return events.event_type == kind


def _carts(events: ir.Table) -> ir.IntegerValue:
    return count(_is(events, "cart"))


def _purchases(events: ir.Table) -> ir.IntegerValue:
    return count(_is(events, "purchase"))


def _hours(events: ir.Table, first: int, last: int) -> ir.FloatingValue:
    hour = events.occurred_at.hour()
    return ratio(count((hour >= first) & (hour <= last)), events.count())


def _spent(events: ir.Table) -> ir.FloatingValue:
    # A purchase of unknown price adds nothing: the price of a click is a list price, not what was paid.
    return events.price.sum(where=_is(events, "purchase")).coalesce(0).cast("float64")


def _bought_in(events: ir.Table) -> ir.IntegerValue:
    return events.session_id.nunique(where=_is(events, "purchase"))


def _abandoned(events: ir.Table) -> ir.FloatingValue:
    # More purchases than carts happen: some shops let people buy without a cart.
    return ratio(ibis.greatest(_carts(events) - _purchases(events), 0), _carts(events))


def _needs(*columns: str) -> frozenset[str]:
    return frozenset({"customer_id", "event_type", "occurred_at", *columns})


def _counted(name: str, unit: str, kind: str, low: str, high: str) -> Feature:
    return Feature(
        name=name,
        unit=unit,
        help=f"number of events of type {kind}",
        level="line",
        needs=_needs(),
        expression=lambda events: count(_is(events, kind)).cast("float64"),
        transform="log1p",
        winsorised=True,
        low=low,
        high=high,
    )


def _distinct(name: str, unit: str, column: str, help: str, low: str, high: str) -> Feature:
    return Feature(
        name=name,
        unit=unit,
        help=help,
        level="line",
        needs=_needs(column),
        expression=lambda events: events[column].nunique().cast("float64"),
        transform="log1p",
        winsorised=True,
        low=low,
        high=high,
    )


def _part_of_day(name: str, first: int, last: int, low: str, high: str) -> Feature:
    return Feature(
        name=name,
        unit="share",
        help=f"share of events from {first}:00 to {last}:59 UTC",
        level="line",
        needs=_needs(),
        expression=lambda events: _hours(events, first, last),
        valid=SHARE,
        low=low,
        high=high,
    )


EVENT_FEATURES: tuple[Feature, ...] = (
    Feature(
        name="days_since_last_event",
        unit="days",
        help="time from the last event to as_of",
        level="line",
        needs=_needs(),
        expression=lambda events: days(events.as_of.max(), events.occurred_at.max()),
        low="seen lately",
        high="not seen lately",
        ages=True,
    ),
    Feature(
        name="total_events",
        unit="events",
        help="number of events of any type",
        level="line",
        needs=_needs(),
        expression=lambda events: events.count().cast("float64"),
        transform="log1p",
        winsorised=True,
        valid=Interval(1),
        low="less active",
        high="very active",
    ),
    _counted("total_views", "views", "view", "looking little", "looking a lot"),
    _counted("total_carts", "carts", "cart", "few carts", "filling carts"),
    _counted("total_removals", "removals", "remove_from_cart", "keeping carts", "emptying carts"),
    _counted("total_purchases", "purchases", "purchase", "few purchases", "many purchases"),
    Feature(
        name="total_spent",
        unit="currency",
        help="sum of the prices of what was purchased",
        level="line",
        needs=_needs("price"),
        expression=_spent,
        transform="log1p",
        winsorised=True,
        low="low spend",
        high="high spend",
    ),
    _distinct("sessions", "sessions", "session_id", "number of different sessions", "few visits", "many visits"),
    Feature(
        name="session_conversion",
        unit="share",
        help="share of sessions with a purchase",
        level="line",
        needs=_needs("session_id"),
        expression=lambda events: ratio(_bought_in(events), events.session_id.nunique()),
        valid=SHARE,
        lacking="mean",
        low="coming to look",
        high="coming to buy",
    ),
    Feature(
        name="view_to_cart",
        unit="carts per view",
        help="carts divided by views; can exceed 1 where carts are filled from lists",
        level="line",
        needs=_needs(),
        expression=lambda events: ratio(_carts(events), count(_is(events, "view"))),
        transform="log1p",
        winsorised=True,
        lacking="mean",
        low="views stay views",
        high="views become carts",
    ),
    Feature(
        name="view_to_purchase",
        unit="purchases per view",
        help="purchases divided by views; can exceed 1",
        level="line",
        needs=_needs(),
        expression=lambda events: ratio(_purchases(events), count(_is(events, "view"))),
        transform="log1p",
        winsorised=True,
        lacking="mean",
        low="looking before buying",
        high="buying at first sight",
    ),
    Feature(
        name="cart_abandonment",
        unit="share",
        help="share of carts that no purchase followed: 1 - purchases / carts, at least 0",
        level="line",
        needs=_needs(),
        expression=_abandoned,
        valid=SHARE,
        lacking="mean",
        low="checking out",
        high="not checking out",
    ),
    _distinct(
        "distinct_products",
        "products",
        "product_id",
        "number of different products",
        "few products",
        "many products",
    ),
    _distinct(
        "distinct_categories",
        "categories",
        "category",
        "number of different categories; an event without one counts for none",
        "few categories",
        "broad interests",
    ),
    _distinct(
        "distinct_brands",
        "brands",
        "brand",
        "number of different brands; an event without one counts for none",
        "few brands",
        "many brands",
    ),
    Feature(
        name="active_days",
        unit="days",
        help="number of different days, UTC, with an event",
        level="line",
        needs=_needs(),
        expression=lambda events: events.occurred_at.date().nunique().cast("float64"),
        transform="log1p",
        winsorised=True,
        valid=Interval(1),
        low="coming on few days",
        high="coming on many days",
    ),
    _part_of_day("night_share", 0, 5, "not by night", "night owls"),
    _part_of_day("morning_share", 6, 11, "not in the morning", "morning visitors"),
    _part_of_day("evening_share", 18, 23, "not in the evening", "evening visitors"),
    Feature(
        name="weekend_share",
        unit="share",
        help="share of events on Saturdays and Sundays, UTC",
        level="line",
        needs=_needs(),
        expression=lambda events: ratio(count(events.occurred_at.day_of_week.index() >= 5), events.count()),
        valid=SHARE,
        low="on weekdays",
        high="at weekends",
    ),
)
"""Every feature of the canonical events table, in the order in which they enter a model."""
