"""What `maintenance` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.maintenance.averages import common_points
from training.maintenance.page import UNTOLD, answer
from training.plain_tables import facts, table

if TYPE_CHECKING:
    from rich.console import Console

    from training.maintenance.results import Simulation

COLUMNS = ("customers", "floor", "9 in 10", "first below", "oldest", "ARI then")


def print_simulation(console: Console, made: Simulation) -> None:
    """Print the models and how they aged, the answer, and the contract.

    Parameters
    ----------
    console
        Where to.
    made
        The replay.
    """
    told = facts()
    told.add_row("source", f"{made.source}, {made.first} to {made.last}")
    told.add_row("features", f"{len(made.features)}: {', '.join(made.features)}; k = {made.k}")
    told.add_row("later models", made.refits.why)
    console.print(told)
    console.print()
    shown = table("model of", *COLUMNS, right=COLUMNS)
    for origin in made.origins:
        shown.add_row(
            origin.origin[:10],
            f"{origin.customers:,}",
            f"{origin.noise_floor.ari:.3f}",
            f"{origin.noise_floor.ari_low:.3f}",
            "never" if origin.first_below_days is None else f"{origin.first_below_days} days",
            f"{origin.points[-1].age_days} days",
            f"{origin.points[-1].ari:.3f}",
        )
    console.print(shown)
    console.print()
    age, points = common_points(made.origins)[-1]
    rescaled = sum(point.ari_if_rescaled for point in points) / len(points)
    console.print(_answer(made, f"{rescaled:.3f} after {age} days, if only the preprocessing were made anew"))


def _answer(made: Simulation, rescaled: str) -> object:
    told = facts()
    told.add_row("answer", answer(made))
    told.add_row("because", made.recommendation.why)
    told.add_row("ARI", rescaled)
    contract = made.contract
    if contract is not None:
        effort, price = contract.effort_days_per_year, contract.price_per_year
        told.add_row("schedule", f"{contract.schedule}  ({contract.in_words})")
        told.add_row("per year", f"{contract.retrainings_per_year:g} retrainings")
        told.add_row("effort", UNTOLD if effort is None else f"{effort:g} days a year")
        told.add_row("price", UNTOLD if price is None else f"{price:,.2f} {contract.currency} a year")
    return told
