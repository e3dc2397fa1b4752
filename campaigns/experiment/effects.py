"""What the arms did: pooled over segments, in each segment, and whether segments differ.

Everything follows from one regression of the metric on every segment's every arm, with errors that allow each its own
variance (HC2); its estimates are the cells' means and its covariance is diagonal, so that counts, means and variances
are all it takes, however many customers there are. Tests compare it with statsmodels' regression on the customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from statsmodels.base.model import LikelihoodModelResults
from statsmodels.regression.linear_model import OLS

from campaigns.errors import ExperimentError
from campaigns.experiment.cells import Cell
from campaigns.experiment.comparisons import Effect, corrected, lift, means, proportions
from campaigns.experiment.plan import Plan
from segmentation.errors import UnusableDataError
from segmentation.scoring import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Heterogeneity:
    """Whether the effect of an arm differs between segments: the interaction of arm and segment.

    Parameters
    ----------
    arm
        Which.
    statistic, degrees, residual_degrees, p
        Of the F test; p None where fewer than two segments can be compared.
    """

    arm: str
    statistic: float | None
    degrees: int
    residual_degrees: int
    p: float | None


class Regression:
    """The saturated regression on segments and arms, out of its cells.

    Parameters
    ----------
    cells
        Of the strata in which every arm has two customers or more.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = tuple(cells)
        means = np.array([cell.mean for cell in cells])
        variances = np.array([cell.variance / cell.customers for cell in cells])
        self.covariance = np.diag(variances)
        self.customers = np.array([cell.customers for cell in cells], dtype=np.float64)
        model = OLS(means, np.eye(len(cells)))
        self.results = LikelihoodModelResults(model, means, normalized_cov_params=self.covariance, scale=1.0)
        self.residual_degrees = int(self.customers.sum()) - len(cells)
        self.results.df_resid = self.results.df_resid_inference = self.residual_degrees

    def weights(self, arm: str) -> Floats:
        """Of the cells, in the mean of an arm over all segments: the segments' shares of all customers."""
        total: dict[int, float] = {}
        for cell in self.cells:
            total[cell.segment_id] = total.get(cell.segment_id, 0.0) + cell.customers
        everybody = self.customers.sum()
        return np.array([total[cell.segment_id] / everybody if cell.arm == arm else 0.0 for cell in self.cells])


def pooled(plan: Plan, cells: Sequence[Cell]) -> tuple[Effect, ...]:
    """The effect of each arm over all segments.

    Parameters
    ----------
    plan
        Arms and level.
    cells
        What came of them.

    Returns
    -------
    tuple of Effect
        By arm, corrected by Holm's procedure where there are several.

    Raises
    ------
    UnusableDataError
        The metric is the same for every customer.
    """
    experiment = plan.experiment
    regression = Regression(usable(plan, cells))
    control = regression.weights(experiment.control)
    found = []
    for arm in experiment.treatments:
        weights = regression.weights(arm)
        test = regression.results.t_test(weights - control, use_t=True)
        error = float(np.squeeze(test.sd))
        if error == 0:
            raise UnusableDataError(
                "the metric is the same for every customer of an arm", hint="check the file of outcomes and its column"
            )
        low, high = test.conf_int(experiment.analysis.alpha)[0]
        params = regression.results.params
        relative = lift(params, regression.covariance, control, weights, experiment.analysis.alpha)
        found.append(
            Effect(
                arm=arm,
                segment_id=None,
                segment_name="all segments",
                control_customers=_of(regression.cells, experiment.control),
                customers=_of(regression.cells, arm),
                control_mean=float(control @ params),
                mean=float(weights @ params),
                effect=float(np.squeeze(test.effect)),
                low=float(low),
                high=float(high),
                lift=relative[0],
                lift_low=relative[1],
                lift_high=relative[2],
                p=float(test.pvalue),
                adjusted=any(cell.adjusted for cell in regression.cells),
            )
        )
    return corrected(found, experiment.analysis.alpha)


def by_segment(plan: Plan, cells: Sequence[Cell]) -> tuple[Effect, ...]:
    """The effect of each arm in each segment.

    Parameters
    ----------
    plan
        Arms, level, and which segments are tested on their own.
    cells
        What came of them.

    Returns
    -------
    tuple of Effect
        By segment and arm. Those of the plan's own segments are one family, corrected together.
    """
    experiment, alpha = plan.experiment, plan.experiment.analysis.alpha
    there = {(cell.segment_id, cell.arm): cell for cell in usable(plan, cells)}
    family: list[Effect] = []
    others: list[Effect] = []
    for segment in plan.segments:
        for arm in experiment.treatments:
            if (segment.id, arm) not in there:
                continue
            control, treated = there[segment.id, experiment.control], there[segment.id, arm]
            compare = proportions if experiment.metric.kind == "proportion" and not treated.adjusted else means
            effect = replace(compare(control, treated, alpha), segment_name=segment.name)
            (family if segment.alone else others).append(effect)
    order = {segment.id: at for at, segment in enumerate(plan.segments)}
    return tuple(sorted([*corrected(family, alpha), *others], key=lambda effect: order[effect.segment_id or 0]))


def heterogeneity(plan: Plan, cells: Sequence[Cell]) -> tuple[Heterogeneity, ...]:
    """Whether segments differ in what an arm did.

    Parameters
    ----------
    plan
        Arms.
    cells
        What came of them.

    Returns
    -------
    tuple of Heterogeneity
        By arm; segments without any variance have nothing to compare.
    """
    found = []
    regression = Regression(usable(plan, cells))
    control = plan.experiment.control
    position = {(cell.segment_id, cell.arm): at for at, cell in enumerate(regression.cells)}
    for arm in plan.experiment.treatments:
        contrasts = []
        for segment in plan.segments:
            pair = [position[segment.id, other] for other in (arm, control) if (segment.id, other) in position]
            if len(pair) < 2 or not any(regression.cells[at].variance for at in pair):
                continue
            row = np.zeros(len(regression.cells))
            row[pair] = 1.0, -1.0
            contrasts.append(row)
        degrees = len(contrasts) - 1
        if degrees < 1:
            found.append(Heterogeneity(arm=arm, statistic=None, degrees=0, residual_degrees=0, p=None))
            continue
        test = regression.results.wald_test(np.array(contrasts[1:]) - contrasts[0], use_f=True, scalar=True)
        found.append(
            Heterogeneity(
                arm=arm,
                statistic=float(test.statistic),
                degrees=degrees,
                residual_degrees=regression.residual_degrees,
                p=float(test.pvalue),
            )
        )
    return tuple(found)


def usable(plan: Plan, cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """Cells of the segments in which every arm can be measured.

    Parameters
    ----------
    plan
        Arms and segments.
    cells
        All.

    Returns
    -------
    tuple of Cell
        Of segments where every arm has two customers or more.

    Raises
    ------
    ExperimentError
        There is no such segment.
    """
    enough = [
        segment.id
        for segment in plan.segments
        if sum(cell.segment_id == segment.id and cell.customers > 1 for cell in cells) == len(plan.experiment.arms)
    ]
    if not enough:
        raise ExperimentError("no segment has two customers in every arm", hint="wait for more outcomes")
    return tuple(cell for cell in cells if cell.segment_id in enough)


def _of(cells: Sequence[Cell], arm: str) -> int:
    return sum(cell.customers for cell in cells if cell.arm == arm)
