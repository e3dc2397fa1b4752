"""The canonical tables: what every source is brought into, and what a raw order or event over HTTP must look like.

One definition serves the loaders, the feature expressions and the service's decoder. It knows neither Ibis nor DuckDB,
so that the service can import it without either.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Kind = Literal["text", "time", "money", "quantity", "score", "integer", "number"]
TableName = Literal["orders", "events", "profiles"]

SQL_TYPES: dict[Kind, str] = {
    "text": "VARCHAR",
    "time": "TIMESTAMP",
    "money": "DECIMAL(18, 4)",
    "quantity": "DECIMAL(12, 3)",
    "score": "DECIMAL(7, 4)",
    "integer": "INTEGER",
    "number": "DOUBLE",
}
"""DuckDB's type of each kind. Money, quantities and scores are decimals so that their sums are exact in any order."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Dates outside this range are taken for mistakes."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval of numbers; None is an open end."""

    low: float | None = None
    high: float | None = None

    def __contains__(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        if self.low is None and self.high is None:
            return "any number"
        if self.high is None:
            return f"{self.low:g} or more"
        if self.low is None:
            return f"{self.high:g} or less"
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table."""

    name: str
    kind: Kind
    help: str
    required: bool = False
    valid: Interval | None = None

    @property
    def sql_type(self) -> str:
        """DuckDB type of the column."""
        return SQL_TYPES[self.kind]


@dataclass(frozen=True, slots=True)
class Table:
    """A canonical table.

    Parameters
    ----------
    name
        Also the name of the table that a model's SQL reads.
    rows
        What its rows are called.
    columns
        In their order.
    moment
        The column that says when a row happened; None where rows have no time.
    """

    name: TableName
    rows: str
    columns: tuple[Column, ...]
    moment: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def times(self) -> tuple[str, ...]:
        """Names of the columns that are moments."""
        return tuple(column.name for column in self.columns if column.kind == "time")


_CUSTOMER = Column("customer_id", "text", "the person, the same in all of their rows", required=True)

_ORDER_COLUMNS: tuple[Column, ...] = (
    _CUSTOMER,
    Column("order_id", "text", "the order that this line belongs to", required=True),
    Column("ordered_at", "time", "when the order was placed, UTC", required=True),
    Column("product_id", "text", "what was bought"),
    Column("category", "text", "the product's category"),
    Column(
        "quantity",
        "quantity",
        "pieces bought, 1 if not given; 0 for an order without lines",
        valid=Interval(0, 1e6),
    ),
    Column("unit_price", "money", "price of one piece, in the shop's currency", valid=Interval(0, 1e9)),
    Column("payment_value", "money", "what was paid for the whole order", valid=Interval(0, 1e9)),
    Column("review_score", "score", "the customer's review of the order", valid=Interval(0, 100)),
    Column("freight_value", "money", "shipping charged for the whole order", valid=Interval(0, 1e9)),
    Column("instalments", "integer", "number of instalments the order is paid in", valid=Interval(0, 1000)),
    Column("delivered_at", "time", "when the order reached the customer, UTC"),
    Column("estimated_delivery_at", "time", "the delivery date promised, UTC"),
    Column("status", "text", "'cancelled' where the order was cancelled; other values are not interpreted"),
)

EVENT_TYPES = ("view", "cart", "remove_from_cart", "purchase")
"""Types of events that features are made of; others count as events only."""

_EVENT_COLUMNS: tuple[Column, ...] = (
    _CUSTOMER,
    Column("event_type", "text", "view, cart, remove_from_cart or purchase; others are not interpreted", required=True),
    Column("occurred_at", "time", "when it happened, UTC", required=True),
    Column("product_id", "text", "what was looked at or bought"),
    Column("category", "text", "the product's category"),
    Column("brand", "text", "the product's brand"),
    Column("price", "money", "the product's price, in the shop's currency", valid=Interval(0, 1e9)),
    Column("session_id", "text", "the visit that the event belongs to"),
)

ORDERS = Table("orders", "order lines", _ORDER_COLUMNS, moment="ordered_at")
"""One row per order line. What belongs to the whole order (payment, freight, review, delivery, status) repeats."""

EVENTS = Table("events", "events", _EVENT_COLUMNS, moment="occurred_at")
"""One row per click event."""


TABLES: dict[str, Table] = {table.name: table for table in (ORDERS, EVENTS)}
"""The canonical tables whose rows are brought to features by a query."""


def profiles(numbers: Sequence[str], not_negative: Collection[str] = ()) -> Table:
    """A customer table: one row per customer, numbers that are features already.

    Parameters
    ----------
    numbers
        Names of its numeric columns.
    not_negative
        Those of them that enter the model by their logarithm.

    Returns
    -------
    Table
        customer_id and the numbers.
    """
    columns = [
        Column(name, "number", "as the source gives it", valid=Interval(0) if name in not_negative else None)
        for name in numbers
    ]
    return Table("profiles", "customers", (_CUSTOMER, *columns), moment=None)


AS_OF = Column("as_of", "time", "the moment the row's customer is looked at from, UTC", required=True)
"""Added to each row before features are made, so that one query serves one snapshot or one moment per customer."""


def create_table_sql(table: Table) -> str:
    """SQL that creates an empty canonical table, the `as_of` column included.

    Parameters
    ----------
    table
        Which.

    Returns
    -------
    str
        One CREATE TABLE statement.
    """
    columns = ", ".join(f'"{column.name}" {column.sql_type}' for column in (*table.columns, AS_OF))
    return f'CREATE TABLE "{table.name}" ({columns})'
