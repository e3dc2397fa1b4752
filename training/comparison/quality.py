"""The numbers of a division: silhouette with and without noise, coverage, balance, agreement with another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from training.agreement import Ints, adjusted_rand_index, overlap
from training.silhouette import Estimate, silhouette


@dataclass(frozen=True, slots=True)
class Quality:
    """The numbers of a division; see `segmentation.scores.AlgorithmScore`."""

    silhouette: Estimate | None
    silhouette_with_noise: float | None
    n_clusters: int
    small_clusters: int
    n_noise: int
    coverage: float
    largest_share: float
    balance: float


def quality(space: Floats, labels: Ints, *, exact_up_to: int = 100_000, rows: int = 20_000, seed: int = 0) -> Quality:
    """Measure a division.

    Parameters
    ----------
    space
        float64, shape (n, p).
    labels
        int64, shape (n,): 0 upwards without gaps; -1 is noise.
    exact_up_to, rows, seed
        Of the silhouette.

    Returns
    -------
    Quality
        Without a silhouette where there are fewer than two clusters.

    References
    ----------
    Pielou (1966), "The measurement of diversity in different types of biological collections", for the evenness.
    """
    inside = labels >= 0
    sizes = np.bincount(labels[inside]) if inside.any() else np.zeros(0, dtype=np.int64)
    k, clustered = len(sizes), int(sizes.sum())
    noise = len(labels) - clustered
    limits = {"exact_up_to": exact_up_to, "rows": rows, "seed": seed}
    within = silhouette(space if noise == 0 else space[inside], labels[inside], **limits) if k >= 2 else None
    with_noise = within.value if within and noise == 0 else None
    if noise and k:
        with_noise = silhouette(space, np.where(inside, labels, k), **limits).value
    shares = sizes / max(clustered, 1)
    return Quality(
        silhouette=within,
        silhouette_with_noise=with_noise,
        n_clusters=k,
        small_clusters=int((sizes < SMALLEST_GROUP).sum()),
        n_noise=noise,
        coverage=clustered / len(labels),
        largest_share=float(shares.max(initial=0.0)),
        balance=float(-(shares * np.log(shares)).sum() / np.log(k)) if k >= 2 else 0.0,
    )


def agreement(one: Ints, other: Ints) -> float:
    """Adjusted Rand index of two divisions, noise as a group of its own.

    Parameters
    ----------
    one, other
        Labels of the same rows, int64, shape (n,); -1 is noise.

    Returns
    -------
    float
        1 for the same division, about 0 for unrelated ones.
    """
    return adjusted_rand_index(overlap(one + 1, other + 1, int(one.max()) + 2, int(other.max()) + 2))
