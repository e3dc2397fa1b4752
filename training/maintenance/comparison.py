"""Two models on the same customers of one day: how far they agree, and what their disagreement comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from segmentation.clock import iso
from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from training.agreement import adjusted_rand_index, jaccard, overlap
from training.maintenance.lloyd import nearest
from training.maintenance.models import Model, places_of, settle
from training.maintenance.results import BOUND, Point

if TYPE_CHECKING:
    from datetime import datetime

    from training.maintenance.replay import Ints

RESAMPLES = 1_000
DECIMALS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Aged:
    """A model that is looked at again later.

    Parameters
    ----------
    origin
        Its day.
    model
        Frozen.
    customers, labels
        Numbers and segments of the customers it was made of, n of them.
    """

    origin: datetime
    model: Model
    customers: Ints
    labels: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Newest:
    """The model of a date.

    Parameters
    ----------
    model
        As made that day.
    space, labels
        Its customers in its own space, float64, shape (n, p), and their segments, int64, shape (n,).
    """

    model: Model
    space: Floats
    labels: Ints


def compare(
    aged: Aged,
    date: datetime,
    numbers: Ints,
    features: Floats,
    worth: Floats | None,
    newest: Newest,
    *,
    only_known: bool,
    seed: int,
) -> Point:
    """Compare an earlier model with one of a date, on customers of that date.

    Parameters
    ----------
    aged
        The earlier model.
    date, numbers, features, worth
        Customers of the date whom no rule takes; see `training.maintenance.replay.Seen`.
    newest
        The date's own model.
    only_known
        Whether only those are compared who were known at the origin.
    seed
        Of the bootstrap samples.

    Returns
    -------
    Point
        See there.

    References
    ----------
    Shapley (1953), "A value for n-person games", for the split of the loss between two causes that overlap.
    """
    k = len(aged.model.arrays.centroids)
    space = aged.model.space(features)
    before, now = aged.model.nearest(space), newest.labels
    recentred, _ = settle(space, now, k)
    rescaled = nearest(newest.space, newest.model.centroids_of(aged.model))
    places = places_of(aged.customers, numbers)
    chosen = places[places >= 0] if only_known else slice(None)
    one, other = before[chosen], now[chosen]
    weights = None if worth is None else worth[chosen]
    table = overlap(one, other, k, k)
    ari = adjusted_rand_index(table)
    low, high = bounds(_resampled(table, seed))
    if_rescaled, if_recentred = agreement(rescaled[chosen], other, k), agreement(recentred[chosen], other, k)
    moved, moved_revenue = _moved(table, None if weights is None else overlap(one, other, k, k, weights))
    migrated, migrated_revenue, stayed = _migrated(aged, places, before, worth, k)
    return Point(
        date=iso(date),
        age_days=(date - aged.origin).days,
        customers=int(table.sum()),
        ari=told(ari),
        ari_low=told(low),
        ari_high=told(high),
        ari_if_rescaled=told(if_rescaled),
        ari_if_recentred=told(if_recentred),
        loss_preprocessing=told((if_rescaled - ari + 1 - if_recentred) / 2),
        loss_geometry=told((if_recentred - ari + 1 - if_rescaled) / 2),
        jaccard=tuple(told(value) for value in jaccard(table).max(axis=1)),
        moved=told(moved),
        moved_revenue=None if moved_revenue is None else told(moved_revenue),
        migrated=told(migrated),
        migrated_revenue=None if migrated_revenue is None else told(migrated_revenue),
        stayed=stayed,
    )


def agreement(one: Ints, other: Ints, k: int) -> float:
    """Adjusted Rand index of two divisions into k groups.

    Parameters
    ----------
    one, other
        0 to k-1, int64, shape (n,).
    k
        Number of groups.

    Returns
    -------
    float
        1 for the same division.
    """
    return adjusted_rand_index(overlap(one, other, k, k))


def bounds(values: Floats) -> tuple[float, float]:
    """The lower and the upper one-sided bound of some values.

    Parameters
    ----------
    values
        At least one.

    Returns
    -------
    tuple of float
        Nine in ten are above the first, nine in ten below the second.
    """
    low, high = np.quantile(values, [1 - BOUND, BOUND])
    return float(low), float(high)


def told(value: float) -> float:
    """A number as it is told: six decimals, and no minus before 0.

    Parameters
    ----------
    value
        Finite.

    Returns
    -------
    float
        Rounded.
    """
    return round(float(value), DECIMALS) + 0.0


def _resampled(table: Floats, seed: int) -> Floats:
    """The index on bootstrap samples of the customers: drawing them draws cells of the table, by their share."""
    n = int(table.sum())
    drawn = np.random.default_rng(seed).multinomial(n, table.ravel() / n, size=RESAMPLES)
    tables = drawn.reshape(RESAMPLES, *table.shape).astype(np.float64)
    pairs = _pairs(tables).sum(axis=(1, 2))
    rows, columns = _pairs(tables.sum(axis=2)).sum(axis=1), _pairs(tables.sum(axis=1)).sum(axis=1)
    expected, most = rows * columns / max(n * (n - 1) / 2, 1.0), (rows + columns) / 2
    same = most == expected
    return np.asarray(np.where(same, 1.0, (pairs - expected) / np.where(same, 1.0, most - expected)))


def _pairs(counts: Floats) -> Floats:
    return counts * (counts - 1) / 2


def _moved(table: Floats, revenue: Floats | None) -> tuple[float, float | None]:
    """Segments are matched by customers for both shares: it is their names that customers and revenue leave."""
    matched = linear_sum_assignment(table, maximize=True)
    moved = float(1 - table[matched].sum() / table.sum())
    if revenue is None or not revenue.sum() > 0:
        return moved, None
    return moved, float(1 - revenue[matched].sum() / revenue.sum())


def _migrated(
    aged: Aged, places: Ints, labels: Ints, worth: Floats | None, k: int
) -> tuple[float, float | None, tuple[float | None, ...]]:
    known = places >= 0
    then, now = aged.labels[known], labels[places[known]]
    table = overlap(then, now, k, k)
    total = float(table.sum())
    migrated = float(1 - np.trace(table) / total) if total else 0.0
    sizes = table.sum(axis=1)
    stayed = tuple(
        told(table[place, place] / size) if size >= SMALLEST_GROUP else None for place, size in enumerate(sizes)
    )
    if worth is None or not total:
        return migrated, None, stayed
    held = worth[places[known]]
    return migrated, float(held[then != now].sum() / held.sum()) if held.sum() > 0 else None, stayed
