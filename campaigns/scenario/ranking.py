"""Whom to contact first: those who are expected to bring most for what contacting them costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from campaigns.assignments import Assignments
from campaigns.cells import is_formula
from campaigns.scenario.base import Base
from campaigns.scenario.bound import Bound
from campaigns.scenario.money import Groups, expected_gain, off, paid, redeeming, worth
from campaigns.scenario.simulation import Draws
from segmentation.errors import BadValueError
from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from segmentation.whole import whole

Ints = npt.NDArray[np.int64]

STEPS = 20
"""Groups that the curve is made of, as long as none is too small to be told of."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """What each customer contacted is expected to bring, over all draws.

    Parameters
    ----------
    orders, revenue, cost, gain
        Expected of each, float64, shape (n,): orders won, their worth before discount, what contact and discounts
        cost, and margin on the revenue less that cost.
    per_cost
        Gain by cost; infinite where nothing is spent and something is gained.
    order
        Places of the customers, the best first: by `per_cost`, then by gain, then by id.
    """

    orders: Floats
    revenue: Floats
    cost: Floats
    gain: Floats
    per_cost: Floats
    order: Ints


@dataclass(frozen=True, slots=True)
class Step:
    """The best so many customers, contacted alone.

    Parameters
    ----------
    customers
        How many.
    cost
        Expected of contact and discounts, and the fixed cost.
    gain, low, high
        Mean over the draws, and their 5 and 95 % quantiles; the fixed cost is off.
    """

    customers: int
    cost: float
    gain: float
    low: float
    high: float


def rank(bound: Bound, base: Base, draws: Draws) -> Ranking:
    """Rank the customers.

    Parameters
    ----------
    bound
        The scenario.
    base
        The customers.
    draws
        What was drawn of the assumptions.

    Returns
    -------
    Ranking
        Means over the draws, without chance.
    """
    segments, n = base.segment, base.contacted
    revenue, taken, margins = np.zeros(n), np.zeros(n), np.zeros(n)
    made = [bound.draw(numbers) for numbers in draws.numbers]
    uplift = np.mean([draw.uplift for draw in made], axis=0)
    contact = float(np.mean([draw.contact_cost for draw in made]))
    if bound.scenario.discount.amount is None or not bound.relative:
        # All is linear in the customer's own average: the means of the factors do for everybody.
        unit = np.ones(len(base.before))
        own = np.ones(n) if base.basket is None else base.basket
        worths = [draw.basket * unit for draw in made]
        offs = [off(bound, value, draw) for value, draw in zip(worths, made, strict=True)]
        revenue = np.mean([d.uplift * w for d, w in zip(made, worths, strict=True)], axis=0)[segments] * own
        margins = np.mean([d.margin * d.uplift * w for d, w in zip(made, worths, strict=True)], axis=0)[segments] * own
        taken = np.mean([redeeming(d.uplift, d) * o for d, o in zip(made, offs, strict=True)], axis=0)[segments] * own
    else:
        for draw in made:
            value, share = worth(bound, base.basket, draw, n), draw.uplift[segments]
            revenue += share * value / len(made)
            margins += draw.margin * share * value / len(made)
            taken += redeeming(draw.uplift, draw)[segments] * off(bound, value, draw) / len(made)
    cost = taken + contact
    gain = margins - cost
    free = np.where(gain > 0, np.inf, np.where(gain < 0, -np.inf, 0.0))
    per_cost = np.divide(gain, cost, out=free, where=cost > 0)
    # Rounded, so that customers who are alike but for the last digit stay in the order of their ids.
    order = np.lexsort((-_rounded(gain), -_rounded(per_cost)))
    return Ranking(uplift[segments], revenue, cost, gain, per_cost, order)


def curve(bound: Bound, base: Base, draws: Draws, ranking: Ranking) -> tuple[Step, ...]:
    """What contacting only the best would bring.

    Parameters
    ----------
    bound, base, draws, ranking
        As above.

    Returns
    -------
    tuple of Step
        From the best few to all.
    """
    n, segments = base.contacted, len(base.before)
    steps = max(1, min(STEPS, n // SMALLEST_GROUP))
    step = np.empty(n, dtype=np.int64)
    step[ranking.order] = np.arange(n) * steps // n
    groups = Groups(bound, base.basket, step * segments + base.segment, steps * segments)
    gains = np.empty((len(draws.numbers), steps))
    for row, numbers in enumerate(draws.numbers):
        draw = bound.draw(numbers)
        gain = expected_gain(groups.sums(draw), np.tile(draw.uplift, steps), draw)
        gains[row] = gain.reshape(steps, segments).sum(axis=1).cumsum() - draw.fixed_cost
    costs = np.bincount(step, weights=ranking.cost, minlength=steps).cumsum() + draws.fixed.mean()
    sizes = np.bincount(step, minlength=steps).cumsum()
    low, high = np.quantile(gains, (0.05, 0.95), axis=0)
    return tuple(
        Step(int(size), float(cost), float(mean), float(lower), float(upper))
        for size, cost, mean, lower, upper in zip(sizes, costs, gains.mean(axis=0), low, high, strict=True)
    )


def require_plain_ids(table: Assignments, out: Path) -> None:
    """Refuse a CSV of ids that a spreadsheet would compute: one that is altered would find nobody.

    Parameters
    ----------
    table
        In which the customers contacted were loaded.
    out
        Of `write`.

    Raises
    ------
    BadValueError
        It is a CSV, and there are such ids.
    """
    if out.suffix.lower() == ".parquet":
        return
    query = f"SELECT count(*) FROM contacted WHERE {is_formula('CAST(customer_id AS VARCHAR)')}"
    [(formulas,)] = table.connection.execute(query).fetchall()
    if formulas:
        raise BadValueError(
            f"{formulas:,} ids are formulas to a spreadsheet", hint="name the file .parquet, which nothing computes"
        )


def write(table: Assignments, bound: Bound, base: Base, ranking: Ranking, out: Path) -> None:
    """Write the list, the best first: the one output that holds customers' ids.

    Parameters
    ----------
    table
        In which `base` was loaded.
    bound, base, ranking
        As above.
    out
        .parquet or .csv; it appears whole or not at all.

    Raises
    ------
    ConfigurationError
        It cannot be written.
    """
    middle = bound.draw(np.array([assumption.at(0.5) for assumption in bound.assumptions]))
    landed = base.destinations.land(paid(bound, base.basket, middle, base.contacted), middle)
    ids = np.array([segment.id for segment in bound.card.all_segments], dtype=np.int32)
    place = np.empty(base.contacted, dtype=np.int64)
    place[ranking.order] = np.arange(base.contacted)
    finite = np.isfinite(ranking.per_cost)
    ranked = pa.table(
        {
            "place": np.arange(base.contacted),
            "rank": place + 1,
            "expected_orders": ranking.orders,
            "expected_revenue": ranking.revenue,
            "expected_cost": ranking.cost,
            "expected_gain": ranking.gain,
            "gain_per_cost": pa.array(ranking.per_cost, mask=~finite),
            "segment_id_if_responding": ids[landed],
        }
    )
    table.connection.register("ranked", ranked)
    kind = "(FORMAT parquet)" if out.suffix.lower() == ".parquet" else "(FORMAT csv, HEADER)"
    with whole(out) as unfinished:
        table.connection.execute(
            "COPY (SELECT rank, customer_id, segment_id, ranked.* EXCLUDE (place, rank) FROM ranked JOIN contacted "
            f"USING (place) ORDER BY rank) TO '{str(unfinished).replace(chr(39), chr(39) * 2)}' {kind}"
        )
    table.connection.unregister("ranked")


def _rounded(values: Floats) -> Floats:
    largest = np.abs(values[np.isfinite(values)]).max(initial=0.0)
    return np.round(values / largest, 10) if largest > 0 else values
