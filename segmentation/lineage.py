"""What became of the segments of the previous model, and whether the new one may take its place."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """Where a segment comes from.

    Parameters
    ----------
    id
        Of the segment.
    status
        survived: it is a segment of the previous model, with its id, name and colour; split: most of its customers
        were in one previous segment that did not stay whole; merged: it is made of several, and took half or more of
        those named; new: of none.
    of
        Ids of the previous segments that it came from: itself, the one that was split, or those that were merged.
    jaccard
        Of its customers with those of the previous segment most like it, both models asked on the same snapshot; to two
        decimals.
    """

    id: int
    status: Literal["survived", "split", "merged", "new"]
    of: tuple[int, ...]
    jaccard: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a segment of the previous model.

    Parameters
    ----------
    id, name
        Of the previous segment.
    status
        survived; split: it makes up most of segments that are not it; merged: a segment that is mostly made of others
        took half of it or more; retired: its customers are scattered.
    into
        Ids: of itself, of what it makes up most of, of what took a quarter of it or more. Empty for a retired one.
    """

    id: int
    name: str
    status: Literal["survived", "split", "merged", "retired"]
    into: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Customers who are in one segment before and in another, or the same, after.

    Parameters
    ----------
    before, after
        Ids.
    customers
        Rounded to tens; None for fewer than 10.
    revenue_share
        Their share of the revenue of all; None for fewer than 10, or where the model has no revenue.
    """

    before: int
    after: int
    customers: int | None
    revenue_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """From the previous model to this one.

    Parameters
    ----------
    predecessor
        Version of the previous model; None where ids were begun anew on purpose.
    why
        Why nothing could be compared; empty where it was.
    customers
        Who were compared: those of the snapshot that this model was made of.
    segments, previous
        Where each segment comes from; what became of each previous one.
    moved_by_model
        Share of customers who are in another segment because the model changed: both models asked on this snapshot;
        customers counted in tens. None where the previous model could not be asked.
    moved_by_customers
        Share of customers who are in another segment because they changed: the previous model asked on its own
        snapshot and on this one; None where the data have no time, or do not reach back.
    model_changed, customers_moved
        The same as migration matrices, empty cells left out.
    """

    predecessor: str | None
    why: str
    customers: int
    segments: tuple[Descent, ...]
    previous: tuple[Fate, ...]
    moved_by_model: float | None
    moved_by_customers: float | None
    model_changed: tuple[Migration, ...]
    customers_moved: tuple[Migration, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question of the gate.

    Parameters
    ----------
    name
        For scripts, such as `silhouette`.
    passed
        Whether the model may pass.
    value, limit
        What was measured and what it was held against; None where there is no number.
    says
        In words.
    """

    name: str
    passed: bool
    value: float | None
    limit: float | None
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate said.

    Parameters
    ----------
    predecessor
        Version of the model that was live; None where there was none, and absolute floors decide.
    passed
        Whether all checks did.
    checks
        In their order.
    """

    predecessor: str | None
    passed: bool
    checks: tuple[Check, ...]
