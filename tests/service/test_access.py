"""Who is let in, and what every answer carries."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from segmentation.errors import ConfigurationError
from segmentation.registry import Registry
from segmentation.settings import Settings
from service import key_ring, keys
from service.app import create_app
from service.condition import CONDITION
from service.openapi.answers import Ready
from service.replies import route_name
from service.routes import NEEDED, OPEN

LOCAL = {"REMOTE_ADDR": "127.0.0.1"}
REMOTE = {"REMOTE_ADDR": "10.1.2.3"}


@pytest.fixture
def settings(registry: Registry) -> Settings:
    return Settings(registry=registry.url)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def keyed(settings: Settings, key_file: Path) -> Flask:
    keys.add(key_file, "somebody", ("read",))
    return create_app(replace(settings, api_keys_file=str(key_file)))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def problem(answer: Any) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    found = json.loads(answer.data)
    assert isinstance(found, dict)
    return found


def test_every_route_says_what_it_needs(keyed: Flask) -> None:
    """A new route fails here until service/routes.py says who may call it; until then it needs a key."""
    assert {route_name(rule) for rule in keyed.url_map.iter_rules()} <= NEEDED.keys()
    assert {route for route, needed in NEEDED.items() if needed is OPEN} == {"/healthz", "/readyz", "/metrics", "/docs"}


def test_without_a_key_nothing_is_reached_but_what_is_open(keyed: Flask) -> None:
    client = keyed.test_client()
    for rule in keyed.url_map.iter_rules():
        path = re.sub(r"<int:\w+>", "1", re.sub(r"<(?!int)\w+>", "k-means", rule.rule))
        for method in sorted(rule.methods or ()):
            status = client.open(path, method=method).status_code
            assert (status == 401) != (NEEDED[route_name(rule)] is OPEN), (method, path)


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "//predict", "/predict/", "/healthz/", "/healthz/x", "/./healthz", "/HEALTHZ", "/metrics%2f", ""],
)  # fmt: skip
def test_what_is_not_known_is_not_open(keyed: Flask, path: str) -> None:
    assert keyed.test_client().get(path).status_code == 401


@pytest.mark.parametrize("path", ["//predict", "///predict", "/predict/", "/./predict", "/predict//", "/predict;x"])
def test_a_path_that_only_looks_like_a_route_is_none_whatever_the_key(
    published: Registry, key_file: Path, features: dict[str, float], path: str
) -> None:
    """Who may read may not predict, however the path is written."""
    secret = keys.add(key_file, "dashboard", ("read",))
    app = create_app(Settings(registry=published.url, api_keys_file=str(key_file)))
    sent = app.test_client().post("/predict", json={"features": features}, headers=bearer(secret))
    assert sent.status_code == 403
    # The test client would take the host out of //host/path.
    odd = app.test_client().post(
        "/", json={"features": features}, headers=bearer(secret), environ_overrides={"PATH_INFO": path}
    )
    assert (odd.status_code, problem(odd)["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    "sent",
    [
        {}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}, {"X-Api-Key": "x"},
        {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer seg_" + "A" * 43}, {"Authorization": "Bearer \xe9"},
    ],
)  # fmt: skip
def test_without_a_known_key_the_answer_is_401_and_says_how(keyed: Flask, sent: dict[str, str]) -> None:
    answer = keyed.test_client().get("/model", headers=sent)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="segmentation"')
    assert problem(answer)["code"] == "missing-key"
    assert "AAAA" not in answer.text


def test_a_key_opens_what_its_scopes_say(keyed: Flask, key_file: Path) -> None:
    reading, predicting = keys.add(key_file, "a", ("read",)), keys.add(key_file, "b", ("predict",))
    client = create_app(Settings(registry="nowhere", api_keys_file=str(key_file))).test_client()
    # 503: let in, and there is no model.
    assert client.get("/model", headers=bearer(reading)).status_code == 503
    assert client.get("/model", headers={"Authorization": f"bearer  {reading}"}).status_code == 503
    assert client.post("/predict", headers=bearer(predicting)).status_code == 503
    refused = client.post("/predict", headers=bearer(reading))
    assert (refused.status_code, problem(refused)["code"]) == (403, "missing-scope")
    assert 'error="insufficient_scope", scope="predict"' in refused.headers["WWW-Authenticate"]
    assert client.get("/segments", headers=bearer(predicting)).status_code == 403
    assert client.get("/nowhere", headers=bearer(reading)).status_code == 404


def test_without_keys_only_this_machine_is_answered(settings: Settings) -> None:
    client = create_app(settings).test_client()
    for local in ("127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"):
        assert client.get("/model", environ_base={"REMOTE_ADDR": local}).status_code == 503
    for other in ("10.1.2.3", "128.0.0.1", "::2", "::ffff:10.0.0.1", "1127.0.0.1", ""):
        answer = client.get(
            "/model", environ_base={"REMOTE_ADDR": other}, headers={"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "::1"}
        )
        assert (answer.status_code, problem(answer)["code"]) == (403, "not-local")
        assert "SEGMENTATION_ALLOW_ANONYMOUS" in problem(answer)["hint"]
    assert client.get("/healthz", environ_base=REMOTE).status_code == 200


def test_everybody_is_answered_where_that_was_said(settings: Settings) -> None:
    client = create_app(replace(settings, allow_anonymous=True)).test_client()
    assert client.get("/model", environ_base=REMOTE).status_code == 503


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"api_keys_file": "absent.json"}, "absent.json cannot be read"),
        ({"api_keys_file": "pyproject.toml"}, "is no file of API keys"),
        ({"api_keys_file": "keys.json", "allow_anonymous": True}, "are both set"),
    ],
)
def test_keys_that_cannot_be_used_stop_the_service(settings: Settings, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        create_app(replace(settings, **changes))


def test_every_answer_carries_the_id_of_its_request(settings: Settings) -> None:
    client = create_app(settings).test_client()
    assert client.get("/healthz", headers={"X-Request-Id": "crm-1.2_3"}).headers["X-Request-Id"] == "crm-1.2_3"
    refused = client.get("/nowhere", headers={"X-Request-Id": "a" * 128})
    assert refused.headers["X-Request-Id"] == problem(refused)["request_id"] == "a" * 128
    made = set()
    for sent in (
        {},
        {"X-Request-Id": "a" * 129},
        {"X-Request-Id": "a b"},
        {"X-Request-Id": 'x"}'},
        {"X-Request-Id": ""},
    ):
        answer = client.get("/model", headers=sent)
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
        assert problem(answer)["request_id"] == answer.headers["X-Request-Id"]
        made.add(answer.headers["X-Request-Id"])
    assert len(made) == 5
    denied = client.get("/model", environ_base=REMOTE)
    assert problem(denied)["request_id"] == denied.headers["X-Request-Id"]


def test_every_answer_says_how_little_a_browser_may_make_of_it(client: FlaskClient) -> None:
    for path in ("/model", "/healthz", "/nowhere", "/metrics", "/k-means/plot", "/report"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == ("no-cache" if path in ("/k-means/plot", "/report") else "no-store")
        assert len(headers.getlist("Content-Security-Policy")) == len(headers.getlist("Cache-Control")) == 1


def test_a_worker_that_holds_too_many_requests_asks_for_patience(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = create_app(replace(settings, max_in_flight=3)).test_client()
    monkeypatch.setattr(CONDITION, "in_flight", 4)
    answer = client.post("/predict", json={})
    assert (answer.status_code, problem(answer)["code"], answer.headers["Retry-After"]) == (503, "overloaded", "1")
    assert client.get("/healthz").status_code == 200
    assert "overloaded" not in client.get("/readyz").text
    monkeypatch.setattr(CONDITION, "in_flight", 3)
    assert problem(client.post("/predict", json={}))["code"] == "not-ready"


def test_a_service_that_is_about_to_stop_is_not_ready_and_answers(
    client: FlaskClient, features: dict[str, float]
) -> None:
    assert client.get("/readyz").status_code == 200
    CONDITION.stop()
    try:
        answer = client.get("/readyz")
        assert (answer.status_code, problem(answer)["code"]) == (503, "stopping")
        assert client.post("/predict", json={"features": features}).status_code == 200
        assert client.get("/healthz").status_code == 200
    finally:
        CONDITION.carry_on()


def test_metrics_on_a_port_of_their_own_are_nowhere_else(settings: Settings) -> None:
    client = create_app(replace(settings, metrics_port=9100)).test_client()
    there = {"SERVER_PORT": "9100"}
    assert "segmentation_requests_total" in client.get("/metrics", environ_overrides=there).text
    for path, port in (("/metrics", {}), ("/healthz", there), ("/predict", there), ("/nowhere", there)):
        assert client.get(path, environ_overrides=port).status_code == 404
    assert client.get("/healthz").status_code == 200


def test_a_broken_file_of_keys_is_told_by_readyz(
    published: Registry, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_ring, "SECONDS_BETWEEN_LOOKS", 0.0)
    secret = keys.add(key_file, "crm", ("read",))
    client = create_app(Settings(registry=published.url, api_keys_file=str(key_file))).test_client()
    assert "api_keys_failure" not in client.get("/readyz").get_json()
    whole = key_file.read_bytes()
    key_file.write_bytes(b"{")
    assert "api_keys_failure" in client.get("/readyz").get_json(), "it is told before anybody presents a key"
    key_file.write_bytes(whole)
    assert "api_keys_failure" not in client.get("/readyz").get_json()
    key_file.write_bytes(b"{")
    assert client.get("/model", headers=bearer(secret)).status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert "is no file of API keys" in ready.get_json()["api_keys_failure"]
    assert {*ready.get_json()} <= {*Ready.__struct_fields__}, "GET /openapi.json says nothing of it"
