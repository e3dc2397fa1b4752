"""The frozen reference that later traffic is compared with: quantile bins of each feature, and their counts."""

from dataclasses import dataclass

import numpy as np

from segmentation.scoring import Floats

BINS = 10
SMALLEST_BIN = 20
"""Customers per bin where values are all different; fewer bins for fewer customers."""


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
    """Freeze quantiles as bins; quantiles that coincide become one edge.

    Parameters
    ----------
    values
        One feature of the training customers, float64, shape (n,).

    Returns
    -------
    FeatureReference
        At most 10 bins, open at both ends, so no minimum or maximum is told.
    """
    bins = max(1, min(BINS, len(values) // SMALLEST_BIN))
    edges = np.unique(np.quantile(values, np.arange(1, bins) / bins))
    # An edge at the smallest value would leave its first bin empty.
    edges = edges[edges > values.min()]
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return FeatureReference(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()))
