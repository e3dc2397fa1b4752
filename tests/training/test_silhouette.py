"""The silhouette equals scikit-learn's, and the estimate's error is honest."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples, silhouette_score

from tests.depth import examples
from tests.servers.service import ROOT
from training.silhouette import by_cluster, samples, samples_of, silhouette


def blobs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    return rng.normal(labels[:, np.newaxis] * 2.0, 1, (n, 3)) + 1e3, labels


@given(st.integers(8, 120), st.integers(0, 10_000))
@settings(max_examples=examples(40), deadline=None)
def test_all_rows_give_scikit_learn_s_value(n: int, seed: int) -> None:
    X, labels = blobs(n, seed)
    if len(set(labels)) < 2 or len(set(labels)) == n:
        return
    found = silhouette(X, labels)
    assert found.value == pytest.approx(silhouette_score(X, labels), abs=1e-6)
    assert samples(X, labels) == pytest.approx(silhouette_samples(X, labels), abs=1e-5)
    assert found.standard_error == 0
    assert found.rows == n


def test_identical_rows_and_clusters_of_one_row_are_as_in_scikit_learn() -> None:
    X = np.array([[0.0], [0.0], [0.0], [5.0], [9.0]])
    labels = np.array([0, 0, 1, 1, 2])
    assert silhouette(X, labels).value == pytest.approx(silhouette_samples(X, labels).mean(), abs=1e-6)


def test_the_exact_value_lies_within_three_errors_of_the_estimate() -> None:
    X, labels = blobs(3000)
    exact = silhouette_score(X, labels)
    estimates = [silhouette(X, labels, exact_up_to=0, rows=400, seed=seed) for seed in range(30)]
    off = [abs(found.value - exact) / found.standard_error for found in estimates]
    assert max(off) < 4
    assert np.mean(np.array(off) < 2) > 0.8
    assert all(0.001 < found.standard_error < 0.05 for found in estimates)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4, 7])
def test_any_number_of_dimensions_and_rows_beyond_a_tile(dimensions: int) -> None:
    rng = np.random.default_rng(dimensions)
    labels = rng.integers(0, 3, 2_500)
    X = rng.normal(labels[:, np.newaxis], 1, (2_500, dimensions))
    values = samples(X, labels)
    assert values == pytest.approx(silhouette_samples(X, labels), abs=1e-5)
    means = [values[labels == label].mean() for label in range(3)]
    assert by_cluster(values, labels) == pytest.approx(means, abs=1e-12)


def test_the_number_of_threads_changes_no_bit() -> None:
    X, labels = blobs(6_000)
    alone = numba.get_num_threads()
    found = []
    for threads in {1, alone}:
        numba.set_num_threads(threads)
        found.append(samples(X, labels).tobytes())
    numba.set_num_threads(alone)
    assert len(set(found)) == 1


def test_kernels_compiled_anew_or_kept_or_for_another_processor_give_the_same_bits(tmp_path: Path) -> None:
    digests = f"import {__name__} as t; print(t.digest())"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    found = [digest()]
    for _ in ("compiled", "kept"):
        done = subprocess.run(
            [sys.executable, "-c", digests], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        found.append(done.stdout.strip())
    assert list(tmp_path.rglob("*.nbc")), "nothing was kept"
    assert len(set(found)) == 1


def digest() -> str:
    """Of silhouettes measured among all rows, and of some rows among all."""
    X, labels = blobs(3_000)
    found = [samples(X, labels), samples_of(X, labels, np.arange(0, 3_000, 7))]
    return hashlib.sha256(b"".join(values.tobytes() for values in found)).hexdigest()
