"""Segments are named after what sets them apart, never two alike."""

import numpy as np

from segmentation.features import ORDER_FEATURES, select
from training.job import Result
from training.profiles import name_segments

FEATURES = select(["recency_days", "frequency", "monetary"], ORDER_FEATURES)


def test_a_segment_is_named_after_the_features_that_set_it_apart() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    rows = rng.normal(0, 0.1, (400, 3))
    rows[labels == 0, 1] += 5
    rows[labels == 1, 0] += 1
    names = name_segments(rows, labels, FEATURES, 2)
    assert names[0].startswith("Frequent")
    assert "one-time" in names[1].lower()


def test_two_segments_never_share_a_name() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(12), 30)
    rows = rng.normal(0, 1, (360, 3)) + (labels[:, np.newaxis] % 2)
    assert len(set(name_segments(rows, labels, FEATURES, 12))) == 12


def test_a_name_holds_no_two_measures_of_one_thing() -> None:
    features = select(["monetary", "average_basket", "review_score"], ORDER_FEATURES)
    rng = np.random.default_rng(2)
    spend = rng.normal(0, 1, 300)
    rows = np.column_stack([spend, spend + rng.normal(0, 0.01, 300), rng.normal(0, 1, 300)])
    labels = (spend > 0).astype(np.int64)
    for name in name_segments(rows, labels, features, 2):
        assert ("spend" in name.lower()) != ("basket" in name.lower())


def test_profiles_hold_quantiles_in_order_and_no_extreme(sample_result: Result) -> None:
    customers, labels = sample_result.snapshot.customers, sample_result.fitted.labels
    for position, segment in enumerate(sample_result.made.card.segments):
        group = customers[labels == position]
        assert segment.customers == len(group)
        for name, quantiles in segment.profile.items():
            told = [quantiles.q05, quantiles.q25, quantiles.q50, quantiles.q75, quantiles.q95]
            assert told == sorted(told)
            assert (group[name] <= told[0]).mean() >= 0.049
            assert (group[name] >= told[-1]).mean() >= 0.049
        assert segment.profile["recency_days"].q05 > group["recency_days"].min()
        assert segment.profile["recency_days"].q95 < group["recency_days"].max()


def test_few_training_customers_lie_beyond_the_outlier_distance(sample_result: Result) -> None:
    fences = np.array([segment.outlier_distance for segment in sample_result.made.card.segments])
    scores = sample_result.fitted.scores
    assert 0 <= (scores.distance > fences[scores.segment]).mean() < 0.03
