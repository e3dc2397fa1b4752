"""What an export did, and what every warehouse can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from campaigns.export.star import Snapshot


@dataclass(frozen=True, slots=True)
class Movement:
    """Customers who went from one segment to another, or stayed, since the export before.

    Parameters
    ----------
    before, after
        Ids of segments; None before: they were not there; None after: they are no longer there.
    customers
        How many.
    revenue
        Of those customers; None where it is not known.
    cause
        customer moved, or model changed; None for those who stayed.
    """

    before: int | None
    after: int | None
    customers: int
    revenue: float | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did.

    Parameters
    ----------
    what
        written: it was not there; replaced: other assignments of the same model and moment were; present: these were
        there already, and nothing was done.
    movements
        Since the export before it; empty where there is none.
    """

    what: Literal["written", "replaced", "present"]
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten.

    Parameters
    ----------
    rows
        Rows of history that are gone; None where the warehouse does not tell.
    reclaimed
        Whether their space is: until then they can be read in the warehouse's files.
    """

    rows: int | None
    reclaimed: bool = True


class Warehouse(Protocol):
    """Where segments are exported to."""

    @property
    def shown(self) -> str:
        """Where it is, without password or secret."""

    def export(self, snapshot: Snapshot, folder: Path) -> Exported:
        """Write an export, whole or not at all; the folder is for temporary files."""

    def forget(self, ids: Path) -> Forgotten:
        """Remove customers from all of history; the file is CSV with one quoted id per line."""


def summarised(rows: Iterable[Sequence[Any]]) -> tuple[Movement, ...]:
    """What `sql/moved.sql` found.

    Parameters
    ----------
    rows
        From, to, customers, revenue, cause.

    Returns
    -------
    tuple of Movement
        Sorted; those who came first, those who left last in their segment.
    """

    def place(identity: int | None, nowhere: float) -> float:
        return nowhere if identity is None else identity

    found = [
        Movement(
            None if row[0] is None else int(row[0]),
            None if row[1] is None else int(row[1]),
            int(row[2]),
            None if row[3] is None else float(row[3]),
            None if row[4] is None else str(row[4]),
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda one: (place(one.before, -1), place(one.after, float("inf")), str(one.cause))))
