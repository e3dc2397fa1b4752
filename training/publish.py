"""A model's files to the registry, and the moves that make versions live."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

from segmentation.model import NEEDED_TO_SERVE, assemble
from training.clock import iso, now

if TYPE_CHECKING:
    from segmentation.model import Model
    from segmentation.registry import Move, Registry
    from training.bundle import Bundle


def publish(registry: Registry, made: Bundle, alias: str, why: str) -> Move:
    """Write the version and make it live.

    Parameters
    ----------
    registry
        Where to.
    made
        The model.
    alias
        What will point to it.
    why
        For the history.

    Returns
    -------
    Move
        The alias's move.

    Raises
    ------
    RegistryError
        The store refuses or does not answer, or another publisher was faster.
    """
    registry.publish(made.card.version, made.card_content, made.files)
    return promote(registry, alias, made.card.version, why)


def proved(registry: Registry, version: str) -> Model:
    """A published model, verified, that reproduced its golden rows and histories.

    Parameters
    ----------
    registry, version
        Where it is.

    Returns
    -------
    Model
        Ready to use.

    Raises
    ------
    RegistryError, ModelError
        It is not there, or must not be used.
    """
    card = registry.read_card(version)
    return assemble(card, {name: registry.read_file(version, name) for name in NEEDED_TO_SERVE})


def promote(registry: Registry, alias: str, version: str, why: str) -> Move:
    """Make a published version live.

    Parameters
    ----------
    registry, alias, version
        What moves where.
    why
        For the history.

    Returns
    -------
    Move
        The alias's move, by this user, now.
    """
    return registry.move(alias, version, at=iso(now()), by=_user(), why=why)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # Containers run as user ids that have no name.
        return f"uid {os.getuid()}"
