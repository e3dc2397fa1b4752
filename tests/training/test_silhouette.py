"""The silhouette equals scikit-learn's, and the estimate's error is honest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples, silhouette_score

from training.silhouette import silhouette


def blobs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    return rng.normal(labels[:, np.newaxis] * 2.0, 1, (n, 3)) + 1e3, labels


@given(st.integers(8, 120), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_all_rows_give_scikit_learn_s_value(n: int, seed: int) -> None:
    X, labels = blobs(n, seed)
    if len(set(labels)) < 2 or len(set(labels)) == n:
        return
    found = silhouette(X, labels)
    assert found.value == pytest.approx(silhouette_score(X, labels), abs=1e-9)
    assert found.standard_error == 0
    assert found.rows == n


def test_identical_rows_and_clusters_of_one_row_are_as_in_scikit_learn() -> None:
    X = np.array([[0.0], [0.0], [0.0], [5.0], [9.0]])
    labels = np.array([0, 0, 1, 1, 2])
    assert silhouette(X, labels).value == pytest.approx(silhouette_samples(X, labels).mean(), abs=1e-12)


def test_the_exact_value_lies_within_three_errors_of_the_estimate() -> None:
    X, labels = blobs(3000)
    exact = silhouette_score(X, labels)
    estimates = [silhouette(X, labels, rows=400, seed=seed) for seed in range(30)]
    off = [abs(found.value - exact) / found.standard_error for found in estimates]
    assert max(off) < 4
    assert np.mean(np.array(off) < 2) > 0.8
    assert all(0.001 < found.standard_error < 0.05 for found in estimates)
