"""What became of a worker's looks for a model: said once in the log, always in /readyz and in the metrics."""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from segmentation.errors import SegmentationError
from service.metrics import Counters
from service.worker_status import WorkerStatus, reason_of

logger = logging.getLogger(__name__)

MOST_REASONS = 50


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the latest look for a model failed.

    Parameters
    ----------
    code
        One of `service.worker_status.REASONS`.
    message, hint
        For people.
    since
        When the first look failed after the last that did not.
    """

    code: str
    message: str
    hint: str
    since: datetime


class Reloads:
    """The record of one worker.

    Parameters
    ----------
    counters
        Where it is counted and told; None: in counters of its own.
    """

    def __init__(self, counters: Counters | None = None) -> None:
        self._counters = counters or Counters((), "")
        # The first look may still be on its way when whoever waited for it records that it is late.
        self._lock = threading.Lock()
        self._failure: Failure | None = None
        self._said: set[tuple[str, str]] = set()
        self._status = WorkerStatus()
        self._counters.tell(self._status)

    @property
    def failure(self) -> Failure | None:
        """Why the latest look failed; None where it did not."""
        return self._failure

    def took(self, version: str, created: datetime, move: int) -> None:
        """A model is served from now on.

        Parameters
        ----------
        version, created, move
            See `WorkerStatus`.
        """
        with self._lock:
            self._counters.reloaded()
            self._tell(version=version, created=created.timestamp(), move=move)

    def agreed(self) -> None:
        """What is served was found to be what the registry says."""
        with self._lock:
            if self._failure is not None:
                logger.warning(
                    "looking for models works again, after %s since %s",
                    self._failure.code, self._failure.since.isoformat(timespec="seconds"),
                )  # fmt: skip
            self._failure = None
            self._said.clear()
            self._tell(last_success=time.time(), failing="")

    def failed(self, error: Exception) -> None:
        """A look failed, and what was served still is.

        Parameters
        ----------
        error
            Why.
        """
        with self._lock:
            code = reason_of(error)
            message, hint = words(error)
            # Once for each reason of an outage: those of a flickering store take turns.
            if (code, message) not in self._said and len(self._said) < MOST_REASONS:
                logger.warning("no new model: %s (%s; %s)", message, code, hint)
                self._said.add((code, message))
            since = datetime.now(UTC) if self._failure is None else self._failure.since
            self._failure = Failure(code, message, hint, since)
            self._counters.reload_failed(code)
            self._tell(last_failure=time.time(), failing=code)

    def _tell(self, **changes: str | float) -> None:
        self._status = msgspec.structs.replace(self._status, **changes)
        self._counters.tell(self._status)


def words(error: Exception) -> tuple[str, str]:
    """An error in words that may be logged and shown.

    Parameters
    ----------
    error
        Of what is not in our tree only the type and the place are told: its own words may be anything.

    Returns
    -------
    message, hint : str
        What was wrong, and what to do.
    """
    if isinstance(error, SegmentationError):
        return error.message, error.hint
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f" at {place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
    return f"looking for a model failed: {type(error).__name__}{where}", "this is a defect of the service: report it"
