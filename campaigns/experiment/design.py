"""What can be learnt from an experiment before anything is sent: the smallest lift it will find, and its power."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from statsmodels.stats.power import normal_power_het

from campaigns.experiment.base import Stratum
from campaigns.experiment.description import Experiment

LARGEST = 1e6
"""Lifts, and multiples of the base, that are looked at; beyond it, the answer is that there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What one test can find, between the control and the smallest of the other arms.

    Parameters
    ----------
    segment_id, segment_name
        None and "all segments" for the pooled test.
    customers
        That take part, in all arms.
    control, treatment
        Of them in the control, and in the smallest other arm.
    baseline
        Expected without treatment.
    alpha
        Level of the test, after the correction for several.
    smallest_lift
        Relative, that is found with the wanted power; None where none is.
    power
        To find the lift that would be worth having.
    needed
        Customers, in all arms, to find it with the wanted power; None where no number is enough.
    alone
        Whether the segment will be tested on its own.
    """

    segment_id: int | None
    segment_name: str
    customers: int
    control: int
    treatment: int
    baseline: float
    alpha: float
    smallest_lift: float | None
    power: float
    needed: int | None
    alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What an experiment can find: in all segments together, then in each."""

    pooled: Prospect
    segments: tuple[Prospect, ...]

    @property
    def alone(self) -> tuple[int, ...]:
        """Ids of the segments that are large enough to be tested on their own."""
        return tuple(row.segment_id for row in self.segments if row.alone and row.segment_id is not None)


def design(experiment: Experiment, strata: tuple[Stratum, ...]) -> Design:
    """Work out the power of the pooled test and of each segment's.

    Parameters
    ----------
    experiment
        Arms, lift and levels.
    strata
        The base.

    Returns
    -------
    Design
        As many segments are tested alone as have the wanted power at the level that this number leaves them
        (Bonferroni, which Holm's procedure is never stricter than); more tests would only take power from those.

    References
    ----------
    Fleiss, Levin and Paik (2003), "Statistical Methods for Rates and Proportions", chapter 4, for proportions.
    """
    treatments = len(experiment.treatments)
    level = experiment.analysis.alpha / treatments
    pooled = _prospect(experiment, strata, level, segment=None)
    order = sorted(strata, key=lambda stratum: -power(experiment, (stratum,), experiment.metric.smallest_lift, level))
    count = next(
        (
            count
            for count in range(len(strata), 0, -1)
            if power(experiment, (order[count - 1],), experiment.metric.smallest_lift, level / count)
            >= experiment.analysis.power
        ),
        0,
    )
    alone = {stratum.segment_id for stratum in order[:count]}
    # A segment that is not among them is measured by what it would face as one more.
    rows = tuple(
        _prospect(
            experiment,
            (stratum,),
            level / (count if stratum.segment_id in alone else count + 1),
            segment=stratum,
            alone=stratum.segment_id in alone,
        )
        for stratum in strata
    )
    return Design(pooled=pooled, segments=rows)


def power(experiment: Experiment, strata: tuple[Stratum, ...], lift: float, alpha: float, times: float = 1.0) -> float:
    """Probability to find a lift, by the normal approximation.

    Parameters
    ----------
    experiment
        Arms, share and kind of metric.
    strata
        The segments that are tested together.
    lift
        Relative, the same in each; in the direction that is better.
    alpha
        Two-sided level.
    times
        How many times as many customers.

    Returns
    -------
    float
        0 to 1.
    """
    control, treatment = (times * experiment.share * share for share in _shares(experiment))
    customers = np.array([stratum.customers for stratum in strata], dtype=np.float64)
    before = np.array([stratum.mean for stratum in strata])
    after = before * (1 + experiment.sign * lift)
    if experiment.metric.kind == "proportion":
        after = np.clip(after, 0.0, 1.0)
    weights = customers / customers.sum()
    if experiment.metric.kind == "proportion":
        joint = (control * before + treatment * after) / (control + treatment)
        null = joint * (1 - joint) * (1 / control + 1 / treatment)
        alternative = before * (1 - before) / control + after * (1 - after) / treatment
    else:
        variance = np.array([stratum.standard_deviation for stratum in strata]) ** 2
        null = alternative = variance * (1 / control + 1 / treatment)
    errors = [math.sqrt(float(np.sum(weights**2 * part / customers))) for part in (null, alternative)]
    difference = float(np.sum(weights * (after - before)))
    if difference == 0 or min(errors) == 0:
        return 0.0
    return float(normal_power_het(difference, 1, alpha, std_null=errors[0], std_alternative=errors[1]))


def _prospect(
    experiment: Experiment,
    strata: tuple[Stratum, ...],
    alpha: float,
    *,
    segment: Stratum | None,
    alone: bool = False,
) -> Prospect:
    wanted, lift = experiment.analysis.power, experiment.metric.smallest_lift
    customers = sum(stratum.customers for stratum in strata)
    control, treatment = (experiment.share * share for share in _shares(experiment))
    times = _root(lambda factor: power(experiment, strata, lift, alpha, factor) - wanted, 1 / customers, LARGEST)
    reached = power(experiment, strata, lift, alpha)
    return Prospect(
        segment_id=segment.segment_id if segment else None,
        segment_name=segment.segment_name if segment else "all segments",
        customers=math.floor(customers * experiment.share),
        control=math.floor(customers * control),
        treatment=math.floor(customers * treatment),
        baseline=sum(stratum.customers * stratum.mean for stratum in strata) / customers,
        alpha=alpha,
        smallest_lift=_root(
            lambda size: power(experiment, strata, size, alpha) - wanted, 1e-9, _largest_lift(experiment, strata)
        ),
        power=reached,
        needed=math.ceil(customers * experiment.share * times) if times is not None else None,
        alone=alone,
    )


def _shares(experiment: Experiment) -> tuple[float, float]:
    """Of the control, and of the smallest other arm."""
    return experiment.arms[experiment.control], min(experiment.arms[arm] for arm in experiment.treatments)


def _largest_lift(experiment: Experiment, strata: tuple[Stratum, ...]) -> float:
    """Beyond it, a proportion would leave 0 to 1."""
    if experiment.sign < 0:
        return 1.0
    if experiment.metric.kind == "mean":
        return LARGEST
    highest = max(stratum.mean for stratum in strata)
    return 1 / highest - 1 if highest else 0.0


def _root(excess: Callable[[float], float], low: float, high: float) -> float | None:
    """Where a rising function passes 0; None where it does not within the bounds."""
    if high <= low or excess(high) < 0:
        return None
    if excess(low) >= 0:
        return low
    return math.exp(brentq(lambda log: excess(math.exp(log)), math.log(low), math.log(high), xtol=1e-12))
