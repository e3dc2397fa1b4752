"""What a registry hands down to the next model: the live one, and the first id that was never given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from segmentation.errors import ModelError, RegistryError, UnknownVersionError
from training.publish import proved

if TYPE_CHECKING:
    from segmentation.model import Model
    from segmentation.registry import Registry

ANEW = "begun anew: its segments are not compared with those before"


@dataclass(frozen=True, slots=True, eq=False)
class Heritage:
    """What a new model begins with.

    Parameters
    ----------
    model
        The live model; None where there is none, or it was left on purpose.
    next_id
        The first id that no segment of the registry has ever had.
    anew
        Whether a live model was left on purpose.
    sequence
        Of the alias's latest move; 0 where it never moved.
    """

    model: Model | None = None
    next_id: int = 0
    anew: bool = False
    sequence: int = 0


NOTHING = Heritage()
"""An empty registry's."""


def inherit(registry: Registry, alias: str, *, anew: bool = False) -> Heritage:
    """Load the live model that the next one will be compared with.

    Parameters
    ----------
    registry, alias
        Where it is live.
    anew
        Leave it on purpose: ids begin after all that were ever given.

    Returns
    -------
    Heritage
        For `training.job.make`.

    Raises
    ------
    RegistryError
        The live model cannot be read by this release, or must not be used.
    """
    moves, next_id = registry.moves(alias), free_id(registry)
    if not moves:
        return Heritage(next_id=next_id)
    if anew:
        return Heritage(next_id=next_id, anew=True, sequence=moves[-1].sequence)
    try:
        # The card first: one of another release may have other files.
        registry.card(moves[-1].version)
        model = proved(registry, moves[-1].version)
    except ModelError as error:
        raise RegistryError(
            f"the live model of {alias!r}, {moves[-1].version}, cannot be compared with: {error.message}",
            hint="roll back to one that works, or give --anew to begin new ids: no segment will be an earlier one",
        ) from error
    return Heritage(model, next_id, sequence=moves[-1].sequence)


def free_id(registry: Registry) -> int:
    """The first id that no segment of any version has; versions that were never live count, they may be one day.

    Parameters
    ----------
    registry
        Cards of earlier releases are read as far as they tell ids.

    Returns
    -------
    int
        0 for an empty registry.
    """
    return max((_beyond_version(registry, version) for version in registry.versions()), default=0)


def beyond(card: bytes) -> int:
    """The first id that the segments of a card leave free.

    Parameters
    ----------
    card
        Content of `card.json`, of this release or an earlier one.

    Returns
    -------
    int
        0 for what cannot be read.
    """
    try:
        found = msgspec.json.decode(card, type=_Ids)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # What is no card at all was never live with ids that anybody could read.
        return 0
    return max(found.next_id, *(segment.id + 1 for segment in found.segments), 0)


def _beyond_version(registry: Registry, version: str) -> int:
    try:
        return beyond(registry.read_card(version))
    except UnknownVersionError:
        # It was pruned since it was listed. Pruning keeps the version with the highest ids, so none is forgotten.
        return 0


class _Segment(msgspec.Struct):
    id: int = -1


class _Ids(msgspec.Struct):
    """What cards of all schemas have in common."""

    segments: list[_Segment] = []
    next_id: int = 0
