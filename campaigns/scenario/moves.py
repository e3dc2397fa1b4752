"""What a response does to each feature, so that a customer afterwards is one whom the shop could really have.

Customers are looked at as of the same moment as before: the additional order is as if it had been placed `wait_days`
before it. An order that has been delivered, reviewed and paid like the customer's earlier ones leaves their means as
they are; what such an order is likely to bring on top is not guessed, but may be said by `changes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from segmentation.scoring import Floats

Columns = Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """What happens to one feature of who responds.

    Parameters
    ----------
    feature
        Its name.
    says
        The move in words.
    needs
        Features that it is computed from.
    after
        From the features before, what is paid for the additional order and its `wait_days`: the feature afterwards.
    paid
        Whether it hangs on what is paid.
    """

    feature: str
    says: str
    needs: frozenset[str]
    after: Callable[[Columns, Floats, float], Floats]
    paid: bool = False


def _grown(feature: str, by: str = "1") -> Move:
    step = float(by)
    return Move(feature, f"{by} more", frozenset({feature}), lambda rows, _paid, _wait: rows[feature] + step)


def _spent(feature: str) -> Move:
    return Move(
        feature,
        "what is paid for the order is added",
        frozenset({feature}),
        lambda rows, paid, _wait: rows[feature] + paid,
        paid=True,
    )


def _recent(feature: str) -> Move:
    return Move(
        feature,
        "the wait, where it was longer",
        frozenset({feature}),
        lambda rows, _paid, wait: np.minimum(rows[feature], wait),
    )


def _average_basket(rows: Columns, paid: Floats, _wait: float) -> Floats:
    return with_order(rows["average_basket"], rows["frequency"], paid)


def _tenure(rows: Columns, _paid: Floats, wait: float) -> Floats:
    return np.maximum(rows["tenure_days"], wait)


def _between_orders(rows: Columns, _paid: Floats, wait: float) -> Floats:
    # A single order spans no time, whatever the model's median has put in for its customers.
    recency, gaps = rows["recency_days"], rows["frequency"] - 1
    first = recency + rows["mean_days_between_orders"] * gaps
    return (np.maximum(first, wait) - np.minimum(recency, wait)) / (gaps + 1)


def _cancelled(rows: Columns, _paid: Floats, _wait: float) -> Floats:
    return rows["cancelled_share"] * rows["frequency"] / (rows["frequency"] + 1)


ORDER_MOVES: tuple[Move, ...] = (
    _recent("recency_days"),
    _grown("frequency"),
    _spent("monetary"),
    Move(
        "average_basket",
        "the mean with the order in it",
        frozenset({"average_basket", "frequency"}),
        _average_basket,
        paid=True,
    ),
    Move("tenure_days", "the wait, where it was shorter", frozenset({"tenure_days"}), _tenure),
    Move(
        "mean_days_between_orders",
        "from the first to the latest order, by one more gap",
        frozenset({"mean_days_between_orders", "recency_days", "frequency"}),
        _between_orders,
    ),
    Move(
        "cancelled_share",
        "the order is kept: the share with one more order",
        frozenset({"cancelled_share", "frequency"}),
        _cancelled,
    ),
)

_LIKE = "stays: the order is like the customer's earlier ones"
ORDER_KEPT = {
    "items_per_order": _LIKE,
    "review_score": _LIKE,
    "freight_share": _LIKE,
    "instalments": _LIKE,
    "delivery_delay_days": _LIKE,
    "late_share": _LIKE,
    "distinct_categories": "stays: whether the order is in a category that is new to the customer is not known",
}


def _with_one_more(share: str, of: str) -> Move:
    def after(rows: Columns, _paid: Floats, _wait: float) -> Floats:
        return (rows[share] * rows[of] + 1) / (rows[of] + 1)

    return Move(share, f"the share with one more of {of.replace('_', ' ')}", frozenset({share, of}), after)


def _divided(ratio: str, above: str, below: str) -> Move:
    def after(rows: Columns, _paid: Floats, _wait: float) -> Floats:
        return (rows[above] + 1) / (rows[below] + 1)

    return Move(ratio, f"{above.replace('_', ' ')} by {below.replace('_', ' ')}", frozenset({above, below}), after)


def _abandonment(rows: Columns, _paid: Floats, _wait: float) -> Floats:
    # Of carts + 1 with purchases + 1 as many stay behind as before; who had no cart had none behind.
    return rows["cart_abandonment"] * rows["total_carts"] / (rows["total_carts"] + 1)


EVENT_MOVES: tuple[Move, ...] = (
    _recent("days_since_last_event"),
    _grown("total_events", "3"),
    _grown("total_views"),
    _grown("total_carts"),
    _grown("total_purchases"),
    _spent("total_spent"),
    _grown("sessions"),
    _with_one_more("session_conversion", "sessions"),
    _divided("view_to_cart", "total_carts", "total_views"),
    _divided("view_to_purchase", "total_purchases", "total_views"),
    Move(
        "cart_abandonment",
        "the share with one more cart, which is checked out",
        frozenset({"cart_abandonment", "total_carts"}),
        _abandonment,
    ),
    _grown("active_days"),
)
"""An order of a visitor is a visit on a day of its own: a view, a cart, a purchase."""

_VISIT = "stays: what else the visit is like is not known"
EVENT_KEPT = {
    "total_removals": _VISIT,
    "distinct_products": _VISIT,
    "distinct_categories": _VISIT,
    "distinct_brands": _VISIT,
    "night_share": _VISIT,
    "morning_share": _VISIT,
    "evening_share": _VISIT,
    "weekend_share": _VISIT,
}

MEANS = frozenset({"items_per_order", "review_score", "instalments", "delivery_delay_days", "late_share"})
"""Features of orders that are means over them. Not all orders are reviewed or delivered; here they count as if."""


def with_order(mean: Floats, orders: Floats, value: float | Floats) -> Floats:
    """A mean over a customer's orders, computed anew with one more.

    Parameters
    ----------
    mean, orders
        Before.
    value
        What the additional order has.

    Returns
    -------
    ndarray
        float64.
    """
    return (mean * orders + value) / (orders + 1)


MOVES: dict[str, tuple[Move, ...]] = {"orders": ORDER_MOVES, "events": EVENT_MOVES, "profiles": ()}
"""By the table that a model's features are made of."""

KEPT: dict[str, dict[str, str]] = {"orders": ORDER_KEPT, "events": EVENT_KEPT, "profiles": {}}
"""Features that no consistent move is defined for, and why."""

SPENT = {"orders": ("monetary", "frequency"), "events": ("total_spent", "total_purchases")}
"""What a customer has paid, and for how many orders: their own average basket, where the model does not have it."""
