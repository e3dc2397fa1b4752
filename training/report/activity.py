"""What happened when: orders or events, and revenue, period by period. Aggregated in DuckDB."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from segmentation.tables import EVENT_TYPES
from training.report.rows import BASKETS, ROWS, Rows

MOST_PERIODS = 60
"""Activity is told by the finest period of which the data hold no more than this."""


@dataclass(frozen=True, slots=True)
class Period:
    """A unit of time: its name, what DuckDB and pandas call it, and about how long it is."""

    name: str
    interval: str
    frequency: str
    seconds: float


PERIODS = (
    Period("15 minutes", "15 minutes", "15min", 900),
    Period("hour", "1 hour", "h", 3_600),
    Period("day", "1 day", "D", 86_400),
    Period("week", "7 days", "7D", 604_800),
    Period("month", "1 month", "MS", 2_629_746),
)


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What happened in each period.

    Parameters
    ----------
    period
        The unit.
    starts
        When each begins, UTC, without gaps.
    counts
        By kind (orders, or an event type), shape (n,); NaN where fewer than ten customers were active.
    revenue
        In the shop's currency, shape (n,), NaN likewise; None where no price is known.
    totals
        By kind, and "revenue": of the periods that are told.
    incomplete
        Whether as_of falls within the last period, more than a twentieth before its end.
    """

    period: Period
    starts: tuple[datetime, ...]
    counts: dict[str, Floats]
    revenue: Floats | None
    totals: dict[str, float]
    incomplete: bool


def activity(rows: Rows) -> Activity:
    """Orders or events, and revenue, period by period.

    Parameters
    ----------
    rows
        From `prepare`; its rows have a time.

    Returns
    -------
    Activity
        From the first row to as_of.
    """
    period = next((unit for unit in PERIODS if rows.span_seconds <= MOST_PERIODS * unit.seconds), PERIODS[-1])
    bucket = f"time_bucket(INTERVAL '{period.interval}', {{}})"
    begin, end = rows.fetch(f"SELECT {bucket.format('?::TIMESTAMP')}, {bucket.format(rows.until)}", [rows.first])[0]
    starts = pd.date_range(begin, end, freq=period.frequency)
    of_orders = rows.loaded.shape.name == "orders"
    if of_orders:
        kind, at, table = "'orders'", "bought_at", BASKETS
    else:
        known = ", ".join(f"'{name}'" for name in EVENT_TYPES)
        kind = f"CASE WHEN event_type IN ({known}) THEN event_type ELSE 'other' END"
        at, table = "occurred_at", ROWS
    counts, totals = _by_period(rows, starts, bucket.format(at), kind, "1", table)
    order = ("orders",) if of_orders else (*EVENT_TYPES, "other")
    revenue = None
    if rows.priced:
        sums, earned = _by_period(rows, starts, bucket.format("bought_at"), "'revenue'", "value", BASKETS)
        revenue = sums["revenue"]
        totals |= earned
    length = starts[-1] + starts.freq - starts[-1] if starts.freq is not None else pd.Timedelta(seconds=period.seconds)
    left = starts[-1] + length - pd.Timestamp(rows.as_of.astimezone(UTC).replace(tzinfo=None))
    return Activity(
        period=period,
        starts=tuple(start.to_pydatetime().replace(tzinfo=UTC) for start in starts),
        counts={name: counts[name] for name in order if name in counts},
        revenue=revenue,
        totals=totals,
        incomplete=bool(left > length / 20),
    )


def _by_period(
    rows: Rows, starts: pd.DatetimeIndex, bucket: str, kind: str, amount: str, table: str
) -> tuple[dict[str, Floats], dict[str, float]]:
    found = rows.fetch(
        f"SELECT kind, period, CAST(sum(amount) AS DOUBLE), count(*) FROM ("
        f"SELECT {kind} AS kind, {bucket} AS period, sum({amount}) AS amount FROM {table} "
        "GROUP BY kind, period, customer_id) GROUP BY kind, period ORDER BY kind, period"
    )
    place = {start: position for position, start in enumerate(starts.to_pydatetime())}
    series: dict[str, Floats] = {}
    totals: dict[str, float] = {}
    for name, period, total, people in found:
        values = series.setdefault(name, np.zeros(len(starts)))
        values[place[period]] = total if people >= SMALLEST_GROUP else np.nan
        # With the others, what a hidden period holds would follow by subtraction.
        told = total if total is not None and people >= SMALLEST_GROUP else 0.0
        totals[name] = totals.get(name, 0.0) + told
    return series, totals
