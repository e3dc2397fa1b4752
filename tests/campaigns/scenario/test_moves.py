"""A response moves features as the order would that it stands for: the feature SQL says so once it is placed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from campaigns.scenario.moves import EVENT_KEPT, EVENT_MOVES, MEANS, ORDER_KEPT, ORDER_MOVES, Move, with_order
from segmentation.features import EVENT_FEATURES, ORDER_FEATURES
from segmentation.features.query import compile_sql
from segmentation.histories import History, HistoryQuery
from segmentation.scoring import Floats
from segmentation.tables import EVENTS, ORDERS

AS_OF = datetime(2026, 1, 1)  # noqa: DTZ001 - naive is UTC there
FILLS = {"mean_days_between_orders": 77.0, "cart_abandonment": 0.4, "view_to_cart": 0.3, "view_to_purchase": 0.1}

# Worth of an order, days before as_of of each, and for how many of them the customer gave them back.
CUSTOMERS: Sequence[tuple[float, Sequence[int], int]] = (
    (40.0, (3,), 0),
    (40.0, (300,), 0),
    (12.5, (400, 200), 1),
    (99.0, (500, 200, 100, 20), 2),
    (7.0, (50, 49, 48, 47, 46), 0),
)


def order(number: int, worth: float, days: float, *, cancelled: bool = False) -> dict[str, Any]:
    """One order line; like all of the customer's orders but for its day and worth."""
    at = AS_OF - timedelta(days=days)
    return dict.fromkeys(name for name in ORDERS.names if name != "customer_id") | {
        "order_id": f"order-{number}",
        "ordered_at": at,
        "category": "toys",
        "quantity": 2,
        "unit_price": worth / 2 * 0.8,
        "freight_value": worth * 0.2,
        "payment_value": worth,
        "review_score": 3,
        "instalments": 4,
        "status": "cancelled" if cancelled else "delivered",
    }


def orders(worth: float, days: Sequence[int], cancelled: int) -> list[dict[str, Any]]:
    return [order(place, worth, day, cancelled=place < cancelled) for place, day in enumerate(days)]


def features(query: HistoryQuery, names: Sequence[str], rows: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Floats]:
    found = query.run([History(number, AS_OF, customer) for number, customer in enumerate(rows)])[1]
    return {name: found[:, column] for column, name in enumerate(names)}


def moved(moves: Sequence[Move], before: Mapping[str, Floats], paid: Floats, wait: float) -> dict[str, Floats]:
    return {move.feature: move.after(before, paid, wait) for move in moves if move.feature in before}


@pytest.mark.parametrize("wait", [0, 14, 60, 1000])
@pytest.mark.parametrize("times", [1.0, 0.5])
def test_an_order_moves_features_as_if_it_had_been_placed(wait: int, times: float) -> None:
    # Deliveries are left out: a delay is a whole number of seconds, and these means are tested below.
    chosen = [feature for feature in ORDER_FEATURES if feature.name not in {"delivery_delay_days", "late_share"}]
    names = [feature.name for feature in chosen]
    query = HistoryQuery(ORDERS, compile_sql(ORDERS, chosen, FILLS), names)
    rows = [orders(*customer) for customer in CUSTOMERS]
    before = features(query, names, rows)
    paid = np.array([worth * times for worth, _, _ in CUSTOMERS])
    after = features(
        query,
        names,
        [[*lines, order(99, amount, wait)] for lines, amount in zip(rows, paid.tolist(), strict=True)],
    )
    found = moved(ORDER_MOVES, before, paid, wait)
    assert set(found) | set(ORDER_KEPT) == set(names) | {"delivery_delay_days", "late_share"}
    for name in names:
        told = found.get(name, before[name])
        assert told == pytest.approx(after[name], rel=1e-9), name


def test_a_mean_is_computed_anew_with_the_orders_value() -> None:
    chosen = [feature for feature in ORDER_FEATURES if feature.name in {"review_score", "frequency", "instalments"}]
    names = [feature.name for feature in chosen]
    query = HistoryQuery(ORDERS, compile_sql(ORDERS, chosen, {}), names)
    rows = [orders(*customer) for customer in CUSTOMERS]
    before = features(query, names, rows)
    after = features(query, names, [[*lines, order(99, 1, 0) | {"review_score": 5}] for lines in rows])
    assert "review_score" in MEANS
    assert with_order(before["review_score"], before["frequency"], 5) == pytest.approx(after["review_score"])


def visit(session: str, days: float, kinds: Sequence[str], price: float) -> list[dict[str, Any]]:
    return [
        {
            "event_type": kind,
            "occurred_at": AS_OF - timedelta(days=days, seconds=-place),
            "product_id": "p",
            "category": "toys",
            "brand": "b",
            "price": price,
            "session_id": session,
        }
        for place, kind in enumerate(kinds)
    ]


def test_a_visitors_order_moves_features_as_if_it_had_been_placed() -> None:
    names = [feature.name for feature in EVENT_FEATURES]
    query = HistoryQuery(EVENTS, compile_sql(EVENTS, EVENT_FEATURES, FILLS), names)
    rows = [
        visit("a", 40, ["view"], 9),
        visit("a", 40, ["cart", "purchase"], 20),
        [*visit("a", 40, ["view", "view", "cart", "cart", "purchase"], 20), *visit("b", 9, ["view", "cart"], 5)],
        [*visit("a", 2.5, ["view", "remove_from_cart"], 20), *visit("b", 90, ["view"] * 7 + ["purchase"], 5)],
    ]
    before = features(query, names, rows)
    paid = np.array([10.0, 20.0, 30.0, 40.0])
    extra = [visit("new", 5, ["view", "cart", "purchase"], price) for price in paid.tolist()]
    after = features(query, names, [[*lines, *more] for lines, more in zip(rows, extra, strict=True)])
    found = moved(EVENT_MOVES, before, paid, 5 - 2 / 86_400)
    assert set(found) | set(EVENT_KEPT) == set(names)
    for name, told in found.items():
        assert told == pytest.approx(after[name], rel=1e-9), name


def test_every_feature_of_the_catalogues_is_moved_or_said_to_stay() -> None:
    for moves, kept, catalogue in (
        (ORDER_MOVES, ORDER_KEPT, ORDER_FEATURES),
        (EVENT_MOVES, EVENT_KEPT, EVENT_FEATURES),
    ):
        moving = {move.feature for move in moves}
        assert moving | set(kept) == {feature.name for feature in catalogue}
        assert not moving & set(kept)
