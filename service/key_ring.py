"""The API keys in use: read again when their file changes, the last good ones kept when it breaks."""

import logging
import os
import time
from pathlib import Path

from segmentation.errors import ConfigurationError
from service import keys
from service.keys import ApiKey

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 1.0


class KeyRing:
    """The keys in a file.

    Parameters
    ----------
    path
        The file. It may be a link, as in a Kubernetes volume, and may be replaced at any time.

    Raises
    ------
    ConfigurationError
        It cannot be used now; later that is a failure, and the keys stay as they were.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Before it is read: what is written meanwhile is then read again, never missed.
        self._seen = self._look()
        self._keys = keys.read(path)
        self._next = time.monotonic() + SECONDS_BETWEEN_LOOKS
        self._failure = ""

    @property
    def failure(self) -> str:
        """Why the file as it is now is not in use; empty where it is."""
        self._refresh_if_due()
        return self._failure

    def find(self, presented: str) -> ApiKey | None:
        """The key that a caller presents; see `keys.find`."""
        self._refresh_if_due()
        return keys.find(self._keys, presented)

    def refresh(self) -> None:
        """Read the file again if it is another one than before."""
        seen = self._look()
        if seen is not None and seen == self._seen:
            return
        self._seen = seen
        try:
            self._keys = keys.read(self._path)
        except ConfigurationError as error:
            if error.message != self._failure:
                logger.error("the API keys stay as they were: %s (%s)", error.message, error.hint)  # noqa: TRY400
            self._failure = error.message
            return
        self._failure = ""
        logger.info("API keys read again: %s", ", ".join(key.name for key in self._keys) or "none")

    def _refresh_if_due(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            # First: the other threads go on with what is known.
            self._next = now + SECONDS_BETWEEN_LOOKS
            self.refresh()

    def _look(self) -> tuple[int, ...] | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - twice as fast as Path.stat, and follows links as it does
        except OSError:
            # Reading it says why.
            return None
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
