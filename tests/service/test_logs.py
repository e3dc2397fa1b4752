"""The log: one JSON object per line, one line per request, and nobody's data in it."""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from segmentation.registry import Registry
from segmentation.settings import LogFormat, LogLevel, Settings
from service import keys, live_model, logs
from service.app import create_app
from service.logs import AccessLog, JsonFormatter
from tests.servers import service


@dataclass
class Written:
    """What went to standard error."""

    path: Path
    made: list[AccessLog] = field(default_factory=list)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    found = Written(tmp_path / "log")
    with found.path.open("wb") as file:

        def made(level: LogLevel, form: LogFormat) -> AccessLog:
            found.made.append(AccessLog(level, form, file.fileno()))
            return found.made[-1]

        monkeypatch.setattr(logs, "AccessLog", made)
        yield found


@pytest.fixture
def caller(published: Registry, tmp_path: Path, written: Written) -> FlaskClient:
    secret = keys.add(tmp_path / "keys.json", "crm", ("predict",))
    app = create_app(Settings(registry=published.url, api_keys_file=str(tmp_path / "keys.json"), log_format="json"))
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def test_a_request_is_one_line(caller: FlaskClient, written: Written, features: dict[str, float]) -> None:
    answer = caller.post("/predict", json={"customer_id": "c-77", "features": features})
    (line,) = written.lines
    assert line.pop("milliseconds") > 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "INFO", "logger": "service.access", "message": "POST /predict 200", "process": os.getpid(),
        "method": "POST", "route": "/predict", "status": 200, "bytes": len(answer.data),
        "request_id": answer.headers["X-Request-Id"], "key": "crm",
    }  # fmt: skip


def test_a_refusal_says_why_and_whence_and_not_by_what_key(caller: FlaskClient, written: Written) -> None:
    caller.get("/segments/3", environ_base={"REMOTE_ADDR": "10.1.2.3"})
    caller.get("/model", headers={"Authorization": "Bearer seg_wrong"})
    caller.get("/model", headers={"Authorization": ""})
    lines = written.lines
    assert [(line["status"], line["denied"], line.get("key")) for line in lines] == [
        (403, "no scope read", "crm"), (401, "unknown key", None), (401, "no key", None),
    ]  # fmt: skip
    assert {(line["level"], line["logger"]) for line in lines} == {("WARNING", "service.denied")}
    assert (lines[0]["peer"], lines[0]["route"]) == ("10.1.2.3", "/segments/<id>")
    assert "seg_" not in written.path.read_text()


def test_nothing_of_a_request_is_in_the_log(
    caller: FlaskClient, written: Written, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    marked = {"X-Request-Id": "se cret", "User-Agent": "secret", "Referer": "/secret", "Cookie": "secret=1"}
    caller.post(
        "/predict?secret=secret", json={"customer_id": "secret", "features": {"secret": "secret"}}, headers=marked
    )
    caller.post("/predict", data=b'{"secret', content_type="application/json", headers=marked)
    caller.get("/secret/score", headers=marked)
    caller.get("/secret", headers=marked)

    def fail(_live: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(live_model.LiveModel, "current", fail)
    assert caller.post("/predict", json={"customer_id": "secret"}, headers=marked).status_code == 500
    assert "secret" not in written.path.read_text() + caplog.text
    assert [line["status"] for line in written.lines] == [422, 400, 403, 403, 500]
    assert written.lines[-1]["level"] == "ERROR"
    (defect,) = [record for record in caplog.records if "defect" in record.message]
    assert json.loads(JsonFormatter().format(defect))["request_id"] == written.lines[-1]["request_id"]


@pytest.mark.parametrize(("level", "statuses"), [("INFO", [200, 403, 503]), ("WARNING", [403, 503]), ("ERROR", [])])
def test_the_level_decides_what_is_written(tmp_path: Path, level: LogLevel, statuses: list[int]) -> None:
    with (tmp_path / "log").open("wb") as file:
        log = AccessLog(level, "json", file.fileno())
        log.write("GET", "/model", 200, 0.001, 10, "id", "crm")
        log.write("GET", "/model", 403, 0.001, 10, "id", "crm", "no scope read", "10.0.0.1")
        log.write("GET", "/model", 503, 0.001, 10, "id", "crm")
    assert [line["status"] for line in Written(tmp_path / "log").lines] == statuses


def test_lines_that_could_not_be_written_are_counted_by_the_next(tmp_path: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    log = AccessLog("INFO", "json", full)
    for _ in range(3):
        log.write("GET", "/model", 200, 0.001, 10, "id", "")
    with (tmp_path / "log").open("wb") as file:
        os.dup2(file.fileno(), full)
        for _ in range(2):
            log.write("GET", "/model", 200, 0.001, 10, "id", "")
    os.close(full)
    assert [line.get("lost") for line in Written(tmp_path / "log").lines] == [3, None]


def test_people_at_a_terminal_read_text(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        AccessLog("INFO", "text", file.fileno()).write("GET", "/model", 200, 0.0012, 10, "id-1", "crm")
    line = (tmp_path / "log").read_text()
    assert line.endswith("INFO service.access: GET /model 200 1.2 ms, 10 bytes, id-1 crm\n")


def test_every_line_of_a_running_service_is_json(
    published: Registry, features: dict[str, float], tmp_path: Path
) -> None:
    with service.running(published.url, tmp_path / "log") as running:
        assert running.post("/predict", {"features": features}).status == 200
        running.get("/nowhere")
    lines = Written(tmp_path / "log").lines
    assert {"time", "level", "logger", "message", "process"} <= set.intersection(*(set(line) for line in lines))
    assert {"gunicorn.error", "service.live_model", "service.access"} <= {line["logger"] for line in lines}
    assert len({line["request_id"] for line in lines if line["logger"] == "service.access"}) >= 3
