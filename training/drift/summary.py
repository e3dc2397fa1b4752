"""Whether a new model is needed, as a table for whoever runs the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.plain_tables import facts, table

if TYPE_CHECKING:
    from rich.console import Console

    from training.drift.needed import Need


def print_need(console: Console, need: Need) -> None:
    """Print why a new model is needed or not, and every drift statistic.

    Parameters
    ----------
    console
        Where to.
    need
        What was found.
    """
    if need.drift is not None:
        rows = table("statistic", "customers", "PSI", "threshold", "verdict", right=("customers", "PSI", "threshold"))
        for reading in need.drift.readings:
            said = f"{reading.verdict} (ages by itself)" if reading.ages else reading.verdict
            limit = "-" if reading.threshold is None else f"{reading.threshold:.4f}"
            rows.add_row(reading.name, f"{reading.n:,}", f"{reading.psi:.4f}", limit, said)
        console.print(rows)
        console.print()
    told = facts()
    if need.version is not None:
        told.add_row("live model", need.version)
    told.add_row("a new model", "needed" if need.needed else "not needed")
    told.add_row("because", need.why)
    console.print(told)
