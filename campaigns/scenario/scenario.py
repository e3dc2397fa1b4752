"""What a scenario says, as frozen dataclasses: whom, what they get, what it does to them, what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from campaigns.scenario.assumptions import Assumption
from segmentation.rules import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is contacted: customers of any of some segments for whom all conditions hold; by default everybody.

    Parameters
    ----------
    segments
        Ids or names; empty: all.
    where
        Conditions on features of the model.
    """

    segments: tuple[int | str, ...] = ()
    where: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentUplift:
    """Another uplift for one segment, by id or name."""

    segment: int | str
    uplift: Assumption


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What an order is worth before any discount: so many times the customer's own average, or an amount."""

    times_average: Assumption | None = None
    amount: Assumption | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The order that a response is.

    Parameters
    ----------
    basket
        Its worth.
    wait_days
        How long ago it will have been when customers are looked at again.
    """

    basket: Basket = field(default_factory=lambda: Basket(times_average=1.0))
    wait_days: Annotated[float, Meta(ge=0, le=3650)] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What else a response does to a feature: one of four.

    Parameters
    ----------
    feature
        Its name.
    add, times, set
        A number added to it, a factor, or what it becomes.
    of_order
        Where the feature is a mean over orders: what the additional one has; the mean is computed anew.
    """

    feature: str
    add: Assumption | None = None
    times: Assumption | None = None
    set: Assumption | None = None
    of_order: Assumption | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """What is taken off an order: a share of its worth, or an amount, at most its worth; by default nothing."""

    share: Assumption | None = None
    amount: Assumption | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A promotion, as it is assumed to work.

    Parameters
    ----------
    title, about
        What it is, in a line and in some sentences.
    target
        Who is contacted.
    uplift
        Share of those contacted who respond because of it, beyond those who would order anyway.
    uplift_by_segment
        Others for single segments.
    baseline
        Share of those contacted who would order in that time anyway; they take the discount as well.
    order
        What a response is; None: no order, only `changes`.
    changes
        What else it does to features.
    discount
        Off the orders of all who order.
    contact_cost, fixed_cost
        For each customer contacted; and once.
    margin
        Share of an order's worth before discount that is left when goods and handling are paid, 0 to 1.
    currency
        How amounts are called.
    """

    title: Annotated[str, Meta(min_length=1, max_length=80)]
    uplift: Assumption
    margin: Assumption
    about: Annotated[str, Meta(max_length=1000)] = ""
    target: Target = field(default_factory=Target)
    uplift_by_segment: tuple[SegmentUplift, ...] = ()
    baseline: Assumption = 0.0
    order: Order | None = None
    changes: tuple[Change, ...] = ()
    discount: Discount = field(default_factory=Discount)
    contact_cost: Assumption = 0.0
    fixed_cost: Assumption = 0.0
    currency: Annotated[str, Meta(max_length=8)] = ""
