"""What an export did, and what every warehouse can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from campaigns.export.star import Snapshot

VIEW = "movements"


@dataclass(frozen=True, slots=True)
class Movement:
    """Customers who went from one segment to another, or the same, since the snapshot before.

    Parameters
    ----------
    before, after
        Ids of segments; None before: they were not there; None after: they are no longer there.
    customers
        How many.
    """

    before: int | None
    after: int | None
    customers: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did.

    Parameters
    ----------
    what
        written: the snapshot was not there; replaced: other assignments of the same model and moment were;
        present: these were there already, and nothing was done.
    movements
        Since the snapshot before it; empty where there is none.
    model_changed
        Whether that one is of another model.
    """

    what: Literal["written", "replaced", "present"]
    movements: tuple[Movement, ...]
    model_changed: bool


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten.

    Parameters
    ----------
    rows
        Rows that are gone, over all snapshots; None where the warehouse does not tell.
    """

    rows: int | None


class Warehouse(Protocol):
    """Where segments are exported to."""

    @property
    def shown(self) -> str:
        """Where it is, without password or secret."""

    def export(self, snapshot: Snapshot, folder: Path) -> Exported:
        """Write a snapshot, whole or not at all; the folder is for temporary files."""

    def forget(self, ids: Path) -> Forgotten:
        """Remove customers from all snapshots; the file is CSV with one quoted id per line."""


def summarised(rows: Iterable[Sequence[object]]) -> tuple[tuple[Movement, ...], bool]:
    """What `sql/moved.sql` found.

    Parameters
    ----------
    rows
        Segment before, segment after, whether the model changed, customers.

    Returns
    -------
    tuple of Movement
        Sorted; those who came first, those who left last in their segment.
    bool
        Whether the model changed.
    """

    def place(identity: int | None, nowhere: float) -> float:
        return nowhere if identity is None else identity

    given = list(rows)
    found = [Movement(_number(row[0]), _number(row[1]), int(str(row[3]))) for row in given]
    ordered = sorted(found, key=lambda one: (place(one.before, -1), place(one.after, float("inf"))))
    return tuple(ordered), any(row[2] is True for row in given)


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))
