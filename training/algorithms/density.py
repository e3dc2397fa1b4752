"""DBSCAN, HDBSCAN and OPTICS: clusters are where rows are dense; the rest is noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.spatial import KDTree
from sklearn.cluster import HDBSCAN, OPTICS

from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from training.algorithms.declared import Value
from training.algorithms.found import Found, by_vote, within, without_gaps
from training.algorithms.reach import reached

ASKED = 2_000
"""Rows whose distance to a neighbour is looked at for the knee."""

VOTERS = 5


def dbscan(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """DBSCAN in memory linear in the rows; the labels are those of scikit-learn's.

    Parameters
    ----------
    space
        float64, shape (n, p).
    k
        Not used: it finds its own number.
    parameters
        eps, min_samples, reach.
    seed
        Of the rows that the knee is looked for with.

    Returns
    -------
    Found
        With the reach and the number of neighbours used.

    References
    ----------
    Ester, Kriegel, Sander, Xu (1996), "A density-based algorithm for discovering clusters"; Sander, Ester, Kriegel, Xu
    (1998), "Density-based clustering in spatial databases", for 2 p neighbours.
    """
    wanted = _neighbours(space, parameters)
    eps = parameters["eps"]
    if eps is None:
        eps = knee(space, wanted, seed) * _number(parameters["reach"])
    reach = _number(eps)
    found = reached(space, reach, wanted)
    return Found(
        labels=found.labels,
        extend=within(space[found.core], found.labels[found.core], reach),
        used={"eps": reach, "min_samples": wanted},
    )


def hdbscan(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """HDBSCAN.

    Parameters
    ----------
    space
        float64, shape (n, p).
    k, seed
        Not used.
    parameters
        smallest_share, min_samples, selection.

    Returns
    -------
    Found
        Labels.

    References
    ----------
    Campello, Moulavi, Sander (2013), "Density-based clustering based on hierarchical density estimates".
    """
    smallest, wanted = _smallest(space, parameters), _neighbours(space, parameters)
    fitted = HDBSCAN(
        min_cluster_size=smallest,
        min_samples=min(wanted, len(space)),
        cluster_selection_method=parameters["selection"],
        copy=True,
    ).fit(space)
    labels = without_gaps(fitted.labels_)
    used = {"min_cluster_size": smallest, "min_samples": wanted, "selection": parameters["selection"]}
    return Found(labels, by_vote(space, labels, VOTERS), used)


def optics(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """OPTICS, clusters by the steepness of its reachability plot.

    Parameters
    ----------
    space
        float64, shape (n, p).
    k, seed
        Not used.
    parameters
        smallest_share, min_samples, xi.

    Returns
    -------
    Found
        Labels.

    References
    ----------
    Ankerst, Breunig, Kriegel, Sander (1999), "OPTICS: ordering points to identify the clustering structure".
    """
    smallest, wanted = _smallest(space, parameters), _neighbours(space, parameters)
    with np.errstate(divide="ignore"):
        # Rows in one place have reachability 0, and a step from it is infinitely steep.
        fitted = OPTICS(min_samples=wanted, min_cluster_size=smallest, xi=_number(parameters["xi"])).fit(space)
    labels = without_gaps(fitted.labels_)
    used = {"min_cluster_size": smallest, "min_samples": wanted, "xi": parameters["xi"]}
    return Found(labels, by_vote(space, labels, VOTERS), used)


def knee(space: Floats, neighbours: int, seed: int) -> float:
    """The distance at which the sorted distances to the neighbours-th row turn up.

    Parameters
    ----------
    space
        float64, shape (n, p).
    neighbours
        Which neighbour, the row itself counted.
    seed
        Of the 2,000 rows that are asked, each for its neighbours among all.

    Returns
    -------
    float
        The distance farthest below the line from the smallest to the largest; never 0.

    References
    ----------
    Satopää, Albrecht, Irwin, Raghavan (2011), "Finding a 'kneedle' in a haystack".
    """
    asked = space
    if len(space) > ASKED:
        asked = space[np.sort(np.random.default_rng(seed).choice(len(space), ASKED, replace=False))]
    distances = np.sort(KDTree(space).query(asked, k=[min(neighbours, len(space))])[0][:, 0])
    span = distances[-1] - distances[0]
    if span == 0:
        return float(distances[0]) or 1.0
    height = (distances - distances[0]) / span
    across = np.linspace(0, 1, len(distances))
    found = float(distances[np.argmax(across - height)])
    return found if found > 0 else float(distances[distances > 0][0])


def _neighbours(space: Floats, parameters: Mapping[str, Value]) -> int:
    given = parameters["min_samples"]
    return max(2, min(len(space), max(4, 2 * space.shape[1]) if given is None else round(_number(given))))


def _smallest(space: Floats, parameters: Mapping[str, Value]) -> int:
    return min(len(space), max(SMALLEST_GROUP, round(_number(parameters["smallest_share"]) * len(space))))


def _number(value: Value) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)
