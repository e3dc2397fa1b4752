"""Designs and analyses in the words and digits that tables, pictures and pages share."""

from __future__ import annotations

import math

from campaigns.experiment.analysis import Analysis
from campaigns.experiment.comparisons import Effect
from campaigns.experiment.design import Design, Prospect
from campaigns.experiment.plan import Plan
from campaigns.page import Table

LARGEST_SHOWN = 10.0
"""A relative lift from which more is said by words."""


def value(plan_kind: str, number: float) -> str:
    """A mean of the metric.

    Parameters
    ----------
    plan_kind
        `proportion` or `mean`.
    number
        The mean.

    Returns
    -------
    str
        3.02 % or 12.41.
    """
    return f"{number * 100:.2f} %" if plan_kind == "proportion" else f"{number:,.{_decimals(number)}f}"


def difference(plan_kind: str, number: float) -> str:
    """A difference of two means, with its sign.

    Parameters
    ----------
    plan_kind
        `proportion` or `mean`.
    number
        The difference.

    Returns
    -------
    str
        +0.31 pp (percentage points) or +1.20.
    """
    return f"{number * 100:+.2f} pp" if plan_kind == "proportion" else f"{number:+,.{_decimals(number)}f}"


def lift(number: float | None) -> str:
    """A relative lift.

    Parameters
    ----------
    number
        0.1 for 10 %; None where there is none.

    Returns
    -------
    str
        With its sign.
    """
    if number is None:
        return "-"
    return f"more than +{LARGEST_SHOWN:.0%}".replace("%", " %") if number > LARGEST_SHOWN else f"{number * 100:+.1f} %"


def chance(p: float | None) -> str:
    """A p-value.

    Parameters
    ----------
    p
        None where no test was made.

    Returns
    -------
    str
        Three decimals.
    """
    if p is None:
        return "-"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def p_words(p: float) -> str:
    """A p-value with its sign.

    Parameters
    ----------
    p
        0 to 1.

    Returns
    -------
    str
        p = 0.012, or p < 0.001.
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def design_table(design: Design, kind: str) -> Table:
    """What can be found, as a table.

    Parameters
    ----------
    design
        Pooled first.
    kind
        Of the metric.

    Returns
    -------
    Table
        One row per test.
    """
    return Table(
        "What the experiment can find",
        (
            "segment",
            "customers",
            "control",
            "smallest arm",
            "expected",
            "finds",
            "power",
            "needs",
            "tested alone",
        ),
        tuple(_prospect(row, kind) for row in (design.pooled, *design.segments)),
        frozenset(range(1, 8)),
    )


def effects_table(plan: Plan, effects: tuple[Effect, ...], caption: str, *, brief: bool = False) -> Table:
    """Effects as a table.

    Parameters
    ----------
    plan
        Says of what kind the metric is, and how sure the intervals are.
    effects
        Pooled or by segment.
    caption
        Of the table.
    brief
        Whether it is for a terminal: without numbers of customers, and with the corrected p-values alone.

    Returns
    -------
    Table
        One row per effect; p-values of tests that were planned.
    """
    sure = f"{100 * (1 - plan.experiment.analysis.alpha):g} % interval"
    kind = plan.experiment.metric.kind
    control = plan.experiment.control
    headings = (
        "segment", "arm", "customers", control, "arm's", "effect", sure, "lift", "p", "Holm's p", "BH's p"
    )  # fmt: skip
    rows = tuple(
        (
            effect.segment_name,
            effect.arm,
            f"{effect.control_customers:,} / {effect.customers:,}",
            value(kind, effect.control_mean),
            value(kind, effect.mean),
            difference(kind, effect.effect),
            f"{difference(kind, effect.low)} to {difference(kind, effect.high)}",
            lift(effect.lift),
            chance(effect.p) if effect.p_holm is not None else "-",
            chance(effect.p_holm) if effect.p_holm is not None else "too small",
            chance(effect.p_benjamini_hochberg),
        )
        for effect in effects
    )
    kept = [at for at in range(len(headings)) if not (brief and at in (2, 8))]
    return Table(
        caption,
        tuple(headings[at] for at in kept),
        tuple(tuple(row[at] for at in kept) for row in rows),
        frozenset(place for place, at in enumerate(kept) if at >= 2),
    )


def sample_ratio_words(analysis: Analysis) -> str:
    """Whether the arms are of the sizes that they should be, in a sentence.

    Parameters
    ----------
    analysis
        Of an experiment.

    Returns
    -------
    str
        With sizes and p-values.
    """
    ratio = analysis.sample_ratio
    sizes = ", ".join(f"{arm} {count:,}" for arm, count in ratio.analysed.items())
    tests = ", ".join(f"{test.name.replace('_', ' ')} {p_words(test.p)}" for test in ratio.tests)
    return f"{'As planned' if ratio.matches else 'NOT as planned'}: {sizes} ({tests})"


def covariate_words(plan: Plan, analysis: Analysis) -> str:
    """What the covariate did, in a sentence.

    Parameters
    ----------
    plan
        With the segments' names.
    analysis
        Of its outcomes.

    Returns
    -------
    str
        Where it is used, and why not elsewhere.
    """
    if analysis.covariate is None:
        return "none was planned"
    names = {segment.id: segment.name for segment in plan.segments}
    used = [
        f"{names[row.segment_id]} (correlation {row.correlation:.2f})"
        for row in analysis.adjustments
        if row.used and row.correlation is not None
    ]
    told = [f"{analysis.covariate}: {'used in ' + ', '.join(used) if used else 'used in no segment'}"]
    reasons: dict[str, list[str]] = {}
    for row in analysis.adjustments:
        if not row.used:
            reasons.setdefault(row.why_not, []).append(names[row.segment_id])
    told += [f"not in {', '.join(where)}: {why}" for why, where in reasons.items()]
    return "; ".join(told)


def heterogeneity_words(analysis: Analysis, alpha: float) -> tuple[str, ...]:
    """Whether segments differ, a sentence per arm.

    Parameters
    ----------
    analysis
        Of an experiment.
    alpha
        Its level.

    Returns
    -------
    tuple of str
        With the p-value of the interaction.
    """
    told = []
    for test in analysis.heterogeneity:
        if test.p is None:
            told.append(f"{test.arm}: too few segments to compare")
        else:
            says = (
                "segments differ in the effect" if test.p <= alpha
                else "no evidence that segments differ: do not read their order as a ranking"
            )  # fmt: skip
            told.append(f"{test.arm}: {says} (interaction {p_words(test.p)})")
    return tuple(told)


def _prospect(row: Prospect, kind: str) -> tuple[str, ...]:
    alone = "" if row.segment_id is None else "yes" if row.alone else "no, too small"
    return (
        row.segment_name,
        f"{row.customers:,}",
        f"{row.control:,}",
        f"{row.treatment:,}",
        value(kind, row.baseline),
        lift(row.smallest_lift) if row.smallest_lift is not None else "none",
        f"{math.floor(row.power * 100)} %",
        f"{row.needed:,}" if row.needed is not None else "-",
        alone,
    )


def _decimals(number: float) -> int:
    return 0 if abs(number) >= 1000 else 2 if abs(number) >= 0.1 else 4
