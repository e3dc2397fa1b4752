"""What became of each segment of the previous model, by majorities of customers, and who went where.

Everything is read off one table: customers by previous and by new segment, both models asked on the same snapshot.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from segmentation.lineage import Descent, Fate, Lineage, Migration
from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from segmentation.segment import RuleSegment, Segment
from training.agreement import jaccard

MAJORITY = 0.5
NOTABLE = 0.25
"""Share of a previous segment from which on it is said where it went."""

TENS = 10.0
"""Numbers of customers who moved are told in tens: exact ones, beside exact sizes, would tell of single people."""

DECIMALS = 2


def descents(table: Floats, matched: dict[int, int], previous: Sequence[int], present: Sequence[int]) -> list[Descent]:
    """Where each new segment comes from.

    A segment that is none of the previous ones is of one of them, and so `split`, if more than half of it was there.
    Else it is `merged` if there are previous segments that gave it half of theirs or more. Else it is `new`.

    Parameters
    ----------
    table
        Customers by previous and new segment, shape (r, c); rule segments last on both sides.
    matched
        See `training.identity.match`.
    previous
        Ids of the rows.
    present
        Ids of the new model's clusters, which are the first columns.

    Returns
    -------
    list of Descent
        One per new cluster.
    """
    # In tens: exact ones, beside exact sizes, would tell of the few who left.
    similar, given, made = jaccard(np.rint(table / TENS) * TENS), _of_rows(table), _of_columns(table)
    found = []
    for column, identifier in enumerate(present):
        status: Literal["survived", "split", "merged", "new"]
        parents = np.flatnonzero(given[:, column] >= MAJORITY).tolist()
        largest = int(made[:, column].argmax())
        if column in matched:
            status, of = "survived", [previous[matched[column]]]
        elif made[largest, column] > MAJORITY:
            status, of = "split", [previous[largest]]
        elif parents:
            status, of = "merged", [previous[row] for row in parents]
        else:
            status, of = "new", []
        near = round(float(similar[:, column].max()), DECIMALS)
        found.append(Descent(id=identifier, status=status, of=tuple(sorted(of)), jaccard=near))
    return found


def fates(table: Floats, matched: dict[int, int], previous: Sequence[Segment], present: Sequence[int]) -> list[Fate]:
    """What became of each previous segment: exactly one thing.

    One that did not survive is `split` if it makes up more than half of some new segment; else `merged` if some new
    segment took half of it or more; else `retired`.

    Parameters
    ----------
    table, matched
        As for `descents`.
    previous
        The previous model's clusters, which are the first rows.
    present
        Ids of the columns.

    Returns
    -------
    list of Fate
        One per previous cluster.
    """
    given, made, heirs = _of_rows(table), _of_columns(table), {old: new for new, old in matched.items()}
    found = []
    for row, segment in enumerate(previous):
        status: Literal["survived", "split", "merged", "retired"]
        pieces = set(np.flatnonzero((made[row] > MAJORITY) & (table[row] > 0)).tolist()) - {heirs.get(row, -1)}
        takers = set(np.flatnonzero(given[row] >= NOTABLE).tolist())
        if row in heirs:
            status, into = "survived", {heirs[row]} | pieces | takers
        elif pieces:
            status, into = "split", pieces | takers
        elif given[row].max() >= MAJORITY:
            status, into = "merged", takers
        else:
            status, into = "retired", set()
        ids = tuple(sorted(present[column] for column in into))
        found.append(Fate(id=segment.id, name=segment.name, status=status, into=ids))
    return found


def migration(
    table: Floats, revenue: Floats | None, before: Sequence[int], after: Sequence[int]
) -> tuple[Migration, ...]:
    """A table of customers as it may be published: in tens, nothing told of fewer than 10.

    Parameters
    ----------
    table
        Customers by segment before and after, shape (r, c).
    revenue
        The sum of what they are worth, likewise; None where that is not known.
    before, after
        Ids of rows and columns.

    Returns
    -------
    tuple of Migration
        Without empty cells.
    """
    total = 0.0 if revenue is None else float(revenue.sum())
    cells = []
    for row, column in np.argwhere(table > 0).tolist():
        told = table[row, column] >= SMALLEST_GROUP
        share = float(revenue[row, column]) / total if told and revenue is not None and total > 0 else None
        cells.append(
            Migration(
                before=before[row],
                after=after[column],
                customers=int(in_tens(table[row, column])) if told else None,
                # To a thousandth: the worth of customers, not of one of them.
                revenue_share=None if share is None else round(share, 3),
            )
        )
    return tuple(cells)


def moved(table: Floats, before: Sequence[int], after: Sequence[int], *, exact: bool = False) -> float:
    """Share of customers whose segment has another id after.

    Parameters
    ----------
    table, before, after
        As for `migration`.
    exact
        For what is decided, not for what is published.

    Returns
    -------
    float
        0 to 1, customers counted in tens unless exact.
    """
    same = np.equal.outer(np.asarray(before), np.asarray(after))
    gone = float(table[~same].sum())
    return min(1.0, (gone if exact else in_tens(gone)) / float(table.sum()))


def in_tens(customers: float) -> float:
    """A number of customers to the nearest ten."""
    return round(customers / TENS) * TENS


def unrelated(
    predecessor: str | None, why: str, customers: int, previous: Sequence[Segment], present: Sequence[int]
) -> Lineage:
    """The lineage of a model whose predecessor could not be asked, or was left on purpose: everything is new.

    Parameters
    ----------
    predecessor, why, customers
        See `Lineage`.
    previous
        Clusters of the previous model.
    present
        Ids of the new one's.

    Returns
    -------
    Lineage
        Without numbers.
    """
    return Lineage(
        predecessor=predecessor,
        why=why,
        customers=customers,
        segments=tuple(Descent(id=each, status="new", of=(), jaccard=0.0) for each in present),
        previous=tuple(Fate(id=each.id, name=each.name, status="retired", into=()) for each in previous),
        moved_by_model=None,
        moved_by_customers=None,
        model_changed=(),
        customers_moved=(),
    )


def ids(segments: Sequence[Segment | RuleSegment]) -> list[int]:
    """Ids, in the segments' order."""
    return [segment.id for segment in segments]


def _of_rows(table: Floats) -> Floats:
    """Share of each previous segment that went to each new one."""
    sums = table.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(table, sums, out=np.zeros_like(table), where=sums > 0), dtype=np.float64)


def _of_columns(table: Floats) -> Floats:
    """Share of each new segment that came from each previous one."""
    sums = table.sum(axis=0, keepdims=True)
    return np.asarray(np.divide(table, sums, out=np.zeros_like(table), where=sums > 0), dtype=np.float64)
