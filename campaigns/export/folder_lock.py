"""One run at a time in a folder; the kernel lets go of the lock of a run that is killed."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from campaigns.errors import WarehouseBusyError

if TYPE_CHECKING:
    from pathlib import Path

_LOOK_SECONDS = 0.1


@contextmanager
def only_run(file: Path, wait_seconds: float, shown: str) -> Iterator[None]:
    """Hold a lock.

    Parameters
    ----------
    file
        That is locked; it stays.
    wait_seconds
        How long another run is waited for.
    shown
        What is locked, for the error.

    Raises
    ------
    WarehouseBusyError
        Another run holds it all that time.
    """
    patience = time.monotonic() + wait_seconds
    with file.open("ab") as held:
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= patience:
                    raise WarehouseBusyError(
                        f"{shown}: another run is at work there",
                        hint="run it again when that one is done, or raise --wait",
                    ) from error
            time.sleep(_LOOK_SECONDS)
        yield
