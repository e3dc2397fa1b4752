"""Two divisions of the same customers by how well they separate them, customer by customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from segmentation.scoring import Floats
from training.silhouette import samples

ROWS = 10_000
"""Customers compared, at most: their error is some thousandths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Silhouettes of two divisions of the same customers.

    Parameters
    ----------
    new, old
        Means over customers and spaces.
    standard_error
        Of their difference, customer by customer: smaller than that of either, since what is hard for one division is
        mostly hard for the other.
    rows
        Customers compared.
    """

    new: float
    old: float
    standard_error: float
    rows: int


def compare(spaces: Sequence[Floats], new: npt.NDArray[np.int64], old: npt.NDArray[np.int64]) -> Paired:
    """Compare two divisions in several spaces, and take the mean over these.

    A division looks best in the space that it was made in. In the mean of both models' spaces neither is at home.

    Parameters
    ----------
    spaces
        The same customers in each, float64, shapes (n, p).
    new, old
        Segment of each, int64, shape (n,).

    Returns
    -------
    Paired
        A division that puts all these customers in one segment has silhouette 0.
    """
    silhouettes = [np.mean([_samples(space, labels) for space in spaces], axis=0) for labels in (new, old)]
    difference = silhouettes[0] - silhouettes[1]
    return Paired(
        new=float(silhouettes[0].mean()),
        old=float(silhouettes[1].mean()),
        standard_error=float(difference.std(ddof=1)) / sqrt(len(difference)) if len(difference) > 1 else 0.0,
        rows=len(difference),
    )


def _samples(space: Floats, labels: npt.NDArray[np.int64]) -> Floats:
    present, dense = np.unique(labels, return_inverse=True)
    return samples(space, dense.astype(np.int64)) if len(present) > 1 else np.zeros(len(labels))
