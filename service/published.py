"""Files that were published beside the live model: read from the registry when first asked for, verified, kept."""

import threading

from segmentation.card import Card
from segmentation.errors import SegmentationError, StoreUnavailableError
from segmentation.model import verify
from segmentation.registry import Registry
from segmentation.scores import SCORES, AlgorithmScore, decode
from service.errors import NotComputedError
from service.model_cache import ModelCache

REPORT = "report.html"
PATIENCE_SECONDS = 2.0


class Published:
    """The files of one version that people look at.

    Parameters
    ----------
    registry
        Where they are.
    card
        Of the version; it names every file with its digest.
    cache
        Asked first, and told; None: there is none.
    """

    def __init__(self, registry: Registry, card: Card, cache: ModelCache | None = None) -> None:
        self._registry = registry
        self._cache = cache
        self._card = card
        self._files: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def scores(self) -> tuple[AlgorithmScore, ...]:
        """What each clusterer makes of the model's customers.

        Returns
        -------
        tuple of AlgorithmScore
            Empty where the model was published without.
        """
        return decode(self.file(SCORES)) if SCORES in self._card.files else ()

    def file(self, name: str) -> bytes:
        """A file of the version.

        Parameters
        ----------
        name
            As in the card.

        Returns
        -------
        bytes
            The content that the card names.

        Raises
        ------
        NotComputedError
            The version was published without it.
        RegistryError, ModelError
            The store does not answer, or holds something else.
        """
        if name not in self._card.files:
            raise NotComputedError(
                f"{self._card.version} was published without {name}", hint="the configuration of the job says what is"
            )
        if name in self._files:
            return self._files[name]
        # One at a time, and few wait: where the registry hangs, threads are left to those who want a prediction.
        if not self._lock.acquire(timeout=PATIENCE_SECONDS):
            raise StoreUnavailableError("another request waits for the registry", hint="try again in a moment")
        try:
            if name not in self._files:
                self._files[name] = self._cached(name) or self._read(name)
            return self._files[name]
        finally:
            self._lock.release()

    def etag(self, name: str) -> str:
        """What changes when the file does: its digest.

        Parameters
        ----------
        name
            As in the card.

        Returns
        -------
        str
            Hexadecimal; empty for a file that is not there.
        """
        return self._card.files.get(name, "")

    def _cached(self, name: str) -> bytes | None:
        if self._cache is None:
            return None
        try:
            content = self._cache.registry.read_file(self._card.version, name)
            verify(self._card, {name: content})
        except SegmentationError:
            # Not there, or damaged: the registry has it, or says why not.
            return None
        return content

    def _read(self, name: str) -> bytes:
        content = self._registry.read_file(self._card.version, name)
        verify(self._card, {name: content})
        if self._cache is not None:
            self._cache.keep_file(self._card.version, name, content)
        return content
