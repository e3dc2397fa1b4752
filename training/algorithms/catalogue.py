"""Every clusterer of the field as it runs here: whether it can predict, its cost, how it scales, its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from segmentation.errors import ConfigurationError, nearest
from training.algorithms.declared import Algorithm, Parameter

BYTES = 8
"""Of a number."""

LINKED = 10_000
"""Rows between whom all distances are held by the linkages."""

MOST_PARTS = 5_000
"""Sub-clusters that BIRCH may come to; where there are more, its threshold rises."""

CLIMBING = 500
"""Rows that mean shift climbs from at once."""

SUB_CLUSTERS = 2_000
"""That Ward's method joins where there are more rows."""


def _linear(n: int, p: int, k: int) -> float:
    return BYTES * n * (3 * p + 2 * k + 4)


def _pairs(n: int, p: int, k: int) -> float:
    # The condensed distances, the copy that the linkage works on, and the tree.
    return BYTES * (n * n + n * (2 * p + 8))


def _dense_pairs(n: int, p: int, k: int) -> float:
    # Similarities, availabilities, responsibilities, and two products of them.
    return BYTES * (5.5 * n * n + 4 * n * p)


def _neighbour_graph(n: int, p: int, k: int) -> float:
    # Twenty neighbours both ways, index and weight, two copies; and blocks of vectors of the eigensolver.
    return BYTES * n * (2 * 2 * 20 * 2 + 9 * (k + 4) + 3 * p)


def _one_tree(n: int, p: int, k: int) -> float:
    return BYTES * n * (6 * p + 80)


def _sub_clusters(n: int, p: int, k: int) -> float:
    return _pairs(min(n, LINKED), p, k) + _linear(n, p, 8)


def _mean_shifts(n: int, p: int, k: int) -> float:
    return BYTES * n * (6 * p + 2.5 * CLIMBING)


_METRIC = Parameter(
    "metric", "euclidean", "between rows", grid=("euclidean", "manhattan"), choices=("euclidean", "manhattan", "cosine")
)
_CONNECTIVITY = Parameter(
    "connectivity", None, "only rows among so many nearest neighbours may be joined; null: any two", low=2, high=1_000,
    whole=True,
)  # fmt: skip
_RESTARTS = Parameter("n_init", 3, "restarts", low=1, high=1_000, whole=True)
_NEIGHBOURS = Parameter(
    "min_samples", None, "rows within reach that make a row a core; null: 2 p, at least 4", low=1, high=10_000,
    whole=True,
)  # fmt: skip


_COVARIANCES = ("full", "tied", "diag", "spherical")


def _shares(default: float) -> Parameter:
    return Parameter(
        "smallest_share", default, "of rows, in a cluster; 10 rows at least", grid=(0.005, 0.01, 0.02), low=0, high=0.5
    )


def _linkage(name: str, joined_by: str) -> Algorithm:
    single = name == "single-linkage"
    return Algorithm(
        name, name.replace("-", " "), inductive=False, takes_k=True, leaves_noise=False, cost="n² time and memory",
        scaling=f"a sample of {LINKED:,} rows; the others go to {joined_by}",
        exact_up_to=LINKED, beyond="sample", working_bytes=_pairs,
        parameters=(_METRIC, _CONNECTIVITY) if not single else (_METRIC,),
    )  # fmt: skip


ALGORITHMS: tuple[Algorithm, ...] = (
    Algorithm(
        "k-means", "k-means", inductive=True, takes_k=True, leaves_noise=False, cost="n k p per pass",
        scaling="all rows", exact_up_to=None, beyond="exact", working_bytes=_linear,
    ),
    Algorithm(
        "mini-batch-k-means", "mini-batch k-means", inductive=True, takes_k=True, leaves_noise=False,
        cost="n k p, one pass or fewer",
        scaling="all rows", exact_up_to=None, beyond="exact", working_bytes=_linear,
        parameters=(_RESTARTS, Parameter("batch_size", 4_096, "rows in a step", low=10, high=1_000_000, whole=True)),
    ),
    Algorithm(
        "bisecting-k-means", "bisecting k-means", inductive=True, takes_k=True, leaves_noise=False,
        cost="n p log k per pass",
        scaling="all rows", exact_up_to=None, beyond="exact", working_bytes=_linear,
        parameters=(_RESTARTS, Parameter("bisect", "biggest_inertia", "the cluster that is divided next",
                                         grid=("biggest_inertia", "largest_cluster"),
                                         choices=("biggest_inertia", "largest_cluster"))),
    ),
    Algorithm(
        "spectral", "spectral", inductive=False, takes_k=True, leaves_noise=False,
        cost="n log n for the neighbours, n k² per step of lobpcg",
        scaling="sparse neighbours and lobpcg on up to 100,000 rows; beyond, a sample of 20,000, the others by the "
        "vote of their 5 nearest in it",
        exact_up_to=100_000, beyond="sample", working_bytes=_neighbour_graph,
        parameters=(Parameter("neighbours", None, "of each row in the graph; null: log2 n, at least 10",
                              grid=(10, 15, 25), low=2, high=200, whole=True),),
    ),
    Algorithm(
        "dbscan", "DBSCAN", inductive=False, takes_k=False, leaves_noise=True,
        cost="n² time, compiled; memory linear in n",
        scaling="all rows up to 100,000; beyond, a sample of 20,000, the others go to its nearest core within eps, or "
        "are noise",
        exact_up_to=100_000, beyond="sample", working_bytes=_one_tree,
        parameters=(Parameter("eps", None, "reach; null: the knee of the sorted distances to the min_samples-th "
                              "neighbour", low=0), _NEIGHBOURS,
                    Parameter("reach", 1.0, "factor on the eps that the knee gives", grid=(0.7, 1.0, 1.4), low=0.01,
                              high=100)),
    ),
    Algorithm(
        "hdbscan", "HDBSCAN", inductive=False, takes_k=False, leaves_noise=True, cost="n² time",
        scaling="a sample of 20,000 rows; the others by the vote of their 5 nearest in it, noise included",
        exact_up_to=20_000, beyond="sample", working_bytes=_one_tree,
        parameters=(_shares(0.01), _NEIGHBOURS,
                    Parameter("selection", "eom", "excess of mass, or leaves of the tree", grid=("eom", "leaf"),
                              choices=("eom", "leaf"))),
    ),
    Algorithm(
        "optics", "OPTICS", inductive=False, takes_k=False, leaves_noise=True, cost="n² time, in interpreted steps",
        scaling="a sample of 5,000 rows; the others by the vote of their 5 nearest in it, noise included",
        exact_up_to=5_000, beyond="sample", working_bytes=_one_tree,
        parameters=(_shares(0.01), _NEIGHBOURS,
                    Parameter("xi", 0.1, "steepness that ends a cluster", grid=(0.05, 0.1, 0.2), low=0.0001,
                              high=0.9999)),
    ),
    Algorithm(
        "ward", "Ward", inductive=False, takes_k=True, leaves_noise=False, cost="n² time and memory",
        scaling="all rows up to 10,000; beyond, all of them into 2,000 sub-clusters by mini-batch k-means, which are "
        "joined by their weight",
        exact_up_to=LINKED, beyond="sub-clusters", working_bytes=_sub_clusters, parameters=(_CONNECTIVITY,),
    ),
    _linkage("complete-linkage", "the nearest centroid"),
    _linkage("average-linkage", "the nearest centroid"),
    _linkage("single-linkage", "the cluster of the nearest row in it"),
    Algorithm(
        "gaussian-mixture", "Gaussian mixture", inductive=True, takes_k=True, leaves_noise=False,
        cost="n k p² per step of EM", scaling="all rows", exact_up_to=None, beyond="exact", working_bytes=_linear,
        parameters=(Parameter("covariance", "full", "shape of the components", grid=_COVARIANCES, choices=_COVARIANCES),
                    Parameter("n_init", 1, "restarts", low=1, high=1_000, whole=True)),
    ),
    Algorithm(
        "birch", "BIRCH", inductive=True, takes_k=True, leaves_noise=False, cost="n log n, in interpreted steps",
        scaling="a sample of 50,000 rows; the others go to the nearest sub-cluster",
        exact_up_to=50_000, beyond="sample",
        working_bytes=lambda n, p, k: _linear(n, p, 80) + _pairs(min(n, MOST_PARTS), p, k),
        parameters=(Parameter("threshold", None, "radius of a sub-cluster; null: twice the median distance to the "
                              "nearest of 1,000 rows", low=0),
                    Parameter("scale", 1.0, "factor on the threshold found", grid=(0.7, 1.0, 1.4), low=0.01, high=100)),
    ),
    Algorithm(
        "mean-shift", "mean shift", inductive=True, takes_k=False, leaves_noise=False,
        cost="n times the rows climbed from, per step",
        scaling="a sample of 10,000 rows; the others go to the nearest mode",
        exact_up_to=10_000, beyond="sample", working_bytes=_mean_shifts,
        parameters=(Parameter("bandwidth", None, "reach; null: the mean distance to the quantile-th of rows", low=0),
                    Parameter("quantile", 0.2, "share of rows within reach", grid=(0.1, 0.2, 0.3), low=0.001, high=1),
                    Parameter("starts", 500, "rows climbed from", low=1, high=100_000, whole=True)),
    ),
    Algorithm(
        "affinity-propagation", "affinity propagation", inductive=True, takes_k=False, leaves_noise=False,
        cost="n² memory, n² per step",
        scaling="a sample of 2,000 rows; the others go to the nearest exemplar",
        exact_up_to=2_000, beyond="sample", working_bytes=_dense_pairs,
        parameters=(Parameter("damping", 0.9, "of the messages", low=0.5, high=0.999),
                    Parameter("preference", "lowest", "similarity of a row to itself: the more, the more clusters",
                              grid=("lowest", "median"), choices=("lowest", "median")),
                    Parameter("steps", 500, "at most", low=10, high=100_000, whole=True)),
    ),
)  # fmt: skip
"""In the order in which tables show them."""

NAMES: tuple[str, ...] = tuple(algorithm.name for algorithm in ALGORITHMS)
K_MEANS = "k-means"

SAMPLED: Mapping[str, int] = {"spectral": 20_000, "dbscan": 20_000}
"""Rows of the sample, where they are not as many as `exact_up_to`."""


def find(name: str) -> Algorithm:
    """An algorithm by its name.

    Parameters
    ----------
    name
        Such as `k-means`.

    Returns
    -------
    Algorithm
        What is declared of it.

    Raises
    ------
    ConfigurationError
        There is none of this name.
    """
    for algorithm in ALGORITHMS:
        if algorithm.name == name:
            return algorithm
    raise ConfigurationError(f"there is no algorithm {name!r}", hint=nearest(name, NAMES, "there are"))
