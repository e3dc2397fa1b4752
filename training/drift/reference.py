"""What a model's later customers are compared with, made of those that it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from segmentation.drift import Counts, Drift, Kind, Monitor
from segmentation.privacy import SMALLEST_GROUP
from training.drift.bins import bins
from training.drift.calibration import calibrate, some

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
    values: list[tuple[Monitor, Floats | Counts]] = []
    for feature in snapshot.features:
        each, lacking = snapshot.customers[feature.name].to_numpy(), snapshot.lacking[feature.name]
        missing = lacking if lacking >= SMALLEST_GROUP else 0
        values.append((_monitor(f"feature:{feature.name}", "feature", each, missing=missing, ages=feature.ages), each))
    sizes = tuple(np.bincount(position, minlength=len(ids)).tolist())
    values.append((Monitor(name="segments", kind="segments", edges=(), counts=sizes), position))
    values.append((_monitor("distance", "distance", distance), distance))
    for place, id_ in enumerate(ids[:k]):
        inside = np.where(position == place, distance, np.nan)
        values.append((_monitor(f"distance:{id_}", "distance_within", inside), inside))
    if fitted.arrays.residual_matrix.shape[1]:
        values.append((_monitor("residual", "residual", residual), residual))
    chosen = some(len(position), seed)
    binned = np.column_stack([_binned(monitor, each[chosen]) for monitor, each in values])
    monitors = [monitor for monitor, _ in values]
    return calibrate(monitors, binned, customers=len(position), windows=configured.windows, seed=seed)


def _monitor(name: str, kind: Kind, values: Floats, *, missing: int = 0, ages: bool = False) -> Monitor:
    edges, counts = bins(values[~np.isnan(values)])
    return Monitor(name=name, kind=kind, edges=edges, counts=tuple(counts.tolist()), missing=missing, ages=ages)


def _binned(monitor: Monitor, values: Floats | Counts) -> Counts:
    counted = ~np.isnan(values)
    binned = np.full(len(values), -1, dtype=np.int64)
    binned[counted] = monitor.bin(values[counted])
    return binned
