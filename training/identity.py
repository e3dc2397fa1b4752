"""Segments keep their ids across retrainings: which new segment is which previous one, and what the others are called.

Both models are asked about the same customers on the same day, so that what is compared is the models and not what the
customers did in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segmentation.rules import FIRST_ID
from segmentation.scoring import Floats
from segmentation.segment import Segment
from training.agreement import jaccard

SURVIVES = 0.5
"""Jaccard similarity from which on a segment is the same one."""

RULES_END = 2 * FIRST_ID
"""Ids from `FIRST_ID` to here are those of rule segments."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a segment is called.

    Parameters
    ----------
    id
        For as long as it survives retrainings.
    name, colour
        Those of the previous segment that it is; None for a new one, which gets its own.
    """

    id: int
    name: str | None = None
    colour: str | None = None


def match(table: Floats, clusters: tuple[int, int]) -> dict[int, int]:
    """Which new segment is which previous one: those whose Jaccard similarity of customers is at least a half.

    Two sets that share more than half of their union leave less than half for any other: such pairs never compete, and
    together are the optimal assignment of the pairs that may survive. Only exact halves can compete: a segment that
    falls into two equal parts, or is made of two, has no heir, since neither part has more of a claim. Where centroids
    lie is not asked: it could only decide between these.

    Parameters
    ----------
    table
        Customers by previous and new segment, rule segments last on both sides, shape (r, c).
    clusters
        How many of the rows, and of the columns, are clusters: only these are matched; rules have ids of their own.

    Returns
    -------
    dict of int to int
        Position of the previous segment by that of the new one; survivors only.

    References
    ----------
    Greene, Doyle, Cunningham (2010), "Tracking the evolution of communities in dynamic social networks", for Jaccard
    matching.
    """
    rows, columns = clusters
    alike = jaccard(table)[:rows, :columns] >= SURVIVES
    only = (alike.sum(axis=1, keepdims=True) == 1) & (alike.sum(axis=0, keepdims=True) == 1)
    return {int(new): int(old) for old, new in np.argwhere(alike & only)}


def identify(
    matched: dict[int, int], k: int, previous: Sequence[Segment], next_id: int
) -> tuple[tuple[Identity, ...], int]:
    """Ids of all segments: survivors keep theirs, new ones get what was never given.

    Parameters
    ----------
    matched
        From `match`.
    k
        Number of new segments.
    previous
        Segments of the previous model, in the order of its centroids; empty where there is none.
    next_id
        The first id that was never given.

    Returns
    -------
    identities
        One per new segment, in the present order of the centroids.
    next_id
        The first id that is free after them.
    """
    identities = []
    for position in range(k):
        if position in matched:
            heir = previous[matched[position]]
            identities.append(Identity(heir.id, heir.name, heir.colour))
            continue
        next_id = RULES_END if FIRST_ID <= next_id < RULES_END else next_id
        identities.append(Identity(next_id))
        next_id += 1
    return tuple(identities), next_id


def by_id(identities: Sequence[Identity]) -> list[int]:
    """The order in which segments stand in a model: that of their ids.

    Parameters
    ----------
    identities
        In the present order.

    Returns
    -------
    list of int
        Present positions, as `Fitted.reordered` takes them.
    """
    return sorted(range(len(identities)), key=lambda position: identities[position].id)
