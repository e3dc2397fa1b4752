"""What is true of this process: how many requests it holds, and whether the service is about to stop."""

import mmap


class Condition:
    """Set by whoever runs the process, and asked by the application in it.

    Parameters
    ----------
    in_flight
        Requests in the worker's threads or waiting for one.
    """

    __slots__ = ("_stopping", "in_flight")

    def __init__(self) -> None:
        self.in_flight = 0
        # Shared with the processes that are forked from this one.
        self._stopping = mmap.mmap(-1, 1)

    @property
    def stopping(self) -> bool:
        """Whether the service is about to stop, in all its processes."""
        return self._stopping[0] != 0

    def stop(self) -> None:
        """Say in all processes that the service is about to stop."""
        self._stopping[0] = 1

    def carry_on(self) -> None:
        """Take it back."""
        self._stopping[0] = 0


CONDITION = Condition()
"""gunicorn's master makes it by importing this, and its workers inherit it."""
