"""How large drift statistics get without drift: windows of the training customers against all the others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from segmentation.drift import LEVELS, Counts, Drift, Level, Monitor, psis
from segmentation.scoring import Floats

MINIMUM = 50
SMALLEST, LARGEST = 50, 5_000
SIZES = 12
"""Sizes of windows, evenly spread in their logarithm."""
CUSTOMERS = 100_000
"""Customers that windows are drawn from, at most: the rest would change nothing but the time it takes."""
ENOUGH = 200
"""Windows in which a statistic was judged, from which on its mean and spread are taken from them."""
STRICTER = 0.5
"""Standard deviations that a distance within a segment must stick out more than other statistics. Only large windows
have enough customers of a segment: what they add to the chance of a false alarm would make it grow with the window."""
TAIL = 0.1
"""Share of the windows that the tail is estimated from."""
DIGITS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """Brings statistics of different numbers of bins onto one scale: their cube roots, by mean and standard deviation.

    Parameters
    ----------
    mean, spread
        Of the cube root of PSI / (1/n + 1/N) by statistic, float64, shape (statistics,).

    References
    ----------
    Wilson and Hilferty (1931), "The distribution of chi-square": the cube root of a chi-square is all but normal.
    """

    mean: Floats
    spread: Floats

    def largest(self, scaled: Floats) -> Floats:
        """The largest standardised statistic of each window.

        Parameters
        ----------
        scaled
            PSI / (1/n + 1/N), shape (windows, statistics); NaN where one was not judged.

        Returns
        -------
        ndarray
            float64, shape (windows,).
        """
        return np.asarray(np.nanmax((np.cbrt(scaled) - self.mean) / self.spread, axis=1), dtype=np.float64)

    def coefficients(self, critical: float) -> Floats:
        """The coefficient of each statistic where the largest standardised one is to be held against a number.

        Parameters
        ----------
        critical
            That number.

        Returns
        -------
        ndarray
            float64, shape (statistics,).
        """
        return np.asarray((self.mean + critical * self.spread) ** 3, dtype=np.float64)


def calibrate(monitors: Sequence[Monitor], binned: Counts, *, windows: int, seed: int) -> Drift:
    """Give monitors their coefficients.

    Each window is drawn without replacement and compared with all customers that are not in it, by every statistic at
    once: the levels are of the whole family, whatever the statistics have to do with each other.

    Parameters
    ----------
    monitors
        Without coefficients.
    binned
        Bin of each training customer, shape (n, monitors); -1 where one is not counted (distance, after a rule).
    windows
        How many to draw.
    seed
        Of the draw.

    Returns
    -------
    Drift
        For the card.

    References
    ----------
    Westfall and Young (1993), "Resampling-based multiple testing", for the distribution of the largest statistic.
    """
    customers, rng = len(binned), np.random.default_rng(seed)
    if customers > CUSTOMERS:
        binned = binned[np.sort(rng.choice(customers, CUSTOMERS, replace=False))]
    sizes = window_sizes(len(binned))
    drawn = draw(binned, [len(monitor.counts) for monitor in monitors], np.resize(sizes, windows), rng)
    scaled = scale(*drawn, minimum=min(MINIMUM, sizes[0]))
    standard = standardise(scaled, monitors)
    largest = standard.largest(scaled)
    criticals, shape = critical_values(largest)
    by_level = {level: standard.coefficients(critical) for level, critical in criticals.items()}
    return Drift(
        monitors=tuple(
            replace(monitor, coefficients={level: _told(values[at]) for level, values in by_level.items()})
            for at, monitor in enumerate(monitors)
        ),
        minimum=MINIMUM,
        reference_customers=customers,
        windows=windows,
        smallest_window=sizes[0],
        largest_window=sizes[-1],
        tail=_told(shape),
    )


def window_sizes(customers: int) -> list[int]:
    """Sizes of windows, ascending: from 50 to 5,000, and at most half of the customers.

    Parameters
    ----------
    customers
        There are.

    Returns
    -------
    list of int
        At least one.
    """
    largest = max(1, min(LARGEST, customers // 2))
    return sorted({int(size) for size in np.geomspace(min(SMALLEST, largest), largest, SIZES).round()})


def draw(
    binned: Counts, bins: Sequence[int], sizes: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[list[Counts], list[Counts]]:
    """Draw windows, and count them and all other customers into bins.

    Parameters
    ----------
    binned
        As for `calibrate`.
    bins
        Number of bins of each monitor.
    sizes
        Customers of each window.
    rng
        Draws.

    Returns
    -------
    windows, others
        By monitor, customers per bin, int64, shape (windows, bins).
    """
    # Each monitor has one more place, for those whom it does not count.
    starts = np.concatenate([[0], np.cumsum(np.asarray(bins) + 1)])
    places = binned + 1 + starts[:-1]
    everybody = np.bincount(places.ravel(), minlength=starts[-1])
    counted = np.empty((len(sizes), starts[-1]), dtype=np.int64)
    for window, size in enumerate(sizes.tolist()):
        chosen = rng.choice(len(places), size, replace=False, shuffle=False)
        counted[window] = np.bincount(np.take(places, chosen, axis=0).ravel(), minlength=starts[-1])
    others = everybody - counted
    spans = [slice(start + 1, end) for start, end in pairwise(starts.tolist())]
    return [counted[:, span] for span in spans], [others[:, span] for span in spans]


def scale(windows: Sequence[Counts], others: Sequence[Counts], *, minimum: int) -> Floats:
    """What is compared between windows of different sizes: PSI / (1/n + 1/N).

    Parameters
    ----------
    windows, others
        From `draw`.
    minimum
        Customers that a statistic needs.

    Returns
    -------
    ndarray
        float64, shape (windows, statistics); NaN where there are fewer.
    """
    found = np.full((len(windows[0]), len(windows)), np.nan)
    for at, (window, other) in enumerate(zip(windows, others, strict=True)):
        n, reference = window.sum(axis=1), other.sum(axis=1)
        enough = (n >= minimum) & (reference >= minimum)
        found[enough, at] = psis(other[enough], window[enough]) / (1 / n[enough] + 1 / reference[enough])
    return found


def standardise(scaled: Floats, monitors: Sequence[Monitor]) -> Standard:
    """Find each statistic's mean and spread.

    Parameters
    ----------
    scaled
        From `scale`.
    monitors
        In the same order. What was judged in too few windows gets those of the chi-square that the statistic tends to.
        Distances within segments are shifted by `STRICTER`.

    Returns
    -------
    Standard
        Of all of them.
    """
    free = np.array([max(1, np.count_nonzero(monitor.counts) - 1) for monitor in monitors])
    mean, spread = np.cbrt(free) * (1 - 2 / (9 * free)), np.cbrt(free) * np.sqrt(2 / (9 * free))
    for at in range(len(monitors)):
        judged = np.cbrt(scaled[~np.isnan(scaled[:, at]), at])
        if len(judged) >= ENOUGH and judged.std() > 0:
            mean[at], spread[at] = judged.mean(), judged.std()
    within = np.array([monitor.kind == "distance_within" for monitor in monitors])
    return Standard(mean + STRICTER * spread * within, spread)


def critical_values(largest: Floats) -> tuple[dict[Level, float], float]:
    """What the largest statistic of a window without drift exceeds at each level's rate.

    Parameters
    ----------
    largest
        Of each window.

    Returns
    -------
    criticals, shape
        By level: the windows' own quantile where ten of them or more lie beyond it; else that of the generalised Pareto
        distribution that their largest tenth follows. And its shape, 0 where there is none to estimate.

    References
    ----------
    Pickands (1975), "Statistical inference using extreme order statistics". Hosking and Wallis (1987), "Parameter and
    quantile estimation for the generalized Pareto distribution": by probability-weighted moments, which need no search.
    """
    start = float(np.quantile(largest, 1 - TAIL))
    excess = np.sort(largest[largest > start] - start)
    shape, width = _pareto(excess)
    found: dict[Level, float] = {}
    for level, rate in LEVELS.items():
        # Ten windows beyond it say where it is better than any distribution could.
        if rate * len(largest) >= 10:
            found[level] = float(np.quantile(largest, 1 - rate))
        else:
            times = TAIL / rate
            found[level] = start + (width * np.log(times) if shape == 0 else width / shape * (times**shape - 1))
    return found, shape


def _pareto(excess: Floats) -> tuple[float, float]:
    """Shape and width; no shape where there is too little to tell one from."""
    if len(excess) < 2:
        return 0.0, float(excess.sum())
    places = (np.arange(1, len(excess) + 1) - 0.35) / len(excess)
    first, second = float(excess.mean()), float(((1 - places) * excess).mean())
    shape = 2 - first / (first - 2 * second)
    return shape, 2 * first * second / (first - 2 * second)


def _told(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
