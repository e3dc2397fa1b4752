"""Models that did not prove themselves: the same bytes are not asked to again at every look.

A proof takes a core for as long as the model's SQL runs, up to its time limit; at every look of every worker that would
slow down those who are served.
"""

import time
from collections.abc import Mapping
from hashlib import sha256

from segmentation.errors import ModelError

AGAIN_SECONDS = 600.0
"""A proof may have failed for want of time: after so long it is tried anew."""


class Refusals:
    """The model that was refused last."""

    def __init__(self) -> None:
        self._refused: tuple[bytes, ModelError, float] | None = None

    def check(self, digest: bytes) -> None:
        """Refuse again what was refused.

        Parameters
        ----------
        digest
            Of the model; see `digest_of`.

        Raises
        ------
        ModelError
            As it was refused with.
        """
        if self._refused is not None:
            refused, error, since = self._refused
            if digest == refused and time.monotonic() - since < AGAIN_SECONDS:
                raise type(error)(error.message, hint=error.hint)

    def note(self, digest: bytes, error: ModelError) -> None:
        """Remember that a model was refused.

        Parameters
        ----------
        digest, error
            Which, and why.
        """
        # A copy: the error itself holds on to its frames, and they to the model's bytes.
        self._refused = digest, type(error)(error.message, hint=error.hint), time.monotonic()


def digest_of(card: bytes, files: Mapping[str, bytes]) -> bytes:
    """What differs between models of different bytes.

    Parameters
    ----------
    card, files
        As they were read.

    Returns
    -------
    bytes
        SHA-256 over the digests of all.
    """
    parts = [sha256(content).digest() for content in (card, *(files[name] for name in sorted(files)))]
    return sha256(b"".join(parts)).digest()
