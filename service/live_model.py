"""The model in use: look for a newer one, load it, let it prove itself, swap; keep the last good one.

A process that starts while the registry does not answer, or answers with what must not be used, takes the model of the
cache; from then on it compares the registry with what it serves until it has found the two to agree, or a newer move.
"""

import atexit
import logging
import random
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from segmentation.errors import ModelError, ReplayedMoveError, StoreUnavailableError
from segmentation.model import NEEDED_TO_SERVE, Model
from segmentation.registry import Move, Registry
from service.decoding import Decoder, Limits
from service.drift.tally import Tally
from service.drift.watch import Watch
from service.errors import NotReadyError
from service.model_cache import ModelCache
from service.predictions import Single
from service.proofs import Proofs
from service.published import Published
from service.reloads import Failure, Reloads, words

logger = logging.getLogger(__name__)

FIRST_LOOK_SECONDS = 5.0
MOST_MOVES_AT_ONCE = 1_000
SHORTEST_PAUSE = 0.8
"""Share of the refresh period that a pause takes at least; the whole period is the most."""


@dataclass(frozen=True, slots=True, eq=False)
class Serving:
    """A model and what was built for it: a request uses one of these from beginning to end."""

    model: Model
    decoder: Decoder
    single: Single
    tally: Tally
    published: Published
    move: Move
    loaded_at: datetime


class LiveModel:
    """The model that an alias points to.

    Parameters
    ----------
    registry, alias
        Where to look.
    limits
        For the decoders.
    cache
        Where to start from when the registry does not answer; None: nowhere.
    reloads
        Where it is told what became of looks; None: nobody else looks there.
    watch
        What counts customers; None: for this process alone.
    prove_in_child
        See `Proofs`.
    """

    def __init__(
        self, registry: Registry, alias: str, limits: Limits, cache: ModelCache | None = None,
        reloads: Reloads | None = None, watch: Watch | None = None, *, prove_in_child: bool = False,
    ) -> None:  # fmt: skip
        self._registry = registry
        self._alias = alias
        self._cache = cache
        self._serving: Serving | None = None
        # Whether what is served is the registry's latest or later: not so after a start from the cache.
        self._confirmed = False
        self._starting = threading.Lock()
        self._reloads = reloads or Reloads()
        self._proofs = Proofs(limits, in_child=prove_in_child)
        self._watch = watch or Watch("")
        self._stop = threading.Event()

    @property
    def failed(self) -> Failure | None:
        """Why the latest look for a model failed, and since when they fail; None where it did not."""
        return self._reloads.failure

    @property
    def failure(self) -> str:
        """Why the latest look for a model failed, in words; empty where it did not."""
        return self.failed.message if self.failed else ""

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

    @property
    def unsettled(self) -> float:
        """Seconds until the model's counts were scraped at their beginning; 0 where nobody waits for that."""
        serving = self._serving
        return 0.0 if serving is None else self._watch.unsettled(serving.move.version)

    def refresh(self) -> bool:
        """Look once for a newer model, and take it if it is fit.

        Returns
        -------
        bool
            Whether the model changed. A failure leaves the last good one, and is logged when its reason is new.
        """
        try:
            move = self._newest()
            if move is not None:
                self._take(move)
        except Exception as error:  # noqa: BLE001 - told as a defect; whoever stops looking never recovers
            self._reloads.failed(error)
            return self.restore()
        if move is not None:
            logger.info("serving %s, move %d of %s", move.version, move.sequence, move.alias)
        self._reloads.agreed()
        return move is not None

    def restore(self) -> bool:
        """Take the model of the cache where there is none yet.

        Returns
        -------
        bool
            Whether there is one now that was not there before.
        """
        if self._cache is None or self._serving is not None:
            return False
        for move in reversed(self._cache.moves()):
            try:
                serving = self._serving_of(move, self._cache.registry)
            except Exception as error:  # noqa: BLE001 - as in refresh
                logger.warning("the cached %s cannot be used: %s", move.version, words(error)[0])
                continue
            if not self._start_with(serving):
                return False
            logger.warning("serving %s, move %d of %s, from the cache", move.version, move.sequence, move.alias)
            return True
        return False

    def follow(self, seconds: float) -> None:
        """Look for newer models in the background, about every so many seconds, for as long as the process lives.

        Waits for the first look, up to five seconds; then a process without a model takes that of the cache.

        Parameters
        ----------
        seconds
            Longest time between looks; spread, so that workers do not ask all at once.
        """
        # A generator of its own: the shared one belongs to whoever seeded it.
        stop, looked, spread = self._stop, threading.Event(), random.Random()  # noqa: S311

        def look() -> None:
            while True:
                self.refresh()
                self._look_at_counts()
                looked.set()
                if stop.wait(seconds * spread.uniform(SHORTEST_PAUSE, 1.0)):
                    return

        thread = threading.Thread(target=look, name="live-model", daemon=True)
        thread.start()
        # A registry that does not even refuse must not keep the process from answering /healthz.
        if not looked.wait(FIRST_LOOK_SECONDS):
            self._reloads.failed(
                StoreUnavailableError(f"{self._registry.url} has not answered yet", hint="the service keeps waiting")
            )
            self.restore()

        def end() -> None:
            stop.set()
            thread.join(timeout=5)

        # A thread that still runs while the interpreter is torn down makes DuckDB's binding report leaks.
        atexit.register(end)

    def _look_at_counts(self) -> None:
        try:
            self._watch.look()
        except OSError as error:
            logger.warning("the counts of customers cannot be read: %s", error.strerror)

    def _newest(self) -> Move | None:
        serving = self._serving
        if serving is None or not self._confirmed:
            return self._latest()
        newest, refused, first = None, None, serving.move.sequence
        # Bounded: what stands between may answer every key with a page of its own.
        for after in range(first, first + MOST_MOVES_AT_ONCE):
            try:
                move = self._registry.next_move(self._alias, after)
            except ModelError as error:
                # Somebody else's move must not keep a good one after it from coming.
                refused = error
                continue
            if move is None:
                break
            newest = move
        if newest is None and refused is not None:
            raise refused
        return newest or self._later_than(serving.move)

    def _later_than(self, served: Move) -> Move | None:
        """A registry that has lost everything, as a folder without its volume has, has no newer move either."""
        found = self._registry.next_move(self._alias, served.sequence - 1)
        if found is None:
            latest = self._registry.live(self._alias)
            self._refuse_older(latest, served.sequence)
            return latest
        if found != served:
            raise ReplayedMoveError(
                f"move {served.sequence} of {self._alias!r} is another than the one that is served",
                hint="restore it; for a registry begun anew, restart the service with SEGMENTATION_CACHE_DIR emptied",
            )
        return None

    def _latest(self) -> Move | None:
        # Before the registry is asked: what another worker sees meanwhile would be newer.
        seen = 0 if self._cache is None else self._cache.highest()
        move = self._registry.live(self._alias)
        self._refuse_older(move, seen)
        serving = self._serving
        if serving is not None and serving.move == move:
            self._confirmed = True
            return None
        return move

    def _refuse_older(self, move: Move, seen: int) -> None:
        if move.sequence < seen:
            raise ReplayedMoveError(
                f"the latest move of {self._alias!r} is {move.sequence}, and {seen} was seen before",
                hint="moves were taken away: restore them; for a registry begun anew, empty SEGMENTATION_CACHE_DIR",
            )

    def _take(self, move: Move) -> None:
        if self._cache is not None:
            self._cache.remember(move)
        serving = self._serving_of(move, self._registry)
        if self._serving is not None:
            # The old model answers until the new one's counts were scraped at 0, so that no rate begins too late.
            self._stop.wait(self._watch.unsettled(move.version))
        with self._starting:
            self._serving, self._confirmed = serving, True
        self._took(serving)

    def _start_with(self, serving: Serving) -> bool:
        with self._starting:
            # The registry may have answered meanwhile.
            started = self._serving is None
            if started:
                self._serving = serving
                self._took(serving)
        return started

    def _took(self, serving: Serving) -> None:
        created = datetime.fromisoformat(serving.model.card.created_at)
        self._reloads.took(serving.move.version, created, serving.move.sequence)

    def _serving_of(self, move: Move, source: Registry) -> Serving:
        card = source.signed_card_of(move)
        files = {name: source.read_file(move.version, name) for name in NEEDED_TO_SERVE}
        proved = self._proofs.prove(move.version, card.content, files)
        if not self._registry.verifies:
            logger.warning(
                "%s is taken unsigned: whoever can write to the registry decides what is served; "
                "SEGMENTATION_PUBLIC_KEY_FILE names who may",
                move.version,
            )
        if self._cache is not None and source is self._registry:
            self._cache.keep(move, card, files)
        return Serving(
            model=proved.model,
            decoder=proved.decoder,
            single=proved.single,
            tally=self._watch.tally(proved.model.card),
            published=Published(self._registry, proved.model.card, self._cache),
            move=move,
            loaded_at=datetime.now(UTC),
        )
