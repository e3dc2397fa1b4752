"""What a simulation comes to: means and 90 % intervals over the draws, and nothing of a single customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from campaigns.assignments import Assignments
from campaigns.scenario.assumptions import HIGH, LOW
from campaigns.scenario.base import Base
from campaigns.scenario.bound import Bound
from campaigns.scenario.ranking import Step
from campaigns.scenario.scenario import as_plain
from campaigns.scenario.sensitivity import Sensitivity
from campaigns.scenario.simulation import Draws
from segmentation.clock import iso
from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean over the draws, and the ends of the interval that holds nine in ten of them (5 and 95 % quantiles)."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Assumed:
    """An assumption as it was drawn.

    Parameters
    ----------
    name, unit, form
        See `Distribution`.
    low, median, high
        Its 5, 50 and 95 % quantiles.
    """

    name: str
    unit: str
    form: str
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class FeatureMove:
    """What a response does to a feature.

    Parameters
    ----------
    feature
        Its name.
    moves
        Whether it does anything.
    says
        What it does, or why it stays.
    stopped
        Share of those contacted whose change ends at the end of the valid range; None where none is asked for.
    """

    feature: str
    moves: bool
    says: str
    stopped: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Money over the draws, in the scenario's currency.

    Parameters
    ----------
    orders
        Orders won, less those lost; 0 where a response is no order.
    revenue
        What they are worth before discount.
    discounts
        Taken off all orders, those included that would have been placed anyway.
    discounts_anyway
        Of that, on orders that would have been placed anyway.
    contact, fixed
        Cost of contacting, and the fixed cost; for a segment, which has no part of it, 0.
    cost
        Discounts, contact and fixed cost.
    gain
        Margin on the revenue, less the cost.
    """

    orders: Estimate
    revenue: Estimate
    discounts: Estimate
    discounts_anyway: Estimate
    contact: Estimate
    fixed: Estimate
    cost: Estimate
    gain: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOutcome:
    """What happens in one segment.

    Parameters
    ----------
    id, name, colour
        As in the card.
    customers, contacted
        Today; None where they are fewer than 10, but not none.
    responding
        Customers won of those in it today.
    leaving, arriving
        Customers who go to other segments, and who come from others.
    after, change
        Customers afterwards, and how many more that is.
    money
        Of those contacted in it, before the fixed cost; None where they are fewer than 10.
    """

    id: int
    name: str
    colour: str
    customers: int | None
    contacted: int | None
    responding: Estimate
    leaving: Estimate
    arriving: Estimate
    after: Estimate | None
    change: Estimate
    money: Money | None


@dataclass(frozen=True, slots=True)
class Flow:
    """Customers won who are in one segment today and in another afterwards, or in the same; by id."""

    origin: int
    destination: int
    customers: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A simulated scenario.

    Parameters
    ----------
    schema
        Of this file.
    scenario
        As it was given.
    model_version, as_of
        Of the assignments.
    customers, contacted
        How many there are, and how many of them are contacted.
    draws, seed, interval
        How it was simulated; the share of draws that intervals hold.
    money
        Of all.
    monte_carlo_error
        Standard error of the mean gain that comes from the number of draws.
    chance_to_pay
        Share of draws with a gain above 0.
    from_assumptions
        Share of the gain's variance that comes from not knowing the assumptions; the rest is who happens to respond.
        None where nothing varies.
    cut
        Share of draws in which the uplift was cut off to be possible beside the baseline.
    moved
        Customers who change segments.
    segments, flows
        In the card's order; flows that no draw had are left out.
    break_even_uplift
        The uplift from which on the promotion pays, all else at its median: None where none does, or where segments
        have uplifts of their own.
    break_even_factor
        The same as a factor of the uplifts assumed; None where none does.
    sensitivity, whom_first, assumptions, features
        See there.
    """

    schema: int
    scenario: dict[str, Any]
    model_version: str
    as_of: str
    customers: int
    contacted: int
    draws: int
    seed: int
    interval: float
    money: Money
    monte_carlo_error: float
    chance_to_pay: float
    from_assumptions: float | None
    cut: float
    moved: Estimate
    segments: tuple[SegmentOutcome, ...]
    flows: tuple[Flow, ...]
    break_even_uplift: float | None
    break_even_factor: float | None
    sensitivity: Sensitivity
    whom_first: tuple[Step, ...]
    assumptions: tuple[Assumed, ...]
    features: tuple[FeatureMove, ...]


def summarise(
    bound: Bound,
    table: Assignments,
    base: Base,
    draws: Draws,
    swings: Sensitivity,
    steps: tuple[Step, ...],
    seed: int,
) -> Result:
    """Bring draws to means and intervals.

    Parameters
    ----------
    bound, table, base, draws, swings, steps, seed
        All that was made of the scenario.

    Returns
    -------
    Result
        What is written and drawn.
    """
    gain = draws.gain.sum(axis=1) - draws.fixed
    variance = float(gain.var())
    staying = np.einsum("dss->ds", draws.moves)
    left, arrived = draws.moves.sum(axis=2) - staying, draws.moves.sum(axis=1) - staying
    single = len({bound.uplift_of[position] for position in bound.targeted}) == 1
    factor = swings.break_even
    return Result(
        schema=SCHEMA_VERSION,
        scenario=as_plain(bound.scenario),
        model_version=table.model_version,
        as_of=iso(table.as_of),
        customers=table.customers,
        contacted=base.contacted,
        draws=len(gain),
        seed=seed,
        interval=round(HIGH - LOW, 10),
        money=_money(bound, draws, None),
        monte_carlo_error=float(gain.std() / np.sqrt(len(gain))),
        chance_to_pay=float((gain > 0).mean()),
        # What chance adds is what is left of a draw's gain when that expected of its assumptions is taken away.
        from_assumptions=max(0.0, 1 - float((gain - draws.expected).var()) / variance) if variance > 0 else None,
        cut=draws.cut / len(gain),
        moved=estimate(left.sum(axis=1)),
        segments=tuple(
            _segment(bound, base, draws, position, left, arrived) for position in range(len(bound.card.all_segments))
        ),
        flows=_flows(bound, draws),
        break_even_uplift=None if factor is None or not single else factor * _middle_uplift(bound),
        break_even_factor=factor,
        sensitivity=swings,
        whom_first=steps,
        assumptions=tuple(
            Assumed(item.name, item.unit, item.form, item.at(LOW), item.at(0.5), item.at(HIGH))
            for item in bound.assumptions
        ),
        features=_features(bound, base),
    )


def estimate(values: Floats | Any) -> Estimate:
    """Mean and 90 % interval over draws.

    Parameters
    ----------
    values
        One for each draw.

    Returns
    -------
    Estimate
        With ends that are draws themselves, the outer ones where a quantile falls between two.
    """
    return Estimate(
        float(np.mean(values)),
        float(np.quantile(values, LOW, method="lower")),
        float(np.quantile(values, HIGH, method="higher")),
    )


def _money(bound: Bound, draws: Draws, position: int | None) -> Money:
    def of(values: Any) -> Any:
        return values.sum(axis=1) if position is None else values[:, position]

    fixed = draws.fixed if position is None else np.zeros_like(draws.fixed)
    discounts = of(draws.discount_won) + of(draws.discount_anyway)
    orders = of(draws.responses) if bound.scenario.order is not None else np.zeros_like(draws.fixed)
    return Money(
        orders=estimate(orders),
        revenue=estimate(of(draws.revenue)),
        discounts=estimate(discounts),
        discounts_anyway=estimate(of(draws.discount_anyway)),
        contact=estimate(of(draws.contact)),
        fixed=estimate(fixed),
        cost=estimate(discounts + of(draws.contact) + fixed),
        gain=estimate(of(draws.gain) - fixed),
    )


def _segment(bound: Bound, base: Base, draws: Draws, position: int, left: Any, arrived: Any) -> SegmentOutcome:
    segment = bound.card.all_segments[position]
    customers = int(base.before[position])
    contacted = int((base.segment == position).sum())
    change = arrived[:, position] - left[:, position]
    small = 0 < customers < SMALLEST_GROUP
    return SegmentOutcome(
        id=segment.id,
        name=segment.name,
        colour=segment.colour,
        customers=None if small else customers,
        contacted=None if 0 < contacted < SMALLEST_GROUP else contacted,
        responding=estimate(draws.moves[:, position].sum(axis=1)),
        leaving=estimate(left[:, position]),
        arriving=estimate(arrived[:, position]),
        after=None if small else estimate(customers + change),
        change=estimate(change),
        money=None if contacted < SMALLEST_GROUP else _money(bound, draws, position),
    )


def _flows(bound: Bound, draws: Draws) -> tuple[Flow, ...]:
    ids = [segment.id for segment in bound.card.all_segments]
    return tuple(
        Flow(ids[origin], ids[destination], estimate(draws.moves[:, origin, destination]))
        for origin, destination in zip(*np.nonzero(draws.moves.any(axis=0)), strict=True)
    )


def _middle_uplift(bound: Bound) -> float:
    return bound.assumptions[bound.uplift_of[bound.targeted[0]]].at(0.5)


def _features(bound: Bound, base: Base) -> tuple[FeatureMove, ...]:
    says = {move.feature: move.says for move in bound.moves}
    for change in bound.scenario.changes:
        kind = "added to" if change.add is not None else "multiplied" if change.times is not None else "set"
        says[change.feature] = f"{kind}, as the scenario says"
    return tuple(
        FeatureMove(
            name,
            name in says,
            says[name] if name in says else bound.kept[name],
            base.destinations.stopped[name] / base.contacted if name in base.destinations.stopped else None,
        )
        for name in bound.card.feature_names
    )
