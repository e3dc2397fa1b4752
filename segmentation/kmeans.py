"""KMeans with restarts that do not all have to see all customers."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from segmentation.scoring import Floats

SAMPLE = 0.25
"""Where there are more customers than restarts may see, the share of that number that they see: more brings nothing."""

CONTINUED = 3
"""Of the restarts on a sample, how many are continued on all customers: the best there need not be the best here."""

SAME = 1e-6
"""Relative difference in inertia under which two restarts ended in the same optimum."""


def kmeans(space: Floats, k: int, *, n_init: int, restart_rows: int, seed: int, start: Floats | None = None) -> KMeans:
    """Fit KMeans by restarts; above a size they run on a sample, and the best of them are continued on all customers.

    Parameters
    ----------
    space
        Customers, float64, shape (n, p).
    k
        Number of clusters.
    n_init
        Restarts, by k-means++.
    restart_rows
        Up to so many customers, restarts see all of them; where there are more, a sample of a quarter as many.
    seed
        Of the restarts and the sample.
    start
        Centroids to begin from as well, such as the live model's segments: shape (k, p). The best end of all is kept,
        wherever it began.

    Returns
    -------
    KMeans
        Fitted on all customers, with the least inertia found; the same bits whatever the number of threads.

    References
    ----------
    Lloyd (1982), "Least squares quantization in PCM". Arthur and Vassilvitskii (2007), "k-means++: the advantages of
    careful seeding".
    Bradley and Fayyad (1998), "Refining initial points for k-means clustering", for starts from samples.
    """
    # Reductions over several threads add in another order, and so give other last bits.
    with threadpool_limits(limits=1):
        again = [] if start is None else [_from(start, space, seed)]
        if len(space) <= restart_rows:
            return _best([KMeans(k, n_init=n_init, random_state=seed).fit(space), *again])
        rng = np.random.default_rng(seed)
        drawn = space[np.sort(rng.choice(len(space), int(SAMPLE * restart_rows), replace=False))]
        seeds = rng.integers(2**31, size=n_init).tolist()
        # Each fit has one thread; fits beside each other do not share sums.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            tried = list(pool.map(lambda each: _fit(KMeans(k, n_init=1, random_state=each), drawn), seeds))
            best = _different(sorted(tried, key=lambda fitted: float(fitted.inertia_)))[:CONTINUED]
            continued = list(pool.map(lambda fitted: _from(fitted.cluster_centers_, space, seed), best))
    return _best([*continued, *again])


def _best(fitted: list[KMeans]) -> KMeans:
    return min(fitted, key=lambda each: float(each.inertia_))


def _different(fitted: list[KMeans]) -> list[KMeans]:
    """Of restarts by inertia, the first of each optimum."""
    kept = fitted[:1]
    for each in fitted[1:]:
        if each.inertia_ > kept[-1].inertia_ * (1 + SAME):
            kept.append(each)
    return kept


def _from(start: Floats, space: Floats, seed: int) -> KMeans:
    return _fit(KMeans(len(start), init=start, n_init=1, random_state=seed), space)


def _fit(unfitted: KMeans, rows: Floats) -> KMeans:
    # OpenMP's limit is each thread's own.
    with threadpool_limits(limits=1):
        return unfitted.fit(rows)
