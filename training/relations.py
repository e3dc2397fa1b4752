"""Whether features still go with the features that they went with: what a shuffled column loses, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from segmentation.scoring import Floats

TOLD = 0.3
"""Root of the sum of a feature's squared correlations, below which there is nothing to lose."""

SURELY = 3
"""Standard errors by which a loss must be beyond chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """How much of its relations to others a feature has kept.

    Parameters
    ----------
    feature
        Its name.
    kept
        Slope of its rank correlations now on those before, through the origin: 1 where they are the same, 0 where
        nothing is left, below it where they turned round.
    error
        Standard error of that, for the choice of customers.
    """

    feature: str
    kept: float
    error: float


def relations(
    names: Sequence[str], before: Floats, after: Floats, customers: tuple[int, int], least: float
) -> tuple[list[Relation], Relation | None]:
    """Find the features that surely kept less than a share of their relations, and the one that kept least.

    Two features that go together lose the same when either is shuffled. So the one that lost most is named first, and
    the others are looked at without it.

    Parameters
    ----------
    names
        Of the features, d of them.
    before, after
        Rank correlations, float64, shape (d, d).
    customers
        How many each was measured on.
    least
        The share that must be kept.

    Returns
    -------
    lost
        Those that kept less, beyond chance.
    weakest
        Of all others the one that kept least; None where no feature has relations to lose.
    """
    # The error of a rank correlation near 0 (Kendall and Gibbons 1990, "Rank correlation methods").
    noise = sqrt(1 / customers[0] + 1 / customers[1])
    present = list(range(len(names)))
    lost: list[Relation] = []
    while True:
        found = {column: _relation(names[column], before[column], after[column], present, column, noise)
                 for column in present}  # fmt: skip
        told = {column: relation for column, relation in found.items() if relation is not None}
        gone = [column for column, each in told.items() if each.kept + SURELY * each.error < least]
        if not gone:
            return lost, min(told.values(), key=lambda each: each.kept, default=None)
        others = np.array(present)
        worst = max(gone, key=lambda column: float(np.square(before - after)[column, others].sum()))
        lost.append(told[worst])
        present.remove(worst)


def _relation(
    name: str, before: Floats, after: Floats, present: Sequence[int], column: int, noise: float
) -> Relation | None:
    others = [other for other in present if other != column]
    strength = float(np.square(before[others]).sum())
    if strength < TOLD**2:
        return None
    kept = float(before[others] @ after[others]) / strength
    return Relation(feature=name, kept=kept, error=noise / sqrt(strength))
