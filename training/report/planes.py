"""Customers brought to planes that people can look at: principal components, t-SNE; and their silhouettes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from segmentation.scoring import Floats
from training.fitting import Fitted
from training.silhouette import samples_of

Ints = npt.NDArray[np.int64]

LEAST = 20
"""Points of a small segment, if it has as many: fewer would not be seen."""

STEPS = 500
"""Of t-SNE's descent: half of them with clusters pulled together (early exaggeration), half without."""

WITHIN = 0.02
"""Points beyond this quantile of their segment, at either end, may lie outside the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Some customers in a plane.

    Parameters
    ----------
    points
        float64, shape (m, 2).
    labels
        Positions of their segments, int64, shape (m,).
    centres
        Of the segments: the model's centroids, or medians of the points where the plane has none; shape (k, 2).
    """

    points: Floats
    labels: Ints
    centres: Floats

    @property
    def limits(self) -> Floats:
        """What is to be shown of both axes, shape (2, 2): each segment but for its tails, which may be far out."""
        low, high = np.full(2, np.inf), np.full(2, -np.inf)
        for position in np.unique(self.labels):
            inside = np.quantile(self.points[self.labels == position], (WITHIN, 1 - WITHIN), axis=0)
            low, high = np.minimum(low, inside[0]), np.maximum(high, inside[1])
        low, high = np.minimum(low, self.centres.min(axis=0)), np.maximum(high, self.centres.max(axis=0))
        margin = 0.06 * np.where(high > low, high - low, 1.0)
        return np.column_stack([low - margin, high + margin])


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The first two principal components of the space that the model clusters in.

    Parameters
    ----------
    plane
        Customers and centroids.
    variance
        Share of the variance of all features that each of the two explains.
    loadings
        Correlation of each feature, as the model sees it, with each of the two; shape (d, 2).
    dimensions
        Of the model's space.
    """

    plane: Plane
    variance: Floats
    loadings: Floats
    dimensions: int


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Customers brought to a plane by t-SNE, with what it depends on."""

    plane: Plane
    seed: int
    perplexity: float


def draw(labels: Ints, wanted: int, seed: int) -> Ints:
    """Choose customers from each segment by its share, at least 20 of each that has so many.

    Parameters
    ----------
    labels
        0 to k-1, shape (n,).
    wanted
        About how many.
    seed
        Of the draw.

    Returns
    -------
    ndarray
        Their positions, ascending, int64.
    """
    if len(labels) <= wanted:
        return np.arange(len(labels), dtype=np.int64)
    rng = np.random.default_rng(seed)
    chosen = []
    for position in np.unique(labels):
        members = np.flatnonzero(labels == position)
        number = min(len(members), max(LEAST, round(wanted * len(members) / len(labels))))
        chosen.append(rng.choice(members, number, replace=False))
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def components(fitted: Fitted, rows: Floats, points: int, seed: int) -> Components | None:
    """Look at the customers along the two directions in which they differ most.

    Parameters
    ----------
    fitted
        The model.
    rows
        Features of those who were clustered, float64, shape (n, d).
    points, seed
        How many customers are shown, and how they are drawn.

    Returns
    -------
    Components
        Computed on all customers; each direction such that its largest loading is positive. None where the model's
        space has one dimension.
    """
    space = fitted.arrays.space(rows)
    if space.shape[1] < 2:
        return None
    with threadpool_limits(limits=1):
        mean = space.mean(axis=0)
        centred = space - mean
        variances, directions = np.linalg.eigh(centred.T @ centred / len(space))
        axes = directions[:, ::-1][:, :2]
        seen = fitted.arrays.prepare(rows)
        spread = seen.std(axis=0)
        standardised = (seen - seen.mean(axis=0)) / np.where(spread > 0, spread, 1)
        along = centred @ axes
        length = along.std(axis=0)
        loadings = standardised.T @ (along / np.where(length > 0, length, 1)) / len(space)
        turn = np.where(loadings[np.abs(loadings).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
        chosen = draw(fitted.labels, points, seed)
        centres = (fitted.arrays.centroids - mean) @ axes * turn
    whole = variances.sum() / fitted.metrics.variance_kept
    return Components(
        plane=Plane(along[chosen] * turn, fitted.labels[chosen], centres),
        variance=variances[::-1][:2] / whole,
        loadings=loadings * turn,
        dimensions=space.shape[1],
    )


def neighbours(fitted: Fitted, rows: Floats, points: int, perplexity: float, seed: int) -> Neighbours | None:
    """Look at the customers so that neighbours in the model's space stay neighbours.

    Parameters
    ----------
    fitted, rows
        As for `components`.
    points, seed
        How many customers, and the seed of the draw and of t-SNE.
    perplexity
        About how many neighbours each is kept near; less where there are few customers.

    Returns
    -------
    Neighbours
        None for fewer than 20 customers.

    References
    ----------
    van der Maaten and Hinton (2008), "Visualizing data using t-SNE".
    Kobak and Berens (2019), "The art of using t-SNE for single-cell transcriptomics", for the start from PCA.
    """
    chosen = draw(fitted.labels, points, seed)
    if len(chosen) < LEAST:
        return None
    space = fitted.arrays.space(rows[chosen])
    perplexity = min(perplexity, (len(chosen) - 1) / 3)
    with threadpool_limits(limits=1):
        # One thread, and a start that is not left to chance: the same customers give the same picture.
        placed = TSNE(
            perplexity=perplexity,
            init="pca" if space.shape[1] > 1 else "random",
            max_iter=STEPS,
            random_state=seed,
            n_jobs=1,
        ).fit_transform(space.astype(np.float32))
    placed = placed.astype(np.float64)
    labels = fitted.labels[chosen]
    centres = np.array([np.median(placed[labels == position], axis=0) for position in np.unique(labels)])
    return Neighbours(Plane(placed, labels, centres), seed, perplexity)


def silhouettes(fitted: Fitted, rows: Floats, points: int, seed: int) -> tuple[Floats, Ints]:
    """Silhouettes of some customers, each measured against all.

    Parameters
    ----------
    fitted, rows, points, seed
        As for `components`.

    Returns
    -------
    tuple of ndarray
        Silhouettes, float64, and positions of the segments, int64; shape (m,) each.
    """
    chosen = draw(fitted.labels, points, seed)
    return samples_of(fitted.arrays.space(rows), fitted.labels, chosen), fitted.labels[chosen]
