"""What the answer hangs on: one assumption at a time at its low and its high end, the others in their middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from campaigns.scenario.assumptions import HIGH, LOW, Distribution
from campaigns.scenario.base import Base
from campaigns.scenario.bound import Bound, Draw
from campaigns.scenario.money import Groups, expected_gain, paid
from segmentation.scoring import Floats


@dataclass(frozen=True, slots=True)
class Swing:
    """One assumption at its ends; expected values, without chance.

    Parameters
    ----------
    assumption, unit
        Which.
    low, high
        Its 5 and 95 % quantiles.
    gain_low, gain_high
        The gain with it there.
    moved_low, moved_high
        Customers who change segments with it there.
    """

    assumption: str
    unit: str
    low: float
    high: float
    gain_low: float
    gain_high: float
    moved_low: float
    moved_high: float


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The answer in the middle, and how it swings.

    Parameters
    ----------
    gain, moved
        With every assumption at its median.
    swings
        Of the uncertain assumptions, the widest swing of the gain first.
    break_even
        The uplift from which on the promotion pays, all else in its middle: as a factor of the uplifts assumed. None
        where no uplift does.
    """

    gain: float
    moved: float
    swings: tuple[Swing, ...]
    break_even: float | None


def sensitivity(bound: Bound, base: Base) -> Sensitivity:
    """Vary one assumption at a time.

    Parameters
    ----------
    bound
        The scenario.
    base
        The customers.

    Returns
    -------
    Sensitivity
        Exact: nothing is drawn.
    """
    groups = Groups(bound, base.basket, base.segment, len(base.before))
    middle = np.array([assumption.at(0.5) for assumption in bound.assumptions])
    gain, moved = _expected(bound, base, groups, bound.draw(middle))
    swings = []
    for place, assumption in enumerate(bound.assumptions):
        if assumption.certain:
            continue
        ends = [
            _expected(bound, base, groups, bound.draw(_with(middle, place, assumption, end))) for end in (LOW, HIGH)
        ]
        swings.append(
            Swing(
                assumption.name,
                assumption.unit,
                assumption.at(LOW),
                assumption.at(HIGH),
                *(end[0] for end in ends),
                *(end[1] for end in ends),
            )
        )
    swings.sort(key=lambda swing: (-abs(swing.gain_high - swing.gain_low), swing.assumption))
    return Sensitivity(gain, moved, tuple(swings), _break_even(groups, bound.draw(middle)))


def _with(middle: Floats, place: int, assumption: Distribution, end: float) -> Floats:
    numbers = middle.copy()
    numbers[place] = assumption.at(end)
    return numbers


def _expected(bound: Bound, base: Base, groups: Groups, draw: Draw) -> tuple[float, float]:
    """Gain and number of customers who change segments, as expected for a draw."""
    gain = float(expected_gain(groups.sums(draw), draw.uplift, draw).sum()) - draw.fixed_cost
    landed = base.destinations.land(paid(bound, base.basket, draw, base.contacted), draw)
    leaving = np.bincount(base.segment[landed != base.segment], minlength=len(base.before))
    return gain, float((np.maximum(draw.uplift, 0) * leaving).sum())


def _break_even(groups: Groups, draw: Draw) -> float | None:
    """The gain is linear in a common factor of the uplifts, as long as these are shares that can be."""
    sums = groups.sums(draw)
    there = sums.customers > 0

    def gain(uplift: Floats) -> float:
        return float(expected_gain(sums, uplift, draw).sum()) - draw.fixed_cost

    def possible(factor: float) -> Floats:
        return np.where(there, np.clip(factor * draw.uplift, -draw.baseline, 1 - draw.baseline), 0.0)

    without = gain(np.zeros_like(draw.uplift))
    slope = gain(draw.uplift) - without
    if slope <= 0:
        # Uplifts that are 0 or below in the middle, or orders that cost more than they bring: no factor mends that.
        return None
    factor = (0.0 - without) / slope
    if np.array_equal(possible(factor), np.where(there, factor * draw.uplift, 0.0)):
        return factor
    rising = draw.uplift[there & (draw.uplift > 0)]
    most = float((1 - draw.baseline) / rising.min())
    return float(brentq(lambda one: gain(possible(one)), 0.0, most)) if gain(possible(most)) >= 0 else None
