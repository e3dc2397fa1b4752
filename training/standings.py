"""Where segments stand among everybody who was clustered: what names and reports are made of."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.scoring import Floats

SAME = 0.7
"""Two features correlated more than this say the same thing; a name holds only one of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Standings:
    """Where segments stand among everybody who was clustered; k segments, d features.

    Parameters
    ----------
    effects
        Mean of the segment minus mean of everybody, in standard deviations of everybody, of features as the model sees
        them; float64, shape (k, d).
    ranks
        Share of everybody below the segment's median, those equal to it counted half; one half where it is everybody's
        median; float64, shape (k, d).
    medians
        Of each segment, in the features' units; float64, shape (k, d).
    middle
        The median of everybody; float64, shape (d,).
    same
        Which features say the same as which, bool, shape (d, d).
    """

    effects: Floats
    ranks: Floats
    medians: Floats
    middle: Floats
    same: npt.NDArray[np.bool_]


def standings(customers: Floats, seen: Floats, labels: npt.NDArray[np.int64], k: int) -> Standings:
    """Measure where segments stand.

    Parameters
    ----------
    customers
        Features of those who were clustered, float64, shape (n, d).
    seen
        The same as the model sees them (winsorised, log1p), float64, shape (n, d).
    labels
        0 to k-1, each at least once; shape (n,).
    k
        Number of segments.

    Returns
    -------
    Standings
        In the order of the labels.
    """
    spread = seen.std(axis=0)
    standardised = (seen - seen.mean(axis=0)) / np.where(spread > 0, spread, 1)
    middle = np.median(customers, axis=0)
    medians = np.array([np.median(customers[labels == position], axis=0) for position in range(k)])
    ranks = np.empty_like(medians)
    for column, values in enumerate(np.sort(customers, axis=0).T):
        below = np.searchsorted(values, medians[:, column], side="left")
        through = np.searchsorted(values, medians[:, column], side="right")
        ranks[:, column] = (below + through) / (2 * len(values))
    return Standings(
        effects=np.array([standardised[labels == position].mean(axis=0) for position in range(k)]),
        ranks=np.where(medians == middle, 0.5, ranks),
        medians=medians,
        middle=middle,
        same=np.abs(standardised.T @ standardised) / len(seen) > SAME,
    )
