"""The pictures of a simulated scenario: who moves, what it brings, what that hangs on, whom to contact first."""

from __future__ import annotations

from textwrap import wrap

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from campaigns.pictures import (
    FILL,
    INK,
    LONGEST_LABEL,
    NORMAL,
    PALE,
    SMALL,
    Picture,
    amount,
    bar_style,
    foot,
    new_figure,
    percent,
    percents,
    png,
    thousands,
    tidy,
    words,
)
from campaigns.scenario.bars import bars, tornado
from campaigns.scenario.results import Estimate, Result, SegmentOutcome
from campaigns.scenario.sankey import sankey
from campaigns.scenario.sensitivity import Swing
from campaigns.scenario.told import PROJECTION, quantity, spoken
from segmentation.privacy import SMALLEST_GROUP


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
    bars(axes, [estimate for _, estimate, _ in rows], [hatched for _, _, hatched in rows])
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows], fontsize=NORMAL)
    axes.set_xlabel(f"{unit or 'amount'}, mean and 90 % interval; hatched: cost", fontsize=NORMAL)
    says = (
        f"Orders won are worth {spoken(told.revenue, unit)} before discount; discounts, contact and fixed cost take "
        f"{spoken(told.cost, unit)}. The gain is {spoken(told.gain, unit)}; it is above 0 in "
        f"{percent(result.chance_to_pay)} of the draws."
    )
    return Picture("money", "What it brings", "Bars of revenue, costs and gain with intervals", says, _finished(figure))


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
    bars(left, [segment.change for segment in shown], colours=[segment.colour for segment in shown])
    gains = [None if segment.money is None else segment.money.gain for segment in shown]
    bars(right, gains, colours=[segment.colour for segment in shown])
    left.set_yticks(range(len(shown)), [_label(segment) for segment in shown], fontsize=SMALL)
    left.set_xlabel("customers more or fewer;\nlines: 90 % intervals", fontsize=NORMAL)
    right.set_xlabel(f"gain before the fixed cost{_in(result)};\nlines: 90 % intervals", fontsize=NORMAL)
    growing = max(shown, key=lambda segment: segment.change.mean)
    told = [(segment.name, segment.money.gain) for segment in shown if segment.money is not None]
    says = "Of no segment it is told what it brings"
    if told:
        best, worst = max(told, key=lambda pair: pair[1].mean), min(told, key=lambda pair: pair[1].mean)
        says = f"Most is gained of “{best[0]}”: {spoken(best[1], _unit(result))}"
        if len(told) > 1:
            says += f"; least of “{worst[0]}”: {spoken(worst[1], _unit(result))}"
    says += (
        "." if growing.change.mean <= 0 else f". “{growing.name}” grows most: by {spoken(growing.change)} customers."
    )
    if any(segment.contacted is None for segment in shown):
        says += f" Fewer than {SMALLEST_GROUP} contacted, and whatever would give them away, are not told."
    return Picture(
        "segments", "Segment by segment", "Two bar charts with intervals, by segment", says, _finished(figure)
    )


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
    told = " in the segments told of" if any(segment.contacted is None for segment in result.segments) else ""
    figure = new_figure(1.5 + 0.72 * len(result.segments) if flows else 1.2)
    axes = figure.subplots()
    axes.set_axis_off()
    says = (
        f"Of {amount(won)} customers won on average{told}, {amount(staying)} stay in their segment and "
        f"{spoken(result.moved)} change it."
    )
    if flows:
        sankey(axes, result, flows)
        axes.set_title("customers won who change their segment: mean (90 % interval)", fontsize=NORMAL)
        widest = max(flows, key=lambda flow: flow.customers.mean)
        name = {segment.id: segment.name for segment in result.segments}
        says += f" Most go from “{name[widest.origin]}” to “{name[widest.destination]}”: {spoken(widest.customers)}."
    else:
        axes.text(0.5, 0.5, "Nobody changes segments", ha="center", va="center", fontsize=NORMAL + 2, color=INK)
    return Picture(
        "migration", "Who moves", "Ribbons from segments today to segments afterwards", says, _finished(figure)
    )


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
        return Picture("sensitivity", "What it hangs on", "No bars", says, _finished(figure))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    tornado(left, told.swings, told.gain, [(swing.gain_low, swing.gain_high) for swing in told.swings])
    tornado(right, told.swings, told.moved, [(swing.moved_low, swing.moved_high) for swing in told.swings])
    says_zero = left.get_xlim()[0] < 0 < left.get_xlim()[1]
    dotted = "; dotted: 0" if says_zero else ""
    left.set_xlabel(f"gain{_in(result)}; line: all at their median{dotted}", fontsize=NORMAL)
    right.set_xlabel("customers who change segments", fontsize=NORMAL)
    if says_zero:
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
    return Picture("sensitivity", "What it hangs on", "A tornado diagram of the assumptions", says, _finished(figure))


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
    return Picture(
        "whom-first", "Whom first", "A curve of the gain by share contacted, with a band", says, _finished(figure)
    )


def _finished(figure: Figure) -> bytes:
    foot(figure, PROJECTION)
    return png(figure)


def _ends(swing: Swing) -> str:
    low = quantity(swing.low, swing.unit).removesuffix(f" {swing.unit}")
    return f"{words(swing.assumption)}\n{low} to {quantity(swing.high, swing.unit)}"


def _minus(estimate: Estimate) -> Estimate:
    return Estimate(-estimate.mean, -estimate.high, -estimate.low)


def _label(segment: SegmentOutcome) -> str:
    name = f"{segment.id} {' '.join(segment.name.split())}"
    return "\n".join(words(line) for line in wrap(name, LONGEST_LABEL, max_lines=2, placeholder="…"))


def _unit(result: Result) -> str:
    return str(result.scenario.get("currency", ""))


def _in(result: Result, before: str = ", ") -> str:
    return f"{before}{_unit(result)}" if _unit(result) else ""
