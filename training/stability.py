"""How far refits of the same customers agree with a clustering: the noise floor of every comparison."""

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from segmentation.evidence import Refits
from segmentation.scoring import Floats
from training.agreement import adjusted_rand_index, jaccard, moved_share, overlap

TOLERANCE = 1e-3
"""Where a refit stops, as a share of the variance: further steps move hardly anybody."""


def refits(
    space: Floats, centroids: Floats, *, times: int = 20, rows: int = 10_000, restarts: int = 10, seed: int = 0
) -> Refits:
    """Refit KMeans on bootstrap samples and with other seeds, and compare.

    Each refit divides the same customers, and is compared with the division by the centroids given.

    Parameters
    ----------
    space
        Customers in the scoring space, float64, shape (n, p).
    centroids
        Of the clustering, float64, shape (k, p).
    times
        Bootstrap samples; a quarter as many refits have other seeds and all the customers.
    rows
        Customers looked at, at most; where there are more, a random sample of them.
    restarts
        Of each refit: one that ends in a poor optimum says nothing of the data.
    seed
        Of the samples and the refits.

    Returns
    -------
    Refits
        Agreement over all, customers moved, and the stability of each cluster.

    References
    ----------
    Hennig (2007), "Cluster-wise assessment of cluster stability".
    """
    rng = np.random.default_rng(seed)
    if len(space) > rows:
        space = space[np.sort(rng.choice(len(space), rows, replace=False))]
    n, k = len(space), len(centroids)
    labels = _nearest(space, centroids)
    with threadpool_limits(limits=1):
        seeds = [_table(space, labels, None, _refit(k, restarts, rng)) for _ in range(max(1, times // 4))]
        bootstraps = [
            _table(space, labels, np.bincount(rng.integers(0, n, n), minlength=n), _refit(k, restarts, rng))
            for _ in range(times)
        ]
    return Refits(
        rows=n,
        times=times,
        seeds_ari=float(np.mean([adjusted_rand_index(table) for table in seeds])),
        bootstrap_ari=float(np.mean([adjusted_rand_index(table) for table in bootstraps])),
        moved=float(np.mean([moved_share(table) for table in bootstraps])),
        stability=tuple(np.mean([jaccard(table).max(axis=1) for table in bootstraps], axis=0).tolist()),
    )


def _refit(k: int, restarts: int, rng: np.random.Generator) -> KMeans:
    return KMeans(k, n_init=restarts, tol=TOLERANCE, random_state=int(rng.integers(2**31)))


def _table(
    space: Floats, labels: npt.NDArray[np.int64], weights: npt.NDArray[np.int64] | None, again: KMeans
) -> Floats:
    """Overlap of the clustering with a refit; a customer drawn twice into a bootstrap sample weighs two."""
    found = again.fit(space, sample_weight=weights).predict(space).astype(np.int64)
    return overlap(labels, found, again.n_clusters, again.n_clusters)


def _nearest(space: Floats, centroids: Floats) -> npt.NDArray[np.int64]:
    squares = np.square(centroids).sum(axis=1) - 2 * space @ centroids.T
    return np.asarray(squares.argmin(axis=1), dtype=np.int64)
