"""Outcomes as counts, means and variances per segment and arm: all that the tests need, exact at any size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import duckdb

WORTH = 0.1
"""Correlation from which a covariate is used: it makes intervals shorter by half its square, here 0.5 %."""
FEWEST = 100
"""Customers of a segment, below which a covariate's slope is too uncertain to help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The customers of one segment in one arm.

    Parameters
    ----------
    segment_id, arm
        Which.
    customers
        How many.
    mean, variance
        Of the metric, less what the covariate explains where it is used; the variance is the sample's (n - 1).
    raw_mean
        Of the metric as it is.
    skewness
        Of the metric in the segment, over all arms; 0 where it is not known.
    adjusted
        Whether the covariate is used.
    """

    segment_id: int
    arm: str
    customers: int
    mean: float
    variance: float
    raw_mean: float
    skewness: float = 0.0
    adjusted: bool = False

    @property
    def successes(self) -> int:
        """Of a proportion: customers with a 1."""
        return round(self.customers * self.raw_mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What a covariate did in one segment.

    Parameters
    ----------
    segment_id
        Which.
    used
        Whether the means are adjusted for it.
    correlation
        Between it and the metric, over all arms; None where either is the same for everybody.
    why_not
        In words; empty where it is used.
    """

    segment_id: int
    used: bool
    correlation: float | None
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moments:
    segment_id: int
    arm: str | None
    customers: int
    mean: float
    variance: float
    covariate_mean: float
    covariate_variance: float
    covariance: float
    skewness: float = 0.0


def aggregate(
    connection: duckdb.DuckDBPyConnection, *, covariate: bool
) -> tuple[tuple[Cell, ...], tuple[Adjustment, ...]]:
    """Summarise the table `outcome`.

    Parameters
    ----------
    connection
        With the table `outcome` (customer_id, segment_id, arm, covariate, value), in a fixed order.
    covariate
        Whether there is one.

    Returns
    -------
    tuple
        Cells by segment and arm, and what the covariate did in each segment (empty without one).

    References
    ----------
    Deng, Xu, Kohavi and Walker (2013), "Improving the Sensitivity of Online Controlled Experiments by Utilizing
    Pre-Experiment Data" (CUPED); the slope is each segment's own, over all its arms.
    """
    moments = _moments(connection, covariate=covariate)
    whole = {row.segment_id: row for row in moments if row.arm is None}
    cells = [replace(row, skewness=whole[row.segment_id].skewness) for row in moments if row.arm is not None]
    if not covariate:
        return tuple(_plain(row) for row in cells), ()
    adjustments = {segment: _adjustment(row) for segment, row in whole.items()}
    return (
        tuple(
            _adjusted(row, whole[row.segment_id]) if adjustments[row.segment_id].used else _plain(row) for row in cells
        ),
        tuple(adjustments.values()),
    )


def _moments(connection: duckdb.DuckDBPyConnection, *, covariate: bool) -> list[_Moments]:
    # On one thread and in the table's order: the last bits of a mean depend on both.
    connection.execute("SET threads = 1")
    other = "covariate" if covariate else "CAST(0 AS DOUBLE)"
    rows = connection.execute(
        "SELECT segment_id, arm, count(*), favg(value), coalesce(var_samp(value), 0), "
        f"favg({other}), coalesce(var_samp({other}), 0), coalesce(covar_samp(value, {other}), 0), "
        "coalesce(skewness(value), 0) FROM outcome "
        "GROUP BY GROUPING SETS ((segment_id, arm), (segment_id)) ORDER BY segment_id, arm NULLS FIRST"
    ).fetchall()
    connection.execute("RESET threads")
    return [
        _Moments(
            segment_id=segment,
            arm=arm,
            customers=customers,
            mean=mean,
            variance=variance,
            covariate_mean=covariate_mean,
            covariate_variance=covariate_variance,
            covariance=covariance,
            skewness=skewness if math.isfinite(skewness) else 0.0,
        )
        for segment, arm, customers, mean, variance, covariate_mean, covariate_variance, covariance, skewness in rows
    ]


def _adjustment(row: _Moments) -> Adjustment:
    def left(why: str, correlation: float | None = None) -> Adjustment:
        return Adjustment(segment_id=row.segment_id, used=False, correlation=correlation, why_not=why)

    # Of equal values the variance may come out as a rounding error.
    if row.covariate_variance <= 1e-18 * max(1.0, row.covariate_mean**2):
        return left("it is the same for every customer, as for those with one order")
    if row.variance <= 0:
        return left("the metric is the same for every customer")
    correlation = row.covariance / math.sqrt(row.variance * row.covariate_variance)
    if row.customers < FEWEST:
        return left(f"the segment has fewer than {FEWEST} customers", correlation)
    if abs(correlation) < WORTH:
        return left(f"it hardly goes with the metric (correlation under {WORTH})", correlation)
    return Adjustment(segment_id=row.segment_id, used=True, correlation=correlation, why_not="")


def _plain(row: _Moments) -> Cell:
    return Cell(
        segment_id=row.segment_id,
        arm=row.arm or "",
        customers=row.customers,
        mean=row.mean,
        variance=row.variance,
        raw_mean=row.mean,
        skewness=row.skewness,
    )


def _adjusted(row: _Moments, whole: _Moments) -> Cell:
    slope = whole.covariance / whole.covariate_variance
    return replace(
        _plain(row),
        mean=row.mean - slope * (row.covariate_mean - whole.covariate_mean),
        variance=max(0.0, row.variance + slope**2 * row.covariate_variance - 2 * slope * row.covariance),
        adjusted=True,
    )
