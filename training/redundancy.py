"""Features that say what another says already: two of them would count twice in every distance."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

if TYPE_CHECKING:
    import pandas as pd

    from training.snapshot import Snapshot

ROWS = 200_000
"""Customers whose ranks are compared, at most: enough for the second decimal."""


def without_redundant(
    snapshot: Snapshot,
    limit: float | None,
    needed: Collection[str],
    seed: int,
    among: npt.NDArray[np.bool_] | None = None,
    before: Collection[str] = (),
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
    before
        Features of the live model. They go only half-way beyond the limit: one whose correlation is about the limit
        must not come and go with each training.

    Returns
    -------
    Snapshot
        With the reasons in `left_out`.
    """
    names = list(snapshot.customers.columns)
    if limit is None or len(names) < 2:
        return snapshot
    customers = snapshot.customers.to_numpy()
    correlation = _spearman(customers if among is None else customers[among], seed)
    kept: list[int] = []
    reasons: dict[str, str] = {}
    for column, name in enumerate(names):
        least = (1 + limit) / 2 if name in before else limit
        alike = [other for other in kept if abs(correlation[column, other]) >= least]
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


def rank_correlation(customers: pd.DataFrame, seed: int) -> tuple[tuple[float, ...], ...]:
    """Rank correlation of each two features.

    Parameters
    ----------
    customers
        One row per customer, float64; columns are features.
    seed
        Of the choice of customers where there are more than 200,000.

    Returns
    -------
    tuple of tuple of float
        Symmetric, -1 to 1, to three decimals; 0 for a feature that is the same for everybody.

    References
    ----------
    Spearman (1904), "The proof and measurement of association between two things".
    """
    return tuple(tuple(row) for row in _spearman(customers.to_numpy(), seed).round(3).tolist())


def _spearman(customers: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float64]:
    if len(customers) > ROWS:
        customers = customers[np.sort(np.random.default_rng(seed).permutation(len(customers))[:ROWS])]
    ranks = np.column_stack([rankdata(customers[:, column]) for column in range(customers.shape[1])])
    spread = ranks.std(axis=0)
    standardised = (ranks - ranks.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return np.asarray(standardised.T @ standardised / len(ranks), dtype=np.float64)
