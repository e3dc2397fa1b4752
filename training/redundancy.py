"""Features that say what another says already: two of them would count twice in every distance."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

if TYPE_CHECKING:
    from training.snapshot import Snapshot

ROWS = 200_000
"""Customers whose ranks are compared, at most: enough for the second decimal."""


def without_redundant(
    snapshot: Snapshot,
    limit: float | None,
    needed: Collection[str],
    seed: int,
    among: npt.NDArray[np.bool_] | None = None,
) -> Snapshot:
    """Leave out each feature whose rank correlation with an earlier one reaches a limit.

    Of customers with one order the first order is also the last: where nearly all are such, tenure is recency again,
    and clusters would be halves of the calendar.

    Parameters
    ----------
    snapshot
        The customers.
    limit
        Absolute rank correlation, 0 to 1; None leaves all features in.
    needed
        Features that stay whatever they say.
    among
        The customers who are clustered, bool, shape (n,); None: all.
    seed
        Of the choice of customers where there are more than 200,000.

    Returns
    -------
    Snapshot
        With the reasons in `left_out`.

    References
    ----------
    Spearman (1904), "The proof and measurement of association between two things".
    """
    names = list(snapshot.customers.columns)
    if limit is None or len(names) < 2:
        return snapshot
    customers = snapshot.customers.to_numpy()
    customers = customers if among is None else customers[among]
    if len(customers) > ROWS:
        customers = customers[np.sort(np.random.default_rng(seed).permutation(len(customers))[:ROWS])]
    ranks = np.column_stack([rankdata(customers[:, column]) for column in range(len(names))])
    spread = ranks.std(axis=0)
    standardised = (ranks - ranks.mean(axis=0)) / np.where(spread > 0, spread, 1)
    correlation = standardised.T @ standardised / len(ranks)
    kept: list[int] = []
    reasons: dict[str, str] = {}
    for column, name in enumerate(names):
        alike = [other for other in kept if abs(correlation[column, other]) >= limit]
        if alike and name not in needed:
            reasons[name] = (
                f"it says what {names[alike[0]]} says (rank correlation {correlation[column, alike[0]]:.2f})"
            )
        else:
            kept.append(column)
    if not reasons:
        return snapshot
    return replace(
        snapshot,
        customers=snapshot.customers[[names[column] for column in kept]],
        features=tuple(feature for feature in snapshot.features if feature.name not in reasons),
        fills={name: value for name, value in snapshot.fills.items() if name not in reasons},
        lacking={name: count for name, count in snapshot.lacking.items() if name not in reasons},
        left_out=snapshot.left_out | reasons,
    )
