"""Versions and alias moves in a directory or in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.registry.moves import Move, require_alias
from segmentation.registry.registry import Registry
from segmentation.registry.store import Store, open_store
from segmentation.registry.versions import SignedCard

if TYPE_CHECKING:
    from segmentation.registry.signatures import Signer, Verifier


def open_registry(url: str, *, signer: Signer | None = None, verifier: Verifier | None = None) -> Registry:
    """The registry at a URL, not yet contacted.

    Parameters
    ----------
    url
        A directory, or `s3://bucket/prefix`.
    signer, verifier
        See `Registry`.

    Returns
    -------
    Registry
        The registry.

    Raises
    ------
    ConfigurationError
        The URL is neither.
    """
    return Registry(open_store(url), signer=signer, verifier=verifier)


__all__ = ["Move", "Registry", "SignedCard", "Store", "open_registry", "open_store", "require_alias"]
