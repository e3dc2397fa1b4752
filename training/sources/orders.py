"""What every source of orders gives: the canonical table, and what happened on the way to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import ibis.expr.types as ir


@dataclass(frozen=True, slots=True)
class TableRead:
    """One file as it was read."""

    file: str
    rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Orders:
    """The canonical orders of a source.

    Parameters
    ----------
    source
        Name of the source.
    table
        One row per order line, all canonical columns but `as_of`; what the source does not have is NULL.
    columns
        The canonical columns that the source fills.
    read
        The files, in the order in which they were read.
    cleaning
        Rows left out, by rule; rules that left nothing out are there with 0.
    """

    source: str
    table: ir.Table
    columns: frozenset[str]
    read: tuple[TableRead, ...] = ()
    cleaning: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is.

    Parameters
    ----------
    order_lines, orders, customers, one_order_customers
        Counts; an order without lines is one order line.
    earliest, latest
        Dates of the first and last order, UTC.
    """

    order_lines: int
    orders: int
    customers: int
    one_order_customers: int
    earliest: datetime
    latest: datetime
