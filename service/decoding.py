"""The body of POST /predict: decoded and validated in one pass by types built from the live model's features."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType

from segmentation.card import Card
from segmentation.errors import BodyTooLargeError, InvalidFieldError, MalformedBodyError, nearest
from segmentation.histories import History, HistoryQuery, row_type
from segmentation.scoring import Floats
from segmentation.tables import EARLIEST, LATEST, TABLES, Table

LARGEST = 1e12
"""No feature is larger; beyond it distances would overflow."""

CustomerId = Annotated[str, Meta(min_length=1, max_length=512)] | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]

NEEDS = {"orders": "a payment_value, or a unit_price and quantity, in each order", "events": "each event whole"}
"""By canonical table, what features that nobody may lack are made of."""

_AT = re.compile(r"^(?P<what>.*) - at `(?P<path>[^`]*)`$", re.DOTALL)
_FIELD = re.compile(r"(?P<kind>unknown|missing required) field `(?P<name>.*)`", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Limits:
    """Most customers, and most order lines or events, in one request."""

    customers: int
    orders: int


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
    """

    features: Floats
    customer_ids: Sequence[str | int | None]
    as_of: Sequence[datetime | None]


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
        self._names = card.feature_names
        self._fills = np.array([np.nan if feature.fill is None else feature.fill for feature in card.features])
        self._as_of = datetime.fromisoformat(card.as_of)
        self._query = query
        # The field that holds raw rows bears the name of the table that the model's features are made of.
        raw = () if query is None else (query.table.name,)
        self._limits = limits
        values = [_value_type(feature.low, feature.high, feature.fill is not None) for feature in card.features]
        features = msgspec.defstruct(
            "Features", list(zip(self._names, values, strict=True)), kw_only=True, forbid_unknown_fields=True
        )
        columns = msgspec.defstruct(
            "Columns",
            [(name, list[value]) for name, value in zip(self._names, values, strict=True)],  # type: ignore[valid-type]
            kw_only=True,
            forbid_unknown_fields=True,
        )
        either: list[Any] = [("features", features | UnsetType, UNSET)]
        if query is not None:
            row = row_type(query.table)
            either.append((query.table.name, list[row] | UnsetType, UNSET))  # type: ignore[valid-type]
        customer = msgspec.defstruct(
            "Customer",
            [("customer_id", CustomerId | None, None), *either],
            kw_only=True,
            forbid_unknown_fields=True,
        )
        self._body = msgspec.defstruct(
            "Body",
            [
                ("customers", list[customer] | UnsetType, UNSET),  # type: ignore[valid-type]
                ("columns", columns | UnsetType, UNSET),
                ("customer_id", CustomerId | list[CustomerId] | None, None),
                ("as_of", datetime | UnsetType, UNSET),
                *either,
            ],
            kw_only=True,
            forbid_unknown_fields=True,
        )
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(self._body).decode
        self._given = ("customers", "features", *raw, "columns")
        self._known = {
            "features": self._names,
            "columns": self._names,
            "customers": ["customer_id", "features", *raw],
            "": [*self._given, "customer_id", "as_of"],
        }
        if query is not None:
            self._known[query.table.name] = [name for name in query.table.names if name != "customer_id"]

    def decode(self, content: bytes) -> Batch:
        """Decode and validate a body, and make features of raw orders.

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
            What is wrong with the body, and where.
        """
        try:
            body = self._decode(content)
        except msgspec.ValidationError as error:
            self._refuse(str(error))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            said = str(error) if isinstance(error, msgspec.DecodeError) else "it is not UTF-8, or nested too deeply"
            raise MalformedBodyError(f"the body is not JSON: {said}", hint="send one JSON object in UTF-8") from error
        given = [name for name in self._given if getattr(body, name) is not UNSET]
        if len(given) != 1:
            raise InvalidFieldError(
                f"the body has {' and '.join(given) or 'no customers'}",
                hint=f"send exactly one of {', '.join(self._given)}",
                pointer="",
            )
        as_of = None if body.as_of is UNSET else _utc(body.as_of, "/as_of")
        customers = body.customers if given == ["customers"] else [body]
        if as_of is not None and all(self._raw(customer) is UNSET for customer in customers):
            raise InvalidFieldError(
                "as_of goes with orders or events", hint="features are what they are; leave as_of out", pointer="/as_of"
            )
        if given == ["columns"]:
            return self._columns(body.columns, body.customer_id)
        if isinstance(body.customer_id, list) or (body.customer_id is not None and given == ["customers"]):
            raise InvalidFieldError(
                "customer_id does not fit the rest of the body",
                hint="a list goes with columns; in customers each has its own",
                pointer="/customer_id",
            )
        if given == ["customers"]:
            return self._rows(body.customers, "/customers/", as_of)
        return self._rows([body], "", as_of)

    def _rows(self, customers: Sequence[Any], base: str, as_of: datetime | None) -> Batch:
        self._check_size(len(customers), "/customers")
        rows = np.empty((len(customers), len(self._names)))
        moments: list[datetime | None] = [None] * len(customers)
        histories: list[History] = []
        lines = 0
        for position, customer in enumerate(customers):
            pointer = f"{base}{position}" if base else ""
            raw = self._raw(customer)
            if (customer.features is UNSET) == (raw is UNSET):
                either = " or ".join(name for name in self._given if name not in ("customers", "columns"))
                raise InvalidFieldError(f"a customer needs {either}", hint="send one of them", pointer=pointer)
            if self._query is None or raw is UNSET:
                rows[position] = msgspec.structs.astuple(customer.features)
                continue
            table = self._query.table
            lines += len(raw)
            if lines > self._limits.orders:
                raise BodyTooLargeError(
                    f"more than {self._limits.orders} {table.rows}",
                    hint="split the request",
                    pointer=f"{pointer}/{table.name}",
                )
            moment = self._moment(table, raw, as_of, f"{pointer}/{table.name}")
            moments[position] = moment
            histories.append(History(position, moment, raw))
        if self._query is not None and histories:
            table = self._query.table
            found, computed = self._query.run(histories)
            _refuse_unknown(table, self._names, found, computed, base)
            rows[found] = computed
            if len(found) != len(histories):
                lost = min({history.customer for history in histories} - set(found))
                raise InvalidFieldError(
                    f"the customer has no {table.name[:-1]} on or before as_of",
                    hint=f"send an earlier {table.name[:-1]} or a later as_of",
                    pointer=f"{base}{lost}/{table.name}" if base else f"/{table.name}",
                )
        ids = [customer.customer_id for customer in customers]
        return Batch(features=self._filled(rows), customer_ids=ids, as_of=moments)

    def _columns(self, columns: Any, customer_id: Any) -> Batch:
        values = msgspec.structs.astuple(columns)
        height = len(values[0])
        for name, column in zip(self._names, values, strict=True):
            if len(column) != height:
                raise InvalidFieldError(
                    f"columns are of different length: {len(column)} here, {height} in {self._names[0]}",
                    hint="columns must be of one length",
                    pointer=f"/columns/{name}",
                )
        self._check_size(height, "/columns")
        if customer_id is not None and (not isinstance(customer_id, list) or len(customer_id) != height):
            raise InvalidFieldError(
                f"customer_id must be a list of {height}", hint="one id per row", pointer="/customer_id"
            )
        rows = np.array(values, dtype=np.float64).T
        nothing = [None] * height
        return Batch(features=self._filled(rows), customer_ids=customer_id or nothing, as_of=nothing)

    def _raw(self, customer: Any) -> Any:
        return UNSET if self._query is None else getattr(customer, self._query.table.name)

    def _moment(self, table: Table, rows: Sequence[Any], as_of: datetime | None, pointer: str) -> datetime:
        """The moment to look from: what was asked for, or the newest thing known, never the clock."""
        if not rows:
            raise InvalidFieldError(f"there are no {table.name}", hint="send at least one", pointer=pointer)
        newest, happened = self._as_of, str(table.moment)
        for number, row in enumerate(rows):
            for name in table.times:
                moment = getattr(row, name)
                if moment is not None:
                    setattr(row, name, _utc(moment, pointer, number, name))
            newest = max(newest, getattr(row, happened))
        return as_of or newest

    def _filled(self, rows: Floats) -> Floats:
        missing = np.isnan(rows)
        if missing.any():
            rows = np.where(missing, self._fills, rows)
        return np.ascontiguousarray(rows)

    def _check_size(self, customers: int, pointer: str) -> None:
        if customers == 0:
            raise InvalidFieldError("there are no customers", hint="send at least one", pointer=pointer)
        if customers > self._limits.customers:
            raise BodyTooLargeError(
                f"{customers} customers are more than {self._limits.customers}",
                hint="split the request; for a whole base run the job",
                pointer=pointer,
            )

    def _refuse(self, said: str) -> NoReturn:
        """Msgspec's message as an error with a JSON pointer and a hint."""
        located = _AT.match(said)
        what, path = (located["what"], located["path"]) if located else (said, "$")
        steps = [name or number for name, number in _STEP.findall(path)]
        hint = "see GET /model for the features and their ranges"
        if "datetime" in what:
            hint = "write dates as RFC 3339 says, such as 2018-06-01T10:00:00Z"
        elif TABLES.keys() & set(steps):
            hint = "see docs/http.md for the fields of orders and events"
        field = _FIELD.search(what)
        if field:
            room = next((step for step in reversed(steps) if step in self._known), "")
            # A name may be as long as the body: what is looked for and told is its beginning.
            name = field["name"][:100]
            steps.append(name)
            if field["kind"] == "unknown":
                what = "unknown field"
                hint = (
                    f"features of this model are not made of {name}; it takes {', '.join(self._known[room])}"
                    if name in TABLES and name not in self._given and room in ("", "customers")
                    else nearest(name, self._known[room], "there are")
                )
            else:
                what = f"required field {name!r} is missing"
                hint = f"it takes {', '.join(self._known[room])}"
        raise InvalidFieldError(what, hint=hint, pointer="".join(f"/{_escaped(step)}" for step in steps))


def _refuse_unknown(table: Table, names: Sequence[str], positions: Sequence[int], rows: Floats, base: str) -> None:
    """Features that no customer lacks must come out of the rows; what is missing in them is said."""
    unknown = np.isnan(rows)
    if unknown.any():
        row, column = np.argwhere(unknown)[0]
        raise InvalidFieldError(
            f"{names[column]} cannot be computed from these {table.name}",
            hint=f"it needs {NEEDS[table.name]}",
            pointer=f"{base}{positions[row]}/{table.name}" if base else f"/{table.name}",
        )


def _value_type(low: float | None, high: float | None, lackable: bool) -> Any:
    limits = Meta(ge=-LARGEST if low is None else low, le=LARGEST if high is None else high)
    number = Annotated[float, limits]
    return number | None if lackable else number


def _utc(moment: datetime, *place: str | int) -> datetime:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not EARLIEST <= moment <= LATEST:
        raise InvalidFieldError(
            f"the date is not between {EARLIEST:%Y} and {LATEST:%Y}",
            hint="check the date",
            pointer="/".join(map(str, place)),
        )
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
