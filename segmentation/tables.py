"""The canonical tables: what every source is brought into, and what a raw order over HTTP must look like.

One definition serves the loaders, the feature expressions and the service's decoder. It knows neither Ibis nor DuckDB,
so that the service can import it without either.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Kind = Literal["text", "time", "money", "quantity", "score", "integer"]

SQL_TYPES: dict[Kind, str] = {
    "text": "VARCHAR",
    "time": "TIMESTAMP",
    "money": "DECIMAL(18, 4)",
    "quantity": "DECIMAL(12, 3)",
    "score": "DECIMAL(7, 4)",
    "integer": "INTEGER",
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


ORDERS: tuple[Column, ...] = (
    Column("customer_id", "text", "the person, the same over all of their orders", required=True),
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
"""One row per order line. What belongs to the whole order (payment, freight, review, delivery, status) repeats."""

AS_OF = Column("as_of", "time", "the moment the row's customer is looked at from, UTC", required=True)
"""Added to each row before features are made, so that one query serves one snapshot or one moment per customer."""


def create_orders_sql(name: str = "orders") -> str:
    """SQL that creates an empty canonical `orders` table, the `as_of` column included.

    Parameters
    ----------
    name
        Name of the table.

    Returns
    -------
    str
        One CREATE TABLE statement.
    """
    columns = ", ".join(f'"{column.name}" {column.sql_type}' for column in (*ORDERS, AS_OF))
    return f'CREATE TABLE "{name}" ({columns})'
