"""Rule segments: customers whom a condition puts in a segment before the model is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.errors import InconsistentModelError
from segmentation.scoring import Floats

NO_RULE = -1

FIRST_ID = 1000
"""Ids of rule segments begin here, so that no number of clusters ever meets them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition on one feature.

    Parameters
    ----------
    feature
        Name of a feature of the model.
    at_least, below
        It holds for at_least <= value < below; None leaves that side open.
    """

    feature: str
    at_least: float | None = None
    below: float | None = None

    def __str__(self) -> str:
        low = "" if self.at_least is None else f"{self.at_least:g} <= "
        high = "" if self.below is None else f" < {self.below:g}"
        return f"{low}{self.feature}{high}"


def first_match(rules: Sequence[Sequence[Condition]], names: Sequence[str], rows: Floats) -> npt.NDArray[np.int64]:
    """Which rule takes each customer: the first all of whose conditions hold.

    Parameters
    ----------
    rules
        Conditions of each rule; a rule without conditions takes nobody.
    names
        Names of the features, in the order of the columns.
    rows
        float64, shape (n, d), finite.

    Returns
    -------
    ndarray
        Position of the rule, or `NO_RULE`; int64, shape (n,).

    Raises
    ------
    InconsistentModelError
        A condition is on a feature that is not among the names.
    """
    taken = np.full(len(rows), NO_RULE, dtype=np.int64)
    for position, conditions in enumerate(rules):
        holds = np.full(len(rows), bool(conditions))
        for condition in conditions:
            if condition.feature not in names:
                raise InconsistentModelError(
                    f"a rule segment asks for {condition.feature!r}, which the model has not",
                    hint="publish the model again",
                )
            values = rows[:, list(names).index(condition.feature)]
            if condition.at_least is not None:
                holds &= values >= condition.at_least
            if condition.below is not None:
                holds &= values < condition.below
        taken[holds & (taken == NO_RULE)] = position
    return taken
