"""The page of a simulated scenario: the answer first, then what it rests on."""

from __future__ import annotations

from campaigns.page import Page, Section, Table
from campaigns.pictures import Picture, amount, percent
from campaigns.scenario.results import Estimate, Result, SegmentOutcome
from campaigns.scenario.told import PROJECTION, quantity, spoken

OWN_AVERAGE = (
    " Orders are taken to be as large as the customer's own average. Where that is large it is so in part by chance, "
    "most of all of a single order: what the best few bring is told too high for it, and the band does not show that."
)
"""The winner's curse, for who does not know its name."""


def page(result: Result, pictures: tuple[Picture, ...]) -> Page:
    """Put a result into words and tables.

    Parameters
    ----------
    result
        Simulated.
    pictures
        In the order of `drawings.pictures`.

    Returns
    -------
    Page
        Without a single customer's id or number.
    """
    money, segments, migration, sensitivity, whom_first = pictures
    return Page(
        title=str(result.scenario["title"]),
        answer=answer(result),
        facts=_facts(result),
        sections=(
            Section(
                "money",
                "What it brings",
                "Over all draws. Discounts are counted as cost, also those of customers who would have ordered anyway.",
                (_money(result),),
                (money,),
            ),
            Section(
                "segments",
                "Segment by segment",
                "Where customers come from and go to, and what those contacted in each segment bring.",
                (_segments(result),),
                (segments,),
            ),
            Section(
                "migration",
                "Who moves",
                "Customers won, by the segment that they are in today and the one that the model puts them in after "
                "the response. Customers who would order anyway would move without the promotion too: not counted.",
                _flows(result),
                (migration,),
            ),
            Section(
                "sensitivity",
                "What it hangs on",
                "One assumption at a time at the ends of its 90 % range, the others at their median; expected values, "
                "without chance. A wide bar is worth a test before the promotion.",
                (_assumptions(result),),
                (sensitivity,),
            ),
            Section(
                "whom-first",
                "Whom first",
                "Customers in the order of expected gain per cost, cut into groups; the band holds 90 % of the "
                "draws of the assumptions. The list itself is written on request (--customers-out)."
                + (OWN_AVERAGE if _by_average(result) else ""),
                (_steps(result),),
                (whom_first,),
            ),
            Section(
                "features",
                "What a response does",
                "To the features of the model. What stays is assumed not to change, for want of a move that would be "
                "consistent with an additional order.",
                (_features(result),),
            ),
        ),
        footer=(
            f"{result.draws:,} draws from seed {result.seed}, of the assignments of {result.model_version} as of "
            f"{result.as_of}. Intervals hold {percent(result.interval)} of the draws. It follows from the assumptions; "
            "nothing of it is measured: what a promotion did is told by an experiment."
        ),
    )


def _by_average(result: Result) -> bool:
    order = result.scenario.get("order") or {}
    return "times_average" in order.get("basket", {})


def answer(result: Result) -> tuple[str, ...]:
    """The result in a few sentences.

    Parameters
    ----------
    result
        Simulated.

    Returns
    -------
    tuple of str
        What kind of answer it is, what it brings, how sure that is, what it hangs on, whom to contact.
    """
    unit = str(result.scenario.get("currency", ""))
    gain = result.money.gain
    sure = "." if gain.low == gain.high else ": nine draws in ten lie between the two."
    told = [
        PROJECTION,
        f"The expected gain of contacting {result.contacted:,} of {result.customers:,} customers is "
        f"{spoken(gain, unit)}{sure}",
        f"It pays in {percent(result.chance_to_pay)} of the draws.",
    ]
    if result.from_assumptions is not None:
        told.append(
            f"{percent(result.from_assumptions)} of the gain's variance comes from not knowing the assumptions, the "
            "rest from who happens to respond."
        )
    if result.break_even_uplift is not None:
        told.append(f"All else at its median, it pays from an uplift of {percent(result.break_even_uplift)} on.")
    elif result.break_even_factor is not None:
        told.append(f"All else at its median, it pays from {amount(result.break_even_factor)} times the uplifts on.")
    else:
        told.append("All else at its median, no uplift makes it pay.")
    told.append(f"{spoken(result.moved)} customers change their segment.")
    told += [
        f"{percent(feature.stopped)} of the customers contacted would leave the valid range of {feature.feature}: they "
        "stop at its end."
        for feature in result.features
        if feature.stopped
    ]
    best = max(result.whom_first, key=lambda step: step.gain)
    if best.gain <= 0:
        told.append("However few are contacted, nothing is gained.")
    elif best is not result.whom_first[-1]:
        told.append(
            f"Contacting only the best {best.customers:,} brings more: {amount(best.gain)} ({amount(best.low)} to "
            f"{amount(best.high)}, chance apart)."
        )
    if result.cut > 0:
        told.append(
            f"In {percent(result.cut)} of the draws the uplift was cut off: no more orders can be lost than would come "
            "anyway, and no more customers won than would not. The mean is off by what was cut."
        )
    return tuple(told)


def _facts(result: Result) -> tuple[tuple[str, str], ...]:
    facts = [("About", str(result.scenario["about"]))] if result.scenario.get("about") else []
    return (
        *facts,
        ("Customers", f"{result.customers:,}, of whom {result.contacted:,} are contacted"),
        ("Model", f"{result.model_version}, as of {result.as_of}"),
        ("Simulated", f"{result.draws:,} draws, seed {result.seed}"),
    )


def _money(result: Result) -> Table:
    told = result.money
    rows = (
        ("orders won", told.orders),
        ("worth of these, before discount", told.revenue),
        ("margin on these", told.margin),
        ("discounts", told.discounts),
        ("of these, on orders that would have come anyway", told.discounts_anyway),
        ("contact", told.contact),
        ("fixed cost", told.fixed),
        ("all cost", told.cost),
        ("gain", told.gain),
    )
    return Table(
        f"Over {result.draws:,} draws",
        ("", "mean", "90 % from", "to"),
        tuple((name, amount(value.mean), amount(value.low), amount(value.high)) for name, value in rows),
        frozenset({1, 2, 3}),
    )


def _segments(result: Result) -> Table:
    return Table(
        "Customers, mean (90 % interval)",
        ("segment", "customers", "contacted", "won", "leaving", "arriving", "change", "gain before the fixed cost"),
        tuple(_segment(segment) for segment in result.segments),
        frozenset(range(1, 8)),
    )


def _segment(segment: SegmentOutcome) -> tuple[str, ...]:
    return (
        f"{segment.id} {segment.name}",
        _counted(segment.customers),
        _counted(segment.contacted),
        spoken(segment.responding),
        spoken(segment.leaving),
        spoken(segment.arriving),
        spoken(segment.change),
        "" if segment.money is None else spoken(segment.money.gain),
    )


def _counted(number: int | None) -> str:
    return "not told" if number is None else f"{number:,}"


def _flows(result: Result) -> tuple[Table, ...]:
    customers = {(flow.origin, flow.destination): flow.customers for flow in result.flows}
    revenue = {(flow.origin, flow.destination): flow.revenue for flow in result.flows}
    unit = str(result.scenario.get("currency", ""))
    return (
        _matrix(result, "Customers won, mean (90 % interval)", customers),
        _matrix(result, f"Worth of their orders before discount{f', {unit}' if unit else ''}, likewise", revenue),
    )


def _matrix(result: Result, title: str, cells: dict[tuple[int, int], Estimate]) -> Table:
    shown = result.segments
    rows = tuple(
        (
            f"{origin.id} {origin.name}",
            *(spoken(cells[pair]) if (pair := (origin.id, other.id)) in cells else "0" for other in shown),
        )
        for origin in shown
        if any((origin.id, other.id) in cells for other in shown)
    )
    headings = ("from, to", *(f"{segment.id} {segment.name}" for segment in shown))
    return Table(title, headings, rows, frozenset(range(1, len(headings))))


def _assumptions(result: Result) -> Table:
    swings = {swing.assumption: swing for swing in result.sensitivity.swings}
    rows = []
    for told in result.assumptions:
        swing = swings.get(told.name)
        gains = ("", "") if swing is None else (amount(swing.gain_low), amount(swing.gain_high))
        numbers = [quantity(value, told.unit) for value in (told.low, told.median, told.high)]
        rows.append((told.name, told.form, *(["", numbers[1], ""] if told.form == "certain" else numbers), *gains))
    headings = ("assumption", "spread", "5 %", "median", "95 %", "gain at 5 %", "gain at 95 %")
    return Table("What is assumed", headings, tuple(rows), frozenset(range(2, 7)))


def _steps(result: Result) -> Table:
    rows = tuple(
        (f"{step.customers:,}", amount(step.cost), amount(step.gain), amount(step.low), amount(step.high))
        for step in result.whom_first
    )
    return Table(
        "The best so many contacted", ("customers", "cost", "gain", "90 % from", "to"), rows, frozenset(range(5))
    )


def _features(result: Result) -> Table:
    rows = tuple(
        (
            told.feature,
            "moves" if told.moves else "stays",
            told.says.removeprefix("stays: "),
            "" if not told.stopped else f"{percent(told.stopped)} of customers stop at an end of its valid range",
        )
        for told in result.features
    )
    return Table("Features of who responds", ("feature", "", "how, or why", "range"), rows)
