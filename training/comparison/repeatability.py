"""Whether an algorithm finds again what it found: runs on overlapping subsamples, compared on the rows they share."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from segmentation.scoring import Floats
from training.algorithms import Algorithm, Budget, Value
from training.algorithms.running import run
from training.comparison.quality import agreement

SHARE = 0.8
"""Of the common rows, in each subsample: two of them share two thirds and more."""

FEWEST = 50
"""Rows under which subsamples say nothing."""


def repeatability(
    algorithm: Algorithm,
    space: Floats,
    k: int,
    *,
    parameters: Mapping[str, Value],
    budget: Budget,
    runs: int,
    rows: int,
    seed: int,
) -> float | None:
    """How far an algorithm's divisions of overlapping subsamples agree.

    All algorithms see the same subsamples. What is chosen from the data is chosen anew on each: the rule is part of
    the algorithm.

    Parameters
    ----------
    algorithm, parameters, budget
        What runs.
    space
        float64, shape (n, p).
    k
        Clusters, for those that are told how many.
    runs
        Subsamples; fewer than two: nothing is measured.
    rows
        Common rows that subsamples are drawn from; where there are more, a random part of them.
    seed
        Of the rows.

    Returns
    -------
    float or None
        Mean adjusted Rand index over all pairs of subsamples, on the rows that both have, noise as a group; None
        where it is not measured, or a run was refused.

    References
    ----------
    Ben-Hur, Elisseeff, Guyon (2002), "A stability based method for discovering structure in clustered data".
    """
    if runs < 2 or len(space) < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    if len(space) > rows:
        space = space[np.sort(rng.choice(len(space), rows, replace=False))]
    n = len(space)
    found = []
    for number in range(runs):
        drawn = np.sort(rng.choice(n, max(2, round(SHARE * n)), replace=False))
        labelling = run(algorithm, space[drawn], k, parameters=parameters, budget=budget, seed=seed + number + 1)
        if labelling.labels is None:
            return None
        labels = np.full(n, -2, dtype=np.int64)
        labels[drawn] = labelling.labels
        found.append(labels)
    values = []
    for one, other in combinations(found, 2):
        shared = (one > -2) & (other > -2)
        values.append(agreement(one[shared], other[shared]))
    return float(np.mean(values))
