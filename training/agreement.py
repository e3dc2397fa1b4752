"""How far two divisions of the same customers agree."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from segmentation.scoring import Floats

Ints = npt.NDArray[np.int64]


def overlap(one: Ints, other: Ints, rows: int, columns: int, weights: Floats | None = None) -> Floats:
    """Customers in each group of one division and each group of the other.

    Parameters
    ----------
    one, other
        Group of each customer, int64, shape (n,): 0 to rows-1, and 0 to columns-1.
    rows, columns
        Numbers of groups.
    weights
        What each customer counts, float64, shape (n,); None: one.

    Returns
    -------
    ndarray
        float64, shape (rows, columns).
    """
    counted = np.bincount(one * columns + other, weights=weights, minlength=rows * columns)
    return np.asarray(counted.reshape(rows, columns), dtype=np.float64)


def jaccard(table: Floats) -> Floats:
    """Jaccard similarity of each group of one division with each of the other.

    Parameters
    ----------
    table
        From `overlap`.

    Returns
    -------
    ndarray
        0 to 1, float64, of the table's shape; 0 for two empty groups.
    """
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
    return np.asarray(np.divide(table, union, out=np.zeros_like(table), where=union > 0), dtype=np.float64)


def adjusted_rand_index(table: Floats) -> float:
    """Agreement of two divisions beyond chance.

    Parameters
    ----------
    table
        Whole counts, from `overlap`.

    Returns
    -------
    float
        1 for the same division, about 0 for unrelated ones.

    References
    ----------
    Hubert and Arabie (1985), "Comparing partitions".
    """
    n = float(table.sum())
    pairs = _pairs(table).sum()
    rows, columns = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    expected = rows * columns / max(n * (n - 1) / 2, 1.0)
    most = (rows + columns) / 2
    # One group on both sides: they agree, and nothing is to be divided by.
    return 1.0 if most == expected else float((pairs - expected) / (most - expected))


def moved_share(table: Floats) -> float:
    """Share of customers who change groups, under the naming of groups that leaves most in place.

    Parameters
    ----------
    table
        From `overlap`.

    Returns
    -------
    float
        0 to 1.

    References
    ----------
    Kuhn (1955), "The Hungarian method for the assignment problem".
    """
    stay = table[linear_sum_assignment(table, maximize=True)].sum()
    return float(1 - stay / table.sum())


def _pairs(counts: Floats) -> Floats:
    return counts * (counts - 1) / 2
