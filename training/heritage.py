"""What a registry hands down to the next model: the live one, and the first id that was never given."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from segmentation import card as cards
from segmentation.errors import (
    ConfigurationError,
    InconsistentModelError,
    ModelError,
    RegistryError,
    UnknownVersionError,
)
from segmentation.opening import proved
from segmentation.rules import FIRST_ID
from training.sources import DEFAULT_SOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

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


RULES_END = 2 * FIRST_ID
RECENT = 20
"""Versions whose cards are read for their ids. Each begins after all before it, so that the last would do, if it can be
read."""

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
    sequence = registry.sequence(alias)
    next_id = free_id(registry, _lived(registry, alias))
    if not sequence:
        return Heritage(next_id=next_id)
    if anew:
        return Heritage(next_id=next_id, anew=True, sequence=sequence)
    which = f"move {sequence}"
    try:
        move = registry.live(alias)
        which = move.version
        # The card first: one of another release may have other files.
        cards.decode(registry.signed_card_of(move).content)
        model = proved(registry, move.version)
    except (ModelError, UnknownVersionError) as error:
        raise RegistryError(
            f"the live model of {alias!r}, {which}, cannot be compared with: {error.message}",
            hint="`models promote` one that works, or give --anew to begin new ids: no segment will be an earlier one",
        ) from error
    return Heritage(model, next_id, sequence=move.sequence)


def free_id(registry: Registry, lived: Sequence[str] = ()) -> int:
    """The first id that no segment of any version has; versions that were never live count, they may be one day.

    Parameters
    ----------
    registry
        Cards of earlier releases are read as far as they tell ids.
    lived
        Versions that were live; some may be gone.

    Returns
    -------
    int
        0 for an empty registry. Where the newest that was live is gone or tells nothing, ids begin well beyond its own,
        at a round thousand.
    """
    known = {version: beyond(registry, version) for version in registry.versions()[-RECENT:]}
    told = {version: ids for version, ids in known.items() if ids is not None}
    newest, highest = max(told, default=""), max(told.values(), default=0)
    if any(version > newest for version in lived if version not in told):
        return max(RULES_END, (highest // FIRST_ID + 1) * FIRST_ID)
    return highest


def default_source(registry: Registry, alias: str) -> str:
    """The generated shop, unless the live model is of real data: neither may take the place of the other.

    Parameters
    ----------
    registry, alias
        Where a model may be live.

    Returns
    -------
    str
        Name of the source that is read where nobody says which.

    Raises
    ------
    ConfigurationError, RegistryError
        The source must be said.
    """
    try:
        live = registry.card(registry.live(alias).version).source if registry.sequence(alias) else DEFAULT_SOURCE
    except (ModelError, UnknownVersionError) as error:
        raise RegistryError(
            f"the live model of {alias!r} cannot be read, and no --source was given: {error.message}",
            hint="give --source; `run` needs --anew as well, which begins new ids",
        ) from error
    if live != DEFAULT_SOURCE:
        raise ConfigurationError(
            f"{alias!r} serves a model of {live}, and no --source was given",
            hint=f"give --source {live}, or --source {DEFAULT_SOURCE} --anew if the generated shop is meant",
        )
    return DEFAULT_SOURCE


def beyond(registry: Registry, version: str) -> int | None:
    """The first id that the segments of a version leave free.

    Parameters
    ----------
    registry, version
        Its card may be of an earlier release.

    Returns
    -------
    int or None
        None where there is no card that can be read and trusted: what cannot be trusted cannot become live, and whoever
        wrote it should not choose our ids.
    """
    try:
        found = msgspec.json.decode(registry.read_card(version), type=_Ids)
    except (ModelError, UnknownVersionError, msgspec.DecodeError, UnicodeDecodeError):
        # Unknown is what was pruned since it was listed: pruning keeps the version with the highest ids.
        return None
    return max(found.next_id, *(segment.id + 1 for segment in found.segments), 0)


def _lived(registry: Registry, alias: str) -> list[str]:
    """Versions that were live; where no move is by a trusted key, as after one became known, those of any key.

    Campaigns know the ids of those. Beside moves that can be trusted, others should not choose ours.
    """
    # Where such a move cannot even be read, nobody knows what it named, and a new beginning must still be possible.
    with suppress(InconsistentModelError):
        return [move.version for move in registry.moves(alias)] or registry.claims(alias)
    return []


class _Segment(msgspec.Struct):
    id: int = -1


class _Ids(msgspec.Struct):
    """What cards of all schemas have in common."""

    segments: list[_Segment] = []
    next_id: int = 0
