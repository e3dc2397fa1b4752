"""Lying bars: estimates with their intervals, and what one assumption at a time changes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from campaigns.pictures import INK, SMALL, bar_style, thousands, tidy
from campaigns.scenario.results import Estimate
from campaigns.scenario.sensitivity import Swing


def bars(
    axes: Axes,
    estimates: Sequence[Estimate | None],
    hatched: Sequence[bool] = (),
    colours: Sequence[str] = (),
) -> None:
    """Lying bars with intervals and numbers.

    Parameters
    ----------
    axes
        To draw into.
    estimates
        From the top; None: too few customers to tell.
    hatched, colours
        Of each bar; empty: all alike.
    """
    for row, estimate in enumerate(estimates):
        if estimate is None:
            continue
        look = bar_style(hatched=bool(hatched) and hatched[row]) | ({"facecolor": colours[row]} if colours else {})
        axes.barh(row, estimate.mean, height=0.62, **look)
        axes.plot([estimate.low, estimate.high], [row, row], color=INK, linewidth=1.6, marker="|", markersize=9)
    ends = [end for told in estimates if told is not None for end in (told.low, told.high, told.mean, 0.0)]
    low, high = min(ends, default=0.0), max(ends, default=0.0)
    span = (high - low) or 1.0
    for row, estimate in enumerate(estimates):
        if estimate is not None:
            end = max(estimate.high, estimate.mean, 0.0)
            axes.text(end + 0.015 * span, row, f"{estimate.mean:+,.3g}" if abs(estimate.mean) < 100 else
                      f"{estimate.mean:+,.0f}", va="center", fontsize=SMALL, color=INK)  # fmt: skip
        else:
            axes.text(0, row, "  not told", va="center", fontsize=SMALL - 1, color=INK)
    axes.set_xlim(low - 0.05 * span, high + 0.2 * span)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_ylim(len(estimates) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(thousands())
    axes.locator_params(axis="x", nbins=5)
    tidy(axes, "x")


def tornado(axes: Axes, swings: Sequence[Swing], middle: float, ends: Sequence[tuple[float, float]]) -> None:
    """Bars from the middle to what each assumption's ends make of it.

    Parameters
    ----------
    axes
        To draw into.
    swings
        The assumptions, from the top.
    middle
        With every assumption at its median.
    ends
        With each at its low and at its high end.
    """
    for row, (low, high) in enumerate(ends):
        axes.barh(row, low - middle, left=middle, height=0.6, **bar_style(hatched=True))
        axes.barh(row, high - middle, left=middle, height=0.6, **bar_style())
    axes.axvline(middle, color=INK, linewidth=1)
    axes.set_ylim(len(swings) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(thousands())
    axes.locator_params(axis="x", nbins=5)
    tidy(axes, "x")
