"""The numbers that `explore` tells are those of the data."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from ibis.backends.duckdb import Backend

from segmentation.features import ORDER_FEATURES
from segmentation.privacy import SMALLEST_GROUP
from segmentation.recipe import Preprocessing
from segmentation.tables import ORDERS
from tests.training.explored import START, load, made, orders
from training.report import Page, Section, render
from training.report import Table as PageTable
from training.report.activity import activity
from training.report.facts import baskets, categories, missing
from training.report.loyalty import becoming_regular, estimate, may_be_told, rfm_groups
from training.report.rows import prepare
from training.report.space import space
from training.snapshot import Snapshot
from training.sources.loaded import Loaded
from training.sources.sample import generate


def test_missing_shares_are_those_of_the_table(database: Backend) -> None:
    frame = orders(*[(f"c{n}", [0, 1]) for n in range(10)])
    frame.loc[:4, "unit_price"] = None
    frame["category"] = ["a"] * 20
    found = {column.column: column for column in missing(made(database, frame))}
    assert found["unit_price"].share == pytest.approx(0.25)
    assert found["category"].share == 0
    assert (found["brand" if "brand" in found else "review_score"].share, found["review_score"].filled) == (1, False)


def test_nothing_after_as_of_is_looked_at(database: Backend) -> None:
    frame = orders(*[(f"c{n}", [0, 100]) for n in range(20)])
    rows = made(database, frame, START + timedelta(days=50))
    assert rows.count == 20
    assert activity(rows).totals["orders"] == 20


def test_kaplan_and_meier_by_hand() -> None:
    """Of 20 customers, 4 arrive at 1, 2 at 3; 2 are lost at 2, 12 at 5. Ten or more are at risk at each step."""
    curve = estimate(np.array([1, 2, 3, 5]), np.array([4, 0, 2, 0]), np.array([0, 2, 0, 12]), 2, "days")
    first, second = 1 - 4 / 20, (1 - 4 / 20) * (1 - 2 / 14)
    assert curve.times.tolist() == [0, 1, 2, 3, 5]
    assert curve.share == pytest.approx([0, 1 - first, 1 - first, 1 - second, 1 - second])
    assert curve.at_risk.tolist() == [20, 20, 16, 14, 12]
    # Greenwood's variance, on the scale log(-log S).
    error = np.sqrt(4 / (20 * 16) + 2 / (14 * 12)) / abs(np.log(second))
    bounds = [1 - second ** np.exp(sign * 1.959964 * error) for sign in (-1, 1)]
    assert [curve.low[3], curve.high[3]] == pytest.approx(sorted(bounds), rel=1e-6)
    assert np.isfinite([curve.low, curve.high]).all()


def test_the_curve_ends_where_fewer_than_ten_are_waited_for() -> None:
    curve = estimate(np.array([1, 50]), np.array([15, 1]), np.array([0, 4]), 2, "days")
    assert curve.times.tolist() == [0, 1]
    assert curve.at_risk.min() >= SMALLEST_GROUP


def test_waiting_times_come_from_first_and_second_orders(database: Backend) -> None:
    people = [(f"back{n}", [0, 10, 40]) for n in range(30)] + [(f"once{n}", [1]) for n in range(70)]
    curve = becoming_regular(made(database, orders(*people)))
    assert curve is not None
    # Thirty are too few for three orders to be the rule.
    assert (curve.orders, curve.unit, curve.customers, curve.arrived) == (2, "days", 100, 30)
    assert curve.share[curve.at(9)] == 0
    assert curve.share[curve.at(10)] == pytest.approx(0.3)
    assert curve.times[-1] == 90


def test_a_regular_has_three_orders_where_enough_customers_have(database: Backend) -> None:
    people = [(f"back{n}", [0, 10, 40]) for n in range(100)] + [(f"once{n}", [0]) for n in range(100)]
    curve = becoming_regular(made(database, orders(*people)))
    assert curve is not None
    assert curve.orders == 3
    assert curve.share[curve.at(39)] == 0
    assert curve.share[curve.at(40)] == pytest.approx(0.5)


def test_periods_of_few_customers_are_not_told(database: Backend) -> None:
    people = [(f"c{n}", [0, 31]) for n in range(40)] + [("alone", [45])]
    found = activity(made(database, orders(*people, value=12.5), datetime(2024, 2, 15, 12, tzinfo=UTC)))
    assert found.period.name == "day"
    assert found.counts["orders"][0] == 40
    assert np.isnan(found.counts["orders"][45])
    assert np.isnan(found.revenue[45]) if found.revenue is not None else False
    assert np.nansum(found.counts["orders"]) == 80
    # With the one order, its value would follow by subtraction.
    assert found.totals == {"orders": 80, "revenue": 80 * 12.5}
    assert found.incomplete


def test_the_bars_of_orders_are_those_of_the_table(work: Backend, shop: tuple[Loaded, Snapshot]) -> None:
    frame = generate(1_200, 3)
    loaded = load(work, ORDERS, ORDER_FEATURES, frame)
    found = activity(prepare(work, loaded, shop[1].as_of))
    first_lines = frame.drop_duplicates("order_id")
    month = first_lines["ordered_at"].dt.to_period("M")
    assert found.period.name == "month"
    assert found.counts["orders"].tolist() == first_lines.groupby(month).size().tolist()
    assert found.revenue == pytest.approx(first_lines.groupby(month)["payment_value"].sum().to_numpy())


def test_basket_quartiles_are_those_of_the_orders(work: Backend, shop: tuple[Loaded, Snapshot]) -> None:
    frame = generate(1_200, 3)
    found = baskets(prepare(work, load(work, ORDERS, ORDER_FEATURES, frame), shop[1].as_of))
    values = frame.drop_duplicates("order_id")["payment_value"]
    assert found is not None
    assert (found.first, found.median, found.third) == pytest.approx(tuple(values.quantile([0.25, 0.5, 0.75])))
    assert found.counts.sum() + found.untold == len(values) == found.valued
    inside = ((values >= found.edges[3]) & (values < found.edges[4])).sum()
    assert found.counts[3] == inside
    assert found.edges[0] > values.min()


def test_small_categories_are_summed_with_the_others(database: Backend) -> None:
    frame = orders(*[(f"c{n}", [n % 5]) for n in range(60)])
    frame["category"] = ["books"] * 30 + ["toys"] * 15 + [None] * 10 + ["rare"] * 3 + ["odd"] * 2
    # Five customers bought the rare and the odd: not even their sum is told.
    found = categories(made(database, frame))
    assert found is not None
    assert [(c.name, c.amount, c.customers) for c in found.top] == [
        ("books", 300, 30),
        ("toys", 150, 15),
        (None, 100, 10),
    ]
    assert (found.others, found.others_number, found.total) == (None, 2, 550)


def test_the_others_are_told_where_they_have_ten_customers(database: Backend) -> None:
    frame = orders(*[(f"c{n}", [n % 5]) for n in range(60)])
    frame["category"] = ["books"] * 45 + [f"rare {n}" for n in range(15)]
    found = categories(made(database, frame))
    assert found is not None
    assert found.others is not None
    assert (found.others.amount, found.others.customers, found.others_number) == (150, 15, 15)
    assert found.total == 600


def test_rfm_groups_add_up_and_few_are_not_told(work: Backend, shop: tuple[Loaded, Snapshot]) -> None:
    loaded = load(work, ORDERS, ORDER_FEATURES, generate(1_200, 3))
    found = rfm_groups(prepare(work, loaded, shop[1].as_of))
    assert found is not None
    assert found.cells.sum() == found.customers == 1_200
    assert found.cells[:, 0].sum() == found.one_order == (shop[1].customers["frequency"] == 1).sum()
    assert found.one_order_score == 1
    assert all(group.customers is None or group.customers >= SMALLEST_GROUP for group in found.groups)
    if all(group.customers is not None for group in found.groups):
        assert sum(group.revenue_share or 0 for group in found.groups) == pytest.approx(1)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([50, 0, 12], [True, True, True]),
        ([50, 3, 12], [True, False, False]),
        ([50, 6, 7, 12], [True, False, False, True]),
        ([4, 5], [False, False]),
    ],
)
def test_a_total_gives_no_small_group_away(counts: list[int], told: list[bool]) -> None:
    assert may_be_told(np.array(counts)).tolist() == told


def test_correlation_and_components_are_those_of_the_features(shop: tuple[Loaded, Snapshot]) -> None:
    customers, features = shop[1].customers, shop[1].features
    found = space(customers, features, Preprocessing())
    assert found is not None
    assert found.correlation == pytest.approx(customers.corr(method="spearman").to_numpy(), abs=1e-9)
    assert found.variance.sum() == pytest.approx(1)
    # A feature is all of its components together, so the squares of its loadings sum to 1.
    assert np.square(found.loadings).sum(axis=1) == pytest.approx(np.ones(len(features)))
    assert found.kept is not None
    assert found.variance[: found.kept].sum() >= 0.9 > found.variance[: found.kept - 1].sum()


def test_whatever_is_in_the_data_is_words_on_the_page() -> None:
    attack = "<script>alert(1)</script>"
    table = PageTable(attack, (attack,), ((attack,),))
    page = render(Page(attack, ((attack, attack),), (Section("a", attack, attack, tables=(table,), left_out=attack),)))
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 11
