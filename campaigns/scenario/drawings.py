"""The pictures of a simulated scenario: who moves, what it brings, what that hangs on, whom to contact first."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from campaigns.pictures import (
    FILL,
    INK,
    NORMAL,
    PALE,
    SMALL,
    Picture,
    amount,
    bar_style,
    new_figure,
    percent,
    percents,
    png,
    thousands,
    tidy,
    words,
)
from campaigns.scenario.results import Estimate, Result, SegmentOutcome
from campaigns.scenario.sankey import sankey
from campaigns.scenario.sensitivity import Swing
from campaigns.scenario.told import quantity, spoken


def pictures(result: Result) -> tuple[Picture, ...]:
    """Draw all of them.

    Parameters
    ----------
    result
        Simulated.

    Returns
    -------
    tuple of Picture
        In the order of the page; the same result gives the same bytes.
    """
    return (money(result), segments(result), migration(result), sensitivity(result), whom_first(result))


def money(result: Result) -> Picture:
    """Bars of what comes in and what goes out, with intervals.

    Parameters
    ----------
    result
        Simulated.

    Returns
    -------
    Picture
        `money.png`.
    """
    told, unit = result.money, _unit(result)
    rows = [
        ("worth of the orders won", told.revenue, False),
        ("margin on them", told.margin, False),
        ("discounts", _minus(told.discounts), True),
        ("contact", _minus(told.contact), True),
        ("fixed cost", _minus(told.fixed), True),
        ("gain: margin less all cost", told.gain, False),
    ]
    figure = new_figure(4.0)
    axes = figure.subplots()
    _bars(axes, [estimate for _, estimate, _ in rows], [hatched for _, _, hatched in rows])
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows], fontsize=NORMAL)
    axes.set_xlabel(f"{unit or 'amount'}, mean and 90 % interval; hatched: cost", fontsize=NORMAL)
    says = (
        f"Orders won are worth {spoken(told.revenue, unit)} before discount; discounts, contact and fixed cost take "
        f"{spoken(told.cost, unit)}. The gain is {spoken(told.gain, unit)}; it is above 0 in "
        f"{percent(result.chance_to_pay)} of the draws."
    )
    return Picture("money", "What it brings", "Bars of revenue, costs and gain with intervals", says, png(figure))


def segments(result: Result) -> Picture:
    """Segment by segment: how many customers more or fewer, and the gain, with intervals.

    Parameters
    ----------
    result
        Simulated.

    Returns
    -------
    Picture
        `segments.png`.
    """
    shown = result.segments
    left, right = (figure := new_figure(1.6 + 0.42 * len(shown))).subplots(1, 2, sharey=True)
    _bars(left, [segment.change for segment in shown], colours=[segment.colour for segment in shown])
    gains = [None if segment.money is None else segment.money.gain for segment in shown]
    _bars(right, gains, colours=[segment.colour for segment in shown])
    left.set_yticks(range(len(shown)), [_label(segment) for segment in shown], fontsize=SMALL)
    left.set_xlabel("customers more or fewer", fontsize=NORMAL)
    right.set_xlabel(f"gain before the fixed cost{_in(result)}", fontsize=NORMAL)
    growing = max(shown, key=lambda segment: segment.change.mean)
    told = [(segment.name, segment.money.gain) for segment in shown if segment.money is not None]
    best, worst = max(told, key=lambda pair: pair[1].mean), min(told, key=lambda pair: pair[1].mean)
    says = f"Most is gained of “{best[0]}”: {spoken(best[1], _unit(result))}" if told else "Nothing is told"
    if len(told) > 1:
        says += f"; least of “{worst[0]}”: {spoken(worst[1], _unit(result))}"
    says += (
        "." if growing.change.mean <= 0 else f". “{growing.name}” grows most: by {spoken(growing.change)} customers."
    )
    return Picture("segments", "Segment by segment", "Two bar charts with intervals, by segment", says, png(figure))


def migration(result: Result) -> Picture:
    """A Sankey diagram of the customers won who change segments.

    Parameters
    ----------
    result
        Simulated.

    Returns
    -------
    Picture
        `migration.png`.
    """
    flows = [flow for flow in result.flows if flow.origin != flow.destination and flow.customers.mean > 0]
    won = sum(flow.customers.mean for flow in result.flows)
    staying = won - sum(flow.customers.mean for flow in flows)
    figure = new_figure(1.5 + 0.72 * len(result.segments) if flows else 1.2)
    axes = figure.subplots()
    axes.set_axis_off()
    says = (
        f"Of {amount(won)} customers won on average, {amount(staying)} stay in their segment and "
        f"{spoken(result.moved)} change it."
    )
    if flows:
        sankey(axes, result, flows)
        widest = max(flows, key=lambda flow: flow.customers.mean)
        name = {segment.id: segment.name for segment in result.segments}
        says += f" Most go from “{name[widest.origin]}” to “{name[widest.destination]}”: {spoken(widest.customers)}."
    else:
        axes.text(0.5, 0.5, "Nobody changes segments", ha="center", va="center", fontsize=NORMAL + 2, color=INK)
    return Picture("migration", "Who moves", "Ribbons from segments today to segments afterwards", says, png(figure))


def sensitivity(result: Result) -> Picture:
    """A tornado: the gain, and the customers who move, with one assumption at a time at its ends.

    Parameters
    ----------
    result
        Simulated.

    Returns
    -------
    Picture
        `sensitivity.png`.
    """
    told = result.sensitivity
    figure = new_figure(1.8 + 0.5 * max(1, len(told.swings)))
    if not told.swings:
        axes = figure.subplots()
        axes.set_axis_off()
        axes.text(0.5, 0.5, "Every assumption is certain", ha="center", va="center", fontsize=NORMAL + 2, color=INK)
        says = "The scenario gives every assumption as certain: there is nothing to vary."
        return Picture("sensitivity", "What it hangs on", "No bars", says, png(figure))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    _tornado(left, told.swings, told.gain, [(swing.gain_low, swing.gain_high) for swing in told.swings])
    _tornado(right, told.swings, told.moved, [(swing.moved_low, swing.moved_high) for swing in told.swings])
    left.set_xlabel(f"gain{_in(result)}; line: all at their median", fontsize=NORMAL)
    right.set_xlabel("customers who change segments", fontsize=NORMAL)
    if left.get_xlim()[0] < 0 < left.get_xlim()[1]:
        left.axvline(0, color="#b00020", linewidth=1, linestyle=":")
    left.set_yticks(range(len(told.swings)), [_ends(swing) for swing in told.swings], fontsize=SMALL)
    figure.legend(
        [Rectangle((0, 0), 1, 1, **bar_style(hatched=True)), Rectangle((0, 0), 1, 1, **bar_style())],
        ["at its low end (5 %)", "at its high end (95 %)"], loc="outside upper center", ncols=2,
        fontsize=SMALL, frameon=False,
    )  # fmt: skip
    first = told.swings[0]
    says = (
        f"With everything at its median the gain is {amount(told.gain)}{_in(result, ' ')}. It hangs most on the "
        f"{first.assumption}: {amount(first.gain_low)} at its low end, {amount(first.gain_high)} at its high end."
    )
    return Picture("sensitivity", "What it hangs on", "A tornado diagram of the assumptions", says, png(figure))


def whom_first(result: Result) -> Picture:
    """The gain of contacting only the best so many.

    Parameters
    ----------
    result
        Simulated.

    Returns
    -------
    Picture
        `whom-first.png`.
    """
    steps = result.whom_first
    share = [step.customers / result.contacted for step in steps]
    best = max(steps, key=lambda step: step.gain)
    figure = new_figure(3.8)
    axes = figure.subplots()
    axes.fill_between(
        share,
        [step.low for step in steps],
        [step.high for step in steps],
        color=PALE,
        label="90 % of the draws, chance apart",
    )
    axes.plot(share, [step.gain for step in steps], color=FILL, marker="o", markersize=4, label="mean")
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axvline(best.customers / result.contacted, color=INK, linewidth=0.8, linestyle=":")
    axes.annotate(
        f"most: {best.customers:,} customers", (best.customers / result.contacted, best.gain), xytext=(-6, 10),
        textcoords="offset points", ha="right", fontsize=SMALL,
    )  # fmt: skip
    axes.set_xlim(0, 1.02)
    axes.xaxis.set_major_formatter(percents())
    axes.yaxis.set_major_formatter(thousands())
    axes.set_xlabel("of the customers of the scenario, contacted in the order of gain per cost", fontsize=NORMAL)
    axes.set_ylabel(f"gain{_in(result)}", fontsize=NORMAL)
    axes.legend(fontsize=SMALL, frameon=False, loc="lower left")
    tidy(axes, "y")
    last = steps[-1]
    says = (
        f"Contacting the best {best.customers:,} of {result.contacted:,} brings most: {amount(best.gain)}"
        f"{_in(result, ' ')} ({amount(best.low)} to {amount(best.high)}) for a cost of {amount(best.cost)}."
    )
    if best is not last:
        says += f" Contacting all brings {amount(last.gain)} for {amount(last.cost)}."
    return Picture("whom-first", "Whom first", "A curve of the gain by share contacted, with a band", says, png(figure))


def _bars(
    axes: Axes,
    estimates: Sequence[Estimate | None],
    hatched: Sequence[bool] = (),
    colours: Sequence[str] = (),
) -> None:
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
            axes.text(0, row, "  nobody is contacted, or too few to tell", va="center", fontsize=SMALL - 1, color=INK)
    axes.set_xlim(low - 0.05 * span, high + 0.2 * span)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_ylim(len(estimates) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(thousands())
    axes.locator_params(axis="x", nbins=5)
    tidy(axes, "x")


def _tornado(axes: Axes, swings: Sequence[Swing], middle: float, ends: Sequence[tuple[float, float]]) -> None:
    for row, (low, high) in enumerate(ends):
        axes.barh(row, low - middle, left=middle, height=0.6, **bar_style(hatched=True))
        axes.barh(row, high - middle, left=middle, height=0.6, **bar_style())
    axes.axvline(middle, color=INK, linewidth=1)
    axes.set_ylim(len(swings) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(thousands())
    axes.locator_params(axis="x", nbins=5)
    tidy(axes, "x")


def _ends(swing: Swing) -> str:
    low = quantity(swing.low, swing.unit).removesuffix(f" {swing.unit}")
    return f"{words(swing.assumption)}\n{low} to {quantity(swing.high, swing.unit)}"


def _minus(estimate: Estimate) -> Estimate:
    return Estimate(-estimate.mean, -estimate.high, -estimate.low)


def _label(segment: SegmentOutcome) -> str:
    return f"{segment.id} {words(segment.name)}"


def _unit(result: Result) -> str:
    return str(result.scenario.get("currency", ""))


def _in(result: Result, before: str = ", ") -> str:
    return f"{before}{_unit(result)}" if _unit(result) else ""
