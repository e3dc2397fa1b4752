"""Are these customers like those that a foreign Pipeline was fitted on? Names alone do not tell cents from euros."""

from collections.abc import Mapping, Sequence

import numpy as np

from segmentation.lineage import Check
from segmentation.scoring import Floats
from training.importing.folding import Seen

FARTHEST = 3.0
"""Spreads by which the centre of a feature may lie elsewhere, by the smaller of both spreads."""

WIDER = 30.0
"""Where only a range is known, which one customer can stretch: how much wider or narrower counts as that far."""


def alike(seen: Mapping[int, Seen], names: Sequence[str], rows: Floats) -> Check | None:
    """Compare where each feature lies with where its scaler saw it.

    Parameters
    ----------
    seen
        By position of the feature; see `training.importing.folding`.
    names
        Of the features.
    rows
        The customers as the model takes them (clipped, log1p), float64, shape (n, d).

    Returns
    -------
    Check or None
        For the gate; None where no scaler tells anything.
    """
    distances = {column: _distance(each, rows[:, column]) for column, each in seen.items() if each.spread > 0}
    if not distances:
        return None
    worst = max(distances, key=lambda column: distances[column])
    far = [column for column in sorted(distances) if distances[column] > FARTHEST]
    if far:
        told = ", ".join(f"{names[column]} ({seen[column].by}, {_times(distances[column])})" for column in far)
        says = f"not like those that the Pipeline was fitted on, in another unit perhaps: {told}"
    else:
        says = f"like those that the Pipeline was fitted on; {names[worst]} is farthest, {_times(distances[worst])}"
    return Check(
        name="fitted-on", passed=not far, value=distances[worst], limit=FARTHEST, says=f"these customers are {says}"
    )


def _times(distance: float) -> str:
    return "all the same here" if np.isinf(distance) else f"off by {distance:.1f}"


def _distance(seen: Seen, values: Floats) -> float:
    if seen.by == "mean":
        centre, spread = values.mean(), values.std()
    elif seen.by == "median":
        low, centre, high = np.quantile(values, (0.25, 0.5, 0.75))
        spread = high - low
    else:
        spread = np.ptp(values) if seen.by == "range" else np.abs(values).max()
        return FARTHEST * abs(float(np.log(spread / seen.spread))) / float(np.log(WIDER)) if spread > 0 else np.inf
    off = abs(float(centre) - seen.centre)
    # By the smaller: whichever of both is in the larger unit, the centres are many of the smaller one's spreads apart.
    least = min(float(spread), seen.spread)
    return off / least if least > 0 else float(np.inf) if off > 0 else 0.0
