"""A TCP proxy in front of a store that can be slow, hang up, or answer in the store's place."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """Passes everything on, until it is told otherwise.

    Attributes
    ----------
    delay
        Seconds that each request waits.
    answer
        What every request is answered instead, as bytes of HTTP; empty: it is passed on.
    """

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._upstream = (str(parts.hostname), int(parts.port or 80))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._down = False
        self._stopped = threading.Event()
        self.delay = 0.0
        self.answer = b""
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def down(self) -> None:
        """Hang up on whoever is there and whoever comes."""
        self._down = True
        self._close_all()

    def up(self) -> None:
        self._down = False

    def stop(self) -> None:
        self._stopped.set()
        self._down = True
        # Wakes the thread that accepts.
        with suppress(OSError):
            socket.create_connection(self._listener.getsockname(), timeout=1).close()
        self._thread.join()
        self._listener.close()
        self._close_all()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            client, _ = self._listener.accept()
            if self._down:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._upstream) as server:
            with self._lock:
                self._open |= {client, server}
            back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
            back.start()
            # A request of ours to S3 has no body: what arrives at once is one request.
            while request := client.recv(65_536):
                if self._stopped.wait(self.delay):
                    break
                if self.answer:
                    client.sendall(self.answer)
                else:
                    server.sendall(request)
            with self._lock:
                self._open -= {client, server}

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65_536):
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)

    def _close_all(self) -> None:
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._open.clear()


@contextmanager
def running(endpoint: str) -> Iterator[Proxy]:
    """Start a proxy of an HTTP endpoint."""
    proxy = Proxy(endpoint)
    try:
        yield proxy
    finally:
        proxy.stop()
