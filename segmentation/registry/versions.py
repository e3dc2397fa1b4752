"""Models by version: each is written once, and complete when it has its card."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from segmentation import card as cards
from segmentation.errors import (
    InconsistentModelError,
    SignatureError,
    UnknownVersionError,
    VersionExistsError,
    nearest,
)
from segmentation.model import CARD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentation.card import Card
    from segmentation.registry.signatures import Signer, Verifier
    from segmentation.registry.store import Store

CARD_SIGNATURE = "card.sig"

_VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class SignedCard:
    """A card and its signature, as they were read.

    Parameters
    ----------
    content
        Of `card.json`.
    signature
        Of `card.sig`, 64 bytes; None where it was not looked for.
    """

    content: bytes
    signature: bytes | None


class Versions:
    """Models by version.

    Parameters
    ----------
    store
        Where it lives.
    signer
        Signs what is published; None: it is not signed.
    verifier
        Checks whatever card or move is read; None: signatures are not looked at.
    """

    def __init__(self, store: Store, *, signer: Signer | None = None, verifier: Verifier | None = None) -> None:
        self._store = store
        self._signer = signer
        self._verifier = verifier

    @property
    def url(self) -> str:
        """Where it lives."""
        return self._store.url

    @property
    def verifies(self) -> bool:
        """Whether what is unsigned is refused."""
        return self._verifier is not None

    def publish(self, version: str, card: bytes, files: Mapping[str, bytes]) -> None:
        """Write a version: its files and signature first and its card last, so that what has a card is complete.

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
        if self._store.read(path_of(version, CARD)) is not None:
            raise VersionExistsError(f"{version} is published already", hint="a version is never written twice")
        signature = {} if self._signer is None else {CARD_SIGNATURE: self._signer.sign(card)}
        for name, content in (dict(files) | signature).items():
            # What a killed job left behind may stand if it is the same; a version of other content may not.
            if not self._store.create(path_of(version, name), content) and (
                self._store.read(path_of(version, name)) != content
            ):
                raise VersionExistsError(f"{version} exists with another {name}", hint="train again")
        if not self._store.create(path_of(version, CARD), card):
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
        SignatureError
            There is a verifier, and the card is not one that was signed for this version.
        """
        return self.signed_card(version).content

    def signed_card(self, version: str) -> SignedCard:
        """The card's bytes and their signature; see `read_card`."""
        content = self._store.read(path_of(version, CARD)) if _VERSION.fullmatch(version) else None
        if content is None:
            raise UnknownVersionError(
                f"{self.url} has no version {version}", hint=nearest(version, self.versions()[-5:])
            )
        if self._verifier is None:
            return SignedCard(content, None)
        return SignedCard(content, self._verified(self._verifier, version, content))

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
        content = self._store.read(path_of(version, name))
        if content is None:
            raise InconsistentModelError(f"{version} has no {name}", hint="publish the model again")
        return content

    def _verified(self, verifier: Verifier, version: str, card: bytes) -> bytes:
        name, signature = path_of(version, CARD), self._store.read(path_of(version, CARD_SIGNATURE))
        if signature is None:
            raise SignatureError(
                f"{name} is not signed: there is no {CARD_SIGNATURE}",
                hint="the job that published it had no SEGMENTATION_SIGNING_KEY_FILE; train again",
            )
        try:
            verifier.verify(name, card, signature)
        except SignatureError as error:
            raise SignatureError(f"{error.message} ({CARD_SIGNATURE})", hint=error.hint) from error
        try:
            told = msgspec.json.decode(card, type=_Versioned).version
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InconsistentModelError(f"{name} is no card: {error}", hint="train again") from error
        if told != version:
            raise SignatureError(
                f"{name} is the card of {told}", hint="a version was written over another one; restore it"
            )
        return signature


def is_version(name: str) -> bool:
    """Whether a name can be a version: `<UTC time>-<8 hex>`."""
    return _VERSION.fullmatch(name) is not None


def path_of(version: str, name: str) -> str:
    """The key of a file of a version."""
    return f"models/{version}/{name}"


class _Versioned(msgspec.Struct):
    """What of a card must be the version's own."""

    version: str
