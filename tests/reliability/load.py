"""Load that checks every answer: connections kept alive, each asking as fast as it is answered."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.reliability.twins import Expected

CONNECTIONS = 4
PATIENCE_SECONDS = 20
TRIES = 5
HEADERS = {"Content-Type": "application/json"}


class Load:
    """Requests that run in the background.

    Attributes
    ----------
    answered
        Right answers by model version, since `mark`.
    failures
        Everything that a client did not get, or got wrong.
    broken
        Connections that the service closed on a request. It was sent again on a new one, as HTTP clients do; only where
        that does not help it is a failure.
    """

    def __init__(self, url: str, bodies: Sequence[dict[str, Any]], expected: Expected, connections: int) -> None:
        self._place = str(urlsplit(url).netloc)
        self._bodies = [json.dumps(body).encode() for body in bodies]
        self._expected = expected
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._epoch = 0
        self.answered: Counter[str] = Counter()
        self.total = 0
        self.failures: list[str] = []
        self.broken = 0
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(connections)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def mark(self) -> None:
        """Count anew: from now on only requests that are sent from now on."""
        with self._lock:
            self._epoch += 1
            self.answered.clear()

    def _run(self, first: int) -> None:
        connection = self._connect()
        number = first
        try:
            while not self._stop.is_set():
                epoch = self._epoch
                number = (number + 1) % len(self._bodies)
                connection, failure, version = self._ask(connection, number)
                with self._lock:
                    self.total += 1
                    if failure:
                        self.failures.append(failure)
                    elif epoch == self._epoch:
                        self.answered[version] += 1
        except Exception as error:  # noqa: BLE001 - a thread's error is told by the test
            self.failures.append(f"the load itself: {type(error).__name__}: {error}")
        finally:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, number: int) -> tuple[http.client.HTTPConnection, str, str]:
        for _ in range(TRIES):
            try:
                connection.request("POST", "/predict", self._bodies[number], HEADERS)
                reply = connection.getresponse()
                content = reply.read()
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, TimeoutError):
                    return self._connect(), "no answer within the client's patience", ""
                with self._lock:
                    self.broken += 1
                connection.close()
                connection = self._connect()
                continue
            if reply.status != 200:
                return connection, f"status {reply.status}: {content[:300]!r}", ""
            answer = json.loads(content)
            return connection, self._expected.wrong(number, answer), str(answer["model_version"])
        return connection, f"no answer in {TRIES} tries", ""

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._place, timeout=PATIENCE_SECONDS)


@contextmanager
def running(
    url: str, bodies: Sequence[dict[str, Any]], expected: Expected, connections: int = CONNECTIONS
) -> Iterator[Load]:
    """Start the load; it ends with the block."""
    load = Load(url, bodies, expected, connections)
    load.start()
    try:
        yield load
    finally:
        load.stop()
