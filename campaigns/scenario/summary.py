"""A simulated scenario on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from campaigns.scenario.pages import answer
from campaigns.scenario.results import Result
from campaigns.scenario.told import spoken


def print_result(out: Console, result: Result) -> None:
    """Print the answer and the segments.

    Parameters
    ----------
    out
        The terminal.
    result
        Simulated.
    """
    out.print(f"{result.scenario['title']}: {result.draws:,} draws, seed {result.seed}\n")
    for sentence in answer(result):
        out.print(f"- {sentence}")
    out.print()
    table = Table(box=None, pad_edge=False, header_style="")
    for heading in ("id", "segment"):
        table.add_column(heading, justify="right" if heading == "id" else "left")
    for heading in ("contacted", "won", "change", "gain (90 % interval)"):
        table.add_column(heading, justify="right")
    for segment in result.segments:
        table.add_row(
            str(segment.id),
            segment.name,
            "not told" if segment.contacted is None else f"{segment.contacted:,}",
            spoken(segment.responding),
            spoken(segment.change),
            "" if segment.money is None else spoken(segment.money.gain),
        )
    out.print(table)
