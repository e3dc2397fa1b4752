"""The population stability index, and how much of it chance alone explains."""

from collections.abc import Sequence

import numpy as np

from segmentation.drift.monitors import Counts, Level, Monitor
from segmentation.scoring import Floats

HALF = 0.5
"""What is added to the count of each bin, so that an empty one has a share: Krichevsky and Trofimov's half."""


def psi(expected_counts: Sequence[int] | Counts, actual_counts: Sequence[int] | Counts) -> float:
    """Population stability index of two counts in the same bins.

    Parameters
    ----------
    expected_counts, actual_counts
        Customers per bin, of the reference and of the window.

    Returns
    -------
    float
        0 or more. Sum over bins of (a - e) ln(a / e), with shares smoothed as (count + 1/2) / (n + bins / 2).

    Examples
    --------
    >>> psi([100, 100], [10, 10])
    0.0
    >>> round(psi([100, 100], [12, 8]), 4)
    0.0367
    """
    return float(psis(np.asarray(expected_counts), np.asarray(actual_counts)))


def psis(expected_counts: Counts, actual_counts: Counts) -> Floats:
    """The same, of many windows at once.

    Parameters
    ----------
    expected_counts, actual_counts
        Shapes (…, bins), broadcast against each other.

    Returns
    -------
    ndarray
        float64, shape (…).
    """
    expected, actual = _shares(expected_counts), _shares(actual_counts)
    return np.asarray(((actual - expected) * np.log(actual / expected)).sum(axis=-1), dtype=np.float64)


def threshold(monitor: Monitor, level: Level, n: int, reference_n: int) -> float:
    """Above what a PSI is drift.

    Parameters
    ----------
    monitor
        Its coefficient.
    level
        `calibration`: one window in twenty without drift has some statistic beyond its threshold; `alert`: one in a
        thousand.
    n, reference_n
        Customers in the window and in what it is compared with, 1 or more.

    Returns
    -------
    float
        coefficient * (1 / n + 1 / reference_n).
    """
    return monitor.coefficients[level] * (1 / n + 1 / reference_n)


def _shares(counts: Counts) -> Floats:
    counts = np.asarray(counts, dtype=np.float64)
    return np.asarray((counts + HALF) / (counts.sum(axis=-1, keepdims=True) + HALF * counts.shape[-1]))
