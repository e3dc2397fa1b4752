"""Fixed bins of a value: quantiles of the customers, with values that many share told from those just above."""

from math import floor, log10

import numpy as np

from segmentation.drift import Counts
from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats

BINS = 10
DIGITS = 6
"""Significant digits of an edge: enough to divide by, too few to be one customer's value."""
SHARED = 0.02
"""Share of the customers from which on a value is told from those above it, and that a bin holds at least: with fewer
expected in it, the PSI of a small window is far from its limit, and one coefficient would not do for all windows."""


def bins(values: Floats) -> tuple[tuple[float, ...], Counts]:
    """Freeze quantiles as bins.

    Quantiles that coincide become one edge. Above a value that many customers share (no instalments, one order)
    there is an edge as well: otherwise what moves a little above it would stay in its bin. Small bins join a neighbour.

    Parameters
    ----------
    values
        Of the training customers, float64, shape (n,).

    Returns
    -------
    edges, counts
        At most 9 inner edges, ascending; customers per bin: at least 10 and 2 % of them in each of at most 10 bins (one
        bin where there are fewer). Both ends are open: neither a minimum nor a maximum is told.
    """
    smallest, values = max(SMALLEST_GROUP, SHARED * len(values)), np.sort(values)
    quantiles = np.unique(np.quantile(values, np.arange(1, BINS) / BINS))
    alike = np.searchsorted(values, quantiles, side="right") - np.searchsorted(values, quantiles, side="left")
    shared = quantiles[alike >= smallest].tolist()
    # Rounded down, so that a value that is an edge lies in the bin above it whatever its digits.
    edges = np.unique([*map(_down, quantiles.tolist()), *map(_above, shared)])
    counts = _count(values, edges)
    while len(edges) and (counts.min() < smallest or len(counts) > BINS):
        least = int(counts.argmin())
        # Its smaller neighbour takes it in: that changes the picture least.
        left = counts[least - 1] if least > 0 else np.inf
        right = counts[least + 1] if least < len(edges) else np.inf
        edges = np.delete(edges, least - 1 if left <= right else least)
        counts = _count(values, edges)
    return tuple(edges.tolist()), counts


def _down(value: float) -> float:
    rounded = float(f"{value:.{DIGITS}g}")
    return rounded if rounded <= value else float(f"{rounded - _unit(value):.{DIGITS}g}")


def _above(value: float) -> float:
    """The next number of six digits."""
    return float(f"{_down(value) + _unit(value):.{DIGITS}g}")


def _unit(value: float) -> float:
    """One in the last of its digits; for 0, of a number of the order of 1."""
    return float(10.0 ** (floor(log10(abs(value))) - DIGITS + 1)) if value else 10.0 ** (1 - DIGITS)


def _count(ascending: Floats, edges: Floats) -> Counts:
    return np.diff(np.searchsorted(ascending, edges, side="left"), prepend=0, append=len(ascending)).astype(np.int64)
