"""A program that publishes at many places below a URL, and is killed at another step in each.

Every write has three steps: before it, in the middle of it, and after it. What is killed is a process, by SIGKILL.
"""

import os
import signal
import socket
import sys
from typing import NoReturn

from segmentation.registry import Registry, Store, open_store

VERSION = "20260101T000000Z-00000002"
FILES = {"scoring.npz": b"arrays " * 500, "features.sql": b"select " * 500}
CARD = b"a card " * 500
WRITES = [f"models/{VERSION}/{name}" for name in (*FILES, "card.json")] + ["aliases/production/0000000001.json"]
PHASES = ("before", "during", "after")
STEPS = [(write, phase) for write in range(len(WRITES)) for phase in PHASES]


def publish(registry: Registry) -> None:
    registry.publish(VERSION, CARD, FILES)
    registry.move("production", VERSION, at="2026-01-01T00:00:00Z", by="tester", why="test")


def _die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives SIGKILL")


def _send_half_and_die(connection: socket.socket, data: bytes) -> None:
    # Requests begin with their headers; the body follows by itself.
    if data.startswith((b"PUT ", b"GET ")):
        socket.SocketType.sendall(connection, data)
        return
    connection.send(bytes(data)[: len(data) // 2])
    _die()


class Below:
    """A place below another one: an S3 client takes longer to make than to use."""

    def __init__(self, store: Store, place: int) -> None:
        self._store, self._prefix = store, f"{place}/"
        self.url = f"{store.url}/{place}"

    def read(self, key: str) -> bytes | None:
        return self._store.read(self._prefix + key)

    def create(self, key: str, content: bytes) -> bool:
        return self._store.create(self._prefix + key, content)

    def delete(self, key: str) -> None:
        self._store.delete(self._prefix + key)

    def list(self, prefix: str) -> list[str]:
        return [key.removeprefix(self._prefix) for key in self._store.list(self._prefix + prefix)]


class _Dying:
    """A store whose user dies at one of its writes."""

    def __init__(self, store: Store, write: int, phase: str) -> None:
        self._store, self._fatal, self._phase = store, WRITES[write], phase
        self.url, self.read, self.list, self.delete = store.url, store.read, store.list, store.delete

    def create(self, key: str, content: bytes) -> bool:
        if key == self._fatal and self._phase == "before":
            _die()
        if key == self._fatal and self._phase == "during":
            os.link = _die  # type: ignore[assignment]
            socket.socket.sendall = _send_half_and_die  # type: ignore[assignment,method-assign]
        done = self._store.create(key, content)
        if key == self._fatal:
            _die()
        return done


def main(url: str) -> None:
    store, children = open_store(url), []
    for place, (write, phase) in enumerate(STEPS):
        child = os.fork()
        if child == 0:
            publish(Registry(_Dying(Below(store, place), write, phase)))
            os._exit(0)
        children.append((child, f"{phase} write {write}"))
    for child, step in children:
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"{step}: not killed, but {status}")


if __name__ == "__main__":
    main(sys.argv[1])
