"""Where customers go who respond is where the model puts whole rows with their features moved."""

from dataclasses import replace

import numpy as np
import pytest

from campaigns.assignments import Assignments
from campaigns.scenario import reading
from campaigns.scenario.binding import bind
from campaigns.scenario.destinations import Ints, destinations
from campaigns.scenario.money import paid
from campaigns.scenario.moves import ORDER_MOVES
from campaigns.scenario.simulation import drawn
from segmentation.assignment import assign
from segmentation.card import Card
from segmentation.model import Model
from segmentation.rules import Condition
from segmentation.scoring import Floats
from segmentation.segment import RuleSegment

VARIED = """
title: T
uplift: 0.1
margin: 0.4
order: {basket: {times_average: {low: 0.2, high: 6}}, wait_days: 3}
discount: {share: {low: 0.0, high: 0.5}}
changes:
  - {feature: distinct_categories, add: {low: 0, high: 4}}
  - {feature: review_score, of_order: {low: 1, high: 5}}
  - {feature: items_per_order, times: 1.5}
  - {feature: late_share, set: 0}
"""
CERTAIN = "title: T\nuplift: 0.1\nmargin: 0.4\norder: {basket: {amount: 900}}\ndiscount: {amount: 25}\n"


@pytest.fixture
def features(table: Assignments, model: Model) -> Floats:
    found = table.connection.execute("FROM assignments ORDER BY customer_id").fetchnumpy()
    return np.column_stack([np.asarray(found[name], dtype=np.float64) for name in model.card.feature_names])


def with_rules(card: Card) -> Card:
    """The card with a rule on a feature that draws change and one on another that they do not."""
    rule = RuleSegment(
        id=1000, name="Rich", colour="#999999", customers=0, share=0.0, revenue_share=None, why="", profile={},
        when=(Condition(feature="monetary", at_least=900.0), Condition(feature="recency_days", below=50.0)),
    )  # fmt: skip
    return replace(card, rule_segments=(rule,))


def by_whole_rows(card: Card, model: Model, features: Floats, pays: Floats, changes: tuple[float, ...]) -> Ints:
    names = card.feature_names
    rows = {name: features[:, column] for column, name in enumerate(names)}
    after = {name: column.copy() for name, column in rows.items()}
    after |= {move.feature: move.after(rows, pays, 3.0) for move in ORDER_MOVES if move.feature in rows}
    if changes:
        after["distinct_categories"] = rows["distinct_categories"] + changes[0]
        after["review_score"] = (rows["review_score"] * rows["frequency"] + changes[1]) / (rows["frequency"] + 1)
        after["items_per_order"] = rows["items_per_order"] * 1.5
        after["late_share"] = np.zeros(len(features))
    return assign(card, model.arrays, np.column_stack([after[name] for name in names])).segment


@pytest.mark.parametrize(
    "text", [VARIED, CERTAIN.replace("{basket: {amount: 900}}", "{basket: {amount: 900}, wait_days: 3}")]
)
@pytest.mark.parametrize("ruled", [False, True])
def test_they_are_where_whole_rows_would_be_scored(model: Model, features: Floats, text: str, ruled: bool) -> None:
    card = with_rules(model.card) if ruled else model.card
    bound = bind(reading.parse(text, "t.yaml"), card)
    names = card.feature_names
    basket = features[:, names.index("average_basket")] if bound.relative else None
    made = destinations(bound, model.arrays, features, basket)
    somewhere = np.arange(5, len(features), 7)
    elsewhere = 0
    for numbers in drawn(bound, 12, seed=3):
        draw = bound.draw(numbers)
        pays = paid(bound, basket, draw, len(features))
        expected = by_whole_rows(card, model, features, pays, draw.changes)
        np.testing.assert_array_equal(made.land(pays, draw), expected)
        np.testing.assert_array_equal(made.land(pays[somewhere], draw, somewhere), expected[somewhere])
        elsewhere += int((expected != assign(card, model.arrays, features).segment).sum())
        assert not ruled or (expected == card.k).any()
    assert elsewhere > 100


def test_a_change_stops_at_the_end_of_the_valid_range_and_it_is_counted(model: Model, features: Floats) -> None:
    text = "title: T\nuplift: 0.1\nmargin: 0.4\nchanges: [{feature: late_share, add: 0.5}]\n"
    bound = bind(reading.parse(text, "t.yaml"), model.card)
    made = destinations(bound, model.arrays, features, None)
    late = features[:, model.card.feature_names.index("late_share")]
    assert made.stopped == {"late_share": int((late + 0.5 > 1).sum())}
    assert made.stopped["late_share"] > 0
    after = features.copy()
    after[:, model.card.feature_names.index("late_share")] = np.minimum(late + 0.5, 1)
    landed = made.land(np.zeros(len(features)), bound.draw(drawn(bound, 1, seed=0)[0]))
    np.testing.assert_array_equal(landed, assign(model.card, model.arrays, after).segment)
