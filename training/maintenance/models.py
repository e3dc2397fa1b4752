"""A model of one day, made as `run` makes one, and asked about customers of any other day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from threadpoolctl import ThreadpoolController

from segmentation.errors import UnusableDataError
from segmentation.pipeline import cluster, fold, steps
from segmentation.privacy import SMALLEST_GROUP
from segmentation.rules import NO_RULE, first_match
from training.fills import stand_in
from training.fitting import entries
from training.maintenance.lloyd import lloyd, nearest

if TYPE_CHECKING:
    import numpy.typing as npt

    from segmentation.features import Feature
    from segmentation.scoring import Arrays, Floats
    from training.configuration import Configuration
    from training.maintenance.replay import Ints, Seen
    from training.populations import Rule


_THREADS = ThreadpoolController()
"""Looked for once: to look for libraries that have threads takes as long as to place 100,000 customers."""


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How every model of a replay is made.

    Parameters
    ----------
    features
        The columns, filled as the configuration says.
    rules
        Whom they take is in no model.
    configuration
        Preprocessing, restarts, seed.
    k
        Number of segments.
    """

    features: tuple[Feature, ...]
    rules: tuple[Rule, ...]
    configuration: Configuration
    k: int

    def clustered(self, seen: Seen) -> npt.NDArray[np.bool_]:
        """Whom no rule takes, by the features of their day.

        Parameters
        ----------
        seen
            Customers of a date.

        Returns
        -------
        ndarray
            bool, shape (n,).
        """
        if not self.rules:
            return np.ones(len(seen.customers), dtype=np.bool_)
        names = [feature.name for feature in self.features]
        taken = first_match([rule.when for rule in self.rules], names, self.filled(seen.features, None))
        return np.equal(taken, NO_RULE)

    def filled(self, features: Floats, fills: Floats | None) -> Floats:
        """Features without gaps.

        Parameters
        ----------
        features
            float64, shape (n, d); NaN for what a customer lacks.
        fills
            Of a model; None: of these customers.

        Returns
        -------
        ndarray
            float64, shape (n, d).
        """
        fills = self.fills(features) if fills is None else fills
        return np.where(np.isnan(features), fills, features)

    def fills(self, features: Floats) -> Floats:
        """What stands for missing values, by these customers; shape (d,)."""
        chosen = []
        for feature, column in zip(self.features, features.T, strict=True):
            known = column[~np.isnan(column)]
            nothing = feature.lacking == "never" or not len(known)
            chosen.append(0.0 if nothing else stand_in(feature, known, self.configuration.missing_values))
        return np.array(chosen)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A model of one day.

    Parameters
    ----------
    recipe
        How it was made.
    fills
        What it gives to customers who lack a feature, float64, shape (d,).
    arrays
        Everything from features to the nearest centroid, frozen.
    components
        What turns features that are prepared up to scaling into the space; None where PCA is off.
    """

    recipe: Recipe
    fills: Floats
    arrays: Arrays
    components: PCA | None

    def centroids_of(self, other: Model) -> Floats:
        """Another model's centroids in this model's space: they keep their places in scaled features, the unit of
        which is each model's own standard deviation.

        Parameters
        ----------
        other
            Of the same recipe.

        Returns
        -------
        ndarray
            float64, shape (k, p).
        """
        scaled = other.arrays.centroids
        if other.components is not None:
            scaled = other.components.inverse_transform(scaled)
        return scaled if self.components is None else np.asarray(self.components.transform(scaled), dtype=np.float64)

    def space(self, features: Floats) -> Floats:
        """Customers in this model's own space, by its own frozen preprocessing; float64, shape (n, p)."""
        with _THREADS.limit(limits=1):
            return self.arrays.space(self.recipe.filled(features, self.fills))

    def labels(self, features: Floats) -> Ints:
        """The segment of each customer, int64, shape (n,)."""
        return self.nearest(self.space(features))

    def nearest(self, space: Floats) -> Ints:
        """The segment of each customer of this model's space, int64, shape (n,)."""
        return nearest(space, self.arrays.centroids)


def fit(features: Floats, recipe: Recipe, start: Ints | None = None, seed: int | None = None) -> tuple[Model, Ints]:
    """Make a model.

    Parameters
    ----------
    features
        Of the customers whom no rule takes, float64, shape (n, d).
    recipe
        How.
    start
        Where given, KMeans has no restarts but begins from this division of the customers alone: -1 for who is in no
        group, int64, shape (n,).
    seed
        None: the configuration's.

    Returns
    -------
    tuple
        The model, and the segment of each customer it was made of. Segments are ordered by size, the largest first,
        unless it began from a division: then they are in that one's order.
    """
    fills = recipe.fills(features)
    configuration = recipe.configuration
    # By columns: of a long table that lies row by row, numpy takes three times as long for a mean.
    filled = np.asfortranarray(recipe.filled(features, fills))
    frame = pd.DataFrame(filled, columns=[feature.name for feature in recipe.features], copy=False)
    with _THREADS.limit(limits=1):
        prepared = Pipeline(steps(frame, entries(recipe.features), configuration.preprocessing))
        space = np.ascontiguousarray(prepared.fit_transform(frame), dtype=np.float64)
    if start is None:
        pipeline = cluster(
            prepared, space, recipe.k, configuration.clustering, configuration.seed if seed is None else seed
        )
    else:
        labels, centroids = settle(space, start, recipe.k)
        kmeans = KMeans(recipe.k)
        # All that folding asks of it.
        kmeans.cluster_centers_ = centroids
        pipeline = Pipeline([*prepared.steps, ("kmeans", kmeans)])
    model = Model(recipe, fills, fold(pipeline), pipeline.named_steps.get("pca"))
    return model, model.nearest(space) if start is None else labels


def settle(space: Floats, start: Ints, k: int) -> tuple[Ints, Floats]:
    """KMeans from a given division: the optimum that lies nearest to it.

    Parameters
    ----------
    space
        Customers, float64, shape (n, p).
    start
        0 to k-1, or -1 for who is in no group; int64, shape (n,).
    k
        Number of groups.

    Returns
    -------
    tuple
        Groups and centroids; see `training.maintenance.lloyd`.
    """
    counted = start if start.min() >= 0 else np.where(start < 0, k, start)
    sizes = np.bincount(counted, minlength=k)[:k, np.newaxis]
    sums = np.column_stack([np.bincount(counted, weights=column, minlength=k)[:k] for column in space.T])
    means = sums / np.maximum(sizes, 1)
    if not sizes.all():
        # A group that nobody is left in begins in the middle.
        means = np.where(sizes > 0, means, space.mean(axis=0))
    return lloyd(space, means)


def refuse_too_few(seen: Seen, clustered: npt.NDArray[np.bool_], recipe: Recipe) -> None:
    """Refuse an origin whose customers do not make a model.

    Parameters
    ----------
    seen, clustered
        The customers, and which of them no rule takes.
    recipe
        Of the model.

    Raises
    ------
    UnusableDataError
        There are fewer of them, or fewer different ones, than the segments need.
    """
    rows = seen.features[clustered]
    different = len(np.unique(rows, axis=0)) if len(rows) else 0
    if len(rows) < recipe.k * SMALLEST_GROUP or different < recipe.k:
        raise UnusableDataError(
            f"{len(rows):,} customers to cluster at the origin {seen.date:%Y-%m-%d}, {different:,} of them different, "
            f"are too few for {recipe.k} segments",
            hint=f"a segment needs at least {SMALLEST_GROUP}: choose a later --origin, or lower clustering.k",
        )


def places_of(some: Ints, among: Ints) -> Ints:
    """Where customers stand among others.

    Parameters
    ----------
    some, among
        Numbers, ascending.

    Returns
    -------
    ndarray
        Position of each of `some`, or -1 for who is not there; int64.
    """
    places = np.minimum(np.searchsorted(among, some), len(among) - 1)
    return np.where(among[places] == some, places, -1).astype(np.int64)


def carried(labels: Ints, before: Ints, now: Ints) -> Ints:
    """A division of earlier customers, of those of now.

    Parameters
    ----------
    labels, before
        Group and number of each earlier customer.
    now
        Numbers, ascending.

    Returns
    -------
    ndarray
        Group of each customer of now, or -1; int64.
    """
    if np.array_equal(now, before):
        return labels
    places = places_of(now, before)
    return np.where(places >= 0, labels[places], -1).astype(np.int64)
