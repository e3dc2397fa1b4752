"""A TCP proxy before a server that kills a client where the test says: at a word it sends, or some bytes after it."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress


class Cutting:
    """Passes everything on, until it has seen what it waits for.

    Parameters
    ----------
    upstream
        Port of the server on loopback.
    word
        What the client sends, at which it is killed.
    after
        Bytes that are passed on after that; -1: not even what the word came with.

    Attributes
    ----------
    victim
        Process that is killed.
    done
        Set when it was.
    """

    def __init__(self, upstream: int, word: bytes, after: int) -> None:
        self._upstream, self._word, self._after = upstream, word, after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.victim = 0
        self.done = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with closing(client), closing(socket.create_connection(("127.0.0.1", self._upstream))) as server:
            back = threading.Thread(target=self._pump_back, args=(server, client))
            back.start()
            self._pump(client, server)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join()

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        seen, passed, met = b"", 0, False
        with suppress(ConnectionResetError, BrokenPipeError):
            while block := client.recv(16_384):
                seen = seen[-len(self._word) :] + block
                met = met or self._word in seen
                if met and self._after < 0:
                    self._kill()
                    return
                server.sendall(block)
                passed += len(block) if met else 0
                if met and passed >= self._after:
                    self._kill()
                    return

    def _kill(self) -> None:
        os.kill(self.victim, signal.SIGKILL)
        self.done.set()

    @staticmethod
    def _pump_back(server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while block := server.recv(65_536):
                client.sendall(block)


@contextmanager
def before(upstream: int, word: bytes, after: int = 0) -> Iterator[Cutting]:
    """A proxy, stopped at the end."""
    proxy = Cutting(upstream, word, after)
    try:
        yield proxy
    finally:
        proxy.stop()
