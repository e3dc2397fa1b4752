"""Pictures of the customers: how long until they are regulars, and their RFM groups."""

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import MaxNLocator

from segmentation.privacy import SMALLEST_GROUP
from training.report.drawing import (
    HATCH,
    INK,
    NORMAL,
    PALE,
    SMALL,
    Picture,
    bar_style,
    few,
    new_figure,
    percent,
    png,
    step_of,
    tidy,
)
from training.report.loyalty import Curve, Rfm

STEPS: Mapping[str, tuple[float, ...]] = {
    "days": (1, 2, 5, 10, 15, 30, 60, 90, 180, 365),
    "hours": (1, 2, 3, 6, 12, 24, 48, 72),
    "minutes": (1, 2, 5, 10, 15, 30, 60, 120),
}
READ_AT: Mapping[str, tuple[float, ...]] = {
    "days": (30, 90, 180, 365),
    "hours": (1, 6, 24, 48),
    "minutes": (5, 15, 60, 120),
}
MOST_TICKS = 9
ONE = {"orders": "one order", "sessions with a purchase": "one session with a purchase"}
ORDINALS = {2: "second", 3: "third"}


def draw_curve(curve: Curve) -> Picture:
    """The share of customers who became regulars (or bought), by time.

    Parameters
    ----------
    curve
        Kaplan and Meier's estimate.

    Returns
    -------
    Picture
        A step curve with its interval; below it, how many customers are still waited for.
    """
    figure = new_figure(4.6)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(8, 1))
    tidy(axes, grid="y")
    axes.fill_between(
        curve.times, curve.low * 100, curve.high * 100, step="post", color="#c4c4c4", linewidth=0, label="95 % interval"
    )
    event = f"{ORDINALS[curve.orders]} order" if curve.orders else "first purchase"
    axes.step(curve.times, curve.share * 100, where="post", color=INK, linewidth=1.8, label="estimate (Kaplan-Meier)")
    axes.set_ylim(0, min(100.0, float(curve.high.max()) * 115))
    axes.set_ylabel(f"customers with their\n{event} (%)", fontsize=NORMAL)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axes.legend(fontsize=SMALL, frameon=False, loc="upper left")
    end = float(curve.times[-1])
    step = step_of(end, STEPS[curve.unit], MOST_TICKS)
    ticks = np.arange(0, end + step / 1000, step)
    axes.set_xlim(0, end)
    axes.tick_params(labelbottom=True)
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    start = "order" if curve.orders else "event"
    axes.set_xlabel(f"time since the first {start} ({curve.unit})", fontsize=NORMAL)
    below.axis("off")
    below.text(0, 1.05, "customers still waited for:", transform=below.transAxes, fontsize=SMALL, va="top")
    for tick in ticks:
        place = int(np.searchsorted(curve.times, tick, side="left"))
        # Those at either end stay within the picture.
        side = "left" if tick == 0 else "right" if tick > end - step / 4 else "center"
        below.text(
            tick,
            0.3,
            f"{curve.at_risk[min(place, len(curve.at_risk) - 1)]:,}",
            transform=below.get_xaxis_transform(),
            fontsize=SMALL,
            ha=side,
            va="top",
        )
    name = "becoming-a-regular" if curve.orders else "first-purchase"
    title = f"Time from first order to {event}" if curve.orders else "Time from first event to first purchase"
    return Picture(
        name,
        f"{title}: becoming a regular" if curve.orders else title,
        "A rising step curve with a grey band around it, and numbers of customers below.",
        _read_curve(curve, event),
        png(figure),
    )


def draw_grid(groups: Rfm, called: str) -> Picture:
    """Customers by recency and frequency score.

    Parameters
    ----------
    groups
        Scored customers.
    called
        What is counted as frequency: "orders" or "sessions with a purchase".

    Returns
    -------
    Picture
        A heat map with numbers.
    """
    figure = new_figure(4.8, width=7.5)
    axes = figure.add_subplot()
    shown = np.where(groups.cells_told, groups.cells, 0).astype(np.float64)
    # The square root tells small cells apart from empty ones.
    image = axes.imshow(np.sqrt(shown), cmap="Greys", vmin=0, vmax=max(float(np.sqrt(shown.max())) * 1.25, 1.0))
    for row in range(5):
        for column in range(5):
            dark = np.sqrt(shown[row, column]) > 0.6 * np.sqrt(max(shown.max(), 1.0))
            axes.text(
                column,
                row,
                _cell(int(groups.cells[row, column]), bool(groups.cells_told[row, column])),
                ha="center",
                va="center",
                fontsize=NORMAL,
                color="white" if dark else INK,
            )
    image.set_extent((-0.5, 4.5, 4.5, -0.5))
    axes.set_aspect("auto")
    axes.set_xticks(range(5), ["1", "2", "3", "4", "5"])
    axes.set_yticks(range(5), ["1\nlong ago", "2", "3", "4", "5\nrecent"])
    axes.set_xticks(np.arange(-0.5, 5), minor=True)
    axes.set_yticks(np.arange(-0.5, 5), minor=True)
    axes.grid(which="minor", color="#777777", linewidth=0.8)
    axes.tick_params(which="both", length=0)
    axes.invert_yaxis()
    axes.set_xlabel(f"frequency score (5: most {called})", fontsize=NORMAL)
    axes.set_ylabel("recency score", fontsize=NORMAL)
    axes.set_title("number of customers; the darker, the more", fontsize=NORMAL)
    repeaters = groups.customers - groups.one_order
    share = "Nearly all" if 0 < repeaters < SMALLEST_GROUP else percent(groups.one_order / groups.customers)
    says = (
        f"{groups.customers:,} customers are scored. {share} of them have only {ONE[called]}: all of these share "
        f"the frequency score {groups.one_order_score}, so columns can be empty."
    )
    if groups.visitors_without:
        says += f" {few(groups.visitors_without)} customers have not bought and are not scored."
    return Picture(
        "rfm-grid",
        "Customers by recency and frequency score",
        "A grid of five by five cells, each with its number of customers.",
        says,
        png(figure),
    )


def draw_groups(groups: Rfm) -> Picture:
    """Customers and revenue by RFM name.

    Parameters
    ----------
    groups
        Scored customers.

    Returns
    -------
    Picture
        Two bars for each name.
    """
    figure = new_figure(5.6)
    axes = figure.add_subplot()
    tidy(axes, grid="x")
    shares = [None if group.customers is None else group.customers / groups.customers for group in groups.groups]
    series = (
        ("share of customers", shares, bar_style(), -0.2),
        (
            "share of revenue",
            [group.revenue_share for group in groups.groups],
            {"facecolor": PALE, "hatch": HATCH},
            0.2,
        ),
    )
    for label, values, style, shift in series:
        drawn = [100 * value if value is not None else 0.0 for value in values]
        axes.barh(np.arange(len(drawn)) + shift, drawn, height=0.38, label=label, **style)
        for place, value in enumerate(values):
            if value is not None:
                axes.annotate(
                    percent(value),
                    (100 * value, place + shift),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=SMALL,
                )
    for place, group in enumerate(groups.groups):
        if group.customers is None:
            axes.annotate(
                "not told",
                (0, place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=SMALL,
                fontstyle="italic",
            )
    labels = [
        group.name if group.customers is None else f"{group.name} ({group.customers:,})" for group in groups.groups
    ]
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlim(0, axes.get_xlim()[1] * 1.08)
    axes.set_xlabel("share (%)", fontsize=NORMAL)
    axes.legend(fontsize=SMALL, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    named = [group for group in groups.groups if group.customers is not None]
    largest = max(named, key=lambda group: group.customers or 0, default=None)
    says = "Each customer has one of eleven names, by recency and by the mean of frequency and monetary score."
    if any(group.customers is None for group in groups.groups):
        says += f" Groups of fewer than {SMALLEST_GROUP} customers, and those that would give them away, are not told."
    if largest is not None and largest.customers is not None:
        says += f" The largest group is “{largest.name}”: {percent(largest.customers / groups.customers)} of customers"
        richest = max(named, key=lambda group: group.revenue_share or 0.0)
        says += f", {percent(largest.revenue_share or 0.0)} of revenue."
        if richest is not largest and richest.customers is not None:
            says += (
                f" “{richest.name}” brings most revenue: {percent(richest.revenue_share or 0.0)}, "
                f"from {percent(richest.customers / groups.customers)} of customers."
            )
    return Picture(
        "rfm-groups",
        "RFM groups: customers and revenue",
        "Two horizontal bars for each of eleven names: share of customers and share of revenue.",
        says,
        png(figure),
    )


def _cell(customers: int, told: bool) -> str:
    if told:
        return f"{customers:,}"
    return f"<{SMALLEST_GROUP}" if customers < SMALLEST_GROUP else "not told"


def _read_curve(curve: Curve, event: str) -> str:
    end = float(curve.times[-1])
    moments = [moment for moment in READ_AT[curve.unit] if moment <= end] or [end]
    parts = []
    for moment in moments:
        place = curve.at(moment)
        parts.append(
            f"{percent(curve.share[place])} after {moment:,.0f} {curve.unit} "
            f"(95 % interval {percent(curve.low[place])} to {percent(curve.high[place])})"
        )
    says = (
        f"{curve.arrived:,} of {curve.customers:,} customers have made their {event} so far. Allowing for those who "
        f"may still do so, the estimate is {', '.join(parts)}."
    )
    half = np.flatnonzero(curve.share >= 0.5)
    if len(half):
        return f"{says} Half of the customers get there within {curve.times[half[0]]:,.0f} {curve.unit}."
    return f"{says} Half of the customers do not get there within the time that the data span."
