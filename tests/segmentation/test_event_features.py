"""Each feature of click events means what the catalogue says, whatever is missing and in whatever order rows come."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.features import EVENT_FEATURES, ORDER_FEATURES, Feature, compile_sql
from segmentation.golden import canonical_rows
from segmentation.histories import History, HistoryQuery
from segmentation.tables import EVENTS
from tests.depth import examples

Event = dict[str, Any]

AS_OF_DATE = datetime(2024, 7, 1, tzinfo=UTC)
"""A Monday."""

FILLS = {"session_conversion": 0.31, "view_to_cart": 0.21, "view_to_purchase": 0.11, "cart_abandonment": 0.71}

NAMES = [feature.name for feature in EVENT_FEATURES]

QUERY = HistoryQuery(EVENTS, compile_sql(EVENTS, EVENT_FEATURES, FILLS), NAMES)


def event(kind: str, at: str, **fields: Any) -> Event:
    return {"event_type": kind, "occurred_at": at} | fields


def features_of(*events: Event, as_of: datetime = AS_OF_DATE) -> dict[str, float]:
    """All catalogue features of one customer, by the SQL that the service runs."""
    positions, rows = QUERY.run([History(0, as_of, canonical_rows(EVENTS, events))])
    assert positions == [0]
    return dict(zip(NAMES, rows[0].tolist(), strict=True))


def cherries(**fields: Any) -> Event:
    return {"product_id": "cherries", "category": "fruit", "brand": "Orchard", "price": 10.1} | fields


VISITS = (
    # Friday: looked at twice, put into the cart, bought.
    event("view", "2024-06-28T05:59:59", session_id="friday", **cherries()),
    event("view", "2024-06-28T06:00:00", session_id="friday", **cherries()),
    event("cart", "2024-06-28T11:59:59", session_id="friday", **cherries()),
    event("purchase", "2024-06-28T12:00:00", session_id="friday", **cherries()),
    # Saturday: of a product without a category; put back.
    event("view", "2024-06-29T17:59:59", session_id="saturday", product_id="drill", brand="Tooly", price=20),
    event("cart", "2024-06-29T18:00:00", session_id="saturday", product_id="drill", brand="Tooly", price=20),
    event("remove_from_cart", "2024-06-29T23:59:59", session_id="saturday", product_id="drill", brand="Tooly"),
    # Sunday: two purchases without a cart, one of them of unknown price and brand.
    event("view", "2024-06-30T00:00:00", session_id="sunday", product_id="bread", category="bakery"),
    event("purchase", "2024-06-30T00:01:00", session_id="sunday", product_id="bread", category="bakery"),
    event("purchase", "2024-06-30T00:02:00", session_id="sunday", **cherries(product_id="bag", price=0.2)),
    # Of no known session, and of a type that no feature interprets.
    event("wishlist", "2024-06-30T12:00:00", **cherries()),
)

EXPECTED = {
    "days_since_last_event": 0.5,
    "total_events": 11,
    "total_views": 4,
    "total_carts": 2,
    "total_removals": 1,
    "total_purchases": 3,
    # 10.10 + 0.20; what was looked at or put into the cart costs nothing.
    "total_spent": 10.3,
    "sessions": 3,
    "session_conversion": 2 / 3,
    "view_to_cart": 2 / 4,
    "view_to_purchase": 3 / 4,
    # More purchases than carts: nothing was abandoned.
    "cart_abandonment": 0,
    "distinct_products": 4,
    "distinct_categories": 2,
    "distinct_brands": 2,
    "active_days": 3,
    "night_share": 4 / 11,
    "morning_share": 2 / 11,
    "evening_share": 2 / 11,
    "weekend_share": 7 / 11,
}


@pytest.mark.parametrize("feature", NAMES)
def test_a_customer_of_three_visits(feature: str) -> None:
    assert features_of(*VISITS)[feature] == pytest.approx(EXPECTED[feature], rel=1e-12)


@pytest.mark.parametrize("feature", sorted(FILLS))
def test_a_customer_who_lacks_a_feature_gets_the_frozen_fill(feature: str) -> None:
    assert features_of(event("purchase", "2024-06-28T12:00:00", price=5))[feature] == FILLS[feature]


def test_only_a_share_of_nothing_can_be_lacking() -> None:
    assert {feature.name for feature in EVENT_FEATURES if feature.lacking != "never"} == set(FILLS)
    bare = features_of(event("search", "2024-06-28T12:00:00"))
    counted = {
        name: value
        for name, value in bare.items()
        if name not in FILLS and not name.endswith("_share") and name != "days_since_last_event"
    }
    assert {name for name, value in counted.items() if value == 1} == {"total_events", "active_days"}
    assert {value for name, value in counted.items() if name not in ("total_events", "active_days")} == {0}


def test_who_views_without_a_cart_lacks_only_what_carts_and_sessions_tell() -> None:
    found = features_of(event("view", "2024-06-28T12:00:00"))
    assert (found["view_to_cart"], found["view_to_purchase"]) == (0, 0)
    assert (found["cart_abandonment"], found["session_conversion"]) == (0.71, 0.31)


@pytest.mark.parametrize(("carts", "purchases", "abandoned"), [(3, 0, 1), (3, 1, 2 / 3), (3, 3, 0), (3, 4, 0)])
def test_carts_that_no_purchase_followed_were_abandoned(carts: int, purchases: int, abandoned: float) -> None:
    kinds = ["cart"] * carts + ["purchase"] * purchases
    found = features_of(*(event(kind, f"2024-06-28T12:0{n}:00") for n, kind in enumerate(kinds)))
    assert found["cart_abandonment"] == pytest.approx(abandoned, rel=1e-12)


def test_more_carts_than_views_is_more_than_one_cart_per_view() -> None:
    kinds = ["view", "cart", "cart", "purchase", "purchase", "purchase"]
    found = features_of(*(event(kind, "2024-06-28T12:00:00") for kind in kinds))
    assert (found["view_to_cart"], found["view_to_purchase"]) == (2, 3)


def test_a_session_with_two_purchases_is_one_session_with_a_purchase() -> None:
    bought = [event("purchase", "2024-06-28T12:00:00", session_id="a") for _ in range(2)]
    found = features_of(*bought, event("view", "2024-06-28T12:00:00", session_id="b"))
    assert (found["sessions"], found["session_conversion"]) == (2, 0.5)


def test_events_after_as_of_do_not_exist_yet() -> None:
    later = event("purchase", "2024-07-01T00:00:01", price=999, session_id="later", product_id="later")
    assert features_of(*VISITS, later) == features_of(*VISITS)


def test_an_event_at_as_of_has_happened() -> None:
    found = features_of(*VISITS, event("view", "2024-07-01T00:00:00"))
    assert (found["total_events"], found["days_since_last_event"]) == (12, 0)


def test_a_customer_all_of_whose_events_come_later_is_not_there() -> None:
    here, later = canonical_rows(EVENTS, VISITS), canonical_rows(EVENTS, [event("view", "2024-07-02T00:00:00")])
    positions, rows = QUERY.run([History(0, AS_OF_DATE, later), History(1, AS_OF_DATE, here)])
    assert positions == [1]
    assert rows.shape == (1, len(NAMES))


@pytest.mark.parametrize(
    ("day", "weekend"),
    [("2024-06-21", 0), ("2024-06-22", 1), ("2024-06-23", 1), ("2024-06-24", 0)],
    ids=["Friday", "Saturday", "Sunday", "Monday"],
)
@pytest.mark.parametrize("time", ["00:00:00", "23:59:59.999999"])
def test_the_weekend_is_saturday_and_sunday_from_midnight_to_midnight(day: str, weekend: int, time: str) -> None:
    assert features_of(event("view", f"{day}T{time}"))["weekend_share"] == weekend


@pytest.mark.parametrize("hour", range(24))
def test_every_hour_is_of_one_part_of_the_day_or_of_the_afternoon(hour: int) -> None:
    found = features_of(event("view", f"2024-06-28T{hour:02d}:59:59"))
    parts = [found[name] for name in ("night_share", "morning_share", "evening_share")]
    assert parts == [hour < 6, 6 <= hour < 12, hour >= 18]


def test_days_and_hours_are_those_of_utc() -> None:
    # 01:30 on Saturday in Berlin is 23:30 on Friday in UTC.
    found = features_of(event("view", "2024-06-22T01:30:00+02:00"))
    assert (found["weekend_share"], found["night_share"], found["evening_share"]) == (0, 0, 1)


def test_money_is_added_exactly() -> None:
    dimes = [event("purchase", "2024-06-28T12:00:00", price=0.1) for _ in range(30)]
    assert features_of(*dimes)["total_spent"] == 3.0
    hairs = [event("purchase", "2024-06-28T12:00:00", price=0.0001) for _ in range(1000)]
    assert features_of(event("purchase", "2024-06-28T12:00:00", price=1e9), *hairs)["total_spent"] == 1e9 + 0.1


def test_the_largest_purchases_that_are_allowed_can_be_added_up() -> None:
    purchases = [event("purchase", "2024-06-28T12:00:00", price=1e9) for _ in range(1000)]
    assert features_of(*purchases)["total_spent"] == 1e12


names = st.sampled_from(["a", "b", "c"])
moments = st.integers(-30 * 86_400, 86_400).map(lambda seconds: (AS_OF_DATE + timedelta(seconds=seconds)).isoformat())
one_event = st.fixed_dictionaries(
    {
        "event_type": st.sampled_from(["view", "cart", "remove_from_cart", "purchase", "wishlist"]),
        "occurred_at": moments,
    },
    optional={
        "product_id": names,
        "category": names,
        "brand": names,
        "session_id": names,
        "price": st.integers(0, 10**13).map(lambda price: price / 10_000),
    },
)
some_events = st.lists(one_event, min_size=1, max_size=12)


def _all_features(customers: Sequence[Sequence[Event]]) -> dict[int, list[float]]:
    histories = [History(n, AS_OF_DATE, canonical_rows(EVENTS, events)) for n, events in enumerate(customers)]
    positions, rows = QUERY.run(histories)
    return dict(zip(positions, rows.tolist(), strict=True))


@given(customers=st.lists(some_events, min_size=1, max_size=4), data=st.data())
@settings(max_examples=examples(60), deadline=None)
def test_the_order_of_rows_changes_no_digit(customers: list[list[Event]], data: st.DataObject) -> None:
    shuffled = [data.draw(st.permutations(events)) for events in customers]
    assert _all_features(shuffled) == _all_features(customers)


@given(customers=st.lists(some_events, min_size=1, max_size=4))
@settings(max_examples=examples(60), deadline=None)
def test_whatever_events_there_are_every_feature_is_a_number_that_it_can_be(customers: list[list[Event]]) -> None:
    for row in _all_features(customers).values():
        assert np.isfinite(row).all()
        for feature, value in zip(EVENT_FEATURES, row, strict=True):
            assert value in feature.valid, feature.name


@given(customers=st.lists(some_events, min_size=2, max_size=4))
@settings(max_examples=30, deadline=None)
def test_a_customer_s_features_do_not_depend_on_who_else_is_asked_for(customers: list[list[Event]]) -> None:
    together = _all_features(customers)
    assert together == {n: alone[0] for n, events in enumerate(customers) if (alone := _all_features([events]))}


def test_every_feature_says_what_it_is() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for feature in EVENT_FEATURES:
        assert feature.unit
        assert feature.help
        assert feature.low != feature.high
        assert feature.needs <= set(EVENTS.names)
        assert {column.name for column in EVENTS.columns if column.required} <= feature.needs


def test_no_two_features_are_called_the_same_by_marketers() -> None:
    ends = [end for feature in EVENT_FEATURES for end in (feature.low, feature.high)]
    assert len(set(ends)) == len(ends)


@pytest.mark.parametrize("feature", EVENT_FEATURES, ids=NAMES)
def test_a_feature_reads_only_the_columns_that_it_names(feature: Feature) -> None:
    query = HistoryQuery(EVENTS, compile_sql(EVENTS, [feature], {}), [feature.name])
    bare = [{name: value for name, value in each.items() if name in feature.needs} for each in VISITS]
    whole = query.run([History(0, AS_OF_DATE, canonical_rows(EVENTS, VISITS))])[1]
    assert np.array_equal(query.run([History(0, AS_OF_DATE, canonical_rows(EVENTS, bare))])[1], whole)


def test_a_feature_of_orders_and_events_alike_has_one_unit() -> None:
    units = {feature.name: feature.unit for feature in ORDER_FEATURES}
    shared = {feature.name: feature.unit for feature in EVENT_FEATURES if feature.name in units}
    assert shared == {"distinct_categories": units["distinct_categories"]}
