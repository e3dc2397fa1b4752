"""A window of customers judged by all statistics of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segmentation.drift.monitors import Counts, Drift, Kind, Level, Monitor
from segmentation.drift.statistics import psi, threshold

RESPONSIBLE = 2
"""Features that a verdict names."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why a model was made, where the job was to make one only if needed.

    Parameters
    ----------
    why
        In words.
    model_age_days
        Of the live model then; None where there was none.
    drift
        The customers of this model against those of the live one; too few of them are left out.
    """

    why: str
    model_age_days: float | None
    drift: tuple[Reading, ...]


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
