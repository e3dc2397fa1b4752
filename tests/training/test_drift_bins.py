"""The frozen bins count every customer once, tell no extreme, and part what is shared by many from what is above."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmentation.privacy import SMALLEST_GROUP
from training.drift.bins import BINS, SHARED, bins

numbers = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, 1 / 3, -2.5])


@given(hnp.arrays(np.float64, st.integers(1, 500), elements=numbers))
def test_every_customer_is_in_one_bin_and_no_bin_is_small(values: np.ndarray) -> None:
    edges, counts = bins(values)
    assert counts.sum() == len(values)
    assert len(counts) == len(edges) + 1 <= BINS
    assert list(edges) == sorted(set(edges))
    assert len(counts) == 1 or counts.min() >= max(SMALLEST_GROUP, SHARED * len(values))


def test_different_values_fall_into_ten_equal_bins() -> None:
    assert bins(np.arange(1000.0))[1].tolist() == pytest.approx([100] * 10, abs=1)


def test_a_feature_with_one_value_has_one_open_bin() -> None:
    assert bins(np.ones(500))[0] == ()


def test_a_few_who_stand_apart_are_told_with_their_neighbours() -> None:
    assert bins(np.repeat([0.0, 1.0, 2.0], [2, 300, 200]))[1].tolist() == [302, 200]


@pytest.mark.parametrize("shared", [0.0, 1.0, 1 / 3, 2 / 3, -5.0, 123456.0])
def test_what_most_customers_share_is_told_from_what_lies_a_little_above(shared: float) -> None:
    edges, counts = bins(np.repeat([shared, shared + 7], [950, 50]))
    assert counts.tolist() == [950, 50]
    assert np.searchsorted(edges, shared, side="right") == 0
    assert np.searchsorted(edges, 1.3 * abs(shared) + 0.01, side="right") == 1
