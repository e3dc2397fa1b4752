"""What became of the live model's segments, and what the gate said, as `run` and `models show` print them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from training.plain_tables import facts, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from segmentation.card import Card
    from segmentation.lineage import Fate, Lineage, Migration, Verdict

FEW = "<10"


def print_retraining(console: Console, card: Card) -> None:
    """Print why the model was made, lineage and verdict, where a card has them.

    Parameters
    ----------
    console
        Where to.
    card
        The model.
    """
    if card.occasion is not None:
        told = facts()
        told.add_row("made because", card.occasion.why)
        console.print()
        console.print(told)
    if card.lineage is not None:
        console.print()
        console.print(_lineage(card.lineage))
        if card.lineage.previous:
            console.print()
            console.print(_fates(card.lineage, card))
    if card.gate is not None:
        console.print()
        console.print(_gate(card.gate))


def is_refused(card: Card) -> bool:
    """Whether the gate refused a model.

    Parameters
    ----------
    card
        The model.

    Returns
    -------
    bool
        False as well where it was not asked.
    """
    return card.gate is not None and not card.gate.passed


def _lineage(lineage: Lineage) -> Table:
    told = facts()
    told.add_row("model before", lineage.predecessor or "none")
    if lineage.why:
        told.add_row("not compared", lineage.why)
    if lineage.previous:
        told.add_row("its segments", _became(lineage.previous))
    fresh = [each for each in lineage.segments if each.status != "survived"]
    if fresh:
        told.add_row("new ids", ", ".join(f"{each.id} ({each.status}{_named(' of ', each.of)})" for each in fresh))
    if lineage.moved_by_model is not None:
        moved = f"{lineage.moved_by_model:.1%} because the model changed"
        if lineage.moved_by_customers is not None:
            moved += f"; since then {lineage.moved_by_customers:.1%} because they did"
        told.add_row("customers moved", moved)
    return told


def _became(fates: Sequence[Fate]) -> str:
    counts = Counter(fate.status for fate in fates)
    parts = [f"{counts['survived']} survived"] if counts["survived"] else []
    parts += [f"{fate.id} {fate.status}{_named(' into ', fate.into)}" for fate in fates if fate.status != "survived"]
    return ", ".join(parts)


def _named(words: str, ids: Sequence[int]) -> str:
    return words + " and ".join(map(str, ids)) if ids else ""


def _fates(lineage: Lineage, card: Card) -> Table:
    """Previous segments, what became of them, and how many customers are where: both models on the same day."""
    present = [segment.id for segment in card.all_segments]
    headings = [f"now {each}" for each in present]
    shown = table("id", "segment before", "became", *headings, right=("id", *headings))
    fates = {fate.id: fate for fate in lineage.previous}
    before = list(fates) + sorted({cell.before for cell in lineage.model_changed} - set(fates))
    for identifier in before:
        fate = fates.get(identifier)
        cells = [_cell(lineage.model_changed, identifier, after) for after in present]
        name, became = ("by rule", "") if fate is None else (fate.name, fate.status)
        shown.add_row(str(identifier), name, became, *cells)
    return shown


def _cell(cells: Sequence[Migration], before: int, after: int) -> str:
    for cell in cells:
        if (cell.before, cell.after) == (before, after):
            return FEW if cell.customers is None else f"{cell.customers:,}"
    return "-"


def _gate(verdict: Verdict) -> Table:
    shown = table("gate", "passed" if verdict.passed else "refused", "")
    for check in verdict.checks:
        shown.add_row(check.name, "passed" if check.passed else "REFUSED", check.says)
    return shown
