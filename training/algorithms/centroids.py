"""Clusterers that stand for a cluster by a point or a distribution, and can therefore predict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist
from sklearn.cluster import (
    AffinityPropagation,
    Birch,
    BisectingKMeans,
    KMeans,
    MiniBatchKMeans,
    estimate_bandwidth,
)
from sklearn.mixture import GaussianMixture

from segmentation.scoring import Floats
from training.algorithms.catalogue import CLIMBING, MOST_PARTS
from training.algorithms.declared import Value
from training.algorithms.found import Found, Ints, to_nearest, without_gaps

RESTARTS = 10
"""Of k-means where it is not the model itself; that has clustering.n_init."""

CLIMBS = 300
"""Steps of mean shift, at most."""

STANDSTILL = 1e-3
"""A step so small in bandwidths is the last one."""

ASKED = 1_000
"""Rows that a bandwidth or a threshold is derived from."""


def k_means(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """Lloyd's k-means; see `training.algorithms.running` for the arguments of all of these.

    References
    ----------
    Lloyd (1982), "Least squares quantization in PCM".
    """
    fitted = KMeans(k, n_init=RESTARTS, random_state=seed).fit(space)
    return _predicting(fitted, fitted.labels_, {"n_init": RESTARTS})


def mini_batch_k_means(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """k-means in small steps.

    References
    ----------
    Sculley (2010), "Web-scale k-means clustering".
    """
    batch, restarts = parameters["batch_size"], parameters["n_init"]
    fitted = MiniBatchKMeans(k, batch_size=batch, n_init=restarts, random_state=seed).fit(space)
    return _predicting(fitted, fitted.labels_, parameters)


def bisecting_k_means(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """k-means that divides one cluster at a time.

    References
    ----------
    Steinbach, Karypis, Kumar (2000), "A comparison of document clustering techniques".
    """
    fitted = BisectingKMeans(
        k, n_init=parameters["n_init"], bisecting_strategy=parameters["bisect"], random_state=seed
    ).fit(space)
    return _predicting(fitted, fitted.labels_, parameters)


def gaussian_mixture(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """A mixture of Gaussians; each row goes to its most probable component.

    References
    ----------
    Dempster, Laird, Rubin (1977), "Maximum likelihood from incomplete data via the EM algorithm".
    """
    fitted = GaussianMixture(
        k, covariance_type=parameters["covariance"], n_init=parameters["n_init"], random_state=seed
    ).fit(space)
    return _predicting(fitted, fitted.predict(space), parameters)


def birch(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """BIRCH, its sub-clusters joined by Ward's method.

    References
    ----------
    Zhang, Ramakrishnan, Livny (1996), "BIRCH: an efficient data clustering method for very large databases".
    """
    threshold = parameters["threshold"]
    if threshold is None:
        # Twice the way to the nearest of a thousand rows: some hundred sub-clusters, of more than a few rows each.
        asked = _some(space, seed)
        threshold = 2 * float(np.median(KDTree(asked).query(asked, k=[2])[0])) * _number(parameters["scale"])
    threshold = max(_number(threshold), 1e-6)
    fitted = Birch(threshold=threshold, n_clusters=None).fit(space)
    while len(fitted.subcluster_centers_) > MOST_PARTS:
        threshold *= 1.5
        fitted = Birch(threshold=threshold, n_clusters=None).fit(space)
    # Only the last step, which joins the sub-clusters.
    fitted.set_params(n_clusters=k).partial_fit(None)
    points = fitted.subcluster_centers_
    extend = to_nearest(points, np.asarray(fitted.subcluster_labels_, dtype=np.int64))
    return _renumbered(extend(space), extend, {"threshold": float(threshold), "sub_clusters": len(points)})


def mean_shift(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """Mean shift, climbing from some of the rows; it finds its own number of clusters.

    References
    ----------
    Comaniciu and Meer (2002), "Mean shift: a robust approach toward feature space analysis".
    """
    bandwidth = parameters["bandwidth"]
    if bandwidth is None:
        bandwidth = estimate_bandwidth(_some(space, seed), quantile=parameters["quantile"])
    reach = _number(bandwidth) or 1.0
    starts = min(len(space), round(_number(parameters["starts"])))
    from_rows = space[np.sort(np.random.default_rng(seed).choice(len(space), starts, replace=False))]
    extend = to_nearest(*_numbered(_modes(space, from_rows, reach)))
    return _renumbered(extend(space), extend, {"bandwidth": reach, "starts": starts})


def affinity_propagation(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """Affinity propagation on negative squared distances; it finds its own number of clusters.

    References
    ----------
    Frey and Dueck (2007), "Clustering by passing messages between data points".
    """
    similarity = -cdist(space, space, "sqeuclidean")
    between = similarity[np.triu_indices(len(space), 1)]
    preference = float(between.min() if parameters["preference"] == "lowest" else np.median(between))
    fitted = AffinityPropagation(
        damping=parameters["damping"], preference=preference, max_iter=parameters["steps"], affinity="precomputed",
        random_state=seed,
    ).fit(similarity)  # fmt: skip
    exemplars = np.asarray(fitted.cluster_centers_indices_, dtype=np.int64)
    used = {"damping": parameters["damping"], "preference": parameters["preference"]}
    if not len(exemplars):
        # It found none: all rows together are what is left.
        return Found(_all_in_one(space), _all_in_one, used)
    labels = np.asarray(fitted.labels_, dtype=np.int64)
    return Found(labels, to_nearest(*_numbered(space[exemplars])), used)


def _modes(space: Floats, starts: Floats, reach: float) -> Floats:
    """Where the climbs end, one of those within reach of each other: that with the most rows around it."""
    parts = [_climbed(space, starts[at : at + CLIMBING], reach) for at in range(0, len(starts), CLIMBING)]
    places, around = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    kept: list[Floats] = []
    # Between places with as many rows around the larger first coordinate decides, as in scikit-learn.
    for place in places[np.lexsort((*-places.T[::-1], -around))]:
        if not kept or np.linalg.norm(np.array(kept) - place, axis=1).min() > reach:
            kept.append(place)
    return np.array(kept)


def _climbed(space: Floats, starts: Floats, reach: float) -> tuple[Floats, Ints]:
    """Where climbs end, and how many rows are around; all take their steps together, unlike scikit-learn's."""
    places = starts.copy()
    around = np.zeros(len(places), dtype=np.int64)
    climbing = np.arange(len(places))
    for _ in range(CLIMBS):
        near = cdist(places[climbing], space) <= reach
        around[climbing] = near.sum(axis=1)
        # Each starts on a row, which is within reach of itself; a mean of rows may be out of reach of all of them.
        alone = around[climbing] == 0
        means = near.astype(np.float64) @ space / np.maximum(around[climbing], 1)[:, np.newaxis]
        means[alone] = places[climbing[alone]]
        moved = np.linalg.norm(means - places[climbing], axis=1)
        places[climbing] = means
        climbing = climbing[moved > STANDSTILL * reach]
        if not len(climbing):
            break
    return places, around


def _numbered(points: Floats) -> tuple[Floats, Ints]:
    return points, np.arange(len(points), dtype=np.int64)


def _all_in_one(rows: Floats) -> Ints:
    return np.zeros(len(rows), dtype=np.int64)


def _predicting(fitted: Any, labels: Any, used: Mapping[str, Value]) -> Found:
    return _renumbered(
        np.asarray(labels, dtype=np.int64), lambda rows: np.asarray(fitted.predict(rows), dtype=np.int64), used
    )


def _renumbered(labels: Ints, extend: Callable[[Floats], Ints], used: Mapping[str, Value]) -> Found:
    """Clusters that no row has are left out; rows to come go to them nonetheless, under numbers of their own."""
    present = np.unique(labels)
    place = np.full(int(labels.max()) + 1, -1, dtype=np.int64)
    place[present] = np.arange(len(present))

    def renumbered(rows: Floats) -> Ints:
        found = extend(rows)
        beyond = np.setdiff1d(found, present)
        larger = np.concatenate([place, np.full(max(0, int(found.max(initial=0)) + 1 - len(place)), -1)])
        larger[beyond] = len(present) + np.arange(len(beyond))
        return np.asarray(larger[found], dtype=np.int64)

    return Found(without_gaps(labels), renumbered, used)


def _some(space: Floats, seed: int) -> Floats:
    if len(space) <= ASKED:
        return space
    return space[np.sort(np.random.default_rng(seed).choice(len(space), ASKED, replace=False))]


def _number(value: Value) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)
