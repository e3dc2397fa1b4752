"""The silhouette: exact on few rows, or estimated on a sample of them with its standard error."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.scoring import Floats

CELLS_AT_ONCE = 8_000_000
"""Distances held at once, 64 MB."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean silhouette.

    Parameters
    ----------
    value
        -1 to 1.
    standard_error
        Of the value, for the choice of rows it was averaged over; 0 where these were all rows.
    rows
        Rows it was averaged over.
    """

    value: float
    standard_error: float
    rows: int


def silhouette(X: Floats, labels: npt.NDArray[np.int64], *, rows: int = 2_000, seed: int = 0) -> Estimate:  # noqa: N803
    """Mean silhouette of rows drawn at random, each measured against all the others.

    Parameters
    ----------
    X
        float64, shape (n, p).
    labels
        0 to k-1, int64, shape (n,); at least two different.
    rows
        How many rows are drawn; where n is not larger, all are taken and the value is exact.
    seed
        Of the draw.

    Returns
    -------
    Estimate
        Value and standard error.

    References
    ----------
    Rousseeuw (1987), "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis".
    """
    n = len(X)
    drawn = np.arange(n) if n <= rows else np.sort(np.random.default_rng(seed).choice(n, rows, replace=False))
    values = _of_rows(X, labels, drawn)
    missing = 1 - len(drawn) / n
    error = float(values.std(ddof=1) / np.sqrt(len(drawn)) * np.sqrt(missing)) if missing else 0.0
    return Estimate(value=float(values.mean()), standard_error=error, rows=len(drawn))


def _of_rows(X: Floats, labels: npt.NDArray[np.int64], drawn: npt.NDArray[np.int64]) -> Floats:  # noqa: N803
    sizes = np.bincount(labels)
    order = np.argsort(labels, kind="stable")
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    present = sizes > 0
    # Centred, so that the expanded square below loses no digits to a large mean.
    points = X[order] - X.mean(axis=0)
    squares = np.einsum("np,np->n", points, points)
    queries, own = X[drawn] - X.mean(axis=0), labels[drawn]
    values = np.empty(len(drawn))
    step = max(1, CELLS_AT_ONCE // len(X))
    for at in range(0, len(drawn), step):
        part, mine = queries[at : at + step], own[at : at + step]
        squared = np.einsum("np,np->n", part, part)[:, np.newaxis] + squares - 2 * (part @ points.T)
        distances = np.sqrt(np.maximum(squared, 0, out=squared), out=squared)
        # A row's distance to itself is 0, not the rounding error of its expanded square.
        distances[np.arange(len(part)), np.argsort(order)[drawn[at : at + step]]] = 0
        sums = np.zeros((len(part), len(sizes)))
        sums[:, present] = np.add.reduceat(distances, starts[present], axis=1)
        rows = np.arange(len(part))
        inside = sums[rows, mine] / np.maximum(sizes[mine] - 1, 1)
        means = np.divide(sums, sizes, out=np.full_like(sums, np.inf), where=present)
        means[rows, mine] = np.inf
        outside = means.min(axis=1)
        larger = np.maximum(inside, outside)
        silhouettes = np.divide(outside - inside, larger, out=np.zeros_like(larger), where=larger > 0)
        # By definition a row alone in its cluster has silhouette 0.
        values[at : at + step] = np.where(sizes[mine] == 1, 0.0, silhouettes)
    return values
