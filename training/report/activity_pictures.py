"""The picture of what happened when."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from training.report.activity import Activity
from training.report.drawing import (
    FILL,
    HATCH,
    INK,
    NORMAL,
    PALE,
    SMALL,
    Picture,
    amount,
    new_figure,
    png,
    step_of,
    thousands,
    tidy,
)

TICKS = {"15 minutes": (1, 2, 4, 8, 16), "hour": (1, 2, 3, 6, 12, 24), "day": (1, 2, 7, 14)}
LONG_TICKS = {"week": (1, 2, 4, 8, 13, 26), "month": (1, 2, 3, 6, 12, 24)}
MOST_TICKS = 12

KINDS = {
    "orders": "orders",
    "view": "views",
    "cart": "put into cart",
    "remove_from_cart": "removed from cart",
    "purchase": "purchases",
    "other": "other events",
}


def draw_activity(activity: Activity) -> Picture:
    """Orders or events by type, and revenue, over time.

    Parameters
    ----------
    activity
        Period by period.

    Returns
    -------
    Picture
        One row of bars for each kind, over one time axis.
    """
    panels = [(KINDS[kind], values) for kind, values in activity.counts.items()]
    if activity.revenue is not None:
        panels.append(("revenue", activity.revenue))
    of_orders = "orders" in activity.counts
    height = 2.6 if len(panels) <= 2 else 1.5
    figure = new_figure(0.9 + height * len(panels))
    all_axes = np.atleast_1d(figure.subplots(len(panels), 1, sharex=True))
    for axes, (label, values) in zip(all_axes, panels, strict=True):
        _bars_over_time(axes, values, activity.incomplete)
        unit = f"{label}\n(shop's currency)" if label == "revenue" else label
        axes.set_ylabel(f"{unit}\nper {_per(activity)}", fontsize=SMALL)
    _time_axis(all_axes[-1], activity)
    figure.align_ylabels()
    _explain(figure, activity, panels)
    noun = "orders" if of_orders else "events"
    return Picture(
        f"{noun}-over-time",
        f"{noun.capitalize()} and revenue over time"
        if activity.revenue is not None
        else f"{noun.capitalize()} over time",
        f"Bars by {activity.period.name}, one row each for {', '.join(label for label, _ in panels)}.",
        _read_activity(activity),
        png(figure),
    )


def _per(activity: Activity) -> str:
    return "15 min" if activity.period.name == "15 minutes" else activity.period.name


def _bars_over_time(axes: Axes, values: Floats, incomplete: bool) -> None:
    tidy(axes, grid="y")
    places = np.arange(len(values))
    bars = axes.bar(places, np.nan_to_num(values), 1.0, align="edge", color=FILL, edgecolor=INK, linewidth=0.5)
    if incomplete:
        bars[-1].set(facecolor=PALE, hatch=HATCH)
    hidden = np.isnan(values)
    # At the foot of the axis, where the bar would stand.
    axes.plot(
        places[hidden] + 0.5,
        np.full(hidden.sum(), 0.05),
        "x",
        color=INK,
        markersize=5,
        transform=axes.get_xaxis_transform(),
    )
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(thousands())
    axes.locator_params(axis="y", nbins=5, integer=True)


def _time_axis(axes: Axes, activity: Activity) -> None:
    name, starts = activity.period.name, activity.starts
    step = int(step_of(len(starts), (TICKS | LONG_TICKS)[name], MOST_TICKS))
    ends = [*starts, starts[-1] + timedelta(seconds=activity.period.seconds)]
    # A month's length differs, so that its end is not known from its beginning.
    places = range(0, len(starts) + (name != "month"), step)
    axes.set_xticks(list(places), [_label(ends[place], name) for place in places])
    axes.set_xlim(0, len(starts))
    if name == "15 minutes":
        days = f"{starts[0]:%Y-%m-%d}" if starts[0].date() == starts[-1].date() else f"from {starts[0]:%Y-%m-%d}"
        axes.set_xlabel(f"time of day (hour:minute, UTC), {days}", fontsize=NORMAL)
    else:
        axes.set_xlabel(f"beginning of the {name} (UTC)", fontsize=NORMAL)


def _label(start: datetime, period: str) -> str:
    if period == "15 minutes":
        return f"{start:%H:%M}"
    if period == "hour":
        return f"{start:%H:%M}\n{start:%d %b}"
    if period == "month":
        return f"{start:%b}\n{start:%Y}"
    return f"{start:%d %b}\n{start:%Y}"


def _explain(figure: Figure, activity: Activity, panels: Sequence[tuple[str, Floats]]) -> None:
    handles: list[Patch | Line2D] = []
    if activity.incomplete and any(values[-1] > 0 for _, values in panels):
        handles.append(
            Patch(facecolor=PALE, hatch=HATCH, edgecolor=INK, linewidth=0.5, label="period that is not over")
        )
    if any(np.isnan(values).any() for _, values in panels):
        label = f"fewer than {SMALLEST_GROUP} customers: not told"
        handles.append(Line2D([], [], color=INK, marker="x", linestyle="none", markersize=5, label=label))
    if handles:
        figure.legend(handles=handles, loc="outside lower right", ncols=2, frameon=False, fontsize=SMALL)


def _read_activity(activity: Activity) -> str:
    period = activity.period.name
    parts = []
    for kind, values in activity.counts.items():
        best = int(np.argmax(np.nan_to_num(values)))
        if values[best] > 0:
            when = _when(activity.starts[best], period)
            parts.append(f"{activity.totals[kind]:,.0f} {KINDS[kind]}, most of them {when} ({values[best]:,.0f})")
    says = "; ".join(parts) or "No period has ten active customers"
    says = f"{says[0].upper()}{says[1:]}."
    if activity.revenue is not None and np.nansum(activity.revenue) > 0:
        best = int(np.argmax(np.nan_to_num(activity.revenue)))
        says += (
            f" Revenue was {amount(activity.totals['revenue'])}, "
            f"highest {_when(activity.starts[best], period)} ({amount(float(activity.revenue[best]))})."
        )
    if activity.incomplete:
        says += " The last period is not over, so its bars cannot be compared."
    return says


def _when(start: datetime, period: str) -> str:
    if period == "15 minutes":
        return f"in the 15 minutes from {start:%H:%M}"
    if period == "hour":
        return f"in the hour from {start:%Y-%m-%d %H:%M}"
    if period == "day":
        return f"on {start:%Y-%m-%d}"
    return f"in the week from {start:%Y-%m-%d}" if period == "week" else f"in {start:%B %Y}"
