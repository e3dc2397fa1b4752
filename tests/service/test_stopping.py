"""SIGTERM: unready at once, answering for a while, then done; nobody's request is lost."""

import http.client
import json
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from segmentation.registry import Registry
from tests.servers import service
from tests.servers.raw import connected, is_closed, read_answer
from tests.servers.service import Service

DRAIN = 1.5


@dataclass
class Caller:
    """Asks again and again on a kept connection, opens another when told to, and ends when nobody is there any more."""

    port: int
    body: bytes
    answered: int = 0
    told_to_close: int = 0
    failures: list[str] = field(default_factory=list)

    def run(self, stopped: threading.Event) -> None:
        connection: http.client.HTTPConnection | None = None
        while True:
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    return
                first = True
            try:
                connection.request("POST", "/predict", self.body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                # A new connection that comes after the end has no one to answer it; a kept one must be.
                if not (first and stopped.is_set()):
                    self.failures.append(f"{type(error).__name__} on a {'new' if first else 'kept'} connection")
                return
            first = False
            self.answered += 1
            if answer.status != 200:
                self.failures.append(str(answer.status))
            if answer.will_close:
                self.told_to_close += 1
                connection.close()
                connection = None


def ready(running: Service) -> int:
    return running.get("/readyz").status


def test_nobody_s_request_is_lost_when_the_service_stops(
    published: Registry, features: dict[str, float], tmp_path: Path
) -> None:
    body = json.dumps({"features": features}).encode()
    stopped = threading.Event()
    with service.running(published.url, tmp_path / "log", DRAIN_SECONDS=str(DRAIN)) as running:
        callers = [Caller(running.port, body) for _ in range(4)]
        threads = [threading.Thread(target=caller.run, args=(stopped,)) for caller in callers]
        for thread in threads:
            thread.start()
        while min(caller.answered for caller in callers) < 20:
            time.sleep(0.01)
        assert not any(caller.told_to_close for caller in callers)
        started = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        patience = time.monotonic() + DRAIN
        while ready(running) != 503 and time.monotonic() < patience:
            time.sleep(0.01)
        assert running.get("/readyz").json["code"] == "stopping"
        # Still there, for whoever has not heard: for the better part of the time, on any machine.
        while time.monotonic() < started + DRAIN * 0.6:
            assert running.post("/predict", {"features": features}).status == 200
        stopped.set()
        for thread in threads:
            thread.join(30)
        assert running.process.wait(60) == 0
        assert time.monotonic() - started > DRAIN
    assert [caller.failures for caller in callers] == [[]] * 4
    assert all(caller.told_to_close for caller in callers)


def test_who_sends_it_twice_means_it(tmp_path: Path) -> None:
    with service.running(str(tmp_path / "registry"), tmp_path / "log", DRAIN_SECONDS="300") as running:
        running.process.send_signal(signal.SIGTERM)
        patience = time.monotonic() + 20
        while "stopping" not in running.get("/readyz").body.decode() and time.monotonic() < patience:
            time.sleep(0.02)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0


def test_an_idle_connection_is_closed_and_keeps_nobody_from_stopping(tmp_path: Path) -> None:
    with (
        service.running(str(tmp_path / "registry"), tmp_path / "log", workers=1) as running,
        connected(running) as kept,
        connected(running) as fresh,
    ):
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(kept)[0] == 200
        started = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert is_closed(kept)
        assert is_closed(fresh)
        assert running.process.wait(60) == 0
        # Seconds, not the twenty that a request in progress is given.
        assert time.monotonic() - started < 15


def test_a_reload_and_the_end_of_one_worker_leave_the_service_ready(published: Registry, tmp_path: Path) -> None:
    with service.running(published.url, tmp_path / "log", DRAIN_SECONDS="300") as running:
        before = running.workers()
        running.process.send_signal(signal.SIGHUP)
        patience = time.monotonic() + 30
        while set(running.workers()) & set(before) and time.monotonic() < patience:
            assert ready(running) == 200
            time.sleep(0.02)
        assert not set(running.workers()) & set(before)
        os.kill(running.workers()[0], signal.SIGTERM)
        for _ in range(20):
            assert ready(running) == 200
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(60) == 0
