"""SIGTERM: first unready, then for some seconds as before, then gunicorn's own graceful stop.

Kubernetes sends SIGTERM and takes a pod out of its Services at the same time, and the latter takes a while to arrive
everywhere: whoever stops at once refuses requests that are on their way.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from segmentation.settings import Settings
from service.condition import Condition

IN_KUBERNETES = 5.0
"""Seconds to answer on, unless they are set."""


def drain_seconds(settings: Settings) -> float:
    """How long to answer on after SIGTERM.

    Parameters
    ----------
    settings
        As loaded.

    Returns
    -------
    float
        As set; otherwise 5 in a pod, and 0 elsewhere.
    """
    if settings.drain_seconds is not None:
        return settings.drain_seconds
    return IN_KUBERNETES if "KUBERNETES_SERVICE_HOST" in os.environ else 0.0


def install(condition: Condition, seconds: float, stop: Callable[[int, FrameType | None], Any]) -> None:
    """Have this process, gunicorn's master, put off SIGTERM.

    Parameters
    ----------
    condition
        Told at once that the service is about to stop.
    seconds
        To put it off.
    stop
        gunicorn's handler.
    """

    def terminate(number: int, frame: FrameType | None) -> None:
        # Who sends it twice means it.
        if condition.stopping or not seconds:
            signal.setitimer(signal.ITIMER_REAL, 0)
            condition.stop()
            stop(number, frame)
            return
        condition.stop()
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def drained(_number: int, frame: FrameType | None) -> None:
        stop(signal.SIGTERM, frame)

    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGALRM, drained)
