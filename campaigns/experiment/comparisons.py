"""Two arms compared in one segment, and what several such comparisons together may claim."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats._delta_method import NonlinearDeltaCov
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from campaigns.experiment.cells import Cell
from segmentation.scoring import Floats

Interval = tuple[float | None, float | None, float | None]
"""An estimate and the ends of its interval; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One arm against the control, in one segment or in all.

    Parameters
    ----------
    arm
        Which.
    segment_id, segment_name
        None and "all segments" for the pooled effect.
    control_customers, customers
        Analysed, in the control and in the arm.
    control_mean, mean
        Of the metric; of all segments together, with each weighed by its customers; adjusted for the covariate where
        that is used.
    effect, low, high
        Difference and its interval, at 1 - alpha, of this one test.
    lift, lift_low, lift_high
        The same relative to the control; None where that has nothing.
    p
        Of this one test, two-sided; None where no test can be made.
    p_holm, p_benjamini_hochberg
        Corrected for all tests of the family: of the arms, or of the segments that are tested on their own. None where
        it is not among them.
    significant
        Whether `p_holm` is below alpha.
    adjusted
        Whether the covariate is used, in one segment at least.
    """

    arm: str
    segment_id: int | None
    segment_name: str
    control_customers: int
    customers: int
    control_mean: float
    mean: float
    effect: float
    low: float
    high: float
    lift: float | None
    lift_low: float | None
    lift_high: float | None
    p: float | None
    p_holm: float | None = None
    p_benjamini_hochberg: float | None = None
    significant: bool = False
    adjusted: bool = False


def proportions(control: Cell, treated: Cell, alpha: float) -> Effect:
    """Two proportions by the score test and Newcombe's interval: they hold for rare events.

    Parameters
    ----------
    control, treated
        Of one segment, not adjusted.
    alpha
        Level of the interval.

    Returns
    -------
    Effect
        Without the segment's name.

    References
    ----------
    Newcombe (1998), "Interval estimation for the difference between independent proportions", method 10.
    """
    counts = (treated.successes, treated.customers, control.successes, control.customers)
    # Where nobody did it, or all did, there is nothing that speaks against equal shares.
    alike = counts[0] + counts[2] in (0, counts[1] + counts[3])
    score: dict[str, Any] = {"method": "score", "compare": "diff", "correction": False, "return_results": False}
    # statsmodels works out the ratio as well, which has no end where nobody in the control did it.
    with np.errstate(divide="ignore"):
        p = 1.0 if alike else float(test_proportions_2indep(*counts, **score)[1])
    low, high = confint_proportions_2indep(*counts, method="newcomb", compare="diff", alpha=alpha)
    relative: Interval = (None, None, None)
    if control.successes:
        ends = confint_proportions_2indep(*counts, method="log-adjusted", compare="ratio", alpha=alpha)
        relative = (treated.mean / control.mean - 1, float(ends[0]) - 1, float(ends[1]) - 1)
    return _effect(control, treated, (float(low), float(high)), relative, p)


def means(control: Cell, treated: Cell, alpha: float) -> Effect:
    """Two means by Welch's test.

    Parameters
    ----------
    control, treated
        Of one segment.
    alpha
        Level of the interval.

    Returns
    -------
    Effect
        Without the segment's name; without a p-value where nothing varies.
    """
    both, variances = np.array([control.mean, treated.mean]), (control.variance, treated.variance)
    covariance = np.diag([control.variance / control.customers, treated.variance / treated.customers])
    relative = lift(both, covariance, np.array([1.0, 0.0]), np.array([0.0, 1.0]), alpha)
    difference = treated.mean - control.mean
    if not any(variances):
        return _effect(control, treated, (difference, difference), relative, None)
    compared = CompareMeans(_summary(treated), _summary(control))
    low, high = compared.tconfint_diff(alpha, usevar="unequal")
    p = float(compared.ttest_ind(usevar="unequal")[1])
    return _effect(control, treated, (float(low), float(high)), relative, p)


def _summary(cell: Cell) -> DescrStatsW:
    """Two weighted values with the mean and the variance of the cell: statsmodels' tests look at nothing else."""
    away = math.sqrt(cell.variance * (cell.customers - 1) / cell.customers)
    return DescrStatsW(np.array([cell.mean - away, cell.mean + away]), weights=np.full(2, cell.customers / 2))


def _effect(
    control: Cell,
    treated: Cell,
    interval: tuple[float, float],
    relative: Interval,
    p: float | None,
) -> Effect:
    return Effect(
        arm=treated.arm,
        segment_id=treated.segment_id,
        segment_name="",
        control_customers=control.customers,
        customers=treated.customers,
        control_mean=control.mean,
        mean=treated.mean,
        effect=treated.mean - control.mean,
        low=interval[0],
        high=interval[1],
        lift=relative[0],
        lift_low=relative[1],
        lift_high=relative[2],
        p=p,
        adjusted=treated.adjusted,
    )


def lift(params: Floats, covariance: Floats, control: Floats, treated: Floats, alpha: float) -> Interval:
    """Relative difference of two means and its interval, by the delta method on the logarithm of their ratio.

    Parameters
    ----------
    params, covariance
        Estimates and their covariance.
    control, treated
        Weights of the estimates in either mean.
    alpha
        Level of the interval.

    Returns
    -------
    tuple
        Lift and interval; None where a mean is not above 0.
    """
    before, after = float(control @ params), float(treated @ params)
    if before <= 0 or after <= 0:
        return (after / before - 1 if before > 0 else None, None, None)
    ratio = NonlinearDeltaCov(
        lambda values: np.atleast_1d(np.log(treated @ values) - np.log(control @ values)),
        params,
        covariance,
        deriv=lambda values: np.atleast_2d(treated / (treated @ values) - control / (control @ values)),
    )
    error = float(np.sqrt(ratio.cov()[0, 0]))
    ends = np.exp(stats.norm.interval(1 - alpha, loc=math.log(after / before), scale=error)) if error else None
    return (after / before - 1, *((None, None) if ends is None else (float(ends[0]) - 1, float(ends[1]) - 1)))


def corrected(effects: Sequence[Effect], alpha: float) -> tuple[Effect, ...]:
    """Correct the p-values of one family of tests.

    Parameters
    ----------
    effects
        Those that are told together.
    alpha
        Chance of even one false alarm among them.

    Returns
    -------
    tuple of Effect
        The same, in the same order; those without a p-value stay as they are.
    """
    tested = [at for at, effect in enumerate(effects) if effect.p is not None]
    found = list(effects)
    if tested:
        raw = [effects[at].p for at in tested]
        # statsmodels collects all garbage at each call; a single test needs no correction.
        holm = multipletests(raw, alpha, method="holm")[1] if len(raw) > 1 else raw
        hochberg = stats.false_discovery_control(raw, method="bh")
        for at, p, q in zip(tested, holm, hochberg, strict=True):
            found[at] = replace(
                effects[at], p_holm=float(p), p_benjamini_hochberg=float(q), significant=bool(p <= alpha)
            )
    return tuple(found)
