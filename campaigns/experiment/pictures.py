"""Pictures of an experiment: what each test can find, and what each arm did, with intervals."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from campaigns.experiment.analysis import Analysis
from campaigns.experiment.comparisons import Effect
from campaigns.experiment.description import Experiment
from campaigns.experiment.design import Design
from campaigns.experiment.plan import Plan
from campaigns.experiment.words import difference, lift, p_words
from campaigns.pictures import FILL, INK, SMALL, Picture, new_figure, png, tidy, words

ROW = 0.42
"""Inches."""
LABEL = 44
"""Characters."""
CLEAR = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
"""Behind numbers, so that no line goes through them."""
TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


def design_picture(experiment: Experiment, design: Design) -> Picture:
    """The smallest lift that each test finds, beside the one that would be worth having.

    Parameters
    ----------
    experiment
        Its lift and power.
    design
        What can be found.

    Returns
    -------
    Picture
        A dot per test, on a logarithmic axis.
    """
    rows = (design.pooled, *design.segments)
    worth = experiment.metric.smallest_lift
    figure = new_figure(1.5 + ROW * len(rows))
    axes: Axes = figure.add_subplot()
    shown = [row.smallest_lift for row in rows if row.smallest_lift is not None]
    right = max([*shown, worth]) * 1.6
    left = min([*shown, worth]) / 1.6
    for at, row in enumerate(rows):
        if row.smallest_lift is None:
            axes.text(right, at, "finds none ", ha="right", va="center", fontsize=SMALL)
            continue
        enough = row.smallest_lift <= worth
        axes.plot([left, row.smallest_lift], [at, at], color="#cccccc", linewidth=1, zorder=1)
        axes.plot(row.smallest_lift, at, "o", markersize=9, markeredgecolor=INK, zorder=3,
                  markerfacecolor=FILL if enough else "white")  # fmt: skip
        axes.annotate(lift(row.smallest_lift), (row.smallest_lift, at), (9, 0), textcoords="offset points",
                      va="center", fontsize=SMALL, bbox=CLEAR, zorder=2.5)  # fmt: skip
    axes.axvline(worth, color=INK, linestyle="--", linewidth=1, zorder=2)
    axes.set_xscale("log")
    axes.set_xlim(left, right * 1.25)
    axes.set_xticks([tick for tick in TICKS if left <= tick <= right])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number * 100:g} %"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.set_yticks(
        range(len(rows)), [f"{words(row.segment_name, LABEL)}\n{row.customers:,} customers" for row in rows]
    )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    title = f"Smallest lift found with {experiment.analysis.power:.0%} power".replace("%", " %")
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(f"relative lift; dashed: the one worth having, {worth * 100:g} %. "
                    "Filled: found; hollow: too few customers", fontsize=SMALL)  # fmt: skip
    tidy(axes, "x")
    found = [row.segment_name for row in rows if row.smallest_lift is not None and row.smallest_lift <= worth]
    says = f"A lift of {worth * 100:g} % is found in: {', '.join(found) or 'none of them'}."
    return Picture(
        "design", title, "One dot per segment and one for all: the smallest lift each finds.", says, png(figure)
    )


def effects_picture(plan: Plan, analysis: Analysis) -> Picture:
    """What each arm did, in all segments and in each, with intervals.

    Parameters
    ----------
    plan
        Kind of the metric, level, lift worth having.
    analysis
        Of its outcomes.

    Returns
    -------
    Picture
        A column per arm.
    """
    experiment = plan.experiment
    names = ["all segments", *(segment.name for segment in plan.segments)]
    arms = experiment.treatments
    figure = new_figure(1.9 + ROW * len(names), width=9.0 if len(arms) == 1 else 4.5 + 4.0 * len(arms))
    columns = figure.subplots(1, len(arms), sharey=True, squeeze=False)[0]
    scale, unit = (100.0, "percentage points") if experiment.metric.kind == "proportion" else (1.0, "mean difference")
    place = {None: 0} | {segment.id: at for at, segment in enumerate(plan.segments, 1)}
    for axes, arm in zip(columns, arms, strict=True):
        for effect in (*analysis.pooled, *analysis.segments):
            if effect.arm == arm:
                _draw(axes, effect, place[effect.segment_id], scale, experiment.metric.kind)
        axes.axvline(0, color=INK, linewidth=0.8)
        pooled = next(effect for effect in analysis.pooled if effect.arm == arm)
        worth = experiment.sign * experiment.metric.smallest_lift * abs(pooled.control_mean) * scale
        axes.axvline(worth, color=INK, linestyle="--", linewidth=0.8)
        axes.axhline(0.5, color="#999999", linewidth=0.6)
        axes.set_title(f"{words(arm)} against {words(experiment.control)}", loc="left", fontsize=11)
        axes.set_xlabel(unit, fontsize=SMALL)
        axes.margins(x=0.12)
        tidy(axes, "x")
    columns[0].set_yticks(range(len(names)), [words(name, LABEL) for name in names])
    columns[0].set_ylim(len(names) - 0.4, -0.6)
    sure = f"{100 * (1 - experiment.analysis.alpha):g} %"
    figure.supxlabel(
        f"Lines: {sure} intervals. Filled: significant by Holm's p (written); hollow: not; cross: too small to be "
        "tested alone.\nDashed: the lift worth having, over all segments.",
        fontsize=SMALL,
    )
    title = f"Effects of {experiment.name}"
    return Picture(
        "effects",
        title,
        "One interval per segment and one for all, beside no effect.",
        _says(plan, analysis),
        png(figure),
    )


def _draw(axes: Axes, effect: Effect, at: int, scale: float, kind: str) -> None:
    low, middle, high = (number * scale for number in (effect.low, effect.effect, effect.high))
    tested = effect.p_holm is not None
    axes.plot([low, high], [at, at], color=INK, linewidth=2.2 if at == 0 else 1.2, zorder=2)
    face = FILL if effect.significant else "white"
    axes.plot(middle, at, color=INK, zorder=3, marker="o" if tested else "x",
              markersize=9 if at == 0 else 7, markerfacecolor=face, markeredgecolor=INK)  # fmt: skip
    told = difference(kind, effect.effect) + (f", {p_words(effect.p_holm)}" if effect.p_holm is not None else "")
    axes.annotate(told, (middle, at), (0, 8), textcoords="offset points",
                  ha="center", va="bottom", fontsize=SMALL - 1, bbox=CLEAR, zorder=2.5)  # fmt: skip


def _says(plan: Plan, analysis: Analysis) -> str:
    kind = plan.experiment.metric.kind
    return " ".join(
        f"{effect.arm}: {difference(kind, effect.effect)} ({difference(kind, effect.low)} to "
        f"{difference(kind, effect.high)})."
        for effect in analysis.pooled
    )
