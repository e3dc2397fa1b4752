"""Are the arms of the sizes that they should be? Asked first: where they are not, no effect is to be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from campaigns.experiment.cells import Cell
from campaigns.experiment.plan import Plan

LEVEL = 0.001
"""Below it, the arms are not as planned: once in a thousand sound experiments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioTest:
    """One chi-square test of the arms' sizes.

    Parameters
    ----------
    name
        `arms`: sizes against the planned shares; `arms_by_segment`: the same in every segment; `lost`: members who
        could not be analysed, between arms.
    statistic, degrees, p
        Of the test.
    """

    name: str
    statistic: float
    degrees: int
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio:
    """Whether the arms are of the sizes that they should be.

    Parameters
    ----------
    analysed, lost
        Members by arm.
    tests
        What was asked.
    matches
        Whether no test is below `LEVEL`.
    """

    analysed: dict[str, int]
    lost: dict[str, int]
    tests: tuple[RatioTest, ...]
    matches: bool


def check_ratio(plan: Plan, cells: Sequence[Cell]) -> SampleRatio:
    """Compare the arms that are analysed with those that were planned.

    Parameters
    ----------
    plan
        Shares, and how many members each arm was given.
    cells
        What is analysed: at least one customer in each arm.

    Returns
    -------
    SampleRatio
        With the tests that can be made.

    References
    ----------
    Fabijan and others (2019), "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments".
    """
    arms = list(plan.experiment.arms)
    segments = [segment.id for segment in plan.segments]
    found = {(cell.segment_id, cell.arm): cell.customers for cell in cells}
    table = np.array([[found.get((segment, arm), 0) for arm in arms] for segment in segments], dtype=np.float64)
    given = np.array([[segment.members[arm] for arm in arms] for segment in plan.segments], dtype=np.float64)
    shares = np.array(list(plan.experiment.arms.values()))
    analysed, lost = table.sum(axis=0), (given - table).sum(axis=0)
    tests = [_fit("arms", analysed, analysed.sum() * shares, 0)]
    there = table.sum(axis=1) > 0
    if there.sum() > 1:
        expected = table[there].sum(axis=1, keepdims=True) * shares
        tests.append(_fit("arms_by_segment", table[there].ravel(), expected.ravel(), int(there.sum()) - 1))
    if lost.sum() > 0:
        result = stats.chi2_contingency(np.array([analysed, lost]), correction=False)
        tests.append(
            RatioTest(name="lost", statistic=float(result.statistic), degrees=int(result.dof), p=float(result.pvalue))
        )
    return SampleRatio(
        analysed={arm: int(count) for arm, count in zip(arms, analysed, strict=True)},
        lost={arm: int(count) for arm, count in zip(arms, lost, strict=True)},
        tests=tuple(tests),
        matches=all(test.p >= LEVEL for test in tests),
    )


def _fit(name: str, observed: np.ndarray, expected: np.ndarray, given: int) -> RatioTest:
    """Chi-square of counts; `given` of its totals are fixed besides their sum."""
    result = stats.chisquare(observed, expected, ddof=given)
    return RatioTest(
        name=name, statistic=float(result.statistic), degrees=len(observed) - 1 - given, p=float(result.pvalue)
    )
