"""A search over an algorithm's declared grid, on the rows that stability is measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from segmentation.scoring import Floats
from training.algorithms import Algorithm, Budget, Value
from training.algorithms.running import run
from training.comparison.quality import quality
from training.comparison.verdicts import MOSTLY, ONE_CLUSTER


@dataclass(frozen=True, slots=True)
class Tried:
    """One combination of the grid.

    Parameters
    ----------
    parameters
        What was set.
    n_clusters, coverage, silhouette
        What came of it; None where there was no division or it was refused.
    value
        What it is chosen by: the silhouette times the coverage, so that a customer left out as noise counts 0, which
        is the silhouette of one who belongs nowhere. None: one cluster holds more than 95 %, or most is noise.
    """

    parameters: Mapping[str, Value]
    n_clusters: int | None
    coverage: float | None
    silhouette: float | None
    value: float | None


def search(
    algorithm: Algorithm,
    space: Floats,
    k: int,
    *,
    parameters: Mapping[str, Value],
    budget: Budget,
    rows: int,
    seed: int,
) -> tuple[dict[str, Value], tuple[Tried, ...]]:
    """Try every combination of the grid and take the best.

    Parameters
    ----------
    algorithm, budget
        What runs.
    space
        float64, shape (n, p).
    k
        Clusters, for those that are told how many.
    parameters
        What is set already: that is not searched.
    rows
        Rows that are tried on, at most; a random part of them where there are more.
    seed
        Of the rows.

    Returns
    -------
    tuple
        The parameters to use, those set included, and all that was tried; nothing is changed where no combination has a
        value, and nothing is tried where all of the grid is set.
    """
    grid = list({tuple(sorted((dict(one) | dict(parameters)).items())): None for one in algorithm.grid})
    if len(grid) < 2:
        return dict(parameters), ()
    if len(space) > rows:
        space = space[np.sort(np.random.default_rng(seed).choice(len(space), rows, replace=False))]
    tried = tuple(_try(algorithm, space, k, dict(one), budget, seed) for one in grid)
    valued = [each for each in tried if each.value is not None]
    if not valued:
        return dict(parameters), tried
    # The first of the best: the grid's order decides between equals.
    return dict(max(valued, key=lambda each: each.value or 0.0).parameters), tried


def _try(algorithm: Algorithm, space: Floats, k: int, given: dict[str, Value], budget: Budget, seed: int) -> Tried:
    labels = run(algorithm, space, k, parameters=given, budget=budget, seed=seed).labels
    if labels is None:
        return Tried(given, None, None, None, None)
    found = quality(space, labels, seed=seed)
    if found.silhouette is None:
        return Tried(given, found.n_clusters, found.coverage, None, None)
    measured = found.silhouette.value
    usable = found.largest_share <= ONE_CLUSTER and found.coverage >= MOSTLY
    return Tried(given, found.n_clusters, found.coverage, measured, measured * found.coverage if usable else None)
