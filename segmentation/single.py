"""One customer to a segment: the arithmetic of `assignment.assign` without arrays of rows, several times faster."""

from collections.abc import Sequence
from math import inf, log1p, nan, sqrt

import numpy as np

from segmentation.rules import NO_RULE, Condition
from segmentation.scoring import Arrays

Answer = tuple[int, int, float, float]
"""Position of the segment, rule segments after all others (as in `card.all_segments`); position of the runner-up, -1
after a rule; distance; margin."""


class SingleScorer:
    """A model for one customer at a time.

    Parameters
    ----------
    arrays
        The model.
    names
        Its features, in order.
    rules
        Conditions of each of its rule segments, in order.
    """

    def __init__(self, arrays: Arrays, names: Sequence[str] = (), rules: Sequence[Sequence[Condition]] = ()) -> None:
        k = len(arrays.centroids)
        # A rule without conditions takes nobody.
        self._rules = [
            (
                k + position,
                [
                    (
                        list(names).index(condition.feature),
                        -inf if condition.at_least is None else condition.at_least,
                        inf if condition.below is None else condition.below,
                    )
                    for condition in conditions
                ],
            )
            for position, conditions in enumerate(rules)
            if conditions
        ]
        bounds = zip(arrays.lower.tolist(), arrays.upper.tolist(), strict=True)
        self._winsorised = [
            (feature, lower, upper) for feature, (lower, upper) in enumerate(bounds) if (lower, upper) != (-inf, inf)
        ]
        self._logged = np.flatnonzero(arrays.log_mask).tolist()
        # y - c for all centroids at once: x @ [M … M] + [b - c_1 … b - c_k].
        self._matrix = np.ascontiguousarray(np.tile(arrays.matrix, k))
        self._offset = (arrays.offset - arrays.centroids).ravel()
        self._shape = arrays.centroids.shape

    def assign(self, values: Sequence[float]) -> Answer:
        """Find the customer's segment.

        Parameters
        ----------
        values
            Finite, d of them, in the model's order.

        Returns
        -------
        tuple of int, int, float, float
            See `Answer`; distance and margin as in `scoring.Scores`, NaN for a customer whom a rule takes. Rounding may
            differ from `assignment.assign` in the last digits, and so may the segment of who stands on a border.
        """
        for position, conditions in self._rules:
            for feature, at_least, below in conditions:
                value = values[feature]
                if value < at_least or value >= below:
                    break
            else:
                return position, NO_RULE, nan, nan
        # For so few numbers numpy's calls cost more than they compute.
        inside = list(values)
        for feature, lower, upper in self._winsorised:
            value = inside[feature]
            if value < lower:
                inside[feature] = lower
            elif value > upper:
                inside[feature] = upper
        for feature in self._logged:
            inside[feature] = log1p(inside[feature])
        differences = np.array(inside).dot(self._matrix)
        differences += self._offset
        table = differences.reshape(self._shape)
        squared: list[float] = np.vecdot(table, table).tolist()
        near = min(squared)
        nearest = squared.index(near)
        squared[nearest] = inf
        far = min(squared)
        distance, further = sqrt(near), sqrt(far)
        # Two centroids in one place are a tie for everyone on them: margin 0, not 0/0.
        return nearest, squared.index(far), distance, 1.0 - distance / further if further > 0 else 0.0
