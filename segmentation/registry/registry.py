"""Versions and alias moves: a version is written once; an alias is a sequence of moves, the highest of them live."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from segmentation import card as cards
from segmentation.card import Card
from segmentation.errors import (
    ConfigurationError,
    InconsistentModelError,
    LostRaceError,
    UnknownAliasError,
    UnknownVersionError,
    VersionExistsError,
    nearest,
)
from segmentation.model import CARD
from segmentation.registry.store import Store

_ALIAS = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MOVE = re.compile(r"\d{10}\.json")
_VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move of an alias to a version.

    Parameters
    ----------
    alias, sequence, version
        What moved where; sequence counts from 1 without gaps.
    card_digest
        SHA-256 of the version's card.json.
    at
        ISO 8601, UTC.
    by, why
        For the history.
    forced
        Whether the gate had refused the version.
    """

    alias: str
    sequence: int
    version: str
    card_digest: str
    at: str
    by: str
    why: str
    forced: bool = False


class Registry:
    """Models by version, and aliases that say which is live.

    Parameters
    ----------
    store
        Where it lives.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def url(self) -> str:
        """Where it lives."""
        return self._store.url

    def publish(self, version: str, card: bytes, files: Mapping[str, bytes]) -> None:
        """Write a version: its files first and its card last, so that what has a card is complete.

        Parameters
        ----------
        version
            `<UTC time>-<8 hex>`.
        card
            Content of `card.json`.
        files
            The other files' content, by name.

        Raises
        ------
        VersionExistsError
            The registry has this version, or other content under its name.
        """
        if self._store.read(_path(version, CARD)) is not None:
            raise VersionExistsError(f"{version} is published already", hint="a version is never written twice")
        for name, content in files.items():
            # What a killed job left behind may stand if it is the same; a version of other content may not.
            if not self._store.create(_path(version, name), content) and (
                self._store.read(_path(version, name)) != content
            ):
                raise VersionExistsError(f"{version} exists with another {name}", hint="train again")
        if not self._store.create(_path(version, CARD), card):
            raise VersionExistsError(f"{version} is published already", hint="a version is never written twice")

    def versions(self) -> list[str]:
        """All complete versions, oldest first.

        Returns
        -------
        list of str
            Versions that have a card.
        """
        keys = (key.split("/") for key in self._store.list("models/"))
        return sorted(key[1] for key in keys if len(key) == 3 and key[2] == CARD and _VERSION.fullmatch(key[1]))

    def read_card(self, version: str) -> bytes:
        """The card's bytes.

        Parameters
        ----------
        version
            A version of this registry.

        Returns
        -------
        bytes
            Content of `card.json`.

        Raises
        ------
        UnknownVersionError
            There is no such version.
        """
        content = self._store.read(_path(version, CARD)) if _VERSION.fullmatch(version) else None
        if content is None:
            raise UnknownVersionError(
                f"{self.url} has no version {version}", hint=nearest(version, self.versions()[-5:])
            )
        return content

    def card(self, version: str) -> Card:
        """The card of a version; see `read_card`."""
        return cards.decode(self.read_card(version))

    def read_file(self, version: str, name: str) -> bytes:
        """The bytes of one file of a version; callers verify them against the card.

        Parameters
        ----------
        version, name
            A version and a file that its card names.

        Returns
        -------
        bytes
            The content.

        Raises
        ------
        InconsistentModelError
            The version lacks the file.
        """
        content = self._store.read(_path(version, name))
        if content is None:
            raise InconsistentModelError(f"{version} has no {name}", hint="publish the model again")
        return content

    def moves(self, alias: str) -> list[Move]:
        """The alias's history, oldest first; empty where it never moved.

        Parameters
        ----------
        alias
            For instance `production`.

        Returns
        -------
        list of Move
            In sequence.
        """
        return [self._read_move(key) for key in self._move_keys(alias)]

    def live(self, alias: str) -> Move:
        """The latest move of the alias.

        Parameters
        ----------
        alias
            For instance `production`.

        Returns
        -------
        Move
            The one with the highest sequence.

        Raises
        ------
        UnknownAliasError
            The alias never moved.
        """
        keys = self._move_keys(alias)
        if not keys:
            raise UnknownAliasError(
                f"{self.url} has no alias {alias!r}",
                hint="publish a model with `python -m training run`, or promote one",
            )
        return self._read_move(keys[-1])

    def previous(self, alias: str) -> str | None:
        """The version that a rollback goes back to.

        Going back to the version before the present one undoes the move to the present one, so that a second rollback
        goes one further and not forth again.

        Parameters
        ----------
        alias
            For instance `production`.

        Returns
        -------
        str or None
            None where there is nothing to go back to.
        """
        trail: list[str] = []
        for move in self.moves(alias):
            if trail[-2:-1] == [move.version]:
                trail.pop()
            elif trail[-1:] != [move.version]:
                trail.append(move.version)
        return trail[-2] if len(trail) > 1 else None

    def next_move(self, alias: str, after: int) -> Move | None:
        """The move that follows a known one, at the cost of one read.

        Parameters
        ----------
        alias
            For instance `production`.
        after
            Sequence of the known move.

        Returns
        -------
        Move or None
            None where the known move is the latest.
        """
        key = _move(alias, after + 1)
        content = self._store.read(key)
        return None if content is None else _decode_move(key, content)

    def move(self, alias: str, version: str, *, at: str, by: str, why: str, forced: bool = False) -> Move:
        """Make a version the live one.

        Parameters
        ----------
        alias, version
            What moves where.
        at, by, why, forced
            For the history; see `Move`.

        Returns
        -------
        Move
            The move made.

        Raises
        ------
        UnknownVersionError
            There is no such version.
        LostRaceError
            Another publisher took the sequence number first.
        """
        card = self.read_card(version)
        keys = self._move_keys(alias)
        sequence = self._read_move(keys[-1]).sequence + 1 if keys else 1
        digest = cards.digest(card)
        move = Move(
            alias=alias, sequence=sequence, version=version, card_digest=digest, at=at, by=by, why=why, forced=forced
        )
        if not self._store.create(_move(alias, sequence), msgspec.json.encode(move)):
            raise LostRaceError(
                f"another publisher moved {alias!r} at the same time",
                hint=f"{version} is published but not live; promote it if it should be",
            )
        # Who deletes a version deletes its card, then looks at the moves. One of the two sees what the other did.
        if self._store.read(_path(version, CARD)) is None:
            raise LostRaceError(
                f"{version} was being deleted while {alias!r} was moved to it",
                hint="see `models list`: if it is gone, promote another version",
            )
        return move

    def _move_keys(self, alias: str) -> list[str]:
        # Other tools leave files of their own, such as the folder markers of S3 consoles.
        prefix = _moves(alias)
        return [key for key in self._store.list(prefix) if is_move(key.removeprefix(prefix))]

    def _read_move(self, key: str) -> Move:
        return _decode_move(key, self._store.read(key) or b"")


def _decode_move(key: str, content: bytes) -> Move:
    try:
        move = msgspec.json.decode(content, type=Move)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InconsistentModelError(f"{key} cannot be read: {error}", hint="move the alias again") from error
    if _move(move.alias, move.sequence) != key:
        raise InconsistentModelError(f"{key} holds a move of another place", hint="move the alias again")
    return move


def is_alias(name: str) -> bool:
    """Whether a name can be an alias."""
    return _ALIAS.fullmatch(name) is not None


def is_move(name: str) -> bool:
    """Whether a name can be a move's file: ten digits and `.json`."""
    return _MOVE.fullmatch(name) is not None


def is_version(name: str) -> bool:
    """Whether a name can be a version: `<UTC time>-<8 hex>`."""
    return _VERSION.fullmatch(name) is not None


def _path(version: str, name: str) -> str:
    return f"models/{version}/{name}"


def require_alias(alias: str) -> None:
    """Check that a name can be an alias.

    Parameters
    ----------
    alias
        For instance `production`.

    Raises
    ------
    ConfigurationError
        It cannot.
    """
    if not is_alias(alias):
        raise ConfigurationError(
            f"{alias!r} cannot name an alias", hint="use lower-case letters, digits, - and _, at most 64"
        )


def _moves(alias: str) -> str:
    require_alias(alias)
    return f"aliases/{alias}/"


def _move(alias: str, sequence: int) -> str:
    # Padded, so that listings sort by number.
    return f"{_moves(alias)}{sequence:010d}.json"
