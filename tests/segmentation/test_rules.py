"""Rule segments take whom their conditions describe, the first rule first, and leave everybody else to the arrays."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmentation.assignment import assign
from segmentation.card import Card
from segmentation.errors import InconsistentModelError
from segmentation.rules import FIRST_ID, NO_RULE, Condition, first_match
from segmentation.scoring import Arrays, Floats, score
from segmentation.segment import RuleSegment
from tests.depth import examples
from training.job import Result

NAMES = ("frequency", "monetary", "recency_days")

# Few values, so that many stand exactly on a limit.
limits = st.none() | st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0])
conditions = st.builds(Condition, feature=st.sampled_from(NAMES), at_least=limits, below=limits)
some_rules = st.lists(st.lists(conditions, max_size=3), max_size=4)
some_rows = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 30), st.just(len(NAMES))),
    elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]) | st.floats(-3, 3, allow_nan=False),
)


def _holds(condition: Condition, row: dict[str, float]) -> bool:
    value = row[condition.feature]
    if condition.at_least is not None and value < condition.at_least:
        return False
    return condition.below is None or value < condition.below


def _one_by_one(rules: Sequence[Sequence[Condition]], rows: Floats) -> list[int]:
    taken = []
    for values in rows.tolist():
        row = dict(zip(NAMES, values, strict=True))
        matching = [n for n, rule in enumerate(rules) if rule and all(_holds(condition, row) for condition in rule)]
        taken.append(matching[0] if matching else -1)
    return taken


@given(rules=some_rules, rows=some_rows)
@settings(max_examples=examples(150), deadline=None)
def test_each_customer_is_taken_as_if_asked_one_by_one(rules: list[list[Condition]], rows: Floats) -> None:
    found = first_match(rules, NAMES, rows)
    assert found.dtype == np.int64
    assert found.shape == (len(rows),)
    assert found.tolist() == _one_by_one(rules, rows)


@given(rules=some_rules, rows=some_rows)
@settings(max_examples=examples(50), deadline=None)
def test_a_rule_added_at_the_end_takes_nobody_from_those_before(rules: list[list[Condition]], rows: Floats) -> None:
    before = first_match(rules, NAMES, rows)
    after = first_match([*rules, [Condition(feature="frequency", at_least=-10)]], NAMES, rows)
    assert np.array_equal(after[before != NO_RULE], before[before != NO_RULE])
    assert (after[before == NO_RULE] == len(rules)).all()


def test_at_least_is_included_and_below_is_not() -> None:
    rows = np.array([[1.0, 0, 0], [2.0, 0, 0], [2.5, 0, 0], [3.0, 0, 0]])
    rule = [Condition(feature="frequency", at_least=2, below=3)]
    assert first_match([rule], NAMES, rows).tolist() == [-1, 0, 0, -1]


def test_the_first_rule_wins() -> None:
    few, rich = Condition(feature="frequency", below=2), Condition(feature="monetary", at_least=100)
    rows = np.array([[1.0, 500, 0], [1.0, 5, 0], [5.0, 500, 0], [5.0, 5, 0]])
    assert first_match([[few], [rich]], NAMES, rows).tolist() == [0, 0, 1, -1]
    assert first_match([[rich], [few]], NAMES, rows).tolist() == [0, 1, 0, -1]
    assert first_match([[few, rich]], NAMES, rows).tolist() == [0, -1, -1, -1]


def test_no_rules_and_a_rule_without_conditions_take_nobody() -> None:
    rows = np.zeros((4, len(NAMES)))
    assert first_match([], NAMES, rows).tolist() == [-1] * 4
    assert first_match([[]], NAMES, rows).tolist() == [-1] * 4


@pytest.mark.parametrize("customers", [0, 3])
def test_a_rule_on_a_feature_that_the_model_has_not_is_refused(customers: int) -> None:
    rule = [Condition(feature="frequency"), Condition(feature="tenure_days", below=2)]
    with pytest.raises(InconsistentModelError, match="'tenure_days'"):
        first_match([rule], NAMES, np.zeros((customers, len(NAMES))))


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition(feature="frequency", below=2), "frequency < 2"),
        (Condition(feature="monetary", at_least=99.5), "99.5 <= monetary"),
        (Condition(feature="monetary", at_least=10, below=20), "10 <= monetary < 20"),
    ],
)
def test_a_condition_reads_as_a_formula(condition: Condition, words: str) -> None:
    assert str(condition) == words


@pytest.fixture(scope="module")
def card(sample_result: Result) -> Card:
    """The sample model, with two rules before it."""
    rules = (
        _segment(FIRST_ID + 1, Condition(feature="frequency", below=2)),
        _segment(FIRST_ID + 2, Condition(feature="monetary", at_least=1000)),
    )
    return replace(sample_result.made.card, rule_segments=rules)


def _segment(number: int, *when: Condition) -> RuleSegment:
    return RuleSegment(
        id=number, name=f"rule {number}", colour="#000000", customers=0, share=0.0, revenue_share=None,
        when=when, why="", profile={},
    )  # fmt: skip


@pytest.fixture(scope="module")
def arrays(sample_result: Result) -> Arrays:
    return sample_result.fitted.arrays


@pytest.fixture(scope="module")
def customers(sample_result: Result) -> Floats:
    return np.ascontiguousarray(sample_result.snapshot.customers.to_numpy()[:1000])


def test_whom_a_rule_takes_is_compared_with_no_centroid(card: Card, arrays: Arrays, customers: Floats) -> None:
    answer = assign(card, arrays, customers)
    few = customers[:, card.feature_names.index("frequency")] < 2
    rich = (customers[:, card.feature_names.index("monetary")] >= 1000) & ~few
    assert few.any()
    assert rich.any()
    assert (answer.segment[few] == card.k).all()
    assert (answer.segment[rich] == card.k + 1).all()
    taken = few | rich
    assert (answer.runner_up[taken] == -1).all()
    assert np.isnan(answer.distance[taken]).all()
    assert np.isnan(answer.margin[taken]).all()


def test_everybody_else_has_what_the_arrays_say(card: Card, arrays: Arrays, customers: Floats) -> None:
    answer, scores = assign(card, arrays, customers), score(arrays, customers)
    free = answer.segment < card.k
    assert 0 < free.sum() < len(customers)
    assert np.array_equal(answer.segment[free], scores.segment[free])
    assert np.array_equal(answer.runner_up[free], scores.runner_up[free])
    # Sums of a batch are taken in another order than those of another batch: the last digits differ.
    assert np.allclose(answer.distance[free], scores.distance[free], rtol=1e-12, atol=1e-12)
    assert np.allclose(answer.margin[free], scores.margin[free], rtol=1e-9, atol=1e-12)


def test_the_position_of_a_rule_s_customers_is_that_of_the_rule_segment(
    card: Card, arrays: Arrays, customers: Floats
) -> None:
    told = {card.all_segments[position].id for position in assign(card, arrays, customers).segment}
    assert told == {*(segment.id for segment in card.segments), 1001, 1002}


def test_without_rules_the_answer_is_that_of_the_arrays(
    sample_result: Result, arrays: Arrays, customers: Floats
) -> None:
    answer, scores = assign(sample_result.made.card, arrays, customers), score(arrays, customers)
    for name in ("segment", "runner_up", "distance", "margin"):
        assert np.array_equal(getattr(answer, name), getattr(scores, name))


def test_a_batch_that_rules_take_whole_or_not_at_all_is_answered(card: Card, arrays: Arrays, customers: Floats) -> None:
    taken = assign(card, arrays, customers).segment >= card.k
    assert (assign(card, arrays, customers[taken]).runner_up == -1).all()
    assert (assign(card, arrays, customers[~taken]).runner_up >= 0).all()
    assert len(assign(card, arrays, customers[:0]).segment) == 0


def test_a_card_whose_rule_asks_for_another_feature_is_refused(card: Card, arrays: Arrays, customers: Floats) -> None:
    strange = replace(card, rule_segments=(_segment(1001, Condition(feature="shoe_size", below=2)),))
    with pytest.raises(InconsistentModelError, match="'shoe_size'"):
        assign(strange, arrays, customers)
