"""Which versions a registry still needs, and the deletion of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segmentation.errors import InconsistentModelError, RegistryError
from segmentation.registry import removal
from training.heritage import beyond

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentation.registry import Registry, Store


@dataclass(frozen=True, slots=True)
class Plan:
    """What pruning would do.

    Parameters
    ----------
    kept
        By version, oldest first: what needs it.
    removed
        Complete versions that nothing needs, oldest first.
    incomplete
        Versions without a card, oldest first: of a job that was killed, or that is publishing right now.
    """

    kept: Mapping[str, str]
    removed: tuple[str, ...]
    incomplete: tuple[str, ...]

    def doomed(self, *, incomplete: bool) -> tuple[str, ...]:
        """What is to be deleted, oldest first; versions without a card only on request."""
        return tuple(sorted(self.removed + (self.incomplete if incomplete else ())))


def plan(registry: Registry, store: Store, keep: int) -> Plan:
    """Find out what is needed.

    Needed are the newest versions, those of every alias's last moves, the one that a rollback would go back to, and the
    one whose segments have the highest ids: an id that was given once must never be given again. Earlier moves may be
    signed by a key that is no longer trusted, or by none: what they name is kept as well.

    Parameters
    ----------
    registry, store
        The registry and the place it lives in.
    keep
        How many of the newest versions, and of each alias's last moves; 1 or more.

    Returns
    -------
    Plan
        Nothing is deleted yet.

    Raises
    ------
    ModelError
        The latest move of an alias cannot be trusted.
    RegistryError
        A move cannot be read: what cannot be known to be free is not deleted. Or the store refuses or does not answer.
    """
    # Moves after versions: what is published in between is not in the list, and so not deleted.
    versions, unfinished = registry.versions(), removal.incomplete(store)
    needs: dict[str, str] = {}
    for alias in removal.aliases(store):
        claims = _claims(registry, alias)
        needs.setdefault(registry.live(alias).version, f"live as {alias}")
        for move in reversed(registry.moves(alias)[-keep:]):
            needs.setdefault(move.version, f"move {move.sequence} of {alias}")
        for version in claims[-keep:]:
            needs.setdefault(version, f"one of the last moves of {alias}, by a key that is not trusted")
        if (back := registry.previous(alias)) is not None:
            needs.setdefault(back, f"a rollback of {alias} goes back to it")
    for version in versions[-keep:]:
        needs.setdefault(version, "one of the newest" if keep > 1 else "the newest")
    beyonds = {version: beyond(registry, version) or 0 for version in versions}
    highest = max(beyonds.values(), default=0)
    if all(beyonds[version] < highest for version in versions if version in needs):
        needs |= {version: "its segments have the highest ids" for version in versions if beyonds[version] == highest}
    return Plan(
        {version: needs[version] for version in versions if version in needs},
        tuple(version for version in versions if version not in needs),
        tuple(unfinished),
    )


def delete(registry: Registry, store: Store, planned: Plan, version: str) -> bool:
    """Delete a version that was planned to be, unless it came into use in the meantime.

    Parameters
    ----------
    registry, store
        The registry and the place it lives in.
    planned
        Of `plan`.
    version
        One of `planned.doomed`.

    Returns
    -------
    bool
        False where an alias moved to it, or its card came, and it stays.

    Raises
    ------
    RegistryError
        The store refuses or does not answer; what is left has no card.
    """
    finished = version in planned.incomplete and version not in removal.incomplete(store)
    return not finished and removal.remove(registry, store, version)


def _claims(registry: Registry, alias: str) -> list[str]:
    try:
        return registry.claims(alias)
    except InconsistentModelError as error:
        raise RegistryError(
            f"nothing is deleted: {error.message}",
            hint=f"restore it; where a later move of {alias!r} is live, delete it: the history then goes without",
        ) from error
