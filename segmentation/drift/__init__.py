"""Drift: whether customers of later are like those that the model was made of, with a known rate of false alarms.

Everything that is watched is a `Monitor`: fixed bins, how many reference customers fall into each, and coefficients. A
window of customers is counted into the same bins, and the population stability index (PSI) of the two counts is held
against a coefficient times (1/n + 1/N), which is how the PSI grows by chance alone. docs/drift.md has the whole story.
"""

from segmentation.drift.monitors import LEVELS, Counts, Drift, Kind, Level, Monitor
from segmentation.drift.statistics import psi, psis, threshold
from segmentation.drift.verdicts import DriftVerdict, Occasion, Reading, verdict

__all__ = [
    "LEVELS",
    "Counts",
    "Drift",
    "DriftVerdict",
    "Kind",
    "Level",
    "Monitor",
    "Occasion",
    "Reading",
    "psi",
    "psis",
    "threshold",
    "verdict",
]
