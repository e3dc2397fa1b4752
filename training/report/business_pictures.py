"""Pictures of the business: missing values, baskets, categories."""

from collections.abc import Sequence

import numpy as np

from segmentation.privacy import SMALLEST_GROUP
from training.report.drawing import (
    FILL,
    INK,
    NORMAL,
    SMALL,
    Picture,
    amount,
    bar_style,
    few,
    new_figure,
    percent,
    png,
    thousands,
    tidy,
    words,
)
from training.report.facts import Baskets, Categories, Missing


def draw_missing(columns: Sequence[Missing], rows: int, called: str) -> Picture:
    """Missing values by column.

    Parameters
    ----------
    columns
        In the order of the table.
    rows
        Number of rows.
    called
        What they are.

    Returns
    -------
    Picture
        Horizontal bars.
    """
    figure = new_figure(1.2 + 0.3 * len(columns))
    axes = figure.add_subplot()
    tidy(axes, grid="x")
    # Few missing values are still seen beside none.
    end = min(100.0, max(5.0, 130 * max(column.share for column in columns)))
    for place, column in enumerate(columns):
        style = bar_style(hatched=not column.filled)
        axes.barh(place, column.share * 100, height=0.7, **style)
        label = percent(column.share) if column.filled else "not in the source"
        # Within a bar that is nearly as long as the axis, else beside it.
        inside = column.share * 100 > 0.8 * end
        axes.annotate(
            label,
            (column.share * 100, place),
            xytext=(-8 if inside else 4, 0),
            textcoords="offset points",
            va="center",
            ha="right" if inside else "left",
            fontsize=SMALL,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2} if inside else None,
        )
    axes.set_yticks(range(len(columns)), [words(column.column) for column in columns])
    axes.invert_yaxis()
    axes.set_xlim(0, end)
    axes.set_xlabel(f"share of {called} without a value (%)", fontsize=NORMAL)
    gaps = sorted((column for column in columns if column.filled and column.share > 0), key=lambda c: -c.share)
    absent = [column.column for column in columns if not column.filled]
    says = f"Of {rows:,} {called}, "
    if gaps:
        most = " and ".join(f"{percent(column.share)} lack {column.column}" for column in gaps[:2])
        says += f"{most}; {len(columns) - len(gaps) - len(absent)} of {len(columns)} columns are complete."
    else:
        says += "none lacks a value in any column that the source has."
    if absent:
        says += f" Not in the source: {', '.join(absent)}."
    return Picture(
        "missing-values",
        "Missing values by column",
        f"Horizontal bars, one for each of {len(columns)} columns: share of rows without a value.",
        says,
        png(figure),
    )


def draw_baskets(baskets: Baskets, called: str) -> Picture:
    """How basket values are distributed.

    Parameters
    ----------
    baskets
        Bars and quartiles.
    called
        What a basket is: "orders" or "sessions with a purchase".

    Returns
    -------
    Picture
        A histogram on a log axis, quartiles marked.
    """
    figure = new_figure(3.8)
    axes = figure.add_subplot()
    tidy(axes, grid="y")
    axes.bar(
        baskets.edges[:-1],
        baskets.counts,
        np.diff(baskets.edges),
        align="edge",
        color=FILL,
        edgecolor=INK,
        linewidth=0.6,
    )
    marks = (
        ("lower quartile", baskets.first, ":"),
        ("median", baskets.median, "-"),
        ("upper quartile", baskets.third, "--"),
    )
    for label, value, style in marks:
        axes.axvline(value, color=INK, linestyle=style, linewidth=1.8, label=f"{label}: {amount(value)}")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(thousands())
    axes.set_xlim(baskets.edges[0], baskets.edges[-1])
    ticks = [base * 10.0**power for power in range(-4, 12) for base in (1, 2, 5)]
    axes.set_xticks([tick for tick in ticks if baskets.edges[0] <= tick <= baskets.edges[-1]])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(thousands())
    axes.set_xlabel("value (shop's currency, log scale)", fontsize=NORMAL)
    axes.set_ylabel(called, fontsize=NORMAL)
    axes.legend(fontsize=SMALL, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    says = (
        f"Half of {baskets.valued:,} {called} are worth {amount(baskets.first)} to {amount(baskets.third)}; "
        f"the median is {amount(baskets.median)}."
    )
    apart = [
        (baskets.worthless, "are worth 0"),
        (baskets.unknown, "have no known value"),
        (baskets.untold, f"lie in bars of fewer than {SMALLEST_GROUP} customers, which are not drawn"),
    ]
    says += "".join(f" {few(count)} {what}." for count, what in apart if count)
    return Picture(
        "basket-values",
        "Distribution of basket values",
        "Histogram on a logarithmic axis with three vertical lines at the quartiles.",
        says,
        png(figure),
    )


def draw_categories(categories: Categories) -> Picture:
    """Which categories bring revenue, or events.

    Parameters
    ----------
    categories
        The largest and the rest.

    Returns
    -------
    Picture
        Horizontal bars.
    """
    bars = [
        (words(category.name or "(no category)"), category, category.name is not None) for category in categories.top
    ]
    if categories.others is not None and categories.others_number:
        bars.append((f"others ({categories.others_number:,})", categories.others, False))
    figure = new_figure(1.0 + 0.3 * len(bars))
    axes = figure.add_subplot()
    tidy(axes, grid="x")
    total = categories.total or 1.0
    for place, (_, category, named) in enumerate(bars):
        style = bar_style(hatched=not named)
        axes.barh(place, category.amount, height=0.7, **style)
        axes.annotate(
            percent(category.amount / total),
            (category.amount, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
        )
    axes.set_yticks(range(len(bars)), [label for label, _, _ in bars])
    axes.invert_yaxis()
    # Room for the percentage beyond the longest bar.
    axes.set_xlim(0, max(category.amount for _, category, _ in bars) * 1.1)
    axes.xaxis.set_major_formatter(thousands())
    unit = "revenue from goods (shop's currency)" if categories.measure == "revenue" else categories.measure
    axes.set_xlabel(unit, fontsize=NORMAL)
    named_ones = [category for category in categories.top if category.name is not None]
    first = named_ones[0]
    share = sum(category.amount for category in named_ones[:3]) / total
    says = (
        f"{first.name} leads with {percent(first.amount / total)} of {categories.measure} "
        f"({first.customers:,} customers); the first {min(3, len(named_ones))} categories have {percent(share)}."
    )
    nameless = next((category for category in categories.top if category.name is None), None)
    if nameless is not None:
        says += f" {percent(nameless.amount / total)} have no category."
    if categories.others_number:
        says += (
            f" Not shown by name: {categories.others_number:,} others, those of fewer than {SMALLEST_GROUP} customers "
            "among them."
            + ("" if categories.others is not None else " Together they have too few customers to be told.")
        )
    return Picture(
        "categories",
        f"Categories by {categories.measure}",
        f"Horizontal bars of {len(categories.top)} categories and the sum of the others.",
        says,
        png(figure),
    )
