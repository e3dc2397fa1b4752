"""The frozen reference that later traffic is compared with: quantile bins of each feature, and their counts."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats

BINS = 10
DIGITS = 6
"""Significant digits of an edge: enough to divide by, too few to be one customer's value."""


@dataclass(frozen=True, slots=True)
class FeatureReference:
    """Bins of one feature over the training customers.

    Parameters
    ----------
    edges
        Inner edges, ascending; the first and last bin are open. A bin holds low <= value < high.
    counts
        Training customers per bin, one more than `edges`.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def reference(values: Floats) -> FeatureReference:
    """Freeze quantiles as bins; quantiles that coincide become one edge, and small bins join a neighbour.

    Parameters
    ----------
    values
        One feature of the training customers, float64, shape (n,).

    Returns
    -------
    FeatureReference
        At most 10 bins of at least 10 customers (one bin where there are fewer), open at both ends: neither a minimum
        nor a maximum is told.
    """
    edges = np.unique([float(f"{edge:.{DIGITS}g}") for edge in np.quantile(values, np.arange(1, BINS) / BINS)])
    counts = _count(values, edges)
    while len(edges) and counts.min() < SMALLEST_GROUP:
        smallest = int(counts.argmin())
        # Its smaller neighbour takes it in: that changes the picture least.
        left = counts[smallest - 1] if smallest > 0 else np.inf
        right = counts[smallest + 1] if smallest < len(edges) else np.inf
        edges = np.delete(edges, smallest - 1 if left <= right else smallest)
        counts = _count(values, edges)
    return FeatureReference(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()))


def _count(values: Floats, edges: Floats) -> npt.NDArray[np.int64]:
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
