"""What a model's later customers are compared with, made of those that it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from segmentation.drift import Counts, Drift, Kind, Monitor
from segmentation.privacy import SMALLEST_GROUP
from training.drift.bins import bins
from training.drift.calibration import calibrate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segmentation.scoring import Floats
    from training.fitting import Fitted
    from training.populations import Populations
    from training.sections import Calibration
    from training.snapshot import Snapshot


def reference(
    snapshot: Snapshot,
    populations: Populations,
    fitted: Fitted,
    ids: Sequence[int],
    configured: Calibration,
    seed: int,
) -> Drift:
    """Freeze what is watched of a model, and calibrate it.

    Parameters
    ----------
    snapshot, populations, fitted
        The customers and the model.
    ids
        Of all segments, in the card's order.
    configured
        How many windows are drawn.
    seed
        Of the draw.

    Returns
    -------
    Drift
        For the card.
    """
    free, k = populations.clustered, len(fitted.arrays.centroids)
    position = k + populations.taken
    position[free] = fitted.scores.segment
    distance, residual = np.full((2, len(position)), np.nan)
    distance[free], residual[free] = fitted.scores.distance, fitted.scores.residual
    watched: list[tuple[Monitor, Counts]] = []
    for feature in snapshot.features:
        values, lacking = snapshot.customers[feature.name].to_numpy(), snapshot.lacking[feature.name]
        missing = lacking if lacking >= SMALLEST_GROUP else 0
        watched.append(_values(f"feature:{feature.name}", "feature", values, missing=missing, ages=feature.ages))
    sizes = np.bincount(position, minlength=len(ids))
    watched.append((Monitor(name="segments", kind="segments", edges=(), counts=tuple(sizes.tolist())), position))
    watched.append(_values("distance", "distance", distance))
    for place, id_ in enumerate(ids[:k]):
        inside = np.where(position == place, distance, np.nan)
        watched.append(_values(f"distance:{id_}", "distance_within", inside))
    if fitted.arrays.residual_matrix.shape[1]:
        watched.append(_values("residual", "residual", residual))
    binned = np.column_stack([column for _, column in watched])
    return calibrate([monitor for monitor, _ in watched], binned, windows=configured.windows, seed=seed)


def _values(name: str, kind: Kind, values: Floats, *, missing: int = 0, ages: bool = False) -> tuple[Monitor, Counts]:
    counted = ~np.isnan(values)
    edges, counts = bins(values[counted])
    told = tuple(counts.tolist())
    monitor = Monitor(name=name, kind=kind, edges=edges, counts=told, missing=missing, ages=ages)
    binned = np.full(len(values), -1, dtype=np.int64)
    binned[counted] = monitor.bin(values[counted])
    return monitor, binned
