"""What a feature is, and the arithmetic that the catalogues share.

An expression is an aggregate over the rows of one customer, in Ibis. Sums run over integers and decimals only; the
one division comes last, so that a feature is the same double whatever the number of threads or the order of rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir

from segmentation.tables import Interval

Transform = Literal["log1p", "none"]
Lacking = Literal["never", "mean", "median", "constant"]

SECONDS_PER_DAY = 86_400
SUM = "decimal(38, 7)"
"""Holds a hundred thousand lines of the largest quantity and price, to the last decimal of their product."""

SHARE = Interval(0, 1)
NOT_NEGATIVE = Interval(0)


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the customer table: what it is, what it needs, how it enters the model.

    Parameters
    ----------
    name, unit, help
        What it is, for people.
    needs
        Columns of the canonical table without which it cannot be made.
    expression
        The aggregate over one customer's orders (`level` "order") or order lines (`level` "line").
    transform
        What the pipeline does to it before scaling.
    winsorised
        Whether extremes are pulled in to frozen quantiles; not for bounded shares and small counts.
    valid
        The numbers it can take.
    lacking
        What a customer gets who has no value: the mean or median of the training customers who have one, or a number
        that the configuration gives.
        "never": every customer with an order has a value.
    ages
        Whether it is measured back from as_of, and so shifts where nothing but time passes.
    low, high
        How marketers call a customer whose value is unusually low or high; segment names are made of these.
    """

    name: str
    unit: str
    help: str
    needs: frozenset[str]
    expression: Callable[[ir.Table], ir.Value]
    low: str
    high: str
    transform: Transform = "none"
    winsorised: bool = False
    valid: Interval = NOT_NEGATIVE
    lacking: Lacking = "never"
    level: Literal["order", "line"] = "order"
    ages: bool = False


def ratio(numerator: ir.NumericValue, denominator: ir.NumericValue) -> ir.FloatingValue:
    """Divide as doubles, once; NULL where the denominator is 0.

    Parameters
    ----------
    numerator, denominator
        Integers or decimals.

    Returns
    -------
    ir.FloatingValue
        float64.
    """
    return numerator.cast("float64") / denominator.nullif(0).cast("float64")


def count(condition: ir.BooleanValue) -> ir.IntegerValue:
    """How many rows a condition holds for; 0 where it holds for none.

    Parameters
    ----------
    condition
        NULL counts as false.

    Returns
    -------
    ir.IntegerValue
        int64.
    """
    return condition.ifelse(1, ibis.null("int64")).count()


def days(later: ir.TimestampValue, earlier: ir.TimestampValue) -> ir.FloatingValue:
    """Days between two moments, from whole seconds.

    Parameters
    ----------
    later, earlier
        Moments.

    Returns
    -------
    ir.FloatingValue
        float64.
    """
    return later.delta(earlier, unit="second").cast("float64") / SECONDS_PER_DAY
