"""The page of a replay: what to do, why, and how it was found, in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.maintenance.averages import common_points
from training.maintenance.pictures import draw_ageing, draw_causes, draw_customers
from training.report.drawing import percent
from training.report.page import Page, Section, Table

if TYPE_CHECKING:
    from training.maintenance.results import Contract, Simulation

UNTOLD = "not told: see maintenance in the configuration"


def page(made: Simulation) -> Page:
    """What the page holds.

    Parameters
    ----------
    made
        The replay.

    Returns
    -------
    Page
        For `training.report.render`; the pictures are in its sections.
    """
    return Page(
        title=f"How often to retrain: {made.source}",
        facts=(
            ("answer", answer(made)),
            ("because", made.recommendation.why),
            ("history", f"{made.first} to {made.last}"),
            ("models", f"of {', '.join(origin.origin[:10] for origin in made.origins)}; k = {made.k}"),
            ("looked at", f"every {made.every_days} days, on {_customers(made)}"),
            ("features", ", ".join(made.features)),
            ("later models", made.refits.why),
        ),
        sections=(
            Section(
                "ageing",
                "How a model ages",
                "A model of an early day (the origin) and one made anew on each later day divide the same customers "
                "as they are that day. The adjusted Rand index (ARI) is 1 where they agree and about 0 where they "
                "agree as chance would. Refits of the very same data do not agree wholly either: that is the noise "
                "floor, and nothing can be told from less. A cross marks where a line first is below the threshold.",
                tables=(_origins(made),),
                pictures=(draw_ageing(made),),
            ),
            Section("contract", "Maintenance contract", _introduction(made), tables=_contract(made.contract)),
            Section(
                "causes",
                "What the loss comes from",
                "A model is preprocessing (clipping, scaling, components) and centroids. Either can be made anew "
                "alone; what that makes good is its part of the loss.",
                pictures=(draw_causes(made),),
            ),
            Section(
                "customers",
                "Who changes segments",
                "Two things that must not be mixed up: customers whom a new model puts elsewhere on one and the same "
                "day, and customers who are elsewhere by the same model on a later day.",
                pictures=(draw_customers(made),),
            ),
            Section(
                "segments",
                "Segment by segment",
                "Jaccard similarity is the share that a segment has in common with its most similar successor: from "
                "0.75 it is stable, under 0.5 it dissolves (Hennig 2007). Stayed: customers of the origin who are in "
                "it still, by the same model.",
                tables=(_segments(made),),
            ),
        ),
        footer="Bounds are one-sided: nine in ten lie beyond them. Everything here is in maintenance.json.",
    )


def answer(made: Simulation) -> str:
    """The recommendation in a few words.

    Parameters
    ----------
    made
        The replay.

    Returns
    -------
    str
        One line.
    """
    days = made.recommendation.days
    return {
        "every": f"retrain within {days} days",
        "at-least": f"a model holds for {days} days or more: the history does not tell for how much longer",
        "sooner": f"a model does not hold for {made.every_days} days",
        "none": "there is no answer: refits of the same data are under the threshold",
    }[made.recommendation.answer]


def _customers(made: Simulation) -> str:
    return "all customers known by then" if made.customers == "all" else "customers known at the origin"


def _introduction(made: Simulation) -> str:
    if made.contract is None:
        return "There is none without a number of days: see the answer above."
    return (
        f"Of the rhythms that cron can keep, this is the rarest whose longest gap is within {made.recommendation.days} "
        "days. The command behind it is python -m training run, whose gate keeps a worse model from going live."
    )


def _contract(contract: Contract | None) -> tuple[Table, ...]:
    if contract is None:
        return ()
    effort, price = contract.effort_days_per_year, contract.price_per_year
    rows = (
        ("schedule", f"{contract.schedule}  ({contract.in_words})"),
        ("longest gap", f"{contract.longest_gap_days} days"),
        ("retrainings per year", f"{contract.retrainings_per_year:g}"),
        ("effort per year", UNTOLD if effort is None else f"{effort:g} days"),
        ("price per year", UNTOLD if price is None else f"{price:,.2f} {contract.currency}"),
    )
    return (Table("What follows", ("", ""), rows),)


def _origins(made: Simulation) -> Table:
    return Table(
        "Models that were aged",
        ("made of", "customers", "noise floor", "nine in ten above", "first below (days)", "oldest (days)", "ARI then"),
        tuple(
            (
                origin.origin[:10],
                f"{origin.customers:,}",
                f"{origin.noise_floor.ari:.3f}",
                f"{origin.noise_floor.ari_low:.3f}",
                "never" if origin.first_below_days is None else f"{origin.first_below_days}",
                f"{origin.points[-1].age_days}",
                f"{origin.points[-1].ari:.3f}",
            )
            for origin in made.origins
        ),
        numbers=frozenset(range(1, 7)),
    )


def _segments(made: Simulation) -> Table:
    ages = dict(common_points(made.origins))
    age = made.recommendation.days or max(ages)
    rows = [
        (
            origin.origin[:10],
            segment.name,
            percent(segment.share),
            f"{jaccard:.2f}",
            "fewer than 10 customers" if stayed is None else percent(stayed),
        )
        for origin, point in zip(made.origins, ages[age], strict=True)
        for segment, jaccard, stayed in zip(origin.segments, point.jaccard, point.stayed, strict=True)
    ]
    return Table(
        f"After {age} days",
        ("model of", "segment", "customers", "Jaccard", "stayed"),
        tuple(rows),
        numbers=frozenset({2, 3, 4}),
    )
