"""Rule segments in a trained model: who is in them, what is told of them, and that the others alone are clustered."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segmentation import card as cards
from segmentation import model
from segmentation.card import Card
from segmentation.errors import ConfigurationError, GoldenMismatchError, SegmentationError, UnusableDataError
from segmentation.privacy import SMALLEST_GROUP
from segmentation.rules import Condition
from segmentation.settings import Settings
from tests.conftest import MADE
from tests.quick import QUICK
from training import configuration, job
from training.job import Result
from training.redundancy import without_redundant

SMALL = "sample: {customers: 3000}\n"

ONE_ORDER = """
rule_segments:
  - id: 1001
    name: One order so far
    when:
      - {feature: frequency, below: 2}
"""


def make(folder: Path, text: str) -> Result:
    file = folder / "my.yaml"
    file.write_text(SMALL + text, encoding="utf-8")
    return job.make("sample", None, configuration.load("sample", file, QUICK), Settings(), created=MADE)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A model of the customers with two orders or more."""
    return make(tmp_path_factory.mktemp("one-order"), ONE_ORDER)


@pytest.fixture(scope="module")
def card(result: Result) -> Card:
    return result.made.card


@pytest.fixture(scope="module")
def three_orders(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A model of the customers with three orders or more; a declared segment comes after the minimum history."""
    text = "minimum_history: 3\nclustering: {k: 3}\n" + ONE_ORDER + "  - id: 1002\n    name: Big spenders\n    when:\n"
    text += "      - {feature: monetary, at_least: 400}\n      - {feature: frequency, at_least: 3}\n"
    return make(tmp_path_factory.mktemp("three-orders"), text)


@pytest.fixture(scope="module")
def customers(sample_result: Result) -> pd.DataFrame:
    """The same customers, whom no rule takes."""
    return sample_result.snapshot.customers


def test_the_rule_segment_is_on_the_card_as_it_was_declared(card: Card) -> None:
    (segment,) = card.rule_segments
    assert (segment.id, segment.name) == (1001, "One order so far")
    assert segment.when == (Condition(feature="frequency", below=2),)
    assert segment.why == "declared in the configuration"
    assert card.k == 5
    assert len({each.id for each in card.all_segments}) == len({each.colour for each in card.all_segments}) == 6


def test_everybody_is_in_one_segment(card: Card, customers: pd.DataFrame) -> None:
    assert sum(segment.share for segment in card.all_segments) == pytest.approx(1, abs=1e-12)
    assert sum(segment.revenue_share or 0 for segment in card.all_segments) == pytest.approx(1, abs=1e-12)
    assert sum(segment.customers for segment in card.all_segments) == len(customers) == card.counts.customers


def test_the_rule_segment_is_described_by_whom_it_takes(card: Card, customers: pd.DataFrame) -> None:
    (segment,) = card.rule_segments
    once = customers[customers["frequency"] < 2]
    assert segment.customers == len(once)
    assert segment.share == len(once) / len(customers)
    assert segment.revenue_share == pytest.approx(once["monetary"].sum() / customers["monetary"].sum(), rel=1e-12)
    assert set(segment.profile) == set(card.feature_names)
    assert segment.profile["frequency"].q95 == 1
    assert segment.profile["monetary"].q50 == pytest.approx(once["monetary"].median(), rel=1e-12)


def test_the_model_was_fitted_on_the_others_only(result: Result, customers: pd.DataFrame) -> None:
    others = customers[customers["frequency"] >= 2]
    assert len(result.fitted.labels) == len(others) == result.populations.clustered.sum()
    assert [segment.customers for segment in result.made.card.segments] == np.bincount(result.fitted.labels).tolist()
    lower = result.fitted.arrays.lower[list(customers.columns).index("monetary")]
    assert lower == pytest.approx(np.quantile(others["monetary"], 0.01), rel=1e-12)
    scaler = result.fitted.pipeline["scale"]
    assert scaler.n_samples_seen_ == len(others)
    assert (result.fitted.pipeline.predict(others) == result.fitted.labels).all()


def test_clusters_are_described_by_the_others_only(card: Card) -> None:
    assert min(segment.profile["frequency"].q05 for segment in card.segments) >= 2


def test_one_order_customers_are_where_they_were_counted(card: Card) -> None:
    assert card.counts.one_order_customers == card.rule_segments[0].customers


def test_the_model_proves_itself_with_golden_rows_of_both_kinds(result: Result, card: Card) -> None:
    needed = {name: result.made.files[name] for name in model.NEEDED_TO_SERVE}
    assert model.assemble(result.made.card_content, needed).version == card.version
    for golden in (card.golden_rows, card.golden_histories):
        assert {row.segment == card.k for row in golden} == {True, False}
        assert all((row.distance is None) == (row.segment == card.k) for row in golden)


@pytest.mark.parametrize(
    "rules",
    [(), (Condition(feature="frequency", below=3),), (Condition(feature="frequency", below=1),)],
    ids=["no rule", "a wider rule", "a narrower rule"],
)
def test_another_rule_does_not_reproduce_the_golden_histories(result: Result, rules: tuple[Condition, ...]) -> None:
    needed = {name: result.made.files[name] for name in model.NEEDED_TO_SERVE}
    changed = tuple(replace(segment, when=rules) for segment in result.made.card.rule_segments)
    content = cards.encode(replace(result.made.card, rule_segments=changed))
    with pytest.raises(GoldenMismatchError):
        model.assemble(content, needed)


def test_the_card_comes_back_from_its_file_as_it_was(result: Result, three_orders: Result) -> None:
    for made in (result.made, three_orders.made):
        again = cards.decode(made.card_content)
        assert again.rule_segments == made.card.rule_segments
        assert cards.encode(again) == made.card_content


def test_a_minimum_history_is_a_segment_of_its_own_asked_first(three_orders: Result, customers: pd.DataFrame) -> None:
    short, once, rich = three_orders.made.card.rule_segments
    assert (short.id, short.name) == (1000, "not_enough_history")
    assert short.when == (Condition(feature="frequency", below=3),)
    assert short.why == "given in the configuration"
    assert short.customers == (customers["frequency"] < 3).sum()
    # Whoever has one order has not enough history, and is there already.
    assert (once.id, once.customers, once.share, once.profile) == (1001, 0, 0, {})
    assert (rich.id, rich.customers) == (1002, ((customers["frequency"] >= 3) & (customers["monetary"] >= 400)).sum())
    assert three_orders.made.card.history == ()


def test_rules_leave_shares_of_one_whole(three_orders: Result) -> None:
    card = three_orders.made.card
    assert sum(segment.share for segment in card.all_segments) == pytest.approx(1, abs=1e-12)
    assert sum(segment.customers for segment in card.all_segments) == 3000
    assert min(segment.profile["frequency"].q05 for segment in card.segments) >= 3
    assert max(segment.profile["monetary"].q95 for segment in card.segments) < 400


def test_what_is_redundant_is_judged_among_those_who_are_clustered(result: Result) -> None:
    """Of customers with one order the basket is what they spent; of the others, whom this model is of, it is not."""
    snapshot, once = result.snapshot, ~result.populations.clustered
    assert "average_basket" in without_redundant(snapshot, 0.95, (), 0, once).left_out
    assert "average_basket" not in without_redundant(snapshot, 0.95, (), 0, ~once).left_out
    assert "average_basket" not in result.made.card.left_out


def test_a_rule_s_feature_stays_though_it_is_the_same_for_all_who_are_clustered(tmp_path: Path) -> None:
    text = "features: [recency_days, frequency, monetary]\nminimum_history: 2\nclustering: {k: 2}\nrule_segments:\n"
    text += "  - {id: 1001, name: Came back often, when: [{feature: frequency, at_least: 3}]}\n"
    card = make(tmp_path, text).made.card
    assert card.feature_names == ("recency_days", "frequency", "monetary")
    assert {quantile.q95 for segment in card.segments for quantile in [segment.profile["frequency"]]} == {2}


@pytest.mark.parametrize("number", [1, SMALLEST_GROUP - 1])
def test_a_rule_segment_of_few_customers_is_refused(tmp_path: Path, customers: pd.DataFrame, number: int) -> None:
    with pytest.raises(UnusableDataError, match=r"'Richest' takes fewer than 10 customers"):
        _richest(tmp_path, customers, number)


def test_golden_rows_prove_the_model_even_where_a_rule_takes_nearly_everybody(tmp_path: Path) -> None:
    card = make(tmp_path, "minimum_history: 8\nclustering: {k: 2}\n").made.card
    for golden in (card.golden_rows, card.golden_histories):
        by_model = [row.segment for row in golden if row.distance is not None]
        assert len(by_model) >= len(golden) / 2
        assert any(row.distance is None for row in golden)
    assert {row.segment for row in card.golden_rows} == {0, 1, 2}


def test_a_rule_segment_of_just_enough_customers_is_told(tmp_path: Path, customers: pd.DataFrame) -> None:
    (segment,) = _richest(tmp_path, customers, SMALLEST_GROUP).made.card.rule_segments
    assert segment.customers == SMALLEST_GROUP
    assert segment.profile["monetary"].q95 < customers["monetary"].max()


def _richest(folder: Path, customers: pd.DataFrame, number: int) -> Result:
    least = float(customers["monetary"].nlargest(number).iloc[-1])
    assert (customers["monetary"] >= least).sum() == number
    when = f"[{{feature: monetary, at_least: {least!r}}}]"
    return make(folder, f"rule_segments: [{{id: 1001, name: Richest, when: {when}}}]\n")


@pytest.mark.parametrize(
    ("text", "error", "said", "hint"),
    [
        (
            "rule_segments: [{id: 1001, name: Odd, when: [{feature: freqency, below: 2}]}]",
            ConfigurationError, "'Odd' asks for 'freqency', which is not there", "'frequency'",
        ),
        (
            "rule_segments: [{id: 1001, name: Odd, when: [{feature: shoe_size, below: 2}]}]",
            ConfigurationError, "'Odd' asks for 'shoe_size'", "there are recency_days, frequency",
        ),
        (
            "features: [recency_days, monetary]" + ONE_ORDER,
            ConfigurationError, "a rule asks for 'frequency', which is not among features", "add frequency",
        ),
        (
            "features: [recency_days, monetary]\nminimum_history: 2",
            ConfigurationError, "'frequency', which is not among features", "add frequency",
        ),
        ("minimum_history: auto", ConfigurationError, "auto does not go with orders", "auto is for events"),
        ("minimum_history: 0", ConfigurationError, "line 2: minimum_history", "configuration.md"),
        ("minimum_history: some", ConfigurationError, "line 2: minimum_history", "configuration.md"),
        (
            "rule_segments: [{id: 1001, name: All, when: [{feature: frequency, at_least: 1}]}]",
            UnusableDataError, "leave 0 of 3,000 customers", "narrow rule_segments",
        ),
        ("minimum_history: 10000", UnusableDataError, "leave 0 of 3,000 customers", "lower minimum_history"),
        ("rule_segments: [{id: 1001, name: No, when: []}]", ConfigurationError, "rule_segments", "configuration.md"),
        ("rule_segments: [{id: 1001, name: '', when: [{feature: frequency}]}]", ConfigurationError, "rule_segm", "c"),
        (
            "rule_segments: [{id: 1001, name: A, when: [{feature: frequency}]}]",
            ConfigurationError, "needs at_least or below", "configuration.md",
        ),
        (
            "rule_segments: [{id: 1001, name: A, when: [{feature: frequency, below: .nan}]}]",
            ConfigurationError, "at_least or below, as numbers", "configuration.md",
        ),
        (
            "rule_segments: [{id: 1001, name: A, when: [{feature: frequency, below: 2, at_least: 5}]}]",
            ConfigurationError, "no frequency is at least 5 and below 2", "configuration.md",
        ),
        (
            "rule_segments: [{id: 1001, name: A, when: [{feature: frequency, below: 2}]}, "
            "{id: 1001, name: B, when: [{feature: frequency, below: 3}]}]",
            ConfigurationError, "two of them have the id 1001", "tell them apart",
        ),
        (
            "rule_segments: [{id: 1001, name: Odd, when: [{feature: frequency, above: 2}]}]",
            ConfigurationError, "unknown key 'rule_segments.when.above'", "",
        ),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_are_told(
    tmp_path: Path, text: str, error: type[SegmentationError], said: str, hint: str
) -> None:
    with pytest.raises(error) as refused:
        make(tmp_path, text)
    assert said in refused.value.message
    assert hint in refused.value.hint
    assert refused.value.exit_status == 2


def test_the_same_rules_give_the_same_model(tmp_path: Path, result: Result) -> None:
    again = make(tmp_path, ONE_ORDER).made
    assert again.card_content == result.made.card_content
    assert again.files == result.made.files
