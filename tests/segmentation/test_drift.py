"""The frozen reference counts every customer once and tells no extreme."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmentation.drift import BINS, reference
from segmentation.privacy import SMALLEST_GROUP


@given(hnp.arrays(np.float64, st.integers(1, 500), elements=st.floats(-1e6, 1e6)))
def test_every_customer_is_in_one_bin_and_no_bin_is_small(values: np.ndarray) -> None:
    made = reference(values)
    assert sum(made.counts) == len(values)
    assert len(made.counts) == len(made.edges) + 1 <= BINS
    assert list(made.edges) == sorted(set(made.edges))
    assert len(made.counts) == 1 or min(made.counts) >= SMALLEST_GROUP


def test_different_values_fall_into_ten_equal_bins() -> None:
    assert reference(np.arange(1000.0)).counts == pytest.approx([100] * 10, abs=1)


def test_a_feature_with_one_value_has_one_open_bin() -> None:
    assert reference(np.ones(500)).counts == (500,)


def test_a_few_who_stand_apart_are_told_with_their_neighbours() -> None:
    assert reference(np.repeat([0.0, 1.0, 2.0], [2, 300, 200])).counts == (302, 200)
