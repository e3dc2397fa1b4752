"""One customer to a segment: the arithmetic of `assignment.assign` without arrays of rows, several times faster."""

from collections.abc import Sequence
from math import inf, log1p, nan, sqrt
from struct import Struct

import numpy as np

from segmentation.rules import NO_RULE, Condition
from segmentation.scoring import Arrays

Answer = tuple[int, int, float, float, float]
"""Position of the segment, rule segments after all others (as in `card.all_segments`); position of the runner-up, -1
after a rule; distance; margin; residual."""


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
        matrix = np.tile(arrays.matrix, k)
        offset = (arrays.offset - arrays.centroids).ravel()
        width, self._k = arrays.centroids.shape[1], k
        self._outside = arrays.residual_matrix.shape[1] > 0
        if self._outside:
            # What PCA loses comes as more rows of the same table, filled up with zeros: one product
            # and one sum of squares for all.
            rows = -(-arrays.residual_matrix.shape[1] // width)
            more, shift = np.zeros((len(arrays.matrix), rows * width)), np.zeros(rows * width)
            more[:, : arrays.residual_matrix.shape[1]] = arrays.residual_matrix
            shift[: len(arrays.residual_offset)] = arrays.residual_offset
            matrix = np.hstack([matrix, more])
            offset = np.concatenate([offset, shift])
        # The offset as one more row, for a value of 1: less work than to add it afterwards.
        self._matrix = np.vstack([matrix, offset])
        self._pack = Struct(f"{len(self._matrix)}d").pack
        self._shape = (-1, width)

    def assign(self, values: Sequence[float]) -> Answer:
        """Find the customer's segment.

        Parameters
        ----------
        values
            Finite, d of them, in the model's order.

        Returns
        -------
        tuple of int, int, float, float, float
            See `Answer`; distance, margin and residual as in `scoring.Scores`, NaN for a customer whom a rule takes.
            Rounding may differ from `assignment.assign` in the last digits, and so may the segment of who stands on a
            border.
        """
        for position, conditions in self._rules:
            for feature, at_least, below in conditions:
                value = values[feature]
                if value < at_least or value >= below:
                    break
            else:
                return position, NO_RULE, nan, nan, nan
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
        table = np.frombuffer(self._pack(*inside, 1.0)).dot(self._matrix).reshape(self._shape)
        squared: list[float] = np.vecdot(table, table).tolist()
        residual = 0.0
        if self._outside:
            residual = sum(squared[self._k :])
            del squared[self._k :]
        near = min(squared)
        nearest = squared.index(near)
        squared[nearest] = inf
        far = min(squared)
        distance, further = sqrt(near), sqrt(far)
        # Two centroids in one place are a tie for everyone on them: margin 0, not 0/0.
        margin = 1.0 - distance / further if further > 0 else 0.0
        return nearest, squared.index(far), distance, margin, residual
