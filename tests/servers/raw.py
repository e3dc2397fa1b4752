"""Clients that speak HTTP byte by byte, well or badly."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.service import Service

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@contextmanager
def connected(running: Service, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    """A connection to the service."""
    with socket.socket() as connection:
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", running.port))
        yield connection


def with_length(body: bytes, more: bytes = b"") -> bytes:
    """A request to /predict."""
    return HEAD + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def read_answer(connection: socket.socket) -> tuple[int, bytes, bytes]:
    """Status, head and body of the next answer; status 0 where the connection is closed instead."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = _receive(connection)
        if not more:
            return 0, received, b""
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(fields[b"content-length"])
    while len(body) < length:
        more = _receive(connection)
        assert more, "the answer broke off"
        body += more
    assert len(body) == length
    return int(head.split(b" ", 2)[1]), head, body


def read_answers(connection: socket.socket, number: int) -> list[int]:
    """Statuses of so many answers, which may come in one piece."""
    received, statuses = b"", list[int]()
    while len(statuses) < number:
        head, found, rest = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if found and length and len(rest) >= int(length[1]):
            statuses.append(int(head.split(b" ", 2)[1]))
            received = rest[int(length[1]) :]
            continue
        more = _receive(connection)
        assert more, "the answer broke off"
        received += more
    assert not received
    return statuses


def is_closed(connection: socket.socket) -> bool:
    """Whether the server hangs up within the socket's timeout."""
    return _receive(connection) == b""


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionResetError:
        return b""
