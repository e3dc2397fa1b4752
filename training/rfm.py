"""Recency, frequency and monetary value scored 1 to 5, and the conventional name of each of the 125 cells.

The scores are quintiles (Hughes 1994, "Strategic Database Marketing"). Equal customers get equal scores, whatever their
number: where 97 % have one order, they share one frequency score. The names are those of the widespread table over
recency and the mean of frequency and monetary value; it is published as ranges that overlap and leave gaps (Putler,
"RFM analysis"; the example of `rfm_segment` in the R package rfm 0.2), and is made a partition here: each cell has one
name, which is one that the published ranges allow.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.scoring import Floats

SCORES = (1, 2, 3, 4, 5)

Scores = npt.NDArray[np.int64]

_NAMES = (
    # Mean of frequency and monetary score: 1 to 5 from left to right. Recency score: 1, the longest ago, first.
    ("Lost", "Hibernating", "At risk", "Cannot lose them", "Cannot lose them"),
    ("About to sleep", "Hibernating", "At risk", "At risk", "At risk"),
    ("About to sleep", "Need attention", "Need attention", "Loyal", "Loyal"),
    ("Promising", "Potential loyalists", "Potential loyalists", "Champions", "Champions"),
    ("New customers", "Potential loyalists", "Potential loyalists", "Champions", "Champions"),
)

NAMES = (
    "Champions",
    "Loyal",
    "Potential loyalists",
    "New customers",
    "Promising",
    "Need attention",
    "About to sleep",
    "At risk",
    "Cannot lose them",
    "Hibernating",
    "Lost",
)
"""Every name, in the order in which they are told."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Customers' scores, 1 to 5 each, int64, shape (n,)."""

    recency: Scores
    frequency: Scores
    monetary: Scores


def score(values: Floats) -> Scores:
    """Score values 1 to 5, the highest best, by the share of customers with a lower value.

    Without ties these are quintiles. Ties share the lowest of their places, so that a value that many have is no merit:
    the lowest value always scores 1.

    Parameters
    ----------
    values
        float64, finite, shape (n,).

    Returns
    -------
    Scores
        1 to 5; 1 for a share lower of less than 20 %, 5 for 80 % or more.
    """
    ordered = np.sort(values)
    lower = np.searchsorted(ordered, values, side="left")
    # Whole numbers: 0.2 * n is not exact.
    return np.asarray(1 + (len(SCORES) * lower) // max(len(values), 1), dtype=np.int64)


def score_customers(days_since_last: Floats, orders: Floats, spent: Floats) -> Scored:
    """Score customers.

    Parameters
    ----------
    days_since_last
        Time since the last order; the shortest is best.
    orders
        Number of orders.
    spent
        What they paid.

    Returns
    -------
    Scored
        In the customers' order.
    """
    return Scored(recency=score(-days_since_last), frequency=score(orders), monetary=score(spent))


def name(recency: int, frequency: int, monetary: int) -> str:
    """The conventional name of a cell.

    Parameters
    ----------
    recency, frequency, monetary
        Scores, 1 to 5.

    Returns
    -------
    str
        One of `NAMES`. Frequency and monetary count together, as their mean; a half is rounded up.

    Raises
    ------
    ValueError
        A score is not 1 to 5.

    Examples
    --------
    >>> name(5, 5, 5), name(5, 1, 1), name(1, 1, 1)
    ('Champions', 'New customers', 'Lost')
    """
    for value in (recency, frequency, monetary):
        if value not in SCORES:
            raise ValueError(f"a score is 1 to 5, not {value}")
    return _NAMES[recency - 1][(frequency + monetary + 1) // 2 - 1]


def positions(scored: Scored) -> npt.NDArray[np.int64]:
    """The name of each customer, as a position in `NAMES`.

    Parameters
    ----------
    scored
        Customers' scores.

    Returns
    -------
    ndarray of int64
        Shape (n,).
    """
    table = np.array([[[NAMES.index(name(r, f, m)) for m in SCORES] for f in SCORES] for r in SCORES], dtype=np.int64)
    return np.asarray(table[scored.recency - 1, scored.frequency - 1, scored.monetary - 1])
