"""The silhouette: exact up to a size, above it estimated by clusters, with its standard error."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.scoring import Floats

HELD_BYTES = 400_000_000
"""Memory that exact sums may take."""

LEAST = 30
"""Rows drawn from each cluster at least: fewer would not tell their own spread."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean silhouette.

    Parameters
    ----------
    value
        -1 to 1.
    standard_error
        Of the value, for the choice of rows that were looked at; 0 where these were all rows.
    rows
        Rows whose own silhouette was computed, each against all the others.
    by_cluster
        Mean of each cluster; NaN for a label that no row has.
    spread
        Standard deviation of the rows' own silhouettes.
    """

    value: float
    standard_error: float
    rows: int
    by_cluster: tuple[float, ...]
    spread: float


def silhouette(
    X: Floats,  # noqa: N803
    labels: npt.NDArray[np.int64],
    *,
    exact_up_to: int = 100_000,
    rows: int = 20_000,
    seed: int = 0,
) -> Estimate:
    """Mean silhouette of all rows, or its estimate from rows drawn within each cluster.

    Parameters
    ----------
    X
        float64, shape (n, p).
    labels
        0 to k-1, int64, shape (n,); at least two different.
    exact_up_to
        Up to this many rows all are looked at, in a time that grows with their square; fewer where their distances to
        many clusters would not fit 400 MB.
    rows
        Above it: how many are drawn, from each cluster by its share, and measured against all.
    seed
        Of the draw.

    Returns
    -------
    Estimate
        Value and standard error.

    References
    ----------
    Rousseeuw (1987), "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis".
    Cochran (1977), "Sampling Techniques", chapter 5, for the stratified mean and its error.
    """
    # Imported when needed: the compiler takes half a second to load, which most commands can do without.
    from training.pairwise import STRIPS, Tiles, sums_of

    # What the exact sums of many clusters hold is bounded as well.
    held = 8 * (STRIPS + 4) * len(X) * (int(labels.max()) + 1)
    if len(X) <= exact_up_to and held <= HELD_BYTES:
        values = samples(X, labels)
        means = by_cluster(values, labels)
        return Estimate(float(values.mean()), 0.0, len(X), tuple(means.tolist()), float(values.std()))
    rng = np.random.default_rng(seed)
    n, value, variance, squares, drawn_rows = len(X), 0.0, 0.0, 0.0, 0
    tiles = Tiles(X, labels)
    means = np.full(len(tiles.sizes), np.nan)
    for cluster in np.flatnonzero(tiles.sizes):
        members = np.flatnonzero(labels == cluster)
        wanted = min(len(members), max(LEAST, round(rows * len(members) / n)))
        drawn = np.sort(rng.choice(members, wanted, replace=False))
        found = _from_sums(sums_of(X[drawn], tiles), labels[drawn], tiles.sizes)
        weight = len(members) / n
        means[cluster] = found.mean()
        value += weight * float(means[cluster])
        squares += weight * float(np.square(found).mean())
        spread = float(found.var(ddof=1)) if wanted > 1 else 0.0
        variance += weight**2 * spread / wanted * (1 - wanted / len(members))
        drawn_rows += wanted
    spread = float(np.sqrt(max(squares - value**2, 0.0)))
    return Estimate(value, float(np.sqrt(variance)), drawn_rows, tuple(means.tolist()), spread)


def samples(X: Floats, labels: npt.NDArray[np.int64]) -> Floats:  # noqa: N803
    """The silhouette of every row.

    Parameters
    ----------
    X, labels
        As for `silhouette`.

    Returns
    -------
    ndarray
        -1 to 1, float64, shape (n,); 0 for a row alone in its cluster.
    """
    from training.pairwise import Tiles, all_sums

    tiles = Tiles(X, labels)
    return _from_sums(all_sums(tiles), labels, tiles.sizes)


def samples_of(X: Floats, labels: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64]) -> Floats:  # noqa: N803
    """The silhouette of some rows, measured against all.

    Parameters
    ----------
    X, labels
        As for `silhouette`.
    chosen
        Positions of the rows, int64, shape (m,).

    Returns
    -------
    ndarray
        As `samples` gives, for these rows; float64, shape (m,).
    """
    from training.pairwise import Tiles, sums_of

    tiles = Tiles(X, labels)
    return _from_sums(sums_of(X[chosen], tiles), labels[chosen], tiles.sizes)


def by_cluster(values: Floats, labels: npt.NDArray[np.int64]) -> Floats:
    """Mean silhouette of each cluster.

    Parameters
    ----------
    values
        From `samples`.
    labels
        0 to k-1.

    Returns
    -------
    ndarray
        float64, shape (k,); NaN for a label that no row has.
    """
    sizes = np.bincount(labels)
    sums = np.bincount(labels, weights=values)
    means = np.full(len(sizes), np.nan)
    means[sizes > 0] = sums[sizes > 0] / sizes[sizes > 0]
    return means


def _from_sums(sums: Floats, own: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> Floats:
    rows = np.arange(len(own))
    inside = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    means = np.divide(sums, sizes, out=np.full_like(sums, np.inf), where=sizes > 0)
    means[rows, own] = np.inf
    outside = means.min(axis=1)
    larger = np.maximum(inside, outside)
    values = np.divide(outside - inside, larger, out=np.zeros_like(larger), where=larger > 0)
    # By definition a row alone in its cluster has silhouette 0.
    return np.asarray(np.where(sizes[own] == 1, 0.0, values), dtype=np.float64)
