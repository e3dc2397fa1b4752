"""How a command of a job ends when a signal ends it."""

import signal
import sys
from collections.abc import Callable
from threading import Event
from types import FrameType

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM
"""Exit statuses, as those of a program that the signals end."""


def at_sigterm(say: Callable[[str, str], None]) -> Event:
    """End orderly at SIGTERM, as a container's first process too, from which Linux withholds what it does not handle.

    So too at SIGHUP, which a closed terminal sends, unless whoever started the process wants it to go on (`nohup`).

    Parameters
    ----------
    say
        Told a message and a hint.

    Returns
    -------
    Event
        Set by then.
    """
    stopped = Event()

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.set()
        # The terminal that would be told is gone.
        if number != signal.SIGHUP:
            say("stopped by SIGTERM", "what was not whole by then was not published")
        sys.exit(TERMINATED)

    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, stop)
    return stopped


def status_of(error: RuntimeError, stopped: Event) -> int:
    """The exit status that a signal asks for, where DuckDB was at work and raised an error of its own in its place.

    Parameters
    ----------
    error
        What was raised.
    stopped
        Of `at_sigterm`.

    Returns
    -------
    int
        That of the signal.

    Raises
    ------
    RuntimeError
        The error itself, which is another.
    """
    if str(error) != "Query interrupted":
        raise error
    return TERMINATED if stopped.is_set() else INTERRUPTED
