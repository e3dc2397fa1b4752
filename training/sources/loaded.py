"""What every source gives: the canonical table, and what happened on the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    import ibis.expr.types as ir

    from segmentation.features import Feature
    from segmentation.tables import Table

Action = Literal["drop", "keep", "refuse"]


@dataclass(frozen=True, slots=True)
class TableRead:
    """One file, or many of one kind, as read.

    Parameters
    ----------
    file
        Its name, or how many there are.
    rows
        Records in it, those that were dropped included.
    columns
        The columns used; `ours from theirs` where the names differ.
    not_used
        Its other columns.
    """

    file: str
    rows: int
    columns: tuple[str, ...]
    not_used: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What one cleaning rule found.

    Parameters
    ----------
    rule
        Its name, as in docs/cleaning.md.
    rows
        How many rows it applied to; a row counts for the first rule that applies.
    dropped
        Whether they were dropped, or kept and only counted.
    example
        File and line of the first of them; empty where there is none.
    """

    rule: str
    rows: int
    dropped: bool
    example: str = ""

    @property
    def happened(self) -> str:
        """What was done with its rows, in a word; a dash where there are none."""
        return ("dropped" if self.dropped else "kept") if self.rows else "-"


@dataclass(frozen=True, slots=True)
class Link:
    """How two tables of a source belong together.

    Parameters
    ----------
    table, other
        File names: each row of `table` refers to a row of `other`.
    key
        The column that they share.
    rows, unmatched
        Rows of `table`, and how many of them refer to nothing.
    """

    table: str
    other: str
    key: str
    rows: int
    unmatched: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """The canonical table of a source.

    Parameters
    ----------
    source
        Name of the source.
    shape
        Which canonical table it is.
    table
        Its kept rows, all canonical columns but `as_of`; what the source does not have is NULL.
    columns
        The canonical columns that the source fills.
    catalogue
        The features that can be made of such a table.
    read
        The files, in the order in which they were read.
    cleaning
        By rule; rules that applied to nothing are there with 0.
    lost
        Customers none of whose rows was kept.
    links
        How its tables belong together; empty for a source of one table.
    notes
        What else whoever checks a mapping wants to know.
    ignored
        Columns about persons that were not asked for by name.
    """

    source: str
    shape: Table
    table: ir.Table
    columns: frozenset[str]
    catalogue: tuple[Feature, ...]
    read: tuple[TableRead, ...] = ()
    cleaning: tuple[Cleaned, ...] = ()
    lost: int = 0
    links: tuple[Link, ...] = ()
    notes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is up to as_of.

    Parameters
    ----------
    rows, customers
        Counts; an order without lines is one row.
    orders, one_order_customers
        Counts; None where the table has no orders.
    earliest, latest
        Dates of the first and last row, UTC; None where rows have no time.
    """

    rows: int
    customers: int
    orders: int | None
    one_order_customers: int | None
    earliest: datetime | None
    latest: datetime | None
