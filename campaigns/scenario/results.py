"""What a simulation comes to: means and 90 % intervals over the draws, and nothing of a single customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from campaigns.scenario.ranking import Step
from campaigns.scenario.sensitivity import Sensitivity

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
    margin
        What the margin leaves of that.
    discounts
        Taken off all orders, those included that would have been placed anyway.
    discounts_anyway
        Of that, on orders that would have been placed anyway.
    contact, fixed
        Cost of contacting, and the fixed cost; for a segment, which has no part of it, 0.
    cost
        Discounts, contact and fixed cost.
    gain
        The margin less the cost.
    """

    orders: Estimate
    revenue: Estimate
    margin: Estimate
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
        Today; None where they are fewer than 10, but not none, or would tell by subtraction how many these are.
    responding, leaving
        Customers won of those in it today, and of these, who go to other segments; None where `contacted` is.
    arriving
        Customers who come from others.
    after, change
        Customers afterwards, and how many more that is.
    money
        Of those contacted in it, before the fixed cost; None where `contacted` is, or nobody.
    """

    id: int
    name: str
    colour: str
    customers: int | None
    contacted: int | None
    responding: Estimate | None
    leaving: Estimate | None
    arriving: Estimate
    after: Estimate | None
    change: Estimate
    money: Money | None


@dataclass(frozen=True, slots=True)
class Flow:
    """Customers won who are in one segment today and in another afterwards, or in the same; by id.

    Parameters
    ----------
    origin, destination
        Ids of the segments.
    customers
        How many.
    revenue
        Worth of their orders, before discount.
    """

    origin: int
    destination: int
    customers: Estimate
    revenue: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A simulated scenario.

    Parameters
    ----------
    schema
        Of this file.
    nature
        What kind of answer it is, in words.
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
        In the card's order; flows that no draw had, and those out of segments whose `contacted` is None, are left out.
    break_even_uplift
        The uplift from which on the promotion pays, all else at its median: None where none does, or where segments
        have uplifts of their own.
    break_even_factor
        The same as a factor of the uplifts assumed; None where none does.
    sensitivity, whom_first, assumptions, features
        See there.
    """

    schema: int
    nature: str
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


def to_json(result: Result) -> bytes:
    """The result as a file.

    Parameters
    ----------
    result
        Simulated.

    Returns
    -------
    bytes
        JSON, UTF-8; the same for the same result.
    """
    return msgspec.json.format(msgspec.json.encode(result, order="deterministic"), indent=1) + b"\n"
