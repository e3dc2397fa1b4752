"""Moves of an alias: what one says, where it lies, and how it is written and signed."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import msgspec

from segmentation.errors import ConfigurationError, InconsistentModelError, SignatureError

if TYPE_CHECKING:
    from segmentation.registry.signatures import Signer, Verifier

_ALIAS = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_KEY = re.compile(r"aliases/[^/]+/(\d{10})\.json")


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
    signature
        Ed25519 over the JSON of all other fields, hexadecimal; empty where it is not signed.
    """

    alias: str
    sequence: int
    version: str
    card_digest: str
    at: str
    by: str
    why: str
    forced: bool = False
    signature: str = ""


def encode(move: Move) -> bytes:
    """The content of a move's file.

    Parameters
    ----------
    move
        The move.

    Returns
    -------
    bytes
        JSON, without white space; fields in the order of `Move`, `signature` last and only where there is one.
    """
    return msgspec.json.encode(_fields(move) | ({"signature": move.signature} if move.signature else {}))


def sign(move: Move, signer: Signer) -> str:
    """The signature of a move.

    Parameters
    ----------
    move
        Its `signature` does not count.
    signer
        Who signs.

    Returns
    -------
    str
        Hexadecimal.
    """
    return signer.sign(msgspec.json.encode(_fields(move))).hex()


def decode(at: str, content: bytes, verifier: Verifier | None) -> Move:
    """Read a move's file.

    Parameters
    ----------
    at
        Its key.
    content
        As `encode` writes it.
    verifier
        None: signatures are not looked at.

    Returns
    -------
    Move
        Of this place, and signed where there is a verifier.

    Raises
    ------
    InconsistentModelError
        It cannot be read, or belongs to another place.
    SignatureError
        It is unsigned, altered, or signed by another key.
    """
    try:
        move = msgspec.json.decode(content, type=Move)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InconsistentModelError(f"{at} cannot be read: {error}", hint="move the alias again") from error
    if not _ALIAS.fullmatch(move.alias) or key(move.alias, move.sequence) != at:
        raise InconsistentModelError(f"{at} holds a move of another place", hint="move the alias again")
    if verifier is not None:
        _verify(at, content, move, verifier)
    return move


def is_alias(name: str) -> bool:
    """Whether a name can be an alias."""
    return _ALIAS.fullmatch(name) is not None


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


def folder(alias: str) -> str:
    """The prefix of an alias's moves.

    Parameters
    ----------
    alias
        For instance `production`.

    Returns
    -------
    str
        Ends with a slash.

    Raises
    ------
    ConfigurationError
        It cannot name an alias.
    """
    require_alias(alias)
    return f"aliases/{alias}/"


def key(alias: str, sequence: int) -> str:
    """The key of a move; see `folder`."""
    # Padded, so that listings sort by number.
    return f"{folder(alias)}{sequence:010d}.json"


def sequence_of(at: str) -> int | None:
    """The sequence number that a key tells.

    Parameters
    ----------
    at
        A key below `folder`.

    Returns
    -------
    int or None
        None for files of other tools, such as the folder markers of S3 consoles.
    """
    found = _KEY.fullmatch(at)
    return int(found[1]) if found else None


def _fields(move: Move) -> dict[str, object]:
    return {field.name: getattr(move, field.name) for field in fields(move) if field.name != "signature"}


def _verify(at: str, content: bytes, move: Move, verifier: Verifier) -> None:
    if not move.signature:
        raise SignatureError(
            f"{at} is not signed", hint="whoever moved the alias had no SEGMENTATION_SIGNING_KEY_FILE; move it again"
        )
    try:
        signature = bytes.fromhex(move.signature)
    except ValueError:
        signature = b""
    # A signature holds for what was read, not for how it was written: only one way of writing it is taken.
    if signature.hex() != move.signature or encode(move) != content:
        raise SignatureError(f"{at} is not as it was written", hint="it was changed; move the alias again")
    verifier.verify(at, msgspec.json.encode(_fields(move)), signature)
