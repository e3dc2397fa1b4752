"""Clients that are slow, rude or gone: others are answered meanwhile, and nobody holds a thread for long."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from segmentation.registry import open_registry
from tests.servers import service
from tests.servers.raw import HEAD, connected, is_closed, read_answer, with_length
from tests.servers.service import Service
from training import job
from training.job import Result

THREADS = 2 * 4
LIMIT = 1.0
"""Seconds that clients may take here."""


@pytest.fixture(scope="module")
def running(sample_result: Result, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("slow")
    registry = open_registry(str(folder / "registry"))
    job.release(sample_result, registry, "production")
    log = folder / "log"
    with service.running(registry.url, log, REQUEST_SECONDS=str(LIMIT), MAX_BODY_BYTES="1000000") as started:
        yield started
    assert "defect" not in started.log.read_text()


@pytest.fixture
def body(features: dict[str, float]) -> bytes:
    return json.dumps({"features": features}).encode()


BEGINNINGS = {
    "nothing": b"",
    "half a head": b"POST /predict HTTP/1.1\r\nHost: x\r\nX-",
    "a head": HEAD + b"Content-Length: 1000\r\n\r\n",
    "half a body": HEAD + b'Content-Length: 1000\r\n\r\n{"features": {',
    "half a chunk": HEAD + b'Transfer-Encoding: chunked\r\n\r\n20\r\n{"features": {',
    # The end of this chunk looks like the end of the body.
    "a chunk like an end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_many_slow_clients_are_cut_off_and_others_are_answered_meanwhile(
    running: Service, features: dict[str, float], beginning: str
) -> None:
    with ExitStack() as opened:
        slow = [opened.enter_context(connected(running)) for _ in range(3 * THREADS)]
        for connection in slow:
            connection.sendall(BEGINNINGS[beginning])
        for _ in range(20):
            assert running.post("/predict", {"features": features}).status == 200
        statuses = {read_answer(connection)[0] for connection in slow}
        begun = beginning.startswith(("a", "half"))
        assert statuses == ({408} if begun else {0})


def test_a_client_that_sends_byte_after_byte_has_no_more_time_than_others(running: Service) -> None:
    with connected(running) as connection:
        connection.settimeout(0.2)
        started, status = time.monotonic(), None
        while status is None and time.monotonic() - started < 20:
            try:
                connection.sendall(b"P")
                status, _, body = read_answer(connection)
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                status = 0
        assert status == 408
        assert json.loads(body)["code"] == "request-timeout"


def test_a_request_in_many_pieces_is_answered(running: Service, body: bytes) -> None:
    request = with_length(body)
    with connected(running) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(request), 40):
            connection.sendall(request[start : start + 40])
            time.sleep(0.002)
        assert read_answer(connection)[0] == 200
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:9], body[9:])) + b"0\r\n\r\n"
        request = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
        for start in range(0, len(request), 40):
            connection.sendall(request[start : start + 40])
            time.sleep(0.002)
        assert read_answer(connection)[0] == 200


def test_requests_sent_ahead_are_answered_in_their_order(running: Service, body: bytes) -> None:
    with connected(running) as connection:
        connection.sendall(with_length(body) + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + with_length(b"{}"))
        received = b""
        while received.count(b"HTTP/1.1 ") < 3 or not received.endswith(b"\n"):
            received += connection.recv(65_536)
        assert [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"422"]


@pytest.mark.parametrize("at_once", [False, True])
def test_who_asks_before_sending_a_body_is_told_to_go_on(running: Service, body: bytes, at_once: bool) -> None:
    request = with_length(body, b"Expect: 100-continue\r\n")
    head, body = request[: -len(body)], request[-len(body) :]
    with connected(running) as connection:
        connection.sendall(head + body if at_once else head)
        told = b""
        while not told.endswith(b"\r\n\r\n"):
            told += connection.recv(1)
        assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
        if not at_once:
            connection.sendall(body)
        status, answer, _ = read_answer(connection)
        assert status == 200
        assert b"100 Continue" not in answer


def test_a_body_that_says_it_is_too_long_is_refused_unread(running: Service) -> None:
    with connected(running) as connection:
        connection.sendall(HEAD + b"Content-Length: 5000000\r\n\r\n")
        assert read_answer(connection)[0] == 413


def test_who_does_not_hang_up_holds_nobody_up(running: Service, features: dict[str, float]) -> None:
    """gunicorn's own worker waits two seconds for each of them, and does nothing else meanwhile."""
    with ExitStack() as opened:
        staying = [opened.enter_context(connected(running)) for _ in range(20)]
        for connection in staying:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert [read_answer(connection)[0] for connection in staying] == [200] * 20
        started = time.monotonic()
        for _ in range(10):
            assert running.post("/predict", {"features": features}).status == 200
        waited = time.monotonic() - started
        assert all(is_closed(connection) for connection in staying)
        # Twenty times two seconds, by two workers, were twenty.
        assert waited < 15


def test_who_does_not_read_an_answer_is_cut_off(running: Service, features: dict[str, float]) -> None:
    with ExitStack() as opened:
        deaf = [opened.enter_context(connected(running, receive_buffer=4096)) for _ in range(2 * THREADS)]
        for connection in deaf:
            # More than fits between the two.
            connection.sendall(b"GET /report HTTP/1.1\r\nHost: x\r\n\r\n" * 40)
        patience, cut = time.monotonic() + 20, "cut off while a thread waited for it to read"
        while running.log.read_text().count(cut) < len(deaf) and time.monotonic() < patience:
            assert running.post("/predict", {"features": features}).status == 200
        assert running.log.read_text().count(cut) == len(deaf)


def test_clients_that_vanish_leave_nothing_behind(running: Service, features: dict[str, float], body: bytes) -> None:
    before = [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in running.workers()]
    for number in range(60):
        with connected(running) as connection:
            connection.sendall(with_length(body)[: 40 * (number % 12)])
            if number % 3:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    patience = time.monotonic() + 10
    while time.monotonic() < patience:
        after = [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in running.workers()]
        if max(after) <= max(before) + 2:
            break
        time.sleep(0.1)
    assert max(after) <= max(before) + 2
    assert running.post("/predict", {"features": features}).status == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /secret-42 HTTP/1.1\r\nBad Header: secret-42\r\n\r\n", 400),
        (b"GET /" + b"secret-42" * 1000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"secret-42" * 1000 + b"\r\n\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400),
        (b"x" * 100_000, 414),
    ],
)
def test_what_is_not_http_gets_a_problem_and_is_not_repeated(running: Service, sent: bytes, status: int) -> None:
    with connected(running) as connection:
        connection.sendall(sent)
        found, head, body = read_answer(connection)
    assert (found, json.loads(body)["code"]) == (status, "not-http")
    assert b"gunicorn" not in head
    assert b"secret" not in body
    assert "secret" not in running.log.read_text()


def test_no_answer_names_a_version_of_the_server(running: Service) -> None:
    with connected(running) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        head = read_answer(connection)[1]
    (server,) = [line for line in head.split(b"\r\n") if line.lower().startswith(b"server")]
    assert server == b"Server: gunicorn"


def test_more_connections_than_a_worker_holds_close_the_slowest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--worker-connections 40")
    with service.running(str(tmp_path / "registry"), tmp_path / "log", workers=1) as small, ExitStack() as opened:
        idle = [opened.enter_context(connected(small)) for _ in range(60)]
        for connection in idle[::2]:
            connection.sendall(b"POST ")
        assert small.get("/healthz").status == 200
        with connected(small) as last:
            last.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answer(last)[0] == 200
