"""Deleting versions: the card first, so that nothing half-deleted looks complete."""

from segmentation.errors import ModelError
from segmentation.model import CARD
from segmentation.registry.moves import is_alias, sequence_of
from segmentation.registry.registry import Registry
from segmentation.registry.store import Store
from segmentation.registry.versions import is_version, path_of


def aliases(store: Store) -> list[str]:
    """All aliases that ever moved.

    Parameters
    ----------
    store
        Where the registry lives.

    Returns
    -------
    list of str
        Sorted; folders of other tools are passed over.
    """
    moves = (key for key in store.list("aliases/") if sequence_of(key) is not None)
    return sorted({name for name in (key.split("/")[1] for key in moves) if is_alias(name)})


def incomplete(store: Store) -> list[str]:
    """Versions without a card: of a job that was killed, or that is publishing right now.

    Parameters
    ----------
    store
        Where the registry lives.

    Returns
    -------
    list of str
        Oldest first.
    """
    keys = [key.split("/") for key in store.list("models/")]
    complete = {key[1] for key in keys if len(key) == 3 and key[2] == CARD}
    return sorted({key[1] for key in keys if len(key) > 2 and is_version(key[1])} - complete)


def remove(registry: Registry, store: Store, version: str) -> bool:
    """Delete a version, complete or not, unless an alias is live at it.

    The card goes first. Whoever promotes the version at the same time either has moved before the card was gone, and
    then the card is put back; or finds no card after the move, and fails.

    Parameters
    ----------
    registry, store
        The registry and the place it lives in.
    version
        What to delete.

    Returns
    -------
    bool
        False where the version is live, and stays.

    Raises
    ------
    ModelError
        It cannot be known what is live, for a latest move cannot be read or trusted; the version stays.
    StoreAccessError, StoreUnavailableError
        What is left has no card, and can be deleted later.
    """
    if version in _live(registry, store):
        return False
    place = path_of(version, CARD)
    card = store.read(place)
    if card is not None:
        store.delete(place)
        try:
            live = version in _live(registry, store)
        except ModelError:
            store.create(place, card)
            raise
        if live:
            store.create(place, card)
            return False
    for key in store.list(path_of(version, "")):
        store.delete(key)
    return True


def _live(registry: Registry, store: Store) -> set[str]:
    return {registry.live(alias).version for alias in aliases(store)}
