"""What sets customers with one order apart: where it is recency alone, segments are halves of the calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from segmentation.privacy import SMALLEST_GROUP

if TYPE_CHECKING:
    import numpy.typing as npt

    from segmentation.scoring import Floats
    from training.fitting import Fitted
    from training.populations import Populations
    from training.snapshot import Snapshot

RECENCY = ("recency_days", "tenure_days")
"""Features that only say when a one-order customer's order was."""


def one_order_separation(snapshot: Snapshot, populations: Populations, fitted: Fitted) -> dict[str, float]:
    """Share of each feature's variance among clustered one-order customers that lies between segments.

    Parameters
    ----------
    snapshot, populations, fitted
        The customers and their model.

    Returns
    -------
    dict of str to float
        Eta squared by feature, 0 to 1, of features as the model sees them; those that are the same for all of these
        customers are absent. Empty where there are no orders, or fewer than 10 such customers.

    References
    ----------
    Fisher (1925), "Statistical Methods for Research Workers", for the correlation ratio.
    """
    if "frequency" not in snapshot.customers.columns:
        return {}
    clustered = snapshot.customers.to_numpy()[populations.clustered]
    once = clustered[:, list(snapshot.customers.columns).index("frequency")] == 1
    if once.sum() < SMALLEST_GROUP:
        return {}
    rows, labels = fitted.arrays.prepare(clustered[once]), fitted.labels[once]
    found = _eta_squared(rows, labels)
    return {
        name: float(value) for name, value in zip(snapshot.customers.columns, found, strict=True) if not np.isnan(value)
    }


def halves_of_the_calendar(separation: dict[str, float]) -> bool:
    """Whether one-order customers are told apart by the date of their order before anything else.

    Parameters
    ----------
    separation
        From `one_order_separation`.

    Returns
    -------
    bool
        False for an empty one.
    """
    return bool(separation) and max(separation, key=lambda name: separation[name]) in RECENCY


def _eta_squared(rows: Floats, labels: npt.NDArray[np.int64]) -> Floats:
    sizes = np.bincount(labels)
    sums = np.column_stack([np.bincount(labels, weights=column) for column in rows.T])
    means = np.asarray(sums[sizes > 0], dtype=np.float64) / sizes[sizes > 0, np.newaxis]
    between = (sizes[sizes > 0, np.newaxis] * (means - rows.mean(axis=0)) ** 2).sum(axis=0)
    whole = ((rows - rows.mean(axis=0)) ** 2).sum(axis=0)
    differs = rows.min(axis=0) < rows.max(axis=0)
    return np.where(differs, between / np.where(differs, whole, 1), np.nan)
