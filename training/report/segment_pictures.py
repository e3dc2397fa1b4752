"""Pictures of segments: their sizes, their place among everybody, and their quantiles."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import FuncFormatter, NullFormatter

from segmentation.card import Card, CardFeature
from segmentation.scoring import Floats
from segmentation.segment import Quantiles, RuleSegment, Segment
from training.colours import dark
from training.naming import LONGEST
from training.report.drawing import HATCH, INK, NORMAL, SMALL, Picture, new_figure, percent, png, thousands, tidy, words

MANY = 8
"""Features from which on three boxes stand side by side."""

MOST_SPOKES, LEAST_SPOKES = 10, 3
UPRIGHT = 0.1
"""Sine of the angle of a spoke that points up or down."""

MOST_SEGMENTS = 12
"""Beyond these the smallest are left out of radars and boxes; the page's cards and tables hold all."""

Shown = TypeVar("Shown", Segment, RuleSegment, Segment | RuleSegment)

SPOKE = 14
"""Characters of a line beside a spoke."""

EVERYBODY = "everybody"
WIDE = 15
"""Amounts that spread this many times are drawn on a log axis."""

TINY = 0.03
"""Slices thinner than this bear no number: it would lie on the next one's."""


def draw_sizes(segments: Sequence[Segment | RuleSegment]) -> Picture:
    """Customers and revenue by segment.

    Parameters
    ----------
    segments
        All of the model.

    Returns
    -------
    Picture
        A pie of customers, and bars of customers and revenue.
    """
    figure = new_figure(max(3.6, 1.2 + 0.62 * len(segments)), width=9.5)
    pie, bars = figure.subplots(1, 2, width_ratios=(1, 1.5))
    told = [segment for segment in segments if segment.customers]
    wedges, _ = pie.pie(
        [segment.customers for segment in told],
        colors=[segment.colour for segment in told],
        startangle=90,
        counterclock=False,
        wedgeprops={"edgecolor": "white", "linewidth": 1.5},
    )
    for wedge, segment in zip(wedges, told, strict=True):
        if segment.share >= TINY:
            angle = np.deg2rad((wedge.theta1 + wedge.theta2) / 2)
            letters = "white" if dark(segment.colour) else "black"
            style: dict[str, Any] = {
                "ha": "center",
                "va": "center",
                "color": letters,
                "fontsize": NORMAL + 1,
                "weight": "bold",
            }
            pie.text(0.68 * np.cos(angle), 0.68 * np.sin(angle), str(segment.id), **style)
    pie.set_title("customers", fontsize=NORMAL)
    places = np.arange(len(segments), dtype=np.float64)
    paid = any(segment.revenue_share is not None for segment in segments)
    tidy(bars, grid="x")
    colours = [segment.colour for segment in segments]
    look: dict[str, Any] = {"height": 0.36 if paid else 0.6, "edgecolor": INK, "linewidth": 0.6}
    shares = [100 * segment.share for segment in segments]
    bars.barh(places - (0.19 if paid else 0), shares, color=colours, **look)
    _numbers(bars, places - (0.19 if paid else 0), shares, "of customers")
    if paid:
        revenue = [100 * (segment.revenue_share or 0.0) for segment in segments]
        bars.barh(places + 0.19, revenue, color="white", hatch=HATCH, **look)
        for place, value, shade in zip(places.tolist(), revenue, colours, strict=True):
            bars.barh(place + 0.19, value, height=0.36, color=shade, alpha=0.45, linewidth=0)
        _numbers(bars, places + 0.19, revenue, "of revenue")
    bars.set_yticks(places, [f"{segment.id}  {words(segment.name, LONGEST)}" for segment in segments])
    bars.tick_params(axis="y", length=0)
    bars.invert_yaxis()
    bars.set_xlim(0, bars.get_xlim()[1] * 1.5)
    # There is room for words beyond 100 %, and nothing else.
    bars.set_xticks([tick for tick in bars.get_xticks() if tick <= min(100, bars.get_xlim()[1])])
    bars.set_xlabel("share (%)" + ("; revenue is hatched" if paid else ""), fontsize=NORMAL)
    largest = max(segments, key=lambda segment: segment.share)
    says = f"The largest segment is “{largest.name}”: {percent(largest.share)} of the customers"
    if paid:
        says += f", {percent(largest.revenue_share or 0.0)} of the revenue"
        richest = max(segments, key=lambda segment: segment.revenue_share or 0.0)
        if richest is not largest:
            says += (
                f". “{richest.name}” brings most revenue: {percent(richest.revenue_share or 0.0)}, "
                f"from {percent(richest.share)} of the customers"
            )
    return Picture(
        "sizes",
        "Sizes: customers and revenue" if paid else "Sizes",
        "A pie of the customers by segment, and horizontal bars of each segment's share"
        + (" of customers and of revenue." if paid else " of customers."),
        f"{says}.",
        png(figure),
    )


def draw_radar(segments: Sequence[Segment], ranks: Floats, features: Sequence[str]) -> Picture | None:
    """Where the median customer of each segment stands among everybody.

    Parameters
    ----------
    segments
        In the order of the centroids.
    ranks
        See `training.standings.Standings`, shape (k, d).
    features
        Names, d of them.

    Returns
    -------
    Picture
        A radar for each segment, on the features that set segments apart most; None for fewer than three features.
    """
    if len(features) < LEAST_SPOKES:
        return None
    strength = {name: max(_effect(segment, name) for segment in segments) for name in features}
    kept = sorted(features, key=lambda name: -strength[name])[:MOST_SPOKES]
    spokes = [name for name in features if name in kept]
    columns = [list(features).index(name) for name in spokes]
    angles = np.linspace(0, 2 * np.pi, len(spokes), endpoint=False)
    shown = _largest(segments)
    rows = -(-len(shown) // 2)
    height = 0.3 + 4.1 * rows
    figure = new_figure(height, width=9.5, placed=True)
    figure.subplots_adjust(0.1, 0.5 / height, 0.9, 1 - 0.95 / height, wspace=0.55, hspace=0.52)
    for place, segment in enumerate(shown):
        axes = cast("PolarAxes", figure.add_subplot(rows, 2, place + 1, projection="polar"))
        _spokes(axes, angles, [fill(name.replace("_", " "), SPOKE) for name in spokes])
        values = 100 * ranks[list(segments).index(segment), columns]
        axes.plot(np.r_[angles, angles[:1]], np.r_[values, values[:1]], color=segment.colour, linewidth=2.2, zorder=3)
        axes.fill(angles, values, color=segment.colour, alpha=0.3, zorder=2)
        axes.scatter(angles, values, s=16, color=INK, zorder=4)
        axes.set_title(
            f"{segment.id}  {words(segment.name, LONGEST)}", fontsize=NORMAL + 1, weight="bold", y=1.2, pad=0
        )
    return Picture(
        "radar",
        "Where the segments stand among everybody",
        f"{len(shown)} radar charts, one for each segment, with {len(spokes)} features as spokes.",
        "Each spoke tells how many of 100 customers lie below the segment's median customer: the dashed ring at 50 is "
        "everybody's median, the rim is the top. "
        + f"Shown are the {len(spokes)} features that set segments apart most. " * (len(spokes) < len(features))
        + _said(shown, segments),
        png(figure),
    )


def draw_boxes(card: Card) -> Picture:
    """The quantiles of each feature, by segment.

    Parameters
    ----------
    card
        With profiles.

    Returns
    -------
    Picture
        For each feature a box for each segment and one for everybody.
    """
    profiled = [segment for segment in card.all_segments if segment.profile]
    segments = _largest(profiled)
    across = 3 if len(card.features) > MANY else min(2, len(card.features))
    rows = -(-len(card.features) // across)
    below = 0.3 + 0.22 * (-(-(len(segments) + 1) // 2))
    height = rows * (0.7 + 0.22 * (len(segments) + 1)) + below
    figure = new_figure(height, width=9.5, placed=True)
    figure.subplots_adjust(0.04, (below + 0.3) / height, 0.985, 1 - 0.3 / height, wspace=0.12, hspace=0.45)
    grid = figure.subplots(rows, across, squeeze=False).ravel()
    for axes, feature in zip(grid, card.features, strict=False):
        _boxes(axes, feature, segments, card.population[feature.name])
    for axes in grid[len(card.features) :]:
        axes.axis("off")
    handles = [Patch(facecolor="white", edgecolor=INK, label=f"*  {EVERYBODY}")]
    handles += [
        Patch(facecolor=each.colour, edgecolor=INK, label=f"{each.id}  {words(each.name, LONGEST)}")
        for each in segments
    ]
    figure.legend(handles=handles, loc="lower center", ncols=2, fontsize=NORMAL, frameon=False)
    return Picture(
        "boxes",
        "Quantiles of each feature, by segment",
        f"For each of {len(card.features)} features, boxes of {len(segments)} segments under one of everybody.",
        "A box holds the middle half of the customers, its line is the median, and its whiskers reach from 5 to 95 %: "
        "smallest and largest values are nobody's business. Numbers at the left are the segments' ids, * is everybody. "
        "Amounts and counts that spread widely are on a logarithmic axis. " + _said(segments, profiled),
        png(figure),
    )


def _boxes(axes: Axes, feature: CardFeature, segments: Sequence[Segment | RuleSegment], everybody: Quantiles) -> None:
    tidy(axes, grid="x")
    shown = [everybody, *(segment.profile[feature.name] for segment in segments)]
    stats = [{"med": q.q50, "q1": q.q25, "q3": q.q75, "whislo": q.q05, "whishi": q.q95} for q in shown]
    places = np.arange(len(shown))
    drawn = axes.bxp(
        stats,
        positions=places,
        orientation="horizontal",
        widths=0.62,
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        medianprops={"color": INK, "linewidth": 2.2},
        boxprops={"edgecolor": INK, "linewidth": 0.7},
        whiskerprops={"color": INK, "linewidth": 0.9},
        capprops={"color": INK, "linewidth": 0.9},
    )
    for box, colour, median in zip(
        drawn["boxes"], ["white", *(segment.colour for segment in segments)], drawn["medians"], strict=True
    ):
        box.set_facecolor(colour)
        if colour == "#000000":
            median.set_color("white")
    axes.set_yticks(places, ["*", *(str(segment.id) for segment in segments)])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_title(
        f"{words(feature.name.replace('_', ' '))} ({words(feature.unit)})".removesuffix(" (share)"),
        fontsize=SMALL + 0.5,
        loc="left",
    )
    low, high = min(q.q05 for q in shown), max(q.q95 for q in shown)
    if feature.transform == "log1p" and low > 0 and high > WIDE * low:
        axes.set_xscale("log")
    elif feature.transform == "log1p" and low == 0 and high > WIDE:
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xlim(left=-0.1)
    elif low == high == 0:
        # Left alone, the axis would reach below 0, where there is nothing to be.
        axes.set_xlim(-0.02, 1)
    shares = FuncFormatter(lambda share, _: f"{100 * share:.3g} %")
    axes.xaxis.set_major_formatter(shares if feature.unit == "share" else thousands())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _largest(segments: Sequence[Shown]) -> list[Shown]:
    kept = sorted(segments, key=lambda segment: -segment.customers)[:MOST_SEGMENTS]
    return [segment for segment in segments if segment in kept]


def _said(shown: Sequence[object], segments: Sequence[object]) -> str:
    return f"Of {len(segments)} segments these are the {len(shown)} largest." if len(shown) < len(segments) else ""


def _numbers(axes: Axes, places: npt.NDArray[np.floating[Any]], values: Sequence[float], of: str) -> None:
    for place, value in zip(places, values, strict=True):
        axes.annotate(
            f"{percent(value / 100)} {of}",
            (value, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
        )


def _spokes(axes: PolarAxes, angles: Floats, names: Sequence[str]) -> None:
    axes.set_theta_offset(np.pi / 2)
    axes.set_theta_direction(-1)
    axes.set_ylim(0, 100)
    axes.set_yticks([25, 50, 75], ["", "50", ""], fontsize=SMALL - 2)
    axes.set_rlabel_position(float(np.rad2deg(angles[1]) / 2))
    axes.set_xticks(angles, [name.replace("$", r"\$") for name in names], fontsize=SMALL - 1.5)
    axes.tick_params(axis="x", pad=3)
    for label, angle in zip(axes.get_xticklabels(), angles.tolist(), strict=True):
        side = np.sin(angle)
        label.set_horizontalalignment("center" if abs(side) < UPRIGHT else "left" if side > 0 else "right")
    axes.grid(color="#c8c8c8", linewidth=0.6)
    circle = np.linspace(0, 2 * np.pi, 181)
    axes.plot(circle, np.full_like(circle, 50.0), color=INK, linestyle="--", linewidth=0.9, zorder=1)
    axes.spines["polar"].set_color("#999999")


def _effect(segment: Segment, name: str) -> float:
    return next((abs(each.effect) for each in segment.apart if each.feature == name), 0.0)
