"""The noise floor: how far refits of the very same customers agree, with other seeds and on bootstrap samples."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from segmentation.scoring import Floats
from training.maintenance.comparison import agreement, bounds, told
from training.maintenance.models import Model, fit
from training.maintenance.replay import Ints
from training.maintenance.results import NoiseFloor


@dataclass(frozen=True, slots=True, eq=False)
class Agreements:
    """The adjusted Rand indices of refits with a model: other seeds, and bootstrap samples."""

    seeds: Floats
    bootstraps: Floats

    def told(self) -> NoiseFloor:
        """As it stands in the file."""
        every = np.concatenate([self.seeds, self.bootstraps])
        low, high = bounds(every)
        return NoiseFloor(
            refits=len(every),
            ari=told(every.mean()),
            ari_low=told(low),
            ari_high=told(high),
            seeds_ari=told(self.seeds.mean()),
            bootstrap_ari=told(self.bootstraps.mean()),
        )


def refits(model: Model, features: Floats, labels: Ints) -> Agreements:
    """Make the model again, preprocessing included, and compare on all of its customers.

    Parameters
    ----------
    model
        Of these customers.
    features
        float64, shape (n, d).
    labels
        What the model says of them, int64, shape (n,).

    Returns
    -------
    Agreements
        With the model, as often as `maintenance.seeds` and `maintenance.bootstraps` say.

    References
    ----------
    Hennig (2007), "Cluster-wise assessment of cluster stability", for bootstrap samples.
    """
    recipe, n = model.recipe, len(features)
    settings = recipe.configuration.maintenance
    rng = np.random.default_rng(recipe.configuration.seed)
    seeds = rng.integers(2**31, size=settings.seeds + settings.bootstraps).tolist()

    def again(place: int) -> float:
        drawn = features
        if place >= settings.seeds:
            drawn = features[np.sort(np.random.default_rng(seeds[place]).integers(0, n, n))]
        # OpenMP's limit is each thread's own.
        with threadpool_limits(limits=1):
            other, _ = fit(drawn, recipe, seed=seeds[place])
            return agreement(labels, other.labels(features), recipe.k)

    # BLAS's is one for all, and each thread that leaves would give it back to what it was when that one came.
    with threadpool_limits(limits=1), ThreadPoolExecutor(os.cpu_count()) as pool:
        found = np.array(list(pool.map(again, range(len(seeds)))))
    return Agreements(found[: settings.seeds], found[settings.seeds :])


def together(floors: Sequence[Agreements]) -> Agreements:
    """The refits of several models.

    Parameters
    ----------
    floors
        One each.

    Returns
    -------
    Agreements
        All of them.
    """
    return Agreements(
        np.concatenate([floor.seeds for floor in floors]), np.concatenate([floor.bootstraps for floor in floors])
    )
