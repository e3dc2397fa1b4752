"""Asks for predictions without a pause and counts those that are lost; k8s/verify.sh runs it in the cluster.

Half of the callers make a connection for each request, half keep theirs for as long as the service does. Each second it
prints how many requests were sent and how many were not answered with 200: nothing is asked twice.
"""

import http.client
import os
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

CALLERS = 4
SECONDS = 10.0
"""Longest wait for an answer."""


class Count:
    """What was sent, and what was lost; the first loss in words."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.sent = 0
        self.lost = 0
        self.first = ""

    def add(self, failure: str) -> None:
        """Count a request.

        Parameters
        ----------
        failure
            Empty where it was answered.
        """
        with self._lock:
            self.sent += 1
            self.lost += bool(failure)
            self.first = self.first or failure

    def __str__(self) -> str:
        return f"sent {self.sent} lost {self.lost}" + (f" first {self.first}" if self.first else "")


def ask(connection: http.client.HTTPConnection, body: bytes, key: str) -> tuple[str, bool]:
    """Send one request.

    Parameters
    ----------
    connection
        Open or not.
    body, key
        Of the request.

    Returns
    -------
    tuple of str and bool
        What went wrong, empty where nothing did; and whether the connection may be used again.
    """
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    try:
        connection.request("POST", "/predict", body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, False
    failure = "" if answer.status == http.client.OK else f"status {answer.status}"
    return failure, not answer.will_close


def call(url: str, body: bytes, key: str, count: Count, end: threading.Event, *, keep: bool) -> None:
    """Ask until the end.

    Parameters
    ----------
    url, body, key
        Of the requests.
    count
        Where they are counted.
    end
        Set when it is enough.
    keep
        Whether connections are kept.
    """
    parts = urlsplit(url)
    connection = None
    while not end.is_set():
        connection = connection or http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=SECONDS)
        failure, usable = ask(connection, body, key)
        count.add(failure)
        if failure or not usable or not keep:
            connection.close()
            connection = None
        # Steady, and no benchmark.
        time.sleep(0.1 if failure else 0.005)


def main(url: str, body: bytes, seconds: float) -> None:
    """Ask for some time, and tell of it.

    Parameters
    ----------
    url, body
        Of the requests; API_KEY of the environment is the key.
    seconds
        For how long.
    """
    count, end = Count(), threading.Event()
    callers = [
        threading.Thread(
            target=call, args=(url, body, os.environ["API_KEY"], count, end), kwargs={"keep": number % 2 == 0}
        )
        for number in range(CALLERS)
    ]
    for caller in callers:
        caller.start()
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        time.sleep(min(1.0, max(0.0, stop - time.monotonic())))
        sys.stdout.write(f"{count}\n")
        sys.stdout.flush()
    end.set()
    for caller in callers:
        caller.join()
    sys.stdout.write(f"{count} end\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).read_bytes(), float(sys.argv[3]))
