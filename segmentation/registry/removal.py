"""Deleting versions: the card first, so that nothing half-deleted looks complete."""

from segmentation.model import CARD
from segmentation.registry.registry import Registry, is_alias, is_move, is_version
from segmentation.registry.store import Store


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
    keys = (key.split("/") for key in store.list("aliases/"))
    return sorted({key[1] for key in keys if len(key) == 3 and is_alias(key[1]) and is_move(key[2])})


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
    StoreAccessError, StoreUnavailableError
        What is left has no card, and can be deleted later.
    """
    if version in _live(registry, store):
        return False
    folder = f"models/{version}/"
    card = store.read(folder + CARD)
    if card is not None:
        store.delete(folder + CARD)
        if version in _live(registry, store):
            store.create(folder + CARD, card)
            return False
    for key in store.list(folder):
        store.delete(key)
    return True


def _live(registry: Registry, store: Store) -> set[str]:
    return {registry.live(alias).version for alias in aliases(store)}
