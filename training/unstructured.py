"""The silhouette that customers without any structure reach: what a number of segments is worth by itself."""

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from segmentation.scoring import Floats
from training.silhouette import silhouette

ROWS = 2_000
TIMES = 5
RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Unstructured:
    """Silhouettes of KMeans on customers spread evenly over the same space.

    Parameters
    ----------
    mean, deviation
        Over repetitions.
    """

    mean: float
    deviation: float


def unstructured(space: Floats, k: int, seed: int) -> Unstructured:
    """Divide customers spread evenly over the box that the customers fill, as often as the model divides these.

    Parameters
    ----------
    space
        Customers in the scoring space, float64, shape (n, p).
    k
        Number of segments.
    seed
        Of the spread and of KMeans.

    Returns
    -------
    Unstructured
        What a model of these customers must clearly exceed.

    References
    ----------
    Tibshirani, Walther, Hastie (2001), "Estimating the number of clusters in a data set via the gap statistic", for
    the uniform reference along principal components.
    """
    rng = np.random.default_rng(seed)
    low, high, rows = space.min(axis=0), space.max(axis=0), min(len(space), ROWS)
    reached = []
    with threadpool_limits(limits=1):
        for _ in range(TIMES):
            even = rng.uniform(low, high, (rows, space.shape[1]))
            labels = KMeans(k, n_init=RESTARTS, random_state=int(rng.integers(2**31))).fit_predict(even)
            reached.append(silhouette(even, labels.astype(np.int64)).value)
    return Unstructured(float(np.mean(reached)), float(np.std(reached, ddof=1)))
