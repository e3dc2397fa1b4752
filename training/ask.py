"""A published model asked on a canonical table: its own features, by the SQL that travels with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from ibis.backends.duckdb import Backend

from segmentation import assignment
from segmentation.card import Card
from segmentation.errors import UnusableDataError
from segmentation.model import Model
from segmentation.pseudonyms import Pseudonyms
from segmentation.scoring import Floats
from training.sources import Loaded

ROWS_AT_ONCE = 100_000
"""Customers whose features are in memory at a time."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model says of some customers.

    Parameters
    ----------
    segment
        Position in `card.all_segments` of each customer asked about, int64, shape (n,).
    space
        Some of these customers in the model's own space, float64, shape (m, p).
    """

    segment: Ints
    space: Floats


def refuse_lacking(loaded: Loaded, card: Card) -> None:
    """Check that the data have what a model's features are made of.

    Parameters
    ----------
    loaded
        A canonical table.
    card
        The model's.

    Raises
    ------
    UnusableDataError
        The table is another one, or lacks a column.
    """
    hint = "give data like those that the model was trained on, with the same --config, --set and --mapping"
    if loaded.shape.name != card.table:
        raise UnusableDataError(f"the model is made of {card.table}, and these data are {loaded.shape.name}", hint=hint)
    known = {feature.name: feature for feature in loaded.catalogue}
    for name in card.feature_names:
        absent = known[name].needs - loaded.columns if name in known else {name}
        if absent:
            raise UnusableDataError(
                f"the model needs {name}, and the data have no {', '.join(sorted(absent))}", hint=hint
            )


def features(
    database: Backend, loaded: Loaded, model: Model, as_of: datetime, pseudonyms: Pseudonyms | None = None
) -> Iterator[tuple[pa.RecordBatch, Floats]]:
    """The features of every customer, a batch at a time: what the service would compute for each of them.

    Parameters
    ----------
    database, loaded
        Where the rows are.
    model
        Its SQL is run.
    as_of
        The moment the customers are looked at from, UTC.
    pseudonyms
        What stands for the customers' ids; None: the ids.

    Yields
    ------
    batch, rows
        With the column customer_id and one per feature; the features again, float64, shape (n, d), finite, in the
        model's order.

    Raises
    ------
    UnusableDataError
        A feature cannot be computed for some customer.
    """
    names = list(model.card.feature_names)
    for batch in _batches(database, loaded, model, as_of, pseudonyms):
        rows = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False) for name in names])
        _refuse_unknown(rows, names)
        yield batch, rows


def ask(
    database: Backend,
    loaded: Loaded,
    model: Model,
    as_of: datetime,
    customers: pd.Index,
    placed: Ints | None = None,
) -> Answer:
    """Ask a model about customers by their ids.

    Parameters
    ----------
    database, loaded
        Where their rows are.
    model
        The model.
    as_of
        The moment they are looked at from, UTC.
    customers
        Ids, each once; the answers come in their order. Customers who have no row on or before as_of get -1.
    placed
        Positions of the customers whose coordinates are wanted as well, ascending; None: nobody's.

    Returns
    -------
    Answer
        Their segments, rule segments included.

    Raises
    ------
    UnusableDataError
        The data lack what the model needs.
    """
    refuse_lacking(loaded, model.card)
    segment = np.full(len(customers), -1, dtype=np.int64)
    wanted = np.empty(0, dtype=np.int64) if placed is None else placed
    space = np.full((len(wanted), model.arrays.centroids.shape[1]), np.nan)
    for batch, rows in features(database, loaded, model, as_of):
        at = customers.get_indexer(batch.column("customer_id").to_pandas())
        known = at >= 0
        at, rows = at[known], rows[known]
        segment[at] = assignment.assign(model.card, model.arrays, rows).segment
        slot = np.searchsorted(wanted, at)
        inside = slot < len(wanted)
        inside[inside] = wanted[slot[inside]] == at[inside]
        space[slot[inside]] = model.arrays.space(rows[inside])
    return Answer(segment, space)


def _refuse_unknown(rows: Floats, names: list[str]) -> None:
    lacking = np.isnan(rows).sum(axis=0)
    if lacking.any():
        worst = int(lacking.argmax())
        raise UnusableDataError(
            f"{names[worst]} cannot be computed for some customers, and the model has nothing for who lacks it",
            hint=f"give the model missing_values for {names[worst]}, and train it again",
        )


def _batches(
    database: Backend, loaded: Loaded, model: Model, as_of: datetime, pseudonyms: Pseudonyms | None
) -> Iterator[pa.RecordBatch]:
    """The SQL that travels with the model, over these rows."""
    moment = as_of.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    # Qualified: within the query, the name alone is what the model's SQL reads.
    seen = f"SELECT *, TIMESTAMP '{moment}' AS as_of FROM main.{loaded.table.get_name()}"
    sql = f"WITH {loaded.shape.name} AS ({seen}) SELECT * FROM ({model.sql})"
    if pseudonyms is None:
        yield from database.con.sql(sql).to_arrow_reader(ROWS_AT_ONCE)
        return
    # In another order: that of the ids would tell something of them.
    hidden = f"SELECT {pseudonyms.sql('customer_id')} AS customer_id, * EXCLUDE (customer_id) FROM ({sql})"
    hidden = f"SELECT * FROM ({hidden}) ORDER BY customer_id"
    yield from database.con.sql(hidden, params=pseudonyms.parameters).to_arrow_reader(ROWS_AT_ONCE)
