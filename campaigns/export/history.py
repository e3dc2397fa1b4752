"""What an export is to those before it: the next one, one that is there already, or one that comes too late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from campaigns.errors import LateExportError
from segmentation.clock import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from campaigns.export.star import Snapshot


@dataclass(frozen=True, slots=True)
class Place:
    """What is to be done with an export.

    Parameters
    ----------
    what
        written: it is the next one; replaced: it takes the place of the newest; present: nothing is to be done.
    number
        Its number, from 1.
    previous_version
        Model of the export before it; None for the first.
    whole
        Customers who must be somewhere now for `present` to be true of the newest; None: it is not the newest.
    """

    what: Literal["written", "replaced", "present"]
    number: int
    previous_version: str | None
    whole: int | None


def place(rows: Sequence[Sequence[Any]], snapshot: Snapshot, shown: str) -> Place:
    """Find an export's place.

    Parameters
    ----------
    rows
        What `sql/history.sql` says: number, model, content, customers, side of this export's moment, moment as text.
    snapshot
        To be exported.
    shown
        Where, for errors.

    Returns
    -------
    Place
        In the history.

    Raises
    ------
    LateExportError
        It is from before the newest one, and not one of those that are there.
    """
    told = [(int(row[0]), str(row[1]), str(row[2]), int(row[3]), int(row[4]), str(row[5])) for row in rows]
    if not told:
        return Place("written", 1, None, None)
    newest = told[-1]
    before = told[-2][1] if len(told) > 1 else None
    for number, version, content, customers, side, _ in told:
        if (version, side) != (snapshot.model_version, 0):
            continue
        is_newest = number == newest[0]
        if content == snapshot.content:
            return Place("present", number, before, customers if is_newest else None)
        if is_newest:
            return Place("replaced", number, before, None)
        raise _late(snapshot, newest, shown, "other assignments of this model and moment are there, with later ones")
    if newest[4] > 0:
        raise _late(snapshot, newest, shown, "an export of a later moment is there")
    return Place("written", newest[0] + 1, newest[1], None)


def _late(snapshot: Snapshot, newest: tuple[int, str, str, int, int, str], shown: str, why: str) -> LateExportError:
    return LateExportError(
        f"{shown}: model {snapshot.model_version}, as of {iso(snapshot.as_of)}, comes too late: {why}",
        hint=f"history goes one way; the newest export is of model {newest[1]}, as of {newest[5]}: export in the order "
        "of as_of, or into another --schema or folder",
    )
