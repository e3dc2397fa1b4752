"""Golden rows and histories: a model proves at each load that it still says what it said when it was trained."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from segmentation.card import Card
from segmentation.errors import GoldenMismatchError, InconsistentModelError
from segmentation.histories import TIMES, History, HistoryQuery, OrderLine
from segmentation.scoring import Arrays, Floats, score

RELATIVE_TOLERANCE = 1e-9
"""Room for another CPU's rounding; a wrong formula is far outside."""


def prove(card: Card, arrays: Arrays, query: HistoryQuery) -> None:
    """Check that arrays and SQL reproduce what the card expects of them.

    Parameters
    ----------
    card, arrays, query
        The parts of one model.

    Raises
    ------
    GoldenMismatchError
        A golden row or history comes out otherwise.
    InconsistentModelError
        The card's golden rows or histories are missing, or do not fit its features.
    """
    if not card.golden_rows or not card.golden_histories:
        raise InconsistentModelError("the card has no golden rows or histories", hint="publish the model again")
    rows = _matrix((row.features for row in card.golden_rows), len(card.features))
    _compare(
        "golden row",
        arrays,
        rows,
        [row.segment for row in card.golden_rows],
        [row.distance for row in card.golden_rows],
    )
    expected = _matrix((history.features for history in card.golden_histories), len(card.features))
    positions, computed = query.run(
        [
            History(number, datetime.fromisoformat(history.as_of), order_lines(history.orders))
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
        arrays,
        computed,
        [history.segment for history in card.golden_histories],
        [history.distance for history in card.golden_histories],
    )


def order_lines(orders: Iterable[object]) -> list[Any]:
    """Order lines of a card as the query takes them.

    Parameters
    ----------
    orders
        Canonical order lines as JSON objects.

    Returns
    -------
    list of OrderLine
        The same lines, checked.

    Raises
    ------
    InconsistentModelError
        A line is not canonical.
    """
    try:
        lines: list[Any] = [msgspec.convert(line, OrderLine) for line in orders]
    except msgspec.ValidationError as error:
        raise InconsistentModelError(
            f"a golden history is not canonical: {error}", hint="publish the model again"
        ) from error
    for line in lines:
        for name in TIMES:
            moment = getattr(line, name)
            if moment is not None and moment.tzinfo is not None:
                setattr(line, name, moment.astimezone(UTC))
    return lines


def _matrix(rows: Iterable[tuple[float, ...]], width: int) -> Floats:
    listed = list(rows)
    if any(len(row) != width for row in listed):
        raise InconsistentModelError("golden rows do not fit the model's features", hint="publish the model again")
    return np.array(listed, dtype=np.float64).reshape(len(listed), width)


def _compare(what: str, arrays: Arrays, features: Floats, segments: list[int], distances: list[float]) -> None:
    scores = score(arrays, features)
    same_distance = np.isclose(scores.distance, distances, rtol=RELATIVE_TOLERANCE, atol=RELATIVE_TOLERANCE)
    wrong = np.flatnonzero((scores.segment != segments) | ~same_distance)
    if len(wrong):
        raise GoldenMismatchError(
            f"{len(wrong)} of {len(features)}: {what} {wrong[0]} falls into another segment or at another distance",
            hint="the model was changed, or its arrays are not those of its Pipeline",
        )
