"""Golden rows and histories: a model proves at each load that it still says what it said when it was trained."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from segmentation.assignment import assign
from segmentation.card import Card, GoldenHistory, GoldenRow
from segmentation.errors import GoldenMismatchError, InconsistentModelError
from segmentation.histories import History, HistoryQuery, row_type
from segmentation.scoring import Arrays, Floats
from segmentation.single import SingleScorer
from segmentation.tables import Table

RELATIVE_TOLERANCE = 1e-9
"""Room for another CPU's rounding; a wrong formula is far outside."""


def prove(
    card: Card, arrays: Arrays, single: SingleScorer, query: HistoryQuery | None, *, rows_alone: bool = False
) -> None:
    """Check that arrays and SQL reproduce what the card expects of them, all at once and one at a time.

    Parameters
    ----------
    card, arrays, single, query
        The parts of one model; no query for a model of customer tables, whose rows are features already.
    rows_alone
        Whether the golden histories were tried elsewhere.

    Raises
    ------
    GoldenMismatchError
        A golden row or history comes out otherwise.
    InconsistentModelError
        The card's golden rows or histories are missing, or do not fit its features.
    """
    if not card.golden_rows or bool(card.golden_histories) != (query is not None):
        raise InconsistentModelError("the card has no golden rows or histories", hint="publish the model again")
    rows = _matrix((row.features for row in card.golden_rows), len(card.features))
    _compare(
        "golden row",
        card,
        arrays,
        single,
        rows,
        card.golden_rows,
    )
    if query is None or rows_alone:
        return
    expected = _matrix((history.features for history in card.golden_histories), len(card.features))
    positions, computed = query.run(
        [
            History(number, datetime.fromisoformat(history.as_of), canonical_rows(query.table, history.rows))
            for number, history in enumerate(card.golden_histories)
        ]
    )
    if positions != list(range(len(expected))):
        raise GoldenMismatchError("features.sql loses golden histories", hint="publish the model again")
    if not np.isfinite(computed).all():
        raise GoldenMismatchError("features.sql gives no number for a golden history", hint="publish the model again")
    wrong = ~np.isclose(computed, expected, rtol=RELATIVE_TOLERANCE, atol=RELATIVE_TOLERANCE)
    if wrong.any():
        number, feature = np.argwhere(wrong)[0]
        raise GoldenMismatchError(
            f"golden history {number} has another {card.feature_names[feature]} than its card says",
            hint="the model was changed, or this DuckDB computes otherwise than the one that trained it",
        )
    _compare(
        "golden history",
        card,
        arrays,
        single,
        computed,
        card.golden_histories,
    )


def canonical_rows(table: Table, rows: Iterable[object]) -> list[Any]:
    """Rows of a card as the query takes them.

    Parameters
    ----------
    table
        The canonical table.
    rows
        Its rows as JSON objects.

    Returns
    -------
    list
        The same rows as `histories.row_type(table)`, checked, moments in UTC.

    Raises
    ------
    InconsistentModelError
        A row is not canonical.
    """
    try:
        lines: list[Any] = [msgspec.convert(row, row_type(table)) for row in rows]
    except msgspec.ValidationError as error:
        raise InconsistentModelError(
            f"a golden history is not canonical: {error}", hint="publish the model again"
        ) from error
    for line in lines:
        for name in table.times:
            moment = getattr(line, name)
            if moment is not None and moment.tzinfo is not None:
                setattr(line, name, moment.astimezone(UTC))
    return lines


def _matrix(rows: Iterable[tuple[float, ...]], width: int) -> Floats:
    listed = list(rows)
    if any(len(row) != width for row in listed):
        raise InconsistentModelError("golden rows do not fit the model's features", hint="publish the model again")
    return np.array(listed, dtype=np.float64).reshape(len(listed), width)


def _compare(
    what: str,
    card: Card,
    arrays: Arrays,
    single: SingleScorer,
    features: Floats,
    golden: Sequence[GoldenRow | GoldenHistory],
) -> None:
    together = assign(card, arrays, features)
    alone = np.array([single.assign(row) for row in features.tolist()], dtype=np.float64)[:, [0, 2, 4]]
    expected = np.array([(row.segment, row.distance, row.residual) for row in golden], dtype=np.float64)
    said = (np.column_stack([together.segment, together.distance, together.residual]), alone)
    same = [
        np.isclose(numbers, expected, rtol=RELATIVE_TOLERANCE, atol=RELATIVE_TOLERANCE, equal_nan=True)
        for numbers in said
    ]
    wrong = np.flatnonzero(~np.all(same, axis=(0, 2)))
    if len(wrong):
        raise GoldenMismatchError(
            f"{len(wrong)} of {len(features)}: {what} {wrong[0]} falls into another segment or at another distance "
            "(from its centre, or from what PCA keeps)",
            hint="the model was changed, or its arrays are not those of its Pipeline",
        )
