"""One strict decode of the body of POST /predict: finite features, in input order."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import UNSET
from msgspec.structs import astuple

from segmentation.card import Card
from segmentation.errors import Fault, InvalidFieldError
from segmentation.histories import History, HistoryQuery
from segmentation.scoring import Floats
from service.decoding import rules
from service.decoding.bodies import Limits, bodies, valid
from service.decoding.refusal import MOST_FAULTS, refusal, told, too_many_rows
from service.errors import BodyTooLargeError

NEEDS = {"orders": "a payment_value, or a unit_price and quantity, in each order", "events": "each event whole"}
"""By canonical table, what features that nobody may lack are made of."""

SUSPICIOUS_BYTES = 1_000_000
"""Bodies up to this size hold too few values to be a burden."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Customers of one request, in input order.

    Parameters
    ----------
    features
        float64, shape (n, d).
    customer_ids
        As sent; None where none was.
    as_of
        The moment each was looked at from, for those sent with orders or events; None for those sent with features.
    missing
        Which features each lacked, so that what stands for them was taken, bool, shape (n, d); None: nobody lacked any.
        Of features made of raw rows nothing is told: they are filled as they are made.
    """

    features: Floats
    customer_ids: Sequence[str | int | None]
    as_of: Sequence[datetime | None]
    missing: npt.NDArray[np.bool_] | None = None


class Decoder:
    """Decodes requests for one model.

    Parameters
    ----------
    card
        The model's features: names, ranges, fills.
    query
        Makes features of raw orders or events; None where the model is of customer tables.
    limits
        How much one request may ask.
    """

    def __init__(self, card: Card, query: HistoryQuery | None, limits: Limits) -> None:
        self.bodies = bodies(card, None if query is None else query.table, limits)
        self._names = card.feature_names
        self._fills = np.array([np.nan if feature.fill is None else feature.fill for feature in card.features])
        self._as_of = datetime.fromisoformat(card.as_of)
        self._query = query
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(self.bodies.decoded).decode
        self._lowest, self._highest = np.array([valid(feature) for feature in card.features]).T
        columns = 0 if query is None else len(query.table.columns)
        # More commas outside of texts than this no body has that keeps to the limits.
        self._most_commas = limits.customers * (len(self._names) + 4) + limits.orders * (columns + 1) + 100

    def decode(self, content: bytes) -> Batch:
        """Decode and validate a body, and make features of raw rows.

        Parameters
        ----------
        content
            The body.

        Returns
        -------
        Batch
            Finite features, in input order.

        Raises
        ------
        RequestError
            All that is wrong with the body, and where.
        """
        # A value and its comma take two bytes at least.
        if len(content) > max(SUSPICIOUS_BYTES, 2 * self._most_commas):
            self._refuse_heaps(content)
        try:
            body = self._decode(content)
            batch = self._single(body) if body.customers is UNSET and body.columns is UNSET else self._several(body)
        except (msgspec.DecodeError, InvalidFieldError, UnicodeDecodeError, RecursionError) as error:
            raise refusal(content, error, self.bodies) from error
        return batch

    def _single(self, body: Any) -> Batch:
        table = self.bodies.table
        if body.features is UNSET or body.as_of is not UNSET or rules.rows_of(body, table) is not UNSET:
            self._keep_to_rules(body)
            return self._of_rows([body], body.as_of, "")
        if isinstance(body.customer_id, list):
            self._keep_to_rules(body)
        features = np.array([astuple(body.features)], dtype=np.float64)
        return self._batch(features, (body.customer_id,), (None,))

    def _several(self, body: Any) -> Batch:
        self._keep_to_rules(body)
        if body.customers is UNSET:
            columns = astuple(body.columns)
            features = _of_columns(columns)
            # NaN, of who lacks a value, is neither.
            if (features < self._lowest).any() or (features > self._highest).any():
                raise InvalidFieldError(
                    "a value is out of range", hint="GET /openapi.json tells the ranges", pointer="/columns"
                )
            nothing = [None] * len(features)
            return self._batch(features, body.customer_id or nothing, nothing)
        if any(customer.features is UNSET for customer in body.customers):
            return self._of_rows(body.customers, body.as_of, "/customers/")
        features = self._matrix([astuple(customer.features) for customer in body.customers])
        ids = [customer.customer_id for customer in body.customers]
        return self._batch(features, ids, [None] * len(ids))

    def _of_rows(self, customers: Sequence[Any], as_of: Any, base: str) -> Batch:
        """Customers of whom at least one was sent with raw rows."""
        table, query = self.bodies.table, self._query
        features = np.empty((len(customers), len(self._names)))
        moments: list[datetime | None] = [None] * len(customers)
        histories: list[History] = []
        lines = 0
        for position, customer in enumerate(customers):
            if customer.features is not UNSET:
                features[position] = astuple(customer.features)
                continue
            rows = rules.rows_of(customer, table)
            lines += len(rows)
            if lines > self.bodies.limits.orders:
                raise too_many_rows(self.bodies, self._pointer(base, position))
            moment = self._newest(rows) if as_of is UNSET else rules.in_utc(as_of)
            moments[position] = moment
            histories.append(History(position, moment, rows))
        if query is not None:
            found, computed = query.run(histories)
            self._refuse_uncomputed(histories, found, computed, base)
            features[found] = computed
        return self._batch(features, [customer.customer_id for customer in customers], moments)

    def _newest(self, rows: Sequence[Any]) -> datetime:
        """The newest thing known, never the clock."""
        happened = "" if self.bodies.table is None else str(self.bodies.table.moment)
        newest = max(getattr(row, happened) for row in rows)
        return newest if newest > self._as_of else self._as_of

    def _refuse_uncomputed(
        self, histories: Sequence[History], found: Sequence[int], computed: Floats, base: str
    ) -> None:
        """Everybody must have a row on or before `as_of`, and rows that features can be made of; what lacks is said."""
        lost = sorted({history.customer for history in histories} - set(found))
        unknown = np.isnan(computed)
        if not lost and not unknown.any():
            return
        table = "" if self.bodies.table is None else self.bodies.table.name
        row = table.removesuffix("s")
        faults = [
            Fault(
                f"the customer has no {row} on or before as_of",
                self._pointer(base, position),
                f"send an earlier {row} or a later as_of",
            )
            for position in lost[: MOST_FAULTS + 1]
        ]
        for position in np.flatnonzero(unknown.any(axis=1))[: MOST_FAULTS + 1].tolist():
            names = ", ".join(name for name, lacks in zip(self._names, unknown[position], strict=True) if lacks)
            pointer = self._pointer(base, found[position])
            faults.append(Fault(f"{names} cannot be computed from these {table}", pointer, f"it needs {NEEDS[table]}"))
        raise told(faults)

    def _pointer(self, base: str, position: int) -> str:
        name = "" if self.bodies.table is None else self.bodies.table.name
        return f"{base}{position}/{name}" if base else f"/{name}"

    def _keep_to_rules(self, body: Any) -> None:
        fault = next(rules.faults(body, self.bodies), None)
        if fault is not None:
            raise InvalidFieldError(fault.message, hint=fault.hint, pointer=fault.pointer)

    def _batch(self, rows: Floats, ids: Sequence[str | int | None], as_of: Sequence[datetime | None]) -> Batch:
        missing = np.isnan(rows)
        if not missing.any():
            return Batch(rows, ids, as_of)
        return Batch(np.where(missing, self._fills, rows), ids, as_of, missing)

    def _matrix(self, rows: Sequence[tuple[float | None, ...]]) -> Floats:
        shape = (len(rows), len(self._names))
        try:
            return np.fromiter(chain.from_iterable(rows), np.float64, shape[0] * shape[1]).reshape(shape)
        except TypeError:
            # Somebody lacks a value: None is NaN here, at more cost.
            return np.array(rows, dtype=np.float64)

    def _refuse_heaps(self, content: bytes) -> None:
        """A body of more values than the limits allow would fill the memory before it is refused."""
        if content.count(b",") > self._most_commas and commas_outside_texts(content) > self._most_commas:
            raise BodyTooLargeError(
                "the body holds more values than the most customers and rows can have", hint="split the request"
            )


def commas_outside_texts(content: bytes) -> int:
    """How many commas of JSON separate values; told in a hundredth of the time that a pattern takes.

    Parameters
    ----------
    content
        JSON, or what is none: then anything.

    Returns
    -------
    int
        Not counting those in texts.
    """
    if b"\\" in content:
        content = content.replace(b"\\\\", b"").replace(b'\\"', b"")
    characters = np.frombuffer(content, np.uint8)
    inside = np.bitwise_xor.accumulate((characters == ord('"')).view(np.uint8))
    return int(np.count_nonzero((characters == ord(",")) & (inside == 0)))


def _of_columns(columns: Sequence[Sequence[float | None]]) -> Floats:
    """Columns as they came, which is also the order in which they are scored: shape (n, d), one after the other."""
    rows = len(columns[0])
    features = np.empty((rows, len(columns)), order="F")
    packed, content = struct.Struct(f"{rows}d"), features.reshape(-1, order="F").data.cast("B")
    for position, column in enumerate(columns):
        try:
            # In half the time that numpy takes.
            packed.pack_into(content, position * packed.size, *column)
        except struct.error:
            # Somebody lacks a value: None is NaN here.
            features[:, position] = column
    return features
