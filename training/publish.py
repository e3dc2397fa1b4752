"""A model's files to the registry, and the moves that make versions live."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

from segmentation.clock import iso, now
from segmentation.errors import GateRefusedError, LostRaceError, ModelError
from segmentation.model import verify
from segmentation.opening import proved

if TYPE_CHECKING:
    from segmentation.lineage import Verdict
    from segmentation.registry import Move, Registry
    from training.bundle import Bundle


def publish(registry: Registry, made: Bundle, alias: str, why: str, after: int | None = None) -> Move:
    """Write the version, read it back, and make it live if the gate lets it pass.

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
    after
        Sequence of the alias's latest move when the live model was asked, 0 where there was none; None: whatever.

    Returns
    -------
    Move
        The alias's move.

    Raises
    ------
    GateRefusedError
        It is published, and not live: the gate refused it, or what the registry gives back does not prove itself.
    RegistryError
        The store refuses or does not answer, or another publisher was faster.
    """
    version, verdict = made.card.version, made.card.gate
    store(registry, made)
    if verdict is not None and not verdict.passed:
        raise GateRefusedError(
            f"{version} is published, and not live: {refusal(verdict)}",
            hint=f"mend the data or the configuration, or: models promote {version} --force --why '…'",
        )
    if after is not None and registry.sequence(alias) not in (0, after):
        latest = registry.live(alias)
        raise LostRaceError(
            f"{latest.by} moved {alias!r} to {latest.version} while this model was made",
            hint=f"{version} was compared with another one: it is published, and not live; train again",
        )
    return promote(registry, alias, version, why, after=after)


def store(registry: Registry, made: Bundle) -> None:
    """Write the version, and read it back; it does not become live.

    Parameters
    ----------
    registry, made
        As for `publish`.

    Raises
    ------
    GateRefusedError
        What the registry gives back does not prove itself.
    RegistryError
        The store refuses or does not answer.
    """
    version = made.card.version
    registry.publish(version, made.card_content, made.files)
    try:
        verify(proved(registry, version).card, {name: registry.read_file(version, name) for name in made.files})
    except ModelError as error:
        raise GateRefusedError(
            f"{version} is published, and not live: read back, it does not prove itself: {error.message}",
            hint="the store gave back other bytes than it was given: check it, and train again",
        ) from error


def refusal(verdict: Verdict) -> str:
    """What a gate refused a model for.

    Parameters
    ----------
    verdict
        Of the gate.

    Returns
    -------
    str
        The checks not passed, in words; empty where all were.
    """
    return "; ".join(f"{check.name}: {check.says}" for check in verdict.checks if not check.passed)


def promote(
    registry: Registry, alias: str, version: str, why: str, *, forced: bool = False, after: int | None = None
) -> Move:
    """Make a published version live.

    Parameters
    ----------
    registry, alias, version
        What moves where.
    why
        For the history.
    forced
        Whether the gate had refused it.
    after
        As for `publish`: the move follows this one, or is lost.

    Returns
    -------
    Move
        The alias's move, by this user, now.
    """
    return registry.move(alias, version, at=iso(now()), by=_user(), why=why, forced=forced, after=after)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # Containers run as user ids that have no name.
        return f"uid {os.getuid()}"
