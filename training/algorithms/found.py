"""What a clusterer found, and how the rows that it did not see come to their labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from segmentation.scoring import Floats
from training.algorithms.declared import Value

Ints = npt.NDArray[np.int64]

NOISE = -1

AT_ONCE = 16_384
"""Rows that are compared with all clusters at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """What a linkage joined.

    Parameters
    ----------
    merges
        scipy's linkage matrix: the two joined, the height, the rows under it; float64, shape (m - 1, 4).
    leaves
        Rows that each of the m leaves stands for, float64, shape (m,).
    """

    merges: Floats
    leaves: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Labels of the rows that an algorithm ran on.

    Parameters
    ----------
    labels
        int64, shape (n,): 0 upwards, without gaps; -1 is noise.
    extend
        Labels of other rows of the same space: the algorithm's own prediction, or a rule where it has none.
    used
        Parameters with the values that were chosen from the data.
    notes
        What a reader of the labels should know.
    tree
        Of a linkage.
    """

    labels: Ints
    extend: Callable[[Floats], Ints]
    used: Mapping[str, Value]
    notes: tuple[str, ...] = ()
    tree: Tree | None = None


def without_gaps(labels: Ints) -> Ints:
    """Clusters numbered anew, in their order; noise stays noise.

    Parameters
    ----------
    labels
        Any whole numbers, shape (n,); negative ones are noise.

    Returns
    -------
    ndarray
        int64, shape (n,).
    """
    numbered = np.full(len(labels), NOISE, dtype=np.int64)
    inside = labels >= 0
    numbered[inside] = np.unique(labels[inside], return_inverse=True)[1]
    return numbered


def to_nearest(points: Floats, labels: Ints) -> Callable[[Floats], Ints]:
    """A rule that gives each row the label of the nearest of some points.

    Parameters
    ----------
    points
        float64, shape (m, p).
    labels
        Of the points, int64, shape (m,).

    Returns
    -------
    callable
        Rows to labels; between points equally near the first decides.
    """

    def extend(rows: Floats) -> Ints:
        squares = np.square(points).sum(axis=1)
        found = np.empty(len(rows), dtype=np.int64)
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            found[start : start + AT_ONCE] = labels[(squares - 2 * part @ points.T).argmin(axis=1)]
        return found

    return extend


def to_centroids(rows: Floats, labels: Ints) -> Callable[[Floats], Ints]:
    """A rule that gives each row the cluster of the nearest centroid.

    Parameters
    ----------
    rows, labels
        That the centroids are means of; labels without gaps, noise among them.

    Returns
    -------
    callable
        Rows to labels.
    """
    k = int(labels.max()) + 1
    centroids = np.array([rows[labels == cluster].mean(axis=0) for cluster in range(k)])
    return to_nearest(centroids, np.arange(k, dtype=np.int64))


def by_vote(rows: Floats, labels: Ints, voters: int) -> Callable[[Floats], Ints]:
    """A rule that gives each row the label that most of its nearest rows have.

    Parameters
    ----------
    rows, labels
        That vote; noise is a label too.
    voters
        How many; the nearest decides where votes are even.

    Returns
    -------
    callable
        Rows to labels.
    """
    tree = KDTree(rows)
    voters = min(voters, len(rows))

    def extend(others: Floats) -> Ints:
        near = np.asarray(tree.query(others, k=voters, workers=-1)[1], dtype=np.int64).reshape(len(others), voters)
        votes = labels[near]
        equal = (votes[:, :, np.newaxis] == votes[:, np.newaxis, :]).sum(axis=2)
        # The first of the largest: where votes are even, that of the nearer row.
        return np.asarray(votes[np.arange(len(votes)), equal.argmax(axis=1)], dtype=np.int64)

    return extend


def within(rows: Floats, labels: Ints, reach: float) -> Callable[[Floats], Ints]:
    """A rule that gives each row the label of the nearest of some rows if that is near enough, else noise.

    Parameters
    ----------
    rows, labels
        Cores of clusters.
    reach
        How near is near enough.

    Returns
    -------
    callable
        Rows to labels.
    """
    if not len(rows):
        return lambda others: np.full(len(others), NOISE, dtype=np.int64)
    tree = KDTree(rows)

    def extend(others: Floats) -> Ints:
        distance, near = tree.query(others, workers=-1)
        return np.where(distance <= reach, labels[near], NOISE).astype(np.int64)

    return extend
