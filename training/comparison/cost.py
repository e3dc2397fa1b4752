"""What a piece of work took: seconds, and the peak of memory above what was held before."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_RESET = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_PEAK = "5"
"""Tells Linux to forget the highest resident memory so far (`man 5 proc`)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What it took.

    Parameters
    ----------
    seconds
        By the clock.
    megabytes
        Highest resident memory while it ran, less that before; None where the system does not tell.
    """

    seconds: float
    megabytes: float | None


def measured(work: Callable[[], T]) -> tuple[T, Cost]:
    """Do a piece of work and say what it took.

    Parameters
    ----------
    work
        What to do.

    Returns
    -------
    tuple
        What it gave, and its cost.
    """
    gc.collect()
    before = _forget_peak()
    started = time.perf_counter()
    given = work()
    seconds = time.perf_counter() - started
    peak = None if before is None else _read("VmHWM")
    return given, Cost(seconds, None if before is None or peak is None else max(0.0, peak - before))


def _forget_peak() -> float | None:
    """Resident megabytes now; None where the peak cannot be reset, as outside Linux."""
    try:
        _RESET.write_text(_PEAK, encoding="ascii")
    except OSError:
        return None
    return _read("VmRSS")


def _read(name: str) -> float | None:
    for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return None
