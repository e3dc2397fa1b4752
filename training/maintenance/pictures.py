"""The pictures of a replay: agreement by age, what its loss comes from, and who moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.ticker import FuncFormatter, MaxNLocator

from training.colours import OKABE_ITO
from training.maintenance.averages import Average, averages
from training.report.drawing import INK, NORMAL, SMALL, Picture, new_figure, percent, png, step_of, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from training.maintenance.results import Origin, Simulation

STYLES = ("-", "--", "-.", ":")
FLOOR, RED = "#9a9a9a", "#b2182b"
TICKS, MOST_TICKS = (7, 14, 28, 56, 91, 182, 364), 15
MOST_NAMED = 8
"""Origins that the legend has room for."""

HEADROOM = 0.02
"""Above an ARI of 1, so that lines there are seen."""


def draw_ageing(made: Simulation) -> Picture:
    """Agreement with newer models by age.

    Parameters
    ----------
    made
        The replay.

    Returns
    -------
    Picture
        A line for each origin, beside the noise floor and the threshold.
    """
    figure = new_figure(5.2)
    axes = figure.add_subplot()
    tidy(axes, grid="y")
    floor = made.noise_floor
    axes.axhspan(floor.ari_low, floor.ari_high, facecolor=FLOOR, alpha=0.35, hatch="////", edgecolor=FLOOR, linewidth=0)
    axes.fill_between([], [], color=FLOOR, alpha=0.6, hatch="////", label="noise floor: refits of the same data")
    for place, origin in enumerate(made.origins):
        _curve(axes, origin, place, _label(origin, place, len(made.origins)))
    if any(origin.first_below_days is not None for origin in made.origins):
        axes.plot([], [], "X", color=INK, markersize=8, label="first time below the threshold")
    if len(made.origins) > 1:
        by_age = made.recommendation.by_age
        label = "nine in ten models are above (all origins)"
        axes.plot([at.age_days for at in by_age], [at.ari_low for at in by_age], color=INK, linewidth=2.6, label=label)
    axes.axhline(made.threshold, color=RED, linewidth=1.4, linestyle=(0, (6, 3)), label=f"threshold {made.threshold:g}")
    lows = [point.ari_low for origin in made.origins for point in origin.points]
    bottom = min(*lows, made.threshold, floor.ari_low, *(at.ari_low for at in made.recommendation.by_age))
    axes.set_ylim(max(bottom - 0.05, -0.1), 1 + HEADROOM)
    _age_axis(axes, made.origins)
    _answer(axes, made)
    axes.set_ylabel("adjusted Rand index (ARI)\nwith a model made anew", fontsize=NORMAL)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=SMALL)
    return Picture(
        "maintenance",
        "How a model ages",
        f"One line for each of {len(made.origins)} origins: ARI against the age of the model in days; a band for the "
        "noise floor, a line for the threshold, a cross where a line first is below it.",
        _read_ageing(made),
        png(figure),
    )


def draw_causes(made: Simulation) -> Picture:
    """What the loss of agreement comes from.

    Parameters
    ----------
    made
        The replay.

    Returns
    -------
    Picture
        On the left, what making one half of the model anew would keep; on the right the loss by cause.
    """
    means = averages(made.origins)
    ages = [each.age_days for each in means]
    figure = new_figure(3.6)
    left, right = figure.subplots(1, 2)
    lines = (
        ("ari_if_rescaled", "only the preprocessing made anew", OKABE_ITO[0], "-"),
        ("ari_if_recentred", "only the centroids made anew", OKABE_ITO[5], "--"),
        ("ari", "nothing made anew", INK, ":"),
    )
    for axes in (left, right):
        tidy(axes, grid="y")
        _age_axis(axes, made.origins, common=ages, most=6)
    for name, label, colour, style in lines:
        values = [getattr(each, name) for each in means]
        left.plot(ages, values, color=colour, linestyle=style, linewidth=1.8, label=label)
    left.axhline(made.threshold, color=RED, linewidth=1.2, linestyle=(0, (6, 3)), label=f"threshold {made.threshold:g}")
    left.set_ylabel("ARI with a model made anew", fontsize=NORMAL)
    left.set_ylim(top=1 + HEADROOM)
    # A cause that makes good again has no place in a stack.
    parts = [[max(0.0, getattr(each, name)) for each in means] for name in ("loss_preprocessing", "loss_geometry")]
    bands = right.stackplot(ages, *parts, colors=[OKABE_ITO[4], OKABE_ITO[1]], edgecolor=INK, linewidth=0.6,
                            labels=["loss by preprocessing", "loss by geometry"])  # fmt: skip
    bands[1].set_hatch("////")
    right.set_ylabel("loss: 1 - ARI", fontsize=NORMAL)
    right.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=SMALL)
    return Picture(
        "maintenance-causes",
        "What the loss comes from",
        "On the left three lines of ARI by age: nothing, only the preprocessing, or only the centroids made anew. On "
        "the right the loss of ARI, stacked by cause.",
        _read_causes(means, len(made.origins)),
        png(figure),
    )


def draw_customers(made: Simulation) -> Picture:
    """Who changes segments: because the model is replaced, or by themselves.

    Parameters
    ----------
    made
        The replay.

    Returns
    -------
    Picture
        Shares of customers and of revenue, by age.
    """
    means = averages(made.origins)
    ages = [each.age_days for each in means]
    figure = new_figure(3.6)
    axes = figure.add_subplot()
    tidy(axes, grid="y")
    lines = (
        ("moved", "moved by a new model: customers", OKABE_ITO[0], "-"),
        ("moved_revenue", "moved by a new model: revenue", OKABE_ITO[0], ":"),
        ("migrated", "moved by themselves: customers", OKABE_ITO[5], "--"),
        ("migrated_revenue", "moved by themselves: revenue", OKABE_ITO[5], "-."),
    )
    for name, label, colour, style in lines:
        values = [getattr(each, name) for each in means]
        if None not in values:
            axes.plot(ages, values, color=colour, linestyle=style, linewidth=1.8, label=label)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.0f} %"))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("share in another segment", fontsize=NORMAL)
    _age_axis(axes, made.origins, common=ages)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=SMALL)
    return Picture(
        "maintenance-customers",
        "Who changes segments",
        "Lines by the age of the model: share of customers, and of revenue, in another segment by a newer model, and "
        "by the old model on a later day.",
        _read_customers(means),
        png(figure),
    )


def _label(origin: Origin, place: int, number: int) -> str:
    if number > MOST_NAMED:
        # What begins with an underscore is not in the legend.
        return f"models of {number} days" if place == 0 else "_"
    below = origin.first_below_days
    told = "never below" if below is None else f"below after {below} days"
    return f"model of {origin.origin[:10]}: {told}"


def _curve(axes: Axes, origin: Origin, place: int, label: str) -> None:
    colour, style = OKABE_ITO[place % 7], STYLES[place % len(STYLES)]
    ages = [0, *(point.age_days for point in origin.points)]
    lows, highs = ([1.0, *(getattr(point, name) for point in origin.points)] for name in ("ari_low", "ari_high"))
    axes.fill_between(ages, lows, highs, color=colour, alpha=0.25, linewidth=0)
    values = [1.0, *(point.ari for point in origin.points)]
    axes.plot(ages, values, color=colour, linestyle=style, linewidth=1.7, label=label)
    below = origin.first_below_days
    if below is not None:
        value = values[ages.index(below)]
        axes.plot([below], [value], "X", color=colour, markersize=10, markeredgecolor="white", zorder=5)


def _answer(axes: Axes, made: Simulation) -> None:
    days = made.recommendation.days
    if days is None:
        return
    axes.axvline(days, color=INK, linewidth=1.2, linestyle=(0, (1, 1.5)))
    words = f"at least {days} days" if made.recommendation.answer == "at-least" else f"retrain within {days} days"
    left = days > 0.6 * axes.get_xlim()[1]
    axes.annotate(
        words, (days, 0.03), xycoords=("data", "axes fraction"), xytext=(-5 if left else 5, 0), rotation=0,
        textcoords="offset points", ha="right" if left else "left", fontsize=NORMAL, fontweight="bold", color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.8},
    )  # fmt: skip


def _age_axis(axes: Axes, origins: Sequence[Origin], common: Sequence[int] = (), most: int = MOST_TICKS) -> None:
    last = max(common) if common else max(origin.points[-1].age_days for origin in origins)
    axes.set_xlim(0, last * 1.02)
    step = int(step_of(last, TICKS, most))
    axes.set_xticks(range(0, last + 1, step) if last >= step else [0, last])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    axes.set_xlabel("age of the model (days)", fontsize=NORMAL)


def _read_ageing(made: Simulation) -> str:
    crossed = [origin for origin in made.origins if origin.first_below_days is not None]
    said = "; ".join(f"that of {each.origin[:10]} after {each.first_below_days} days" for each in crossed)
    first = f"First below {made.threshold:g}: {said}. " if said else f"No model is ever below {made.threshold:g}. "
    why = made.recommendation.why
    return (
        f"{first}Refits of the same data agree by {made.noise_floor.ari:.3f} on average, nine in ten by more than "
        f"{made.noise_floor.ari_low:.3f}. {why[0].upper()}{why[1:]}. Bands around lines: the choice of customers."
    )


def _read_causes(means: Sequence[Average], origins: int) -> str:
    last = means[-1]
    over = "" if origins == 1 else f", on average over {origins} origins"
    return (
        f"After {last.age_days} days the ARI is {last.ari:.3f}{over}. With only the preprocessing made anew it would "
        f"be {last.ari_if_rescaled:.3f}, with only the centroids {last.ari_if_recentred:.3f}. Of the loss of "
        f"{1 - last.ari:.3f}, {last.loss_preprocessing:.3f} is the preprocessing's and {last.loss_geometry:.3f} the "
        "geometry's."
    )


def _read_customers(means: Sequence[Average]) -> str:
    last = means[-1]
    worth = "" if last.moved_revenue is None else f" ({percent(last.moved_revenue)} of the revenue)"
    return (
        f"After {last.age_days} days a new model would move {percent(last.moved)} of the customers{worth}. By the old "
        f"model, {percent(last.migrated)} of those of the origin are in another segment than they were: they changed."
    )
