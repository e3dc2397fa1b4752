"""The customers who are contacted, as arrays: where they are, what they are worth, and what moves them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from campaigns.assignments import Assignments
from campaigns.scenario.bound import Bound
from campaigns.scenario.destinations import Destinations, destinations
from campaigns.scenario.moves import SPENT
from segmentation.assignment import assign
from segmentation.errors import BadValueError, InputError, MissingColumnError, UnusableDataError
from segmentation.privacy import SMALLEST_GROUP
from segmentation.rules import Condition
from segmentation.scoring import Arrays, Floats

ROWS_AT_ONCE = 65_536
NEAR_TIE = 1e-6
"""Margin under which a customer may be put elsewhere by numbers that went through a file."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """Customers and whom of them the scenario contacts, n of them, in the order of their ids.

    Parameters
    ----------
    before
        Customers of the whole base by position of the segment, int64, shape (K,).
    segment
        Position of the segment of each one contacted, int64, shape (n,).
    basket
        Their own average order, float64, shape (n,); None where no order is a multiple of it.
    destinations
        Where each one goes who responds.
    """

    before: Ints
    segment: Ints
    basket: Floats | None
    destinations: Destinations

    @property
    def contacted(self) -> int:
        """How many are contacted."""
        return len(self.segment)


def load(table: Assignments, bound: Bound, arrays: Arrays) -> Base:
    """Read the customers; the table `contacted`, with their `place` in the arrays, stays for later.

    Parameters
    ----------
    table
        Of the model's own assignments, with features.
    bound
        The scenario.
    arrays
        The model.

    Returns
    -------
    Base
        Ready to be simulated.

    Raises
    ------
    InputError
        The table has no features, or was not made by this model; nobody, or too few, are to be contacted.
    """
    card = bound.card
    for name in card.feature_names:
        if name not in table.features:
            if not table.features:
                raise InputError(
                    f"{table.file.name} has no features", hint="write it with `training assign --with-features`"
                )
            raise MissingColumnError(table.file.name, name, table.features)
    before = _before(table, bound)
    _contact(table, bound)
    parts = [_part(table, bound, arrays, features, ids) for features, ids in _batches(table, bound)]
    contacted = sum(len(segment) for segment, _, _ in parts)
    if contacted < SMALLEST_GROUP:
        raise UnusableDataError(
            f"the scenario contacts {'nobody' if not contacted else f'fewer than {SMALLEST_GROUP} customers'}",
            hint="widen target: its segments and conditions",
        )
    baskets = [basket for _, basket, _ in parts if basket is not None]
    return Base(
        before=before,
        segment=np.concatenate([segment for segment, _, _ in parts]),
        basket=np.concatenate(baskets) if baskets else None,
        destinations=Destinations.joined([part for _, _, part in parts]),
    )


def _before(table: Assignments, bound: Bound) -> Ints:
    counts = dict(
        table.connection.execute("SELECT segment_id, count(*) FROM assignments GROUP BY segment_id").fetchall()
    )
    known = [segment.id for segment in bound.card.all_segments]
    strange = sorted(set(counts) - set(known))
    if strange:
        raise BadValueError(
            f"{table.file.name} has customers in segment {strange[0]}, which the model has not",
            hint="write it anew with `training assign`",
        )
    return np.array([counts.get(id_, 0) for id_ in known], dtype=np.int64)


def _contact(table: Assignments, bound: Bound) -> None:
    ids = ", ".join(str(bound.card.all_segments[position].id) for position in bound.targeted)
    conditions = " AND ".join([f"segment_id IN ({ids})", *map(_condition, bound.scenario.target.where)])
    features = ", ".join(_quoted(name) for name in bound.card.feature_names)
    # In the order of ids, so that the same customers in another order of rows are simulated alike.
    table.connection.execute(
        f"CREATE TABLE contacted AS SELECT row_number() OVER (ORDER BY customer_id) - 1 AS place, customer_id, "
        f"segment_id, {features} FROM assignments WHERE {conditions}"
    )


def _condition(condition: Condition) -> str:
    name = _quoted(condition.feature)
    low = [] if condition.at_least is None else [f"{name} >= {condition.at_least!r}"]
    return " AND ".join(low + ([] if condition.below is None else [f"{name} < {condition.below!r}"]))


def _batches(table: Assignments, bound: Bound) -> Iterator[tuple[Floats, Ints]]:
    names = bound.card.feature_names
    query = table.connection.sql(
        f"SELECT segment_id, {', '.join(_quoted(name) for name in names)} FROM contacted ORDER BY place"
    )
    for batch in query.to_arrow_reader(ROWS_AT_ONCE):
        features = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False) for name in names])
        yield features, batch.column("segment_id").to_numpy(zero_copy_only=False).astype(np.int64)


def _part(
    table: Assignments, bound: Bound, arrays: Arrays, features: Floats, ids: Ints
) -> tuple[Ints, Floats | None, Destinations]:
    if not np.isfinite(features).all():
        raise BadValueError(
            f"{table.file.name} has a feature that is no finite number", hint="write it anew with `training assign`"
        )
    position = {segment.id: place for place, segment in enumerate(bound.card.all_segments)}
    segment = np.array([position[id_] for id_ in ids.tolist()], dtype=np.int64)
    found = assign(bound.card, arrays, features)
    elsewhere = (found.segment != segment) & ~(found.margin < NEAR_TIE)
    if elsewhere.any():
        raise BadValueError(
            f"{table.file.name} puts customers elsewhere than its model does",
            hint="write it anew with `training assign`",
        )
    rows = {name: features[:, column] for column, name in enumerate(bound.card.feature_names)}
    basket = _basket(bound, rows)
    return segment, basket, destinations(bound, arrays, features, basket)


def _basket(bound: Bound, rows: dict[str, Floats]) -> Floats | None:
    if not bound.relative:
        return None
    if "average_basket" in rows:
        return rows["average_basket"].copy()
    spent, orders = (rows[name] for name in SPENT[bound.card.table])
    if not orders.all():
        raise UnusableDataError(
            "the scenario contacts customers who have never bought, and who have no average basket",
            hint="give order.basket.amount, or contact those who have bought: target.where",
        )
    return spent / orders


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
