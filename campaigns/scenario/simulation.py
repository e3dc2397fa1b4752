"""The Monte Carlo: each draw takes one number for every assumption, then decides customer by customer who responds.

A number drawn is the same for all customers of that draw: if the uplift is overestimated, it is so for all of them.
That does not average out over customers, as chance does, and is what the intervals are mostly made of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from campaigns.scenario.base import Base
from campaigns.scenario.bound import Bound, Draw
from campaigns.scenario.money import Groups, expected_gain, off, worth
from segmentation.errors import ConfigurationError
from segmentation.scoring import Floats

Ints = npt.NDArray[np.int64]

CUT = 0.5
"""Share of draws that may contradict themselves before the scenario is refused."""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """What happened in D draws, by position of the K segments that customers were in.

    Parameters
    ----------
    numbers
        What was drawn of each assumption, float64, shape (D, assumptions).
    responses
        Customers won, less those lost, int64, shape (D, K).
    moves
        Customers won who were in one segment and then are in another, or the same; int64, shape (D, K, K).
    moved_revenue
        Worth of the orders of those customers, before discount; float64, likewise.
    revenue
        Worth of the orders won less those lost, before discount; float64, shape (D, K).
    discount_won, discount_anyway
        Taken off the orders won; taken off orders that would have been placed anyway; likewise.
    contact
        Cost of contacting, likewise.
    fixed
        Fixed cost, shape (D,).
    gain
        Margin on the revenue, less discounts and cost of contacting, before the fixed cost; float64, shape (D, K).
    expected
        What the gain of all, fixed cost off, would have been had chance not played, float64, shape (D,).
    cut
        Draws in which the uplift was cut off to be possible beside the baseline.
    """

    numbers: Floats
    responses: Ints
    moves: Ints
    moved_revenue: Floats
    revenue: Floats
    discount_won: Floats
    discount_anyway: Floats
    contact: Floats
    fixed: Floats
    gain: Floats
    expected: Floats
    cut: int


def simulate(bound: Bound, base: Base, draws: int, seed: int) -> Draws:
    """Run the draws.

    Parameters
    ----------
    bound
        The scenario.
    base
        The customers.
    draws
        How many.
    seed
        The same seed, scenario and customers give the same draws.

    Returns
    -------
    Draws
        All of them.

    Raises
    ------
    ConfigurationError
        Uplift and baseline contradict each other in most draws.
    """
    segments = len(base.before)
    numbers = drawn(bound, draws, seed)
    cut = sum(bound.cut(row) for row in numbers)
    if cut > CUT * draws:
        raise ConfigurationError(
            "uplift and baseline contradict each other: nobody can respond who would have ordered anyway, nor be lost "
            "who would not",
            hint="uplift plus baseline is at most 1, and uplift at least minus the baseline",
        )
    groups = Groups(bound, base.basket, base.segment, segments)
    customers = np.bincount(base.segment, minlength=segments)
    made = Draws(
        numbers=numbers,
        responses=np.zeros((draws, segments), dtype=np.int64),
        moves=np.zeros((draws, segments, segments), dtype=np.int64),
        moved_revenue=np.zeros((draws, segments, segments)),
        revenue=np.zeros((draws, segments)),
        discount_won=np.zeros((draws, segments)),
        discount_anyway=np.zeros((draws, segments)),
        contact=np.zeros((draws, segments)),
        fixed=np.zeros(draws),
        gain=np.zeros((draws, segments)),
        expected=np.zeros(draws),
        cut=cut,
    )
    # Chance has a stream of its own in every draw: what is drawn of an assumption does not shift it.
    streams = np.random.SeedSequence([seed, 1]).spawn(draws)
    for number, stream in enumerate(streams):
        draw = bound.draw(numbers[number])
        _one(bound, base, draw, np.random.default_rng(stream), made, number)
        made.contact[number] = draw.contact_cost * customers
        made.fixed[number] = draw.fixed_cost
        made.gain[number] = (
            draw.margin * made.revenue[number]
            - made.discount_won[number]
            - made.discount_anyway[number]
            - made.contact[number]
        )
        expected = expected_gain(groups.sums(draw), draw.uplift, draw)
        made.expected[number] = expected.sum() - draw.fixed_cost
    return made


def drawn(bound: Bound, draws: int, seed: int) -> Floats:
    """Numbers for every assumption.

    Parameters
    ----------
    bound
        The scenario.
    draws, seed
        See `simulate`.

    Returns
    -------
    ndarray
        float64, shape (draws, assumptions); assumptions are independent of each other.
    """
    columns = []
    # A stream for each, by its place: that one becomes certain does not change what is drawn of the others.
    for stream, assumption in zip(
        np.random.SeedSequence([seed, 0]).spawn(len(bound.assumptions)), bound.assumptions, strict=True
    ):
        columns.append(assumption.draws(np.random.default_rng(stream).random(draws)))
    return np.column_stack(columns)


def _one(bound: Bound, base: Base, draw: Draw, rng: np.random.Generator, made: Draws, number: int) -> None:
    """One draw: one uniform number a customer says whether they are won (or lost), order anyway, or neither."""
    segments = len(base.before)
    chance = rng.random(base.contacted)
    uplift = draw.uplift[base.segment] if len(set(draw.uplift.tolist())) > 1 else draw.uplift[0]
    winners = np.flatnonzero(chance < uplift)
    origin = base.segment[winners]
    basket = None if base.basket is None else base.basket[winners]
    value = worth(bound, basket, draw, len(winners))
    less = off(bound, value, draw)
    made.responses[number] = np.bincount(origin, minlength=segments)
    made.revenue[number] = np.bincount(origin, weights=value, minlength=segments)
    made.discount_won[number] = np.bincount(origin, weights=less, minlength=segments)
    landed = base.destinations.land(value - less, draw, winners)
    pair = origin * segments + landed
    made.moves[number] = np.bincount(pair, minlength=segments * segments).reshape(segments, segments)
    made.moved_revenue[number] = np.bincount(pair, weights=value, minlength=segments * segments).reshape(
        segments, segments
    )
    if (draw.uplift < 0).any():
        losers = np.flatnonzero(chance < -uplift)
        at = base.segment[losers]
        basket = None if base.basket is None else base.basket[losers]
        lost = worth(bound, basket, draw, len(losers))
        made.responses[number] -= np.bincount(at, minlength=segments)
        made.revenue[number] -= np.bincount(at, weights=lost, minlength=segments)
    if draw.baseline > 0 and draw.discount > 0:
        anyway = np.flatnonzero(chance >= 1 - draw.baseline - np.minimum(uplift, 0))
        basket = None if base.basket is None else base.basket[anyway]
        given = off(bound, worth(bound, basket, draw, len(anyway)), draw)
        made.discount_anyway[number] = np.bincount(base.segment[anyway], weights=given, minlength=segments)
