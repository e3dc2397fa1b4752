"""From the plan and the outcomes to what an experiment says: in a fixed order, and nothing that was not planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from campaigns.errors import PlanMismatchError, SampleRatioError, TooEarlyError
from campaigns.experiment.cells import Adjustment, Cell
from campaigns.experiment.comparisons import Effect
from campaigns.experiment.effects import Heterogeneity, by_segment, heterogeneity, pooled, usable
from campaigns.experiment.outcomes import Outcomes
from campaigns.experiment.plan import Plan, PlannedSegment, digest
from campaigns.experiment.sample_ratio import LEVEL, SampleRatio, check_ratio
from campaigns.experiment.skewness import skewed
from segmentation.clock import iso

Outcome = Literal["better", "worse", "no lift worth having", "not decided", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be said of an arm.

    Parameters
    ----------
    arm
        Which.
    outcome
        `better` or `worse` than the control, by a significant pooled effect; `no lift worth having`: the interval ends
        below it; `not decided`: neither; `none`: the experiment allows no decision.
    says
        The same in a sentence.
    """

    arm: str
    outcome: Outcome
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What an experiment says.

    Parameters
    ----------
    experiment, plan
        Its name, and the SHA-256 of the plan that was followed.
    analysed_at
        ISO 8601, UTC.
    peeked_days
        Days before the planned end that it was looked at; 0 for an analysis as planned.
    outcomes
        What the file held.
    sample_ratio
        Whether the arms are of the sizes that they should be.
    covariate, adjustments
        What was planned, and what it did in each segment.
    pooled, heterogeneity, segments
        Effects over all segments, whether they differ, and the effects in each.
    decisions
        By arm.
    notes
        What else must be known.
    """

    experiment: str
    plan: str
    analysed_at: str
    peeked_days: int
    outcomes: Outcomes
    sample_ratio: SampleRatio
    covariate: str | None
    adjustments: tuple[Adjustment, ...]
    pooled: tuple[Effect, ...]
    heterogeneity: tuple[Heterogeneity, ...]
    segments: tuple[Effect, ...]
    decisions: tuple[Decision, ...]
    notes: tuple[str, ...]


def days_early(plan: Plan, now: datetime, *, peek: bool) -> int:
    """See that the planned end has come, before any outcome is looked at.

    Parameters
    ----------
    plan
        With the window.
    now
        UTC.
    peek
        Whether somebody asks for a look all the same.

    Returns
    -------
    int
        Days until the end; 0 when it has come.

    Raises
    ------
    TooEarlyError
        It has not, and nobody asks.
    """
    _, end = plan.experiment.window.bounds
    if now >= end:
        return 0
    early = (end - now).days + 1
    if not peek:
        raise TooEarlyError(
            f"the window of {plan.experiment.name!r} ends on {plan.experiment.window.ends}, in {early} days",
            hint="looking early finds lifts that are not there; wait, or give --peek: the result will say so",
        )
    return early


def analyse(
    plan: Plan,
    outcomes: Outcomes,
    cells: Sequence[Cell],
    adjustments: tuple[Adjustment, ...],
    now: datetime,
    *,
    early: int = 0,
    peek: bool = False,
    despite_mismatch: bool = False,
) -> Analysis:
    """Follow the plan: the arms' sizes, the pooled effect, then the segments.

    Parameters
    ----------
    plan
        As it was frozen.
    outcomes, cells, adjustments
        What the file held.
    now
        UTC.
    early
        From `days_early`.
    peek
        Whether somebody asks for a look; then nothing is decided, whatever the day.
    despite_mismatch
        Whether to go on although the arms are not of the sizes that they should be; then nothing is decided.

    Returns
    -------
    Analysis
        What it says.

    Raises
    ------
    PlanMismatchError
        An arm is missing.
    SampleRatioError
        The arms are not of the sizes that they should be.
    """
    for arm in plan.experiment.arms:
        if not any(cell.arm == arm for cell in cells):
            raise PlanMismatchError(
                f"no customer of the arm {arm!r} has an outcome", hint="give the outcomes of all arms in one file"
            )
    ratio = check_ratio(plan, cells)
    if not ratio.matches and not despite_mismatch:
        sizes = ", ".join(f"{arm} {count:,}" for arm, count in ratio.analysed.items())
        worst = min(test.p for test in ratio.tests)
        raise SampleRatioError(
            f"the arms are not of the sizes that they should be: {sizes} (chi-square p = {worst:.1g}, below {LEVEL})",
            hint="find out who is missing and why; --despite-mismatch shows the effects, and decides nothing",
        )
    effects = pooled(plan, cells)
    return Analysis(
        experiment=plan.experiment.name,
        plan=digest(plan),
        analysed_at=iso(now),
        peeked_days=early,
        outcomes=outcomes,
        sample_ratio=ratio,
        covariate=plan.experiment.analysis.covariate,
        adjustments=adjustments,
        pooled=effects,
        heterogeneity=heterogeneity(plan, cells),
        segments=by_segment(plan, cells),
        decisions=tuple(_decision(plan, effect, early=early, peek=peek, sound=ratio.matches) for effect in effects),
        notes=_notes(plan, outcomes, cells, ratio, early),
    )


def _decision(plan: Plan, effect: Effect, *, early: int, peek: bool, sound: bool) -> Decision:
    experiment = plan.experiment
    arm, control = effect.arm, experiment.control
    if not sound:
        return Decision(arm=arm, outcome="none", says="Nothing is decided: the arms have sizes that they should not.")
    if early:
        return Decision(arm=arm, outcome="none", says=f"Nothing is decided: the window has {early} days to go.")
    if peek:
        return Decision(arm=arm, outcome="none", says="Nothing is decided: --peek only looks. Leave it out to decide.")
    worth = experiment.metric.smallest_lift * abs(effect.control_mean)
    ends = sorted((experiment.sign * effect.low, experiment.sign * effect.high))
    if effect.significant and ends[0] > 0:
        against = (
            "at least by the lift worth having"
            if ends[0] >= worth
            else "but by less than the lift worth having"
            if ends[1] < worth
            else "and the lift worth having lies within the interval"
        )
        return Decision(arm=arm, outcome="better", says=f"{arm} does better than {control}, {against}.")
    if effect.significant and ends[1] < 0:
        return Decision(arm=arm, outcome="worse", says=f"{arm} does worse than {control}.")
    if ends[1] < worth:
        return Decision(
            arm=arm,
            outcome="no lift worth having",
            says=f"{arm} does not differ from {control} by the lift worth having: the interval ends below it.",
        )
    return Decision(
        arm=arm,
        outcome="not decided",
        says=f"{arm} is not shown to differ from {control}, and the lift worth having is not ruled out.",
    )


def _notes(plan: Plan, outcomes: Outcomes, cells: Sequence[Cell], ratio: SampleRatio, early: int) -> tuple[str, ...]:
    notes = []
    if early:
        notes.append(
            f"Looked at {early} days before the planned end: error rates and intervals hold for one look at the end."
        )
    if not ratio.matches:
        notes.append("Sample ratio mismatch: whoever is missing may be the effect. No number below is to be believed.")
    last = plan.experiment.window.ends
    if outcomes.latest is not None and not early and outcomes.latest[:10] < last.isoformat():
        notes.append(f"The newest event of the file is of {outcomes.latest[:10]}; the window ends on {last}.")
    measured = {cell.segment_id for cell in usable(plan, cells)}
    left = [segment.name for segment in plan.segments if segment.id not in measured]
    if left:
        notes.append(f"Not measured, since an arm has fewer than two customers there: {', '.join(left)}.")
    notes += _skewed(plan, usable(plan, cells))
    if plan.experiment.metric.kind == "proportion" and min(_successes(cells, arm) for arm in plan.experiment.arms) < 10:
        notes.append("An arm has fewer than 10 customers with a 1: the pooled interval is a rough one.")
    return tuple(notes)


def _skewed(plan: Plan, cells: Sequence[Cell]) -> list[str]:
    def too_skewed(segment: PlannedSegment) -> bool:
        there = [cell for cell in cells if cell.segment_id == segment.id]
        # Of proportions that are not adjusted segments have tests that hold for rare events.
        t_tested = plan.experiment.metric.kind == "mean" or any(cell.adjusted for cell in there)
        return bool(there) and t_tested and skewed(there, plan.experiment.control)

    where = ["over all segments"] if skewed(cells, plan.experiment.control) else []
    names = [segment.name for segment in plan.segments if too_skewed(segment)]
    where += [f"in {', '.join(names)}"] if names else []
    if not where:
        return []
    return [
        f"The metric is skewed and one arm much smaller than the other: {' and '.join(where)} differences are found "
        f"where there are none more often than in {plan.experiment.analysis.alpha * 100:g} %. Arms of equal sizes mend "
        "that."
    ]


def _successes(cells: Sequence[Cell], arm: str) -> int:
    return sum(cell.successes for cell in cells if cell.arm == arm)
