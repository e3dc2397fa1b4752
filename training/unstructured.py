"""The silhouette that KMeans reaches on customers without any structure: what a real one must exceed."""

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from segmentation.scoring import Floats
from training.silhouette import silhouette

ROWS = 2_000
"""Customers of one draw, at most: the silhouette of even spread hardly changes beyond."""

DRAWS = 5


@dataclass(frozen=True, slots=True)
class Unstructured:
    """What KMeans finds where there is nothing to find.

    Parameters
    ----------
    silhouette
        Mean over the draws.
    standard_deviation
        Between draws.
    """

    silhouette: float
    standard_deviation: float


def unstructured(space: Floats, k: int, seed: int) -> Unstructured:
    """Cluster customers spread evenly over a box with the same covariance as these.

    Parameters
    ----------
    space
        Customers in the scoring space, float64, shape (n, p).
    k
        Number of clusters.
    seed
        Of the draws.

    Returns
    -------
    Unstructured
        Over five draws of as many customers, at most 2,000 each.

    References
    ----------
    Tibshirani, Walther, Hastie (2001), "Estimating the number of clusters in a data set via the gap statistic",
    reference (b): even spread over a box aligned with the principal components.
    """
    variances, directions = np.linalg.eigh(np.cov(space, rowvar=False).reshape(space.shape[1], -1))
    # Even spread from -a to a has variance a²/3.
    half = np.sqrt(3 * np.maximum(variances, 0))
    rng = np.random.default_rng(seed)
    rows = min(len(space), ROWS)
    found = []
    with threadpool_limits(limits=1):
        for _ in range(DRAWS):
            drawn = rng.uniform(-1, 1, size=(rows, len(half))) * half @ directions.T
            labels = (
                KMeans(k, n_init=2, tol=1e-3, random_state=int(rng.integers(2**31))).fit_predict(drawn).astype(np.int64)
            )
            found.append(silhouette(drawn, labels).value)
    return Unstructured(float(np.mean(found)), float(np.std(found, ddof=1)))
