"""HTTP that few clients speak and all may: requests sent ahead, trailers, heads that do not end, odd paths."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from segmentation.registry import open_registry
from tests.servers import service
from tests.servers.raw import HEAD, connected, is_closed, read_answer, read_answers, with_length
from tests.servers.service import Service
from training import job
from training.job import Result

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def running(sample_result: Result, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("rare")
    registry = open_registry(str(folder / "registry"))
    job.release(sample_result, registry, "production")
    with service.running(registry.url, folder / "log", workers=1, MAX_BODY_BYTES="1000000") as started:
        yield started
    assert "defect" not in started.log.read_text()


@pytest.fixture
def body(features: dict[str, float]) -> bytes:
    return json.dumps({"features": features}).encode()


@pytest.mark.parametrize("spaces", [0, 700, 9_000, 70_000])
def test_requests_sent_ahead_are_answered_however_long_they_are(running: Service, body: bytes, spaces: int) -> None:
    with connected(running) as connection:
        connection.sendall((with_length(body + b" " * spaces) + HEALTH + with_length(b"{}" + b" " * spaces)) * 5)
        assert read_answers(connection, 15) == [200, 200, 422] * 5
        connection.sendall(HEALTH)
        assert read_answers(connection, 1) == [200]


def test_a_request_sent_ahead_in_part_is_answered_when_the_rest_has_come(running: Service, body: bytes) -> None:
    request = with_length(body + b" " * 9_000)
    with connected(running) as connection:
        connection.sendall(request + request[:9_000])
        assert read_answers(connection, 1) == [200]
        connection.sendall(request[9_000:])
        assert read_answers(connection, 1) == [200]


@pytest.mark.parametrize(
    "end",
    [b"0\r\n\r\n", b"0\r\nX-Checksum: 1\r\nX-Other: 2\r\n\r\n", b"000;last=1\r\n\r\n"],
    ids=["plain", "trailers", "named"],
)
def test_chunks_end_where_they_say(running: Service, body: bytes, end: bytes) -> None:
    chunks = b"%x;name=value\r\n%s\r\n%s" % (len(body), body, end)
    with connected(running) as connection:
        connection.sendall(CHUNKED + b"\r\n" + chunks + HEALTH + CHUNKED + b"\r\n" + chunks)
        assert read_answers(connection, 3) == [200, 200, 200]


def test_a_coding_that_nobody_knows_is_refused_at_once(running: Service) -> None:
    for coding, expected in ((b"identity", 400), (b"fancy", 501)):
        with connected(running) as connection:
            connection.sendall(HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n")
            assert read_answer(connection)[0] == expected


def test_who_asks_to_send_too_much_is_not_told_to_go_on(running: Service) -> None:
    with connected(running) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 5000000\r\n\r\n")
        status, head, _ = read_answer(connection)
        assert status == 413
        assert b"connection: close" in head.lower()
        assert is_closed(connection)


def test_a_head_that_does_not_end_is_refused_with_an_id_that_the_log_has(running: Service) -> None:
    with connected(running) as connection:
        connection.sendall(HEAD + b"X-Long: a\r\n" * 8_000)
        status, head, body = read_answer(connection)
    problem = json.loads(body)
    assert (status, problem["code"]) == (431, "not-http")
    assert f"X-Request-Id: {problem['request_id']}".encode() in head
    assert b"Content-Security-Policy: default-src 'none'" in head
    assert f'"request_id":"{problem["request_id"]}"' in running.log.read_text()


@pytest.mark.parametrize("field", ["SCRIPT_NAME: /elsewhere", "PATH_INFO: /docs"])
def test_a_field_cannot_move_the_service(running: Service, body: bytes, field: str) -> None:
    with connected(running) as connection:
        connection.sendall(with_length(body, field.encode() + b"\r\n"))
        assert read_answer(connection)[0] == 200


@pytest.mark.parametrize("path", ["/segments//0", "/k-means//score", "/segments/", "/docs/"])
def test_a_path_that_is_none_is_a_problem_and_no_redirect(running: Service, path: str) -> None:
    with connected(running) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n".encode())
        status, head, body = read_answer(connection)
    assert (status, json.loads(body)["code"]) == (404, "not-found")
    assert b"elsewhere" not in head + body


def test_log_lines_are_json_all_of_them(running: Service) -> None:
    for line in Path(running.log).read_text().splitlines():
        json.loads(line)
