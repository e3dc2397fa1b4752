"""What becomes of customers: how long until they are regulars (or buy at all), and their RFM groups."""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from training import rfm
from training.report.rows import BUYERS, ROWS, Rows

REGULAR_ORDERS = 3
REGULAR_SHARE, REGULAR_CUSTOMERS = 0.01, 100
"""A regular has three orders where so many customers have them; else two orders."""

UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))
FEWEST_UNITS = 60
"""Times are told in the coarsest of the units of which the data span at least so many."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The share of customers who got somewhere, by the time since their start: 1 - S of Kaplan and Meier.

    Parameters
    ----------
    orders
        Orders that make a regular; None where it is the first purchase of a visitor.
    unit
        Of the times: "days", "hours" or "minutes".
    times
        Ascending, from 0; the curve ends where fewer than ten customers are still waited for.
    share, low, high
        At each time, and its 95 % interval.
    at_risk
        Customers still waited for just before each time.
    customers, arrived
        How many there are, and how many got there by as_of.
    """

    orders: int | None
    unit: str
    times: Floats
    share: Floats
    low: Floats
    high: Floats
    at_risk: Counts
    customers: int
    arrived: int

    def at(self, time: float) -> int:
        """Position of the last step at or before a time.

        Parameters
        ----------
        time
            In `unit`, 0 or more.

        Returns
        -------
        int
            Position in `times`.
        """
        return int(np.searchsorted(self.times, time, side="right")) - 1


@dataclass(frozen=True, slots=True)
class Group:
    """Customers of one RFM name and their share of revenue; None where it is not told."""

    name: str
    customers: int | None
    revenue_share: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Rfm:
    """Customers by recency and frequency score, and by name.

    Parameters
    ----------
    customers
        All who bought.
    cells
        Customers by recency score (rows) and frequency score (columns), both 1 to 5, shape (5, 5).
    cells_told
        Whether a cell's number may be told, shape (5, 5).
    groups
        In the order of `rfm.NAMES`.
    one_order, one_order_score
        Customers with one order, and the frequency score that they share.
    visitors_without
        Customers who never bought, and so have no score.
    """

    customers: int
    cells: Counts
    cells_told: npt.NDArray[np.bool_]
    groups: tuple[Group, ...]
    one_order: int
    one_order_score: int
    visitors_without: int


def becoming_regular(rows: Rows) -> Curve | None:
    """How long from the first order to becoming a regular; for events, from the first event to the first purchase.

    A regular has three orders, where at least 1 % of the customers and at least 100 of them have them; else two.
    Customers who are not there by as_of are censored: they may still get there.

    Parameters
    ----------
    rows
        From `prepare`; its rows have a time.

    Returns
    -------
    Curve
        None where fewer than ten customers got there.
    """
    unit, seconds = next((u for u in UNITS if rows.span_seconds >= FEWEST_UNITS * u[1]), UNITS[-1])
    orders: int | None = None
    if rows.loaded.shape.name == "orders":
        enough, customers = rows.fetch(f"SELECT count(*) FILTER (baskets >= {REGULAR_ORDERS}), count(*) FROM {BUYERS}")[
            0
        ]
        orders = REGULAR_ORDERS if enough >= max(REGULAR_SHARE * customers, REGULAR_CUSTOMERS) else 2
        people = f"SELECT earliest[1] AS start, earliest[{orders}] AS arrival FROM {BUYERS}"
    else:
        people = (
            "SELECT min(occurred_at) AS start, min(occurred_at) FILTER (event_type = 'purchase') AS arrival "
            f"FROM {ROWS} GROUP BY customer_id"
        )
    # Whole units, counted here: millions of customers become some hundred rows.
    found = rows.fetch(
        f"SELECT date_diff('second', start, coalesce(arrival, {rows.until})) // {seconds} AS wait, "
        f"count(arrival), count(*) FROM ({people}) GROUP BY wait ORDER BY wait"
    )
    wait, arrived, everybody = np.array(found, dtype=np.int64).reshape(-1, 3).T
    if arrived.sum() < SMALLEST_GROUP:
        return None
    return estimate(wait, arrived, everybody - arrived, orders, unit)


def estimate(wait: Counts, arrived: Counts, censored: Counts, orders: int | None, unit: str) -> Curve:
    """Kaplan and Meier's estimate from counted waiting times.

    Parameters
    ----------
    wait
        Different waiting times, ascending, in units.
    arrived, censored
        Customers who got there after each, and who were last seen waiting.
    orders, unit
        See `Curve`.

    Returns
    -------
    Curve
        With log-log intervals, which stay between 0 and 1.

    References
    ----------
    Kaplan and Meier (1958), "Nonparametric estimation from incomplete observations"; Borgan and Liestøl (1990), "A note
    on confidence intervals and bands for the survival function", for the interval.
    """
    sample = stats.CensoredData(
        uncensored=np.repeat(wait, arrived).astype(np.float64), right=np.repeat(wait, censored).astype(np.float64)
    )
    survival = stats.ecdf(sample).sf
    # Before the first arrival the interval is 0 / 0; it is nothing wide there.
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The confidence interval is undefined")
        interval = survival.confidence_interval(confidence_level=0.95, method="log-log")
    share = 1 - survival.probabilities
    low, high = 1 - interval.high.probabilities, 1 - interval.low.probabilities
    low, high = np.where(np.isnan(low), share, low), np.where(np.isnan(high), share, high)
    everybody = arrived + censored
    at_risk = everybody[::-1].cumsum()[::-1]
    told = at_risk >= SMALLEST_GROUP
    starts_late = wait[0] > 0
    return Curve(
        orders=orders,
        unit=unit,
        times=_from_zero(survival.quantiles[told], starts_late),
        share=_from_zero(share[told], starts_late),
        low=_from_zero(low[told], starts_late),
        high=_from_zero(high[told], starts_late),
        at_risk=np.concatenate([at_risk[:1], at_risk[told]]) if starts_late else at_risk[told],
        customers=int(everybody.sum()),
        arrived=int(arrived.sum()),
    )


def rfm_groups(rows: Rows) -> Rfm | None:
    """Customers who bought, by RFM score and name.

    Parameters
    ----------
    rows
        From `prepare`; its rows have a time.

    Returns
    -------
    Rfm
        None where fewer than ten customers bought, or no price is known.
    """
    # In the customers' order: revenue adds up in the order of its rows.
    columns = rows.database.con.execute(
        f"SELECT date_diff('second', last_at, {rows.until}) / 86400.0 AS days, CAST(baskets AS DOUBLE) AS baskets, "
        f"CAST(coalesce(spent, 0) AS DOUBLE) AS spent FROM {BUYERS} ORDER BY customer_id"
    ).fetchnumpy()
    days, baskets, spent = (np.asarray(columns[name], dtype=np.float64) for name in ("days", "baskets", "spent"))
    if len(days) < SMALLEST_GROUP or not rows.priced:
        return None
    scored = rfm.score_customers(days, baskets, spent)
    named = rfm.positions(scored)
    count = np.bincount(named, minlength=len(rfm.NAMES))
    told = may_be_told(count) & (count > 0)
    revenue, total = np.bincount(named, weights=spent, minlength=len(rfm.NAMES)), spent.sum()
    cells = np.zeros((5, 5), dtype=np.int64)
    np.add.at(cells, (scored.recency - 1, scored.frequency - 1), 1)
    everybody = int(rows.fetch(f"SELECT count(DISTINCT customer_id) FROM {ROWS}")[0][0])
    return Rfm(
        customers=len(days),
        cells=cells,
        cells_told=may_be_told(cells),
        groups=tuple(
            Group(
                name,
                customers=int(count[place]) if told[place] else None,
                revenue_share=float(revenue[place] / total) if told[place] and total > 0 else None,
            )
            for place, name in enumerate(rfm.NAMES)
        ),
        one_order=int((baskets == 1).sum()),
        one_order_score=int(scored.frequency[baskets == 1].max(initial=1)),
        visitors_without=everybody - len(days),
    )


def may_be_told(counts: Counts) -> npt.NDArray[np.bool_]:
    """Which groups of customers may be told beside their total.

    Parameters
    ----------
    counts
        Customers of each group, any shape.

    Returns
    -------
    ndarray of bool
        False for groups of one to nine. Where these have fewer than ten customers together, the total would give them
        away: the smallest of the others is not told either.
    """
    hidden = (counts > 0) & (counts < SMALLEST_GROUP)
    others = (counts >= SMALLEST_GROUP).ravel()
    if 0 < counts[hidden].sum() < SMALLEST_GROUP and others.any():
        smallest = np.where(others, counts.ravel(), counts.max() + 1).argmin()
        hidden.ravel()[smallest] = True
    return ~hidden


def _from_zero(values: Floats, starts_late: bool) -> Floats:
    return np.concatenate([[0.0], values]) if starts_late else values
