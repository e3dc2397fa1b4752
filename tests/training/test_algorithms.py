"""Every clusterer behind its one door: it finds what is there, in the form that the budget allows."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, ward
from sklearn.cluster import DBSCAN, MeanShift
from sklearn.metrics import adjusted_rand_score

from training.algorithms import ALGORITHMS, Algorithm, Budget, find
from training.algorithms.found import by_vote, to_nearest
from training.algorithms.linkage import ward_tree
from training.algorithms.reach import reached
from training.algorithms.running import SOLVERS, run

CENTRES = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 9.0]])

BY_NAME = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)

SAMPLED = [algorithm for algorithm in ALGORITHMS if algorithm.beyond == "sample"]


def three_groups(n: int = 300, seed: int = 0) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    own = rng.integers(0, 3, n)
    return rng.normal(CENTRES[own], 0.6), own


def as_wanted(algorithm: Algorithm) -> dict[str, float]:
    """Two are told how wide or how steep a group is; the others need nothing."""
    return {"mean-shift": {"bandwidth": 3.0}, "optics": {"xi": 0.2, "smallest_share": 0.15}}.get(algorithm.name, {})


def test_what_is_declared_is_what_can_run() -> None:
    assert list(SOLVERS) == [algorithm.name for algorithm in ALGORITHMS]


@BY_NAME
def test_each_finds_three_groups_that_lie_apart_and_the_same_again(algorithm: Algorithm) -> None:
    space, own = three_groups()
    first = run(algorithm, space, 3, parameters=as_wanted(algorithm))
    assert first.labels is not None
    assert first.labels.dtype == np.int64
    clustered = first.labels >= 0
    assert algorithm.leaves_noise or clustered.all()
    assert clustered.mean() > 0.9
    assert set(first.labels[clustered]) == {0, 1, 2}
    assert adjusted_rand_score(own[clustered], first.labels[clustered]) == 1
    assert (first.form, first.rows, first.extended) == ("exact", 300, False)
    again = run(algorithm, space, 3, parameters=as_wanted(algorithm))
    assert again.labels is not None
    assert np.array_equal(first.labels, again.labels)


@pytest.mark.parametrize("algorithm", SAMPLED, ids=lambda algorithm: algorithm.name)
def test_beyond_its_rows_a_sample_is_clustered_and_the_others_are_marked_as_extended(algorithm: Algorithm) -> None:
    space, own = three_groups(2_400)
    found = run(algorithm, space, 3, parameters=as_wanted(algorithm), budget=Budget(rows={algorithm.name: 240}))
    assert found.labels is not None
    assert found.ran_on is not None
    assert (found.form, found.rows, found.extended, int(found.ran_on.sum())) == ("sample", 240, True, 240)
    clustered = found.labels >= 0
    assert adjusted_rand_score(own[clustered], found.labels[clustered]) == 1
    assert clustered.mean() > 0.85
    # The sample's own labels stand as they are.
    alone = run(algorithm, space[found.ran_on], 3, parameters=as_wanted(algorithm))
    assert adjusted_rand_score(alone.labels, found.labels[found.ran_on]) == 1
    assert alone.labels is not None
    assert np.array_equal(alone.labels < 0, found.labels[found.ran_on] < 0)


def test_ward_of_many_rows_joins_weighted_sub_clusters_of_all_of_them() -> None:
    space, own = three_groups(3_000)
    found = run(find("ward"), space, 3, budget=Budget(rows={"ward": 1_000}))
    assert (found.form, found.rows, found.extended) == ("sub-clusters", 3_000, False)
    assert adjusted_rand_score(own, found.labels) == 1
    assert found.tree is not None
    assert (found.tree.merges[-1, 3], found.tree.leaves.sum()) == (3_000, 3_000)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 4))
def test_ward_s_tree_is_scipy_s_and_a_weight_is_so_many_rows(seed: int, n: int, p: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, p))
    expected = ward(points)
    children, heights = ward_tree(points, np.ones(n))
    assert np.allclose(heights, expected[:, 2], rtol=1e-6, atol=1e-6)
    assert np.array_equal(np.sort(children, axis=1), np.sort(expected[:, :2].astype(int), axis=1))
    weights = rng.integers(1, 4, n)
    _, weighted = ward_tree(points, weights.astype(np.float64))
    repeated = ward(np.repeat(points, weights, axis=0))[:, 2]
    assert np.allclose(weighted, repeated[len(repeated) - len(weighted) :], rtol=1e-6, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 150), st.integers(1, 4), st.integers(1, 4), st.integers(1, 8))
def test_dbscan_s_labels_are_scikit_learn_s(seed: int, n: int, p: int, eps: int, least: int) -> None:
    """On whole coordinates, where many rows are exactly eps apart or in one place."""
    space = np.random.default_rng(seed).integers(0, 15, (n, p)).astype(np.float64)
    theirs = DBSCAN(eps=eps, min_samples=least).fit(space)
    ours = reached(space, float(eps), least)
    assert np.array_equal(ours.labels, theirs.labels_)
    assert np.array_equal(np.flatnonzero(ours.core), theirs.core_sample_indices_)


@settings(max_examples=4, deadline=None)
@given(st.permutations(range(90)))
@pytest.mark.parametrize("name", ["dbscan", "hdbscan", "ward", "complete-linkage", "average-linkage", "single-linkage"])
def test_the_order_of_rows_does_not_matter_to_those_that_draw_nothing(name: str, order: list[int]) -> None:
    space, _ = three_groups(90)
    one, other = run(find(name), space, 3), run(find(name), space[order], 3)
    assert one.labels is not None
    assert adjusted_rand_score(one.labels[order], other.labels) == 1


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 70), st.floats(0.8, 3))
def test_mean_shift_s_labels_are_scikit_learn_s(seed: int, n: int, reach: float) -> None:
    space = np.random.default_rng(seed).normal(size=(n, 2))
    theirs = MeanShift(bandwidth=reach, seeds=space).fit(space).labels_
    ours = run(find("mean-shift"), space, 3, parameters={"bandwidth": reach, "starts": n}).labels
    assert adjusted_rand_score(theirs, ours) > 0.98


def test_wards_cut_is_scipy_s() -> None:
    space, _ = three_groups(200, seed=4)
    for k in (2, 5, 9):
        assert adjusted_rand_score(run(find("ward"), space, k).labels, fcluster(ward(space), k, "maxclust")) == 1


def test_spectral_tells_rings_apart_where_k_means_cannot() -> None:
    rng = np.random.default_rng(0)
    own = rng.integers(0, 2, 800)
    angle, radius = rng.uniform(0, 2 * np.pi, 800), np.array([1.0, 4.0])[own] + rng.normal(0, 0.15, 800)
    space = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    found = run(find("spectral"), space, 2)
    assert adjusted_rand_score(own, found.labels) == 1
    assert adjusted_rand_score(own, run(find("k-means"), space, 2).labels) < 0.1
    assert "pieces" in found.notes[0]
    assert adjusted_rand_score(own, run(find("single-linkage"), space, 2).labels) == 1


@BY_NAME
def test_customers_who_are_all_alike_are_no_reason_to_fail(algorithm: Algorithm) -> None:
    space = np.ones((60, 2))
    space[:3] = [[1, 2], [3, 1], [9, 9]]
    found = run(algorithm, space, 3)
    assert found.labels is not None
    assert len(np.unique(found.labels[3:])) <= 3


@BY_NAME
def test_connectivity_metric_and_every_grid_run(algorithm: Algorithm) -> None:
    space, _ = three_groups(80)
    for parameters in algorithm.grid:
        assert run(algorithm, space, 3, parameters=parameters).labels is not None
    if "connectivity" in algorithm.defaults:
        found = run(algorithm, space, 3, parameters={"connectivity": 4})
        assert (found.parameters["connectivity"], found.labels is None) == (4, False)


def test_votes_go_to_the_nearer_where_they_are_even() -> None:
    rows = np.array([[0.0], [1.0], [2.0], [3.0]])
    labels = np.array([0, 0, 1, 1], dtype=np.int64)
    assert by_vote(rows, labels, 2)(np.array([[1.4], [1.6], [0.1]])).tolist() == [0, 1, 0]
    assert to_nearest(rows, labels)(np.array([[1.4], [1.6]])).tolist() == [0, 1]
