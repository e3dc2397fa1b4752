"""Draws brought to means and 90 % intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from campaigns.assignments import Assignments
from campaigns.scenario.assumptions import HIGH, LOW
from campaigns.scenario.base import Base
from campaigns.scenario.bound import Bound
from campaigns.scenario.ranking import Step
from campaigns.scenario.reading import as_plain
from campaigns.scenario.results import (
    SCHEMA_VERSION,
    Assumed,
    Estimate,
    FeatureMove,
    Flow,
    Money,
    Result,
    SegmentOutcome,
)
from campaigns.scenario.scenario import Change
from campaigns.scenario.sensitivity import Sensitivity
from campaigns.scenario.simulation import Draws
from campaigns.scenario.told import PROJECTION
from segmentation.clock import iso
from segmentation.privacy import withheld
from segmentation.scoring import Floats


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
    few = withheld(np.bincount(base.segment, minlength=len(bound.card.all_segments)).tolist())
    small = withheld(base.before.tolist())
    return Result(
        schema=SCHEMA_VERSION,
        nature=PROJECTION,
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
            _segment(bound, base, draws, position, left, arrived, small=position in small, few=position in few)
            for position in range(len(bound.card.all_segments))
        ),
        flows=_flows(bound, draws, few),
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
        margin=estimate(of(draws.gain) + discounts + of(draws.contact)),
        discounts=estimate(discounts),
        discounts_anyway=estimate(of(draws.discount_anyway)),
        contact=estimate(of(draws.contact)),
        fixed=estimate(fixed),
        cost=estimate(discounts + of(draws.contact) + fixed),
        gain=estimate(of(draws.gain) - fixed),
    )


def _segment(
    bound: Bound, base: Base, draws: Draws, position: int, left: Any, arrived: Any, *, small: bool, few: bool
) -> SegmentOutcome:
    segment = bound.card.all_segments[position]
    customers = int(base.before[position])
    contacted = int((base.segment == position).sum())
    change = arrived[:, position] - left[:, position]
    return SegmentOutcome(
        id=segment.id,
        name=segment.name,
        colour=segment.colour,
        customers=None if small else customers,
        contacted=None if few else contacted,
        responding=None if few else estimate(draws.moves[:, position].sum(axis=1)),
        leaving=None if few else estimate(left[:, position]),
        arriving=estimate(arrived[:, position]),
        after=None if small else estimate(customers + change),
        change=estimate(change),
        money=None if few or not contacted else _money(bound, draws, position),
    )


def _flows(bound: Bound, draws: Draws, few: frozenset[int]) -> tuple[Flow, ...]:
    ids = [segment.id for segment in bound.card.all_segments]
    return tuple(
        Flow(
            ids[origin],
            ids[destination],
            estimate(draws.moves[:, origin, destination]),
            estimate(draws.moved_revenue[:, origin, destination]),
        )
        for origin, destination in zip(*np.nonzero(draws.moves.any(axis=0)), strict=True)
        if origin not in few
    )


def _middle_uplift(bound: Bound) -> float:
    return bound.assumptions[bound.uplift_of[bound.targeted[0]]].at(0.5)


def _kind(change: Change) -> str:
    if change.of_order is not None:
        return "the mean with the order's in it"
    return "added to" if change.add is not None else "multiplied" if change.times is not None else "set"


def _features(bound: Bound, base: Base) -> tuple[FeatureMove, ...]:
    says = {move.feature: move.says for move in bound.moves}
    for change in bound.scenario.changes:
        says[change.feature] = f"{_kind(change)}, as the scenario says"
    return tuple(
        FeatureMove(
            name,
            name in says,
            says[name] if name in says else bound.kept[name],
            base.destinations.stopped[name] / base.contacted if name in base.destinations.stopped else None,
        )
        for name in bound.card.feature_names
    )
