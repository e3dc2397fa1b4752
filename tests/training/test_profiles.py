"""Profiles tell quantiles and fences, and no extreme."""

import numpy as np

from training.job import Result


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
