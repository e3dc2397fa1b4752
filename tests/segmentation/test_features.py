"""Each feature means what the catalogue says, for ordinary customers and for those who lack it."""

from datetime import UTC, datetime

import numpy as np
import pytest
from ibis.backends.duckdb import Backend

from segmentation.errors import ConfigurationError, UnusableDataError
from segmentation.features import ORDER_FEATURES, available, select
from segmentation.tables import ORDERS
from tests.histories import FILLS, cast, features_of, frame, line
from training.snapshot import take
from training.sources import Loaded

TWO_ORDERS = (
    line("a", "2024-06-01T00:00:00", category="books", quantity=2, freight_value=5, payment_value=25, instalments=3,
         review_score=5, delivered_at="2024-06-05T00:00:00", estimated_delivery_at="2024-06-07T00:00:00"),
    line("a", "2024-06-01T00:00:00", category="toys", unit_price=30, freight_value=5, payment_value=25, instalments=3,
         review_score=5, delivered_at="2024-06-05T00:00:00", estimated_delivery_at="2024-06-07T00:00:00"),
    line("b", "2024-06-21T12:00:00", category="books", unit_price=40, freight_value=10, instalments=1,
         review_score=2, delivered_at="2024-06-29T00:00:00", estimated_delivery_at="2024-06-28T00:00:00",
         status="canceled"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        ("recency_days", 9.5),
        ("frequency", 2),
        # Order a: paid 25, once, though it stands on two lines. Order b: 40 + 10 freight, for want of a payment.
        ("monetary", 75),
        ("average_basket", 37.5),
        ("tenure_days", 30),
        ("mean_days_between_orders", 20.5),
        ("items_per_order", 2),
        ("distinct_categories", 2),
        ("review_score", 3.5),
        # Freight 5 + 10 over goods 50 + 40 plus freight.
        ("freight_share", 15 / 105),
        ("instalments", 2),
        ("delivery_delay_days", -0.5),
        ("late_share", 0.5),
        ("cancelled_share", 0.5),
    ],
)
def test_a_customer_with_two_orders(feature: str, value: float) -> None:
    assert features_of(*TWO_ORDERS)[feature] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("feature", sorted(FILLS))
def test_a_customer_who_lacks_a_feature_gets_the_frozen_fill(feature: str) -> None:
    bare = line("a", "2024-06-01T00:00:00", quantity=0, unit_price=None)
    assert features_of(bare)[feature] == FILLS[feature]


def test_a_one_order_customer_has_no_gap_and_gets_the_fill_not_zero() -> None:
    found = features_of(line("a", "2024-06-01T00:00:00"))
    assert found["frequency"] == 1
    assert found["mean_days_between_orders"] == FILLS["mean_days_between_orders"]


def test_two_orders_at_the_same_moment_have_a_gap_of_zero() -> None:
    found = features_of(line("a", "2024-06-01T00:00:00"), line("b", "2024-06-01T00:00:00"))
    assert found["mean_days_between_orders"] == 0


def test_orders_after_as_of_do_not_exist_yet() -> None:
    later = line("b", "2024-07-02T00:00:00", unit_price=999)
    assert features_of(line("a", "2024-06-01T00:00:00"), later) == features_of(line("a", "2024-06-01T00:00:00"))


def test_a_delivery_after_as_of_has_not_happened_yet() -> None:
    promised = {"estimated_delivery_at": "2024-06-20T00:00:00", "delivered_at": "2024-07-05T00:00:00"}
    found = features_of(line("a", "2024-06-01T00:00:00", **promised))
    assert found["late_share"] == FILLS["late_share"]
    arrived = features_of(line("a", "2024-06-01T00:00:00", **promised), as_of=datetime(2024, 8, 1, tzinfo=UTC))
    assert arrived["late_share"] == 1


def test_a_line_without_a_quantity_is_one_piece() -> None:
    assert features_of(line("a", "2024-06-01T00:00:00", quantity=None, unit_price=30)) == features_of(
        line("a", "2024-06-01T00:00:00", quantity=1, unit_price=30)
    )


def test_an_unknown_price_is_unknown_and_an_order_without_lines_is_worth_nothing() -> None:
    assert np.isnan(features_of(line("a", "2024-06-01T00:00:00", unit_price=None))["monetary"])
    assert features_of(line("a", "2024-06-01T00:00:00", unit_price=None, payment_value=12))["monetary"] == 12
    assert features_of(line("a", "2024-06-01T00:00:00", unit_price=None, quantity=0))["monetary"] == 0


def test_unknown_freight_is_unknown() -> None:
    assert features_of(line("a", "2024-06-01T00:00:00"))["freight_share"] == FILLS["freight_share"]
    assert features_of(line("a", "2024-06-01T00:00:00", freight_value=0))["freight_share"] == 0


def test_an_order_with_one_unknown_price_has_an_unknown_value() -> None:
    priced, unpriced = line("a", "2024-06-01T00:00:00"), line("b", "2024-06-01T00:00:00", unit_price=None)
    found = features_of(priced, unpriced)
    assert (found["monetary"], found["average_basket"]) == (10, 10)
    assert np.isnan(features_of(unpriced, unpriced | {"unit_price": 5})["monetary"])
    assert np.isnan(features_of(unpriced, unpriced | {"quantity": 0})["monetary"])


def test_freight_share_is_a_share_whatever_is_unknown() -> None:
    strange = line("a", "2024-06-01T00:00:00", unit_price=None, payment_value=50, freight_value=100)
    assert features_of(strange, line("b", "2024-06-01T00:00:00", freight_value=10))["freight_share"] == 0.5


def test_the_largest_orders_that_are_allowed_can_be_added_up() -> None:
    lines = [line(str(number), "2024-06-01T00:00:00", quantity=1e6, unit_price=1e9) for number in range(1000)]
    assert features_of(*lines)["monetary"] == 1e18


def test_money_is_added_exactly() -> None:
    dimes = [line(str(number), "2024-06-01T00:00:00", unit_price=0.1) for number in range(30)]
    assert features_of(*dimes)["monetary"] == 3.0


def test_every_feature_says_what_it_is() -> None:
    for feature in ORDER_FEATURES:
        assert feature.unit
        assert feature.help
        assert feature.low != feature.high
        assert feature.needs <= set(ORDERS.names)


def test_an_unknown_feature_is_refused_with_the_nearest_match() -> None:
    with pytest.raises(ConfigurationError, match="recency_dayz") as refused:
        select(["recency_dayz"], ORDER_FEATURES)
    assert "recency_days" in refused.value.hint


def test_features_keep_the_catalogue_s_order() -> None:
    assert [feature.name for feature in select(["monetary", "recency_days"], ORDER_FEATURES)] == [
        "recency_days",
        "monetary",
    ]


def test_a_feature_whose_columns_are_absent_is_left_out_with_the_reason() -> None:
    made, reasons = available(
        select(["monetary", "review_score"], ORDER_FEATURES), {"customer_id", "order_id", "ordered_at"}
    )
    assert made == ()
    assert reasons["review_score"] == "the data have no review_score"


def _orders(database: Backend, customers: dict[str, list[dict[str, object]]], columns: set[str]) -> Loaded:
    database.con.register("written", frame(customers))
    database.raw_sql(f"CREATE TABLE orders AS SELECT {cast()} FROM written")
    return Loaded("test", ORDERS, database.table("orders"), frozenset(columns), ORDER_FEATURES)


BASIC = {"customer_id", "order_id", "ordered_at", "quantity", "unit_price"}


def test_recency_counts_from_the_newest_order_in_the_data_never_from_the_clock(database: Backend) -> None:
    orders = _orders(
        database, {"x": [line("1", "2001-01-01T00:00:00")], "y": [line("2", "2001-01-11T00:00:00")]}, BASIC
    )
    snapshot = take(database, orders, select(["recency_days"], ORDER_FEATURES))
    assert snapshot.as_of == datetime(2001, 1, 11, tzinfo=UTC)
    assert snapshot.customers["recency_days"].to_dict() == {"x": 10.0, "y": 0.0}


def test_as_of_leaves_out_who_had_not_ordered_yet(database: Backend) -> None:
    orders = _orders(
        database,
        {
            "x": [line("1", "2001-01-01T00:00:00")],
            "y": [line("2", "2001-01-11T00:00:00")],
            "z": [line("3", "2001-01-03T00:00:00")],
        },
        BASIC,
    )
    snapshot = take(database, orders, select(["recency_days"], ORDER_FEATURES), datetime(2001, 1, 5, tzinfo=UTC))
    assert snapshot.customers["recency_days"].to_dict() == {"x": 4.0, "z": 2.0}
    assert snapshot.extent.customers == 2


def test_fills_are_the_middle_of_those_who_have_a_value(database: Backend) -> None:
    orders = _orders(
        database,
        {
            "once": [line("1", "2001-01-01T00:00:00", review_score=3)],
            "weekly": [line("2", "2001-01-01T00:00:00"), line("3", "2001-01-08T00:00:00", review_score=4)],
            "monthly": [line("4", "2001-01-01T00:00:00"), line("5", "2001-01-31T00:00:00", review_score=1)],
            "yearly": [line("6", "2000-01-01T00:00:00"), line("7", "2000-12-31T00:00:00")],
        },
        BASIC | {"review_score"},
    )
    snapshot = take(database, orders, select(["mean_days_between_orders", "review_score"], ORDER_FEATURES))
    assert snapshot.fills["mean_days_between_orders"] == 30.0
    assert snapshot.fills["review_score"] == round(8 / 3, 6)
    assert snapshot.customers.loc["once", "mean_days_between_orders"] == 30.0
    assert snapshot.lacking == {"mean_days_between_orders": 1, "review_score": 1}


def test_customers_whose_orders_have_no_value_are_refused_not_guessed(database: Backend) -> None:
    unpriced = line("1", "2001-01-01T00:00:00", unit_price=None)
    orders = _orders(database, {"x": [unpriced], "y": [line("2", "2001-01-11T00:00:00")]}, BASIC)
    with pytest.raises(UnusableDataError, match="monetary cannot be computed for 1 customers"):
        take(database, orders, select(["recency_days", "monetary"], ORDER_FEATURES))


def test_a_feature_that_nobody_has_or_that_never_differs_is_left_out_and_said(database: Backend) -> None:
    orders = _orders(
        database, {"x": [line("1", "2001-01-01T00:00:00")], "y": [line("2", "2001-01-11T00:00:00")]}, BASIC
    )
    snapshot = take(database, orders, select(["recency_days", "frequency", "mean_days_between_orders"], ORDER_FEATURES))
    assert list(snapshot.customers.columns) == ["recency_days"]
    assert snapshot.left_out == {
        "mean_days_between_orders": "no customer has a value",
        "frequency": "it is the same for every customer",
    }


@pytest.mark.parametrize("moment", ["2024-06-01T00:00:00Z", "2024-06-01T02:00:00+02:00", "2024-05-31T19:00:00-05:00"])
def test_one_moment_is_one_moment_in_whatever_zone_it_is_written(moment: str) -> None:
    plain = "2024-06-01T00:00:00"
    assert features_of(line("a", moment, delivered_at=moment, estimated_delivery_at=moment)) == features_of(
        line("a", plain, delivered_at=plain, estimated_delivery_at=plain)
    )
