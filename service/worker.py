"""gunicorn's threaded worker, and clients that take their time: `worker_class = "service.worker.Worker"`.

gunicorn's own worker gives a connection a thread as soon as its first byte is there, and the thread waits for the rest
as long as the client likes; and its loop waits up to two seconds for each client to hang up. Here

- a request is gathered in the loop and gets a thread when it is whole; an idle or slow client has none,
- who takes longer than a limit, to send or to read, is cut off: with 408, or by closing,
- who takes long is cut off sooner where connections or memory run out, the slowest first,
- the loop waits for nobody to hang up,
- what is not HTTP gets a problem in JSON, and the log does not repeat it.
"""

import logging
import socket
import time
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from segmentation.settings import load
from service import problems
from service.condition import CONDITION
from service.connection import Connection, peer_of
from service.intake import CONTINUE, Wait, Watched, is_whole, slow
from service.not_http import problem_of
from service.problems import DEFECT
from service.whole_body import hold

logger = logging.getLogger(__name__)

AT_ONCE = 256 * 1024
"""Bytes received in one go."""
SWEEP_SECONDS = 0.25
PATIENCE_SECONDS = 1.0
"""However short of room, who took less than this is not cut off."""
LINGER_SECONDS = 2.0
"""How long a client may take to hang up after its last answer (RFC 9112, section 9.6)."""
LINGER_BYTES = 1024 * 1024
BODIES_AT_ONCE = 4
"""Memory for requests that are not whole yet, in largest bodies."""


class Worker(ThreadWorker):  # type: ignore[misc]
    """See the module."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        settings = load()
        self.longest_body = settings.max_body_bytes
        self._limit = settings.request_seconds
        # Oldest first. Only the loop's thread touches these.
        self._arriving: dict[Connection, None] = {}
        self._active: dict[Connection, None] = {}
        self._lingering: dict[Connection, float] = {}
        self._gathered = 0
        self._next_sweep = 0.0
        self._stopped = 0.0

    def accept(self, listener: socket.socket) -> bool:
        """Take a new connection, and what it has sent already.

        Parameters
        ----------
        listener
            Where it waits.

        Returns
        -------
        bool
            Whether there was one.
        """
        try:
            accepted, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            # Another worker was faster, or the client went away.
            return False
        except OSError as error:
            # Out of descriptors, for instance.
            logger.error("a connection cannot be accepted: %s", error.strerror)  # noqa: TRY400
            self._make_room(time.monotonic(), 1)
            return False
        self.nr_conns += 1
        connection = Connection(self, accepted, client, listener.getsockname())
        if self.cfg.is_ssl:
            self.enqueue_req(connection)
            return True
        self._arriving[connection] = None
        self._gather(connection, connection.sock.receive(AT_ONCE), known=False)
        return True

    def on_client_socket_readable(self, connection: Connection, _client: socket.socket) -> None:
        """Go on with a connection that was kept: the next request begins, or the client hangs up."""
        self.keepalived_conns.remove(connection)
        connection.sock.began = time.monotonic()
        if connection.parser is None or self.cfg.is_ssl:
            self.poller.unregister(connection.sock)
            self.enqueue_req(connection)
            return
        data = connection.sock.receive(AT_ONCE)
        if data and is_whole(data):
            # Nearly all requests are: the way for the others is longer.
            self.poller.unregister(connection.sock)
            connection.sock.begin(data)
            self.enqueue_req(connection)
            return
        self._arriving[connection] = None
        self._gather(connection, data, known=True)

    def enqueue_req(self, conn: Connection) -> None:
        """Give a connection to a thread."""
        self._active[conn] = None
        CONDITION.in_flight = len(self._active)
        super().enqueue_req(conn)

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """Take a connection back from its thread."""
        self._active.pop(conn, None)
        CONDITION.in_flight = len(self._active)
        if isinstance(conn.sock, Watched) and not fs.cancelled() and not fs.exception() and fs.result() is True:
            # Received with the request before it: nothing that the poller would tell of.
            ahead = conn.parser.unreader.take_buffered() + conn.sock.ahead()
            if ahead:
                conn.sock.setblocking(False)
                conn.sock.began = time.monotonic()
                self._arriving[conn] = None
                self._gather(conn, ahead, known=False)
                return
        super().finish_request(conn, fs)

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """Answer a request whose head was understood. Runs in a thread."""
        if CONDITION.stopping:
            # The client's next request should find another pod.
            req.force_close()
        sock = conn.sock
        if not isinstance(sock, Watched):
            return bool(super().handle_request(req, conn))
        sock.parsed()
        hold(req, sock, self.longest_body)
        sock.cork()
        try:
            return bool(super().handle_request(req, conn))
        finally:
            sock.uncork()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what is not HTTP, or what gunicorn itself failed at. Runs in a thread."""
        problem = problems.with_id(problem_of(exc))
        if problem.status == DEFECT.status:
            problems.log_defect(exc, problem.request_id)
        else:
            told = {"request_id": problem.request_id}
            logger.warning("not HTTP, from %s: %s", peer_of(addr), type(exc).__name__, extra=told)
        _send(client, problems.raw(problem))

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One turn of the loop."""
        super().wait_for_and_dispatch_events(min(timeout, SWEEP_SECONDS))
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            self._sweep(now)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or stop to accept; a worker that stops for good takes those who are at the door, and shuts it."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        self._stopped = time.monotonic()
        for listener in self.sockets:
            listener.setblocking(False)
            while self.accept(listener):
                pass
            listener.close()

    def linger(self, connection: Connection) -> None:
        """Close a connection once its client has hung up, or has had the time.

        Parameters
        ----------
        connection
            That has had its last answer.
        """
        sock = connection.sock
        if not isinstance(sock, Watched):
            connection.close()
            return
        try:
            sock.setblocking(False)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            connection.close()
            return
        self.nr_conns += 1
        self._lingering[connection] = time.monotonic() + LINGER_SECONDS
        # Of a client that was cut off the system says at once that it is done, true or not: there, time alone tells.
        if not sock.late:
            self.poller.register(sock, EVENT_READ, partial(self._drain, connection))

    def _gather(self, connection: Connection, data: bytes | None, *, known: bool) -> None:
        sock, intake = connection.sock, connection.intake
        if data == b"" and not len(intake):
            if known:
                self.poller.unregister(sock)
            self._forget(connection)
            connection.close()
            return
        before = len(intake)
        # A client that is done in the middle of its request may still read what is said of it.
        whole = data == b"" or (data is not None and intake.add(data))
        if data and not whole and intake.wants_word():
            _send(sock, CONTINUE)
        self._gathered += len(intake) - before
        if whole and intake.headless:
            self._refuse(connection, known=known)
        elif whole:
            if known:
                self.poller.unregister(sock)
            del self._arriving[connection]
            self._gathered -= len(intake)
            sock.begin(intake.take())
            self.enqueue_req(connection)
        else:
            self._await(connection, known=known)
            while self._gathered > BODIES_AT_ONCE * self.longest_body:
                self._cut(next(each for each in self._arriving if len(each.intake)))

    def _refuse(self, connection: Connection, *, known: bool) -> None:
        """Answer a head that does not end; gunicorn would wait in a thread for much more of it."""
        if known:
            self.poller.unregister(connection.sock)
        self._forget(connection)
        self.handle_error(None, connection.sock, connection.client, LimitRequestHeaders("the head does not end"))
        connection.close(graceful=True)

    def _await(self, connection: Connection, *, known: bool) -> None:
        sock = connection.sock
        if known:
            self.poller.modify(sock, EVENT_READ, partial(self._more, connection))
        else:
            self.poller.register(sock, EVENT_READ, partial(self._more, connection))

    def _more(self, connection: Connection, _sock: socket.socket) -> None:
        self._gather(connection, connection.sock.receive(AT_ONCE), known=True)

    def _drain(self, connection: Connection, sock: Watched) -> None:
        data = sock.receive(AT_ONCE)
        connection.drained += len(data or b"")
        if data == b"" or connection.drained > LINGER_BYTES:
            self._hang_up(connection)

    def _hang_up(self, connection: Connection) -> None:
        del self._lingering[connection]
        if not connection.sock.late:
            self.poller.unregister(connection.sock)
        self.nr_conns -= 1
        connection.close()

    def _forget(self, connection: Connection) -> None:
        """A connection that was about to send a request does so no more."""
        del self._arriving[connection]
        self._gathered -= len(connection.intake)
        self.nr_conns -= 1

    def _cut(self, connection: Connection) -> None:
        """End a request that is not whole yet."""
        self.poller.unregister(connection.sock)
        self._forget(connection)
        if len(connection.intake):
            problem = problems.with_id(problems.of(slow()))
            told = {"request_id": problem.request_id}
            logger.warning("cut off while sending a request: %s", connection.peer, extra=told)
            _send(connection.sock, problems.raw(problem))
        connection.close(graceful=len(connection.intake) > 0)

    def _sweep(self, now: float) -> None:
        """Cut off who takes too long, and sooner where there is no room."""
        for connection in list(self._arriving):
            # Oldest first: whoever follows has time.
            if now - connection.sock.began <= self._limit:
                break
            self._cut(connection)
        if not self.alive and now - self._stopped > STOP_KEEPALIVE_LINGER:
            for connection in [each for each in self._arriving if not len(each.intake)]:
                self._cut(connection)
        queued = len(self._active) - self.cfg.threads
        for connection in list(self._active):
            sock = connection.sock
            if not isinstance(sock, Watched) or sock.waits is Wait.NOTHING or sock.late:
                continue
            taken = now - sock.began
            if taken > self._limit or (queued > 0 and taken > PATIENCE_SECONDS):
                queued -= 1
                logger.warning("cut off while a thread waited for it to %s: %s", sock.waits.value, connection.peer)
                sock.cut()
        for connection in [each for each, until in self._lingering.items() if now > until]:
            self._hang_up(connection)
        if self.nr_conns >= self.worker_connections:
            # Some more than one: they come faster than this is looked at.
            self._make_room(now, 1 + self.nr_conns - self.worker_connections + self.worker_connections // 10)

    def _make_room(self, now: float, wanted: int) -> None:
        """Close connections that nobody waits for an answer on: the slowest to send, then the longest idle."""
        slowest = [each for each in self._arriving if now - each.sock.began > PATIENCE_SECONDS][: max(wanted, 0)]
        for connection in slowest:
            self._cut(connection)
        idle = [each for each in self.keepalived_conns if each.timeout - self.cfg.keepalive + PATIENCE_SECONDS < now]
        for connection in idle[: max(wanted - len(slowest), 0)]:
            self.keepalived_conns.remove(connection)
            self.poller.unregister(connection.sock)
            self.nr_conns -= 1
            connection.close()


def _send(sock: socket.socket, content: bytes) -> None:
    """A few bytes that fit into the socket's buffer, or a client that reads nothing and gets nothing."""
    with suppress(OSError):
        sock.send(content, socket.MSG_DONTWAIT)
