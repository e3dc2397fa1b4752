"""Drift: whether customers of later are like those that the model was made of, with a known rate of false alarms.

Everything that is watched is a `Monitor`: fixed bins, how many reference customers fall into each, and coefficients. A
window of customers is counted into the same bins, and the population stability index (PSI) of the two counts is held
against a coefficient times (1/n + 1/N), which is how the PSI grows by chance alone. docs/drift.md has the whole story.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from segmentation.errors import InconsistentModelError
from segmentation.scoring import Floats

Kind = Literal["feature", "segments", "distance", "distance_within", "residual"]
Level = Literal["calibration", "alert"]
Counts = npt.NDArray[np.int64]

LEVELS: dict[Level, float] = {"calibration": 0.05, "alert": 0.001}
"""Chance that a window without drift raises any alarm at all, over all statistics of the model together."""

HALF = 0.5
"""What is added to the count of each bin, so that an empty one has a share: Krichevsky and Trofimov's half."""

RESPONSIBLE = 2
"""Features that a verdict names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """One thing that is watched.

    Parameters
    ----------
    name
        `feature:<name>`, `segments`, `distance`, `distance:<id of the segment>`, `residual`.
    kind
        Value of a feature (missing ones filled); position in `card.all_segments`; distance to the nearest centre, of
        everybody whom no rule took, or of those of one segment; residual (see `scoring.Scores`).
    edges
        Inner edges, ascending, one fewer than bins: a bin holds low <= value < high, the outer two are open. Empty for
        segments, whose bins are their positions.
    counts
        Reference customers per bin: at least 10 each, or none (a rule that took nobody).
    missing
        Reference customers who lacked the feature, and were counted with what stands for it; 0 for fewer than 10.
    coefficients
        By level; see `threshold`.
    ages
        Whether the feature is measured back from the day it is looked at (recency, tenure): it shifts where nothing but
        time passes, which is a sign of age and not of other customers.
    """

    name: str
    kind: Kind
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int = 0
    coefficients: dict[Level, float] = field(default_factory=dict)
    ages: bool = False

    def __post_init__(self) -> None:
        if not self.counts or (self.kind != "segments" and len(self.edges) != len(self.counts) - 1):
            raise InconsistentModelError(
                f"the drift reference {self.name!r} has {len(self.counts)} bins and {len(self.edges)} inner edges",
                hint="publish the model again",
            )
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise InconsistentModelError(
                f"the edges of the drift reference {self.name!r} do not ascend", hint="publish the model again"
            )

    @property
    def total(self) -> int:
        """Reference customers."""
        return sum(self.counts)

    def count(self, values: Floats | Counts) -> Counts:
        """Count values into the bins.

        Parameters
        ----------
        values
            Of a window's customers, shape (n,); NaN, of whom a rule took, is left out.

        Returns
        -------
        ndarray
            int64, one per bin.
        """
        return np.bincount(self.bin(values[~np.isnan(values)]), minlength=len(self.counts)).astype(np.int64)

    def bin(self, values: Floats | Counts) -> Counts:
        """The bin of each value.

        Parameters
        ----------
        values
            Shape (n,), not NaN.

        Returns
        -------
        ndarray
            int64, shape (n,).
        """
        if self.kind == "segments":
            return values.astype(np.int64)
        return np.searchsorted(self.edges, values, side="right").astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What a model's later customers are compared with.

    Parameters
    ----------
    monitors
        Features in the model's order, then segments, distance, distance within each segment, residual.
    minimum
        Customers under which a statistic gives no verdict.
    reference_customers
        Customers that the model was made of.
    windows, smallest_window, largest_window
        How many windows were drawn to calibrate, and of how many customers.
    tail
        Shape of the generalised Pareto distribution that gave the level `alert`; above 0 its tail is a heavy one.
    """

    monitors: tuple[Monitor, ...]
    minimum: int
    reference_customers: int
    windows: int
    smallest_window: int
    largest_window: int
    tail: float

    def monitor(self, name: str) -> Monitor | None:
        """The monitor of a name, such as `segments`; None where the model has none."""
        return next((each for each in self.monitors if each.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One statistic of a window.

    Parameters
    ----------
    name, kind, ages
        Of the monitor.
    n, reference_n
        Customers counted, and those they are compared with.
    psi, threshold
        What was found, and above what it is drift; no threshold where nobody was counted.
    verdict
        `too few`: n is below the minimum, or nothing is there to compare with.
    """

    name: str
    kind: Kind
    ages: bool
    n: int
    reference_n: int
    psi: float
    threshold: float | None
    verdict: Literal["drift", "none", "too few"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftVerdict:
    """What a window says, all statistics together.

    Parameters
    ----------
    verdict
        `drift`; `ageing`: nothing has drifted but features that age by themselves; `none`; `too few` customers.
    level
        That it was judged at.
    responsible
        The two features that stick out most, the most first (those that age come last); none without drift.
    readings
        In the order of the monitors.
    """

    verdict: Literal["drift", "ageing", "none", "too few"]
    level: Level
    responsible: tuple[str, ...]
    readings: tuple[Reading, ...]


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
    0.0366
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


def verdict(
    drift: Drift,
    counts: Mapping[str, Sequence[int] | Counts],
    level: Level = "alert",
    baseline: Mapping[str, Sequence[int] | Counts] | None = None,
) -> DriftVerdict:
    """Judge a window.

    Parameters
    ----------
    drift
        Of the card.
    counts
        By name of the monitor, the window's customers per bin; monitors that are absent were not counted.
    level
        See `threshold`.
    baseline
        What to compare with, likewise, in place of the training customers.

    Returns
    -------
    DriftVerdict
        Of each statistic and of all.
    """
    readings = tuple(
        _read(monitor, counts[monitor.name], level, drift.minimum, None if baseline is None else baseline[monitor.name])
        for monitor in drift.monitors
        if monitor.name in counts
    )
    judged = [reading for reading in readings if reading.verdict != "too few"]
    drifted = [reading for reading in judged if reading.verdict == "drift"]
    if not judged:
        return DriftVerdict(verdict="too few", level=level, responsible=(), readings=readings)
    if not drifted:
        return DriftVerdict(verdict="none", level=level, responsible=(), readings=readings)
    features = sorted(
        (reading for reading in judged if reading.kind == "feature"),
        key=lambda reading: (reading.ages, -reading.psi / reading.threshold if reading.threshold else 0.0),
    )
    return DriftVerdict(
        verdict="ageing" if all(reading.ages for reading in drifted) else "drift",
        level=level,
        responsible=tuple(reading.name.removeprefix("feature:") for reading in features[:RESPONSIBLE]),
        readings=readings,
    )


def _read(
    monitor: Monitor,
    counts: Sequence[int] | Counts,
    level: Level,
    minimum: int,
    baseline: Sequence[int] | Counts | None,
) -> Reading:
    expected = monitor.counts if baseline is None else baseline
    n, reference_n = int(np.sum(counts)), int(np.sum(expected))
    enough = n >= minimum and reference_n >= minimum
    found = psi(expected, counts)
    limit = threshold(monitor, level, n, reference_n) if n and reference_n else None
    return Reading(
        name=monitor.name,
        kind=monitor.kind,
        ages=monitor.ages,
        n=n,
        reference_n=reference_n,
        psi=found,
        threshold=limit,
        verdict="too few" if not enough or limit is None else "drift" if found > limit else "none",
    )


def _shares(counts: Counts) -> Floats:
    counts = np.asarray(counts, dtype=np.float64)
    return np.asarray((counts + HALF) / (counts.sum(axis=-1, keepdims=True) + HALF * counts.shape[-1]))
