"""The model in use: look for a newer one, load it, let it prove itself, swap; keep the last good one."""

import atexit
import logging
import random
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from segmentation import card as cards
from segmentation.errors import DigestMismatchError, NotReadyError, SegmentationError
from segmentation.model import NEEDED_TO_SERVE, Model, assemble
from segmentation.registry import Move, Registry
from service.decoding import Decoder, Limits
from service.published import Published

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Serving:
    """A model and what was built for it: a request uses one of these from beginning to end."""

    model: Model
    decoder: Decoder
    published: Published
    sequence: int
    loaded_at: datetime


class LiveModel:
    """The model that an alias points to.

    Parameters
    ----------
    registry, alias
        Where to look.
    limits
        For the decoders.
    """

    def __init__(self, registry: Registry, alias: str, limits: Limits) -> None:
        self._registry = registry
        self._alias = alias
        self._limits = limits
        self._serving: Serving | None = None
        self._failure = ""

    @property
    def failure(self) -> str:
        """Why the last look for a model failed; empty where it did not."""
        return self._failure

    def current(self) -> Serving:
        """The model to answer with.

        Returns
        -------
        Serving
            The last good one.

        Raises
        ------
        NotReadyError
            There was none yet.
        """
        serving = self._serving
        if serving is None:
            raise NotReadyError("no model is loaded yet", hint="try again in a moment; GET /readyz says why")
        return serving

    def refresh(self) -> bool:
        """Look once for a newer model, and take it if it is fit.

        Returns
        -------
        bool
            Whether the model changed. A failure leaves the last good one, and is logged when its reason is new.
        """
        try:
            move = self._newest()
            if move is None:
                self._failure = ""
                return False
            self._serving = self._load(move)
        except SegmentationError as error:
            if error.message != self._failure:
                logger.warning("no new model: %s (%s)", error.message, error.hint)
            self._failure = error.message
            return False
        logger.info("serving %s, move %d of %s", move.version, move.sequence, move.alias)
        self._failure = ""
        return True

    def follow(self, seconds: float) -> None:
        """Look for newer models in the background, about every so many seconds, for as long as the process lives.

        Parameters
        ----------
        seconds
            Mean time between looks; spread by a tenth, so that workers do not ask all at once.
        """
        # A generator of its own: the shared one belongs to whoever seeded it.
        stop, spread = threading.Event(), random.Random()  # noqa: S311

        def look() -> None:
            while not stop.wait(seconds * spread.uniform(0.9, 1.1)):
                try:
                    self.refresh()
                except Exception as error:  # noqa: BLE001 - the last resort: whoever stops looking never recovers
                    logger.error("looking for a model failed: %s", type(error).__name__)  # noqa: TRY400

        thread = threading.Thread(target=look, name="live-model", daemon=True)
        thread.start()

        def end() -> None:
            stop.set()
            thread.join(timeout=5)

        # A thread that still runs while the interpreter is torn down makes DuckDB's binding report leaks.
        atexit.register(end)

    def _newest(self) -> Move | None:
        if self._serving is None:
            return self._registry.live(self._alias)
        newest, after = None, self._serving.sequence
        while (move := self._registry.next_move(self._alias, after)) is not None:
            newest, after = move, move.sequence
        return newest

    def _load(self, move: Move) -> Serving:
        card = self._registry.read_card(move.version)
        if cards.digest(card) != move.card_digest:
            raise DigestMismatchError(
                f"the card of {move.version} is not the one that {move.alias!r} was moved to",
                hint="publish the model again",
            )
        model = assemble(card, {name: self._registry.read_file(move.version, name) for name in NEEDED_TO_SERVE})
        return Serving(
            model=model,
            decoder=Decoder(model.card, model.query, self._limits),
            published=Published(self._registry, model.card),
            sequence=move.sequence,
            loaded_at=datetime.now(UTC),
        )
