"""A fitted model takes its place after the live one: who is who, what became of whom, and how both do on one day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from segmentation.errors import UnusableDataError
from segmentation.lineage import Lineage
from training import lineage, progress
from training.agreement import overlap
from training.ask import Answer, Ints, ask
from training.database import first_row
from training.heritage import ANEW
from training.identity import Identity, by_id, identify, match
from training.paired import ROWS, Paired, compare
from training.profiles import REVENUE

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from segmentation.card import Card
    from segmentation.model import Model
    from segmentation.scoring import Floats
    from segmentation.segment import Segment
    from training.fitting import Fitted
    from training.heritage import Heritage
    from training.populations import Populations
    from training.snapshot import Snapshot
    from training.sources import Loaded

REACHES_BACK = 0.9
"""Share of the previous model's rows that the data must hold as of its day, to say where customers were that day."""


@dataclass(frozen=True, slots=True, eq=False)
class Consulted:
    """What the live model says of the customers of a snapshot.

    Parameters
    ----------
    answer
        Its answer; None where there is no live model, or it cannot be asked.
    why
        Why it cannot be asked.
    placed
        Positions of the customers of `answer.space`.
    start
        Its segments of the customers to be clustered, -1 for those whom its rules take: the new model begins from there
        as well. None without an answer.
    """

    answer: Answer | None = None
    why: str = ""
    placed: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    start: Ints | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Succession:
    """A model in its place.

    Parameters
    ----------
    fitted
        Its segments in the order of their ids.
    identities
        One per segment, in that order.
    next_id
        The first id that is free after it.
    lineage
        None where there was no model before.
    previous
        Card of the live model; None where there is none, or it was left on purpose.
    silhouettes
        Both models on the same customers; None where the live one could not be asked.
    moved
        Share of the customers whom both put in different segments; likewise.
    """

    fitted: Fitted
    identities: tuple[Identity, ...]
    next_id: int
    lineage: Lineage | None
    previous: Card | None
    silhouettes: Paired | None
    moved: float | None = None


def consult(
    database: Backend, loaded: Loaded, snapshot: Snapshot, populations: Populations, handed: Heritage, seed: int
) -> Consulted:
    """Ask the live model about the customers of a snapshot.

    Parameters
    ----------
    database, loaded
        Where their rows are.
    snapshot, populations
        The customers.
    handed
        The live model.
    seed
        Of the choice of customers whose silhouettes will be compared.

    Returns
    -------
    Consulted
        For `train` and `succeed`.
    """
    if handed.model is None:
        return Consulted()
    placed = _some(np.flatnonzero(populations.clustered), seed)
    try:
        with progress.step("asking the live model"):
            answer = ask(database, loaded, handed.model, snapshot.as_of, snapshot.customers.index, placed)
    except UnusableDataError as error:
        return Consulted(why=error.message)
    start = answer.segment[populations.clustered]
    return Consulted(answer=answer, placed=placed, start=np.where(start < handed.model.card.k, start, -1))


def succeed(
    database: Backend,
    loaded: Loaded,
    snapshot: Snapshot,
    populations: Populations,
    fitted: Fitted,
    handed: Heritage,
    said: Consulted,
) -> Succession:
    """Give each new segment its identity, and say what became of the previous ones.

    Parameters
    ----------
    database, loaded
        Where the rows are that both models are asked about.
    snapshot, populations, fitted
        The customers and the new model.
    handed
        The live model, and the first free id.
    said
        From `consult`.

    Returns
    -------
    Succession
        The same model, its segments named and ordered.
    """
    if handed.model is None:
        identities, next_id = identify({}, len(fitted.arrays.centroids), (), handed.next_id)
        told = _unrelated(None, ANEW, snapshot, (), identities) if handed.anew else None
        return Succession(fitted, identities, next_id, told, None, None)
    if said.answer is None:
        card = handed.model.card
        identities, next_id = identify({}, len(fitted.arrays.centroids), (), handed.next_id)
        told = _unrelated(card.version, said.why, snapshot, card.segments, identities)
        return Succession(fitted, identities, next_id, told, card, None)
    return _after(database, loaded, snapshot, populations, fitted, handed, handed.model, said.answer, said.placed)


def _after(
    database: Backend,
    loaded: Loaded,
    snapshot: Snapshot,
    populations: Populations,
    fitted: Fitted,
    handed: Heritage,
    model: Model,
    answer: Answer,
    placed: Ints,
) -> Succession:
    card, k = model.card, len(fitted.arrays.centroids)
    rows, columns = len(card.all_segments), k + len(populations.rules)
    matched = match(_table(answer.segment, _present(populations, fitted), rows, columns), (card.k, k))
    identities, next_id = identify(matched, k, card.segments, handed.next_id)
    order = by_id(identities)
    if order != list(range(k)):
        fitted = fitted.reordered(order)
        identities = tuple(identities[position] for position in order)
        matched = {order.index(new): old for new, old in matched.items()}
    present = _present(populations, fitted)
    before, after = (
        lineage.ids(card.all_segments),
        [*(each.id for each in identities), *(rule.id for rule in populations.rules)],
    )
    worth = _worth(snapshot)
    table = _table(answer.segment, present, rows, columns)
    with progress.step("asking the live model about its own day"):
        then = _then(database, loaded, snapshot, model)
    since = None if then is None else _table(then, answer.segment, rows, rows)
    told = Lineage(
        predecessor=model.version,
        why="",
        customers=int((answer.segment >= 0).sum()),
        segments=tuple(lineage.descents(table, matched, before, [each.id for each in identities])),
        previous=tuple(lineage.fates(table, matched, card.segments, after)),
        moved_by_model=lineage.moved(table, before, after),
        moved_by_customers=None if since is None else lineage.moved(since, before, before),
        model_changed=lineage.migration(table, _weighed(answer.segment, present, rows, columns, worth), before, after),
        customers_moved=()
        if then is None or since is None
        else lineage.migration(since, _weighed(then, answer.segment, rows, rows, worth), before, before),
    )
    inside = (answer.segment[placed] >= 0) & (answer.segment[placed] < card.k)
    chosen = placed[inside]
    silhouettes = None
    if len(chosen):
        space = fitted.arrays.space(snapshot.customers.to_numpy()[chosen])
        silhouettes = compare([space, answer.space[inside]], present[chosen], answer.segment[chosen])
    moved = lineage.moved(table, before, after, exact=True)
    return Succession(fitted, identities, next_id, told, card, silhouettes, moved)


def _present(populations: Populations, fitted: Fitted) -> Ints:
    """Position of each customer's new segment, rule segments last."""
    position = len(fitted.arrays.centroids) + populations.taken
    position[populations.clustered] = fitted.labels
    return position


def _then(database: Backend, loaded: Loaded, snapshot: Snapshot, model: Model) -> Ints | None:
    """The previous model's segments on its own day; None where these data cannot tell."""
    day, moment = datetime.fromisoformat(model.card.as_of), loaded.shape.moment
    if moment is None or day > snapshot.as_of:
        return None
    until = day.replace(tzinfo=None).isoformat(sep=" ")
    (rows,) = first_row(
        database, f"SELECT count(*) FROM {loaded.table.get_name()} WHERE {moment} <= TIMESTAMP '{until}'"
    )
    # Fewer: they begin later. More: they are of other customers, or were completed since.
    if not REACHES_BACK <= rows / model.card.counts.rows <= 1 / REACHES_BACK:
        return None
    return ask(database, loaded, model, day, snapshot.customers.index).segment


def _table(before: Ints, after: Ints, rows: int, columns: int) -> Floats:
    both = (before >= 0) & (after >= 0)
    return overlap(before[both], after[both], rows, columns)


def _weighed(before: Ints, after: Ints, rows: int, columns: int, worth: Floats | None) -> Floats | None:
    both = (before >= 0) & (after >= 0)
    return None if worth is None else overlap(before[both], after[both], rows, columns, worth[both])


def _worth(snapshot: Snapshot) -> Floats | None:
    name = next((name for name in REVENUE if name in snapshot.customers.columns), None)
    return None if name is None else snapshot.customers[name].to_numpy()


def _some(positions: Ints, seed: int) -> Ints:
    if len(positions) <= ROWS:
        return positions
    return np.sort(np.random.default_rng(seed).choice(positions, ROWS, replace=False))


def _unrelated(
    predecessor: str | None,
    why: str,
    snapshot: Snapshot,
    previous: tuple[Segment, ...],
    identities: tuple[Identity, ...],
) -> Lineage:
    present = [each.id for each in identities]
    return lineage.unrelated(predecessor, why, len(snapshot.customers), previous, present)
