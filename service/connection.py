"""A client's connection, as the worker keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunicorn.workers.gthread import TConn

from service.intake import Intake, Watched

if TYPE_CHECKING:
    import socket

    from service.worker import Worker


class Connection(TConn):  # type: ignore[misc]
    """A client's connection.

    Parameters
    ----------
    worker
        That has it.
    accepted, client, server
        Of the socket.
    """

    def __init__(self, worker: Worker, accepted: socket.socket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, Watched(accepted), client, server)
        self.worker = worker
        self.intake = Intake(worker.longest_body)
        # Threads are given what is whole: there is nothing that they wait for first.
        self.data_ready = True
        self.drained = 0

    @property
    def peer(self) -> str:
        """Where it comes from, for the log."""
        return peer_of(self.client)

    def close(self, graceful: bool = False) -> None:
        """Close it; gracefully: once the client has hung up, without waiting for that here."""
        if graceful:
            self.worker.linger(self)
        else:
            super().close()


def peer_of(client: Any) -> str:
    """Where a client is.

    Parameters
    ----------
    client
        Its address, as sockets tell it.

    Returns
    -------
    str
        The IP address; of a local socket, that it is one.
    """
    return str(client[0]) if isinstance(client, tuple) else "a local socket"
