"""A registry: versions, and aliases that are sequences of moves, the highest of them live."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from segmentation import card as cards
from segmentation.errors import DigestMismatchError, LostRaceError, ModelError, UnknownAliasError
from segmentation.model import CARD
from segmentation.registry import moves as move_files
from segmentation.registry.moves import Move
from segmentation.registry.versions import Versions, path_of

if TYPE_CHECKING:
    from segmentation.registry.versions import SignedCard

logger = logging.getLogger(__name__)


class Registry(Versions):
    """Models by version, and aliases that say which is live; see `Versions` for the parameters."""

    _said = ""
    """What was last said of moves that were left out: a command that asks twice says it once."""

    def moves(self, alias: str) -> list[Move]:
        """The alias's history, oldest first; empty where it never moved.

        What was live is told by moves that can be read and trusted: others are left out, with a warning.

        Parameters
        ----------
        alias
            For instance `production`.

        Returns
        -------
        list of Move
            In sequence.
        """
        found, refused = [], []
        for key in self._move_keys(alias):
            try:
                found.append(self._read_move(key))
            except ModelError as error:
                refused.append(error.message)
        if refused:
            others = f", as {len(refused) - 1} more" if len(refused) > 1 else ""
            said = f"{refused[0]}; it is left out of the history{others}"
            if said != self._said:
                logger.warning("%s", said)
            self._said = said
        return found

    def claims(self, alias: str) -> list[str]:
        """Versions that the alias was moved to, whoever signed that: of a key that is no longer trusted, for instance.

        Parameters
        ----------
        alias
            For instance `production`.

        Returns
        -------
        list of str
            In sequence.

        Raises
        ------
        InconsistentModelError
            A move cannot be read.
        """
        keys = self._move_keys(alias)
        return [move_files.decode(key, self._store.read(key) or b"", None).version for key in keys]

    def sequence(self, alias: str) -> int:
        """How often the alias was moved, whether or not the moves can be trusted.

        Parameters
        ----------
        alias
            For instance `production`.

        Returns
        -------
        int
            The highest sequence number; 0 where it never moved.
        """
        return move_files.sequence_of((self._move_keys(alias) or [""])[-1]) or 0

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
        ModelError
            The move cannot be read, or is not signed as it must be.
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
        key = move_files.key(alias, after + 1)
        content = self._store.read(key)
        return None if content is None else move_files.decode(key, content, self._verifier)

    def signed_card_of(self, move: Move) -> SignedCard:
        """The card that an alias was moved to.

        Parameters
        ----------
        move
            The move; it names the card's digest.

        Returns
        -------
        SignedCard
            See `read_card`.

        Raises
        ------
        DigestMismatchError
            The version has another card.
        RegistryError, SignatureError
            As `read_card` does.
        """
        card = self.signed_card(move.version)
        if cards.digest(card.content) != move.card_digest:
            raise DigestMismatchError(
                f"{path_of(move.version, CARD)} is not the one that {move.alias!r} was moved to",
                hint="publish the model again",
            )
        return card

    def move(
        self, alias: str, version: str, *, at: str, by: str, why: str, forced: bool = False, after: int | None = None
    ) -> Move:
        """Make a version the live one.

        Parameters
        ----------
        alias, version
            What moves where.
        at, by, why, forced
            For the history; see `Move`.
        after
            Sequence of the move that this one must follow, 0 for none; None: whichever is the latest.

        Returns
        -------
        Move
            The move made.

        Raises
        ------
        UnknownVersionError
            There is no such version.
        LostRaceError
            Another publisher took the sequence number first, or the version was deleted at the same time.
        """
        card = self.read_card(version)
        # Counted by names: a move that cannot be trusted is moved on from.
        sequence = (self.sequence(alias) if after is None else after) + 1
        digest = cards.digest(card)
        move = Move(
            alias=alias, sequence=sequence, version=version, card_digest=digest, at=at, by=by, why=why, forced=forced
        )
        if self._signer is not None:
            move = replace(move, signature=move_files.sign(move, self._signer))
        if not self._store.create(move_files.key(alias, sequence), move_files.encode(move)):
            raise LostRaceError(
                f"another publisher moved {alias!r} at the same time",
                hint=f"{version} is published but not live; promote it if it should be",
            )
        # Who deletes a version deletes its card, then looks at the moves. One of the two sees what the other did.
        if self._store.read(path_of(version, CARD)) is None:
            raise LostRaceError(
                f"{version} was being deleted while {alias!r} was moved to it",
                hint="see `models list`: if it is gone, promote another version",
            )
        return move

    def _move_keys(self, alias: str) -> list[str]:
        # Other tools leave files of their own, such as the folder markers of S3 consoles.
        return [key for key in self._store.list(move_files.folder(alias)) if move_files.sequence_of(key) is not None]

    def _read_move(self, key: str) -> Move:
        return move_files.decode(key, self._store.read(key) or b"", self._verifier)
