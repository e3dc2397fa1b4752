"""KMeans from given centroids, compiled: a warm refit has few steps, and what scikit-learn does around them is most."""

import numpy as np

from segmentation.scoring import Floats
from training.maintenance.replay import Ints
from training.pairwise import compiled

TOLERANCE, MOST_STEPS = 1e-4, 300
"""As scikit-learn's KMeans has them: steps end where centroids move less than this share of the mean variance."""


def lloyd(space: Floats, centroids: Floats) -> tuple[Ints, Floats]:
    """Steps of Lloyd's algorithm until they end, on one thread.

    Parameters
    ----------
    space
        Customers, float64, shape (n, p).
    centroids
        To begin from, float64, shape (k, p).

    Returns
    -------
    tuple
        The group of each customer, int64, shape (n,); and the centroids. One that nobody is nearest to stays.

    References
    ----------
    Lloyd (1982), "Least squares quantization in PCM".
    """
    space, centroids = np.ascontiguousarray(space), np.array(centroids, dtype=np.float64, order="C")
    labels = np.full(len(space), -1, dtype=np.int64)
    _steps(space, centroids, labels, TOLERANCE, MOST_STEPS)
    return labels, centroids


def nearest(space: Floats, centroids: Floats) -> Ints:
    """The nearest centroid of each customer.

    Parameters
    ----------
    space, centroids
        As for `lloyd`.

    Returns
    -------
    ndarray
        0 to k-1, the first of several that are equally near; int64, shape (n,).
    """
    labels = np.full(len(space), -1, dtype=np.int64)
    _assign(np.ascontiguousarray(space), np.ascontiguousarray(centroids), labels)
    return labels


@compiled()
def _assign(space, centroids, labels):  # type: ignore[no-untyped-def]
    """Labels in place; gives whether any is another."""
    n, p = space.shape
    changed = False
    for row in range(n):
        best, least = 0, np.inf
        for group in range(len(centroids)):
            far = 0.0
            for column in range(p):
                apart = space[row, column] - centroids[group, column]
                far += apart * apart
            if far < least:
                best, least = group, far
        if labels[row] != best:
            labels[row] = best
            changed = True
    return changed


@compiled()
def _steps(space, centroids, labels, tolerance, most):  # type: ignore[no-untyped-def]
    """Centroids and labels in place."""
    enough = tolerance * _mean_variance(space)
    sums, sizes = np.empty(centroids.shape), np.empty(len(centroids))
    for _ in range(most):
        if not _gather(space, centroids, labels, sums, sizes):
            return
        if _recentre(centroids, sums, sizes) <= enough:
            break
    # The centroids have moved since: everybody belongs to the one that is nearest now.
    _assign(space, centroids, labels)


@compiled()
def _mean_variance(space):  # type: ignore[no-untyped-def]
    n, p = space.shape
    variance = 0.0
    for column in range(p):
        mean = space[:, column].sum() / n
        variance += ((space[:, column] - mean) ** 2).sum() / n
    return variance / p


@compiled()
def _gather(space, centroids, labels, sums, sizes):  # type: ignore[no-untyped-def]
    """Labels in place, as `_assign` has them, and on the same way the sum and number of each group."""
    n, p = space.shape
    changed = False
    sums[:] = 0.0
    sizes[:] = 0.0
    for row in range(n):
        best, least = 0, np.inf
        for group in range(len(centroids)):
            far = 0.0
            for column in range(p):
                apart = space[row, column] - centroids[group, column]
                far += apart * apart
            if far < least:
                best, least = group, far
        if labels[row] != best:
            labels[row] = best
            changed = True
        sizes[best] += 1
        for column in range(p):
            sums[best, column] += space[row, column]
    return changed


@compiled()
def _recentre(centroids, sums, sizes):  # type: ignore[no-untyped-def]
    """Centroids in place; gives the sum of squares by which they moved."""
    moved = 0.0
    for group in range(len(centroids)):
        if sizes[group] > 0:
            place = sums[group] / sizes[group]
            moved += ((place - centroids[group]) ** 2).sum()
            centroids[group] = place
    return moved
