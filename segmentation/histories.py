"""Raw orders or events to features with the SQL that travels with a model: by construction the code of training.

DuckDB itself is in `history_engine`, and loaded when a query runs: it takes some 25 MB, and most processes that serve
are only ever sent features.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

if TYPE_CHECKING:
    from segmentation.history_engine import Engine
    from segmentation.scoring import Floats
    from segmentation.tables import Column, Table

Moment = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A date and time as RFC 3339 writes it; without an offset it is UTC."""

_TYPES: dict[str, Any] = {"text": str, "time": Moment, "integer": int}


def _field(column: Column) -> Any:
    limits = (
        {"ge": column.valid.low, "le": column.valid.high}
        if column.valid
        else {"min_length": 1, "max_length": 512}
        if column.kind == "text"
        else {}
    )
    plain: Any = _TYPES.get(column.kind, float)
    kind: Any = Annotated[plain, msgspec.Meta(**limits)]
    return (column.name, kind) if column.required else (column.name, kind | None, None)


@cache
def row_type(table: Table) -> Any:
    """A row of a canonical table as a client sends it: without customer_id; what is unknown is left out or null.

    Parameters
    ----------
    table
        Which canonical table.

    Returns
    -------
    type
        A msgspec Struct.
    """
    return msgspec.defstruct(
        f"{table.name.capitalize()}Row",
        [_field(column) for column in table.columns if column.name != "customer_id"],
        kw_only=True,
        forbid_unknown_fields=True,
    )


class History(msgspec.Struct):
    """One customer's rows and the moment they are looked at from.

    Moments must be in UTC: DuckDB's TIMESTAMP drops the offset of 10:00+02:00 and keeps the 10.
    """

    customer: int
    as_of: datetime
    rows: Sequence[Any]


class HistoryQuery:
    """A model's feature definition, ready to run on raw orders or events.

    Parameters
    ----------
    table
        The canonical table that it reads.
    sql
        Content of `features.sql`.
    features
        Names of the model's features; the query's columns after customer_id must be these.
    tried
        Whether it ran elsewhere already: then DuckDB is not loaded before the first `run`.

    Raises
    ------
    InconsistentModelError
        The SQL is not one SELECT over the table that gives the model's features.
    """

    _woken: ClassVar[bool] = False

    def __init__(self, table: Table, sql: str, features: Sequence[str], *, tried: bool = False) -> None:
        self.table = table
        self._sql = sql
        self._features = tuple(features)
        self._opening = threading.Lock()
        # Where a query of this process was woken before, this one is awake: those who send raw rows to one model send
        # them to the next.
        self._engine: Engine | None = None if tried and not HistoryQuery._woken else self._open()

    @classmethod
    def awake(cls) -> bool:
        """Whether a query of this process was woken, by one who sent raw rows.

        Returns
        -------
        bool
            True from the first `run` after a `rest` on.
        """
        return cls._woken

    def rest(self) -> None:
        """Give back some 10 MB until the next `run`, which takes some 50 ms more; not while `run` is under way.

        Where a query of this process was woken before, this one stays awake.
        """
        with self._opening:
            if HistoryQuery._woken or self._engine is None:
                return
            self._engine.close()
            self._engine = None

    def run(self, histories: Sequence[History]) -> tuple[list[int], Floats]:
        """Compute the features of customers from their rows, all in one query.

        Parameters
        ----------
        histories
            Customers, numbered by their position in this sequence.

        Returns
        -------
        positions : list of int
            Customers who have a row on or before their `as_of`, ascending.
        features : ndarray
            Their features, float64, shape (len(positions), d); NaN where a feature cannot be computed.

        Raises
        ------
        QueryLimitError
            The query ran too long or needs too much memory.
        InvalidFieldError
            The rows hold numbers that cannot be computed with.
        """
        return (self._engine or self._wake()).run(histories)

    def _wake(self) -> Engine:
        with self._opening:
            HistoryQuery._woken = True
            if self._engine is None:
                self._engine = self._open()
            return self._engine

    def _open(self) -> Engine:
        from segmentation.history_engine import Engine

        return Engine(self.table, self._sql, self._features)
