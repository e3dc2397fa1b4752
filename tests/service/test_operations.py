"""Segments, the model, probes and metrics, and what happens without a model or with a newer one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from segmentation import card as cards
from segmentation.errors import ConfigurationError
from segmentation.registry import Registry
from segmentation.settings import Settings
from service.app import create_app
from service.state import KEY, State
from tests.conftest import put_live
from training import publish
from training.bundle import Bundle
from training.job import Result


def state(app: Flask) -> State:
    found = app.extensions[KEY]
    assert isinstance(found, State)
    return found


def test_segments_are_described(client: FlaskClient, sample_result: Result) -> None:
    answer = client.get("/segments").get_json()
    assert answer["model_version"] == sample_result.made.card.version
    assert [segment["id"] for segment in answer["segments"]] == [0, 1, 2, 3, 4]
    one = client.get("/segments/3").get_json()["segment"]
    assert one == answer["segments"][3]
    assert set(one["profile"]) == set(sample_result.made.card.feature_names)
    assert 0 < one["share"] < 1


def test_a_segment_that_is_not_there_is_a_problem_that_names_those_that_are(client: FlaskClient) -> None:
    answer = client.get("/segments/99")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert "0, 1, 2, 3, 4" in json.loads(answer.data)["detail"]


def test_the_model_tells_its_version_age_metrics_and_features(client: FlaskClient, sample_result: Result) -> None:
    answer = client.get("/model").get_json()
    card = sample_result.made.card
    assert answer["model_version"] == card.version
    assert answer["age_seconds"] > 0
    assert answer["created_at"] == "2026-01-01T00:00:00Z"
    assert answer["metrics"]["silhouette"] == card.metrics.silhouette
    assert [feature["name"] for feature in answer["features"]] == list(card.feature_names)
    assert {"unit", "help", "transform", "low", "high", "fill"} <= set(answer["features"][0])


def test_probes_with_a_model(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").get_json()["status"] == "ready"


def test_without_a_model_the_service_lives_and_says_why_it_is_not_ready(registry: Registry) -> None:
    client = create_app(Settings(registry=registry.url)).test_client()
    assert client.get("/healthz").status_code == 200
    for answer in (client.get("/readyz"), client.post("/predict", json={}), client.get("/segments")):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
    assert "no alias 'production'" in json.loads(client.get("/readyz").data)["detail"]
    assert registry.url not in client.post("/predict", json={}).text
    assert "segmentation_model_ready 0.0" in client.get("/metrics").text


def test_the_first_model_is_taken_when_it_comes(registry: Registry, sample_result: Result) -> None:
    app = create_app(Settings(registry=registry.url))
    put_live(registry, sample_result.made, "test")
    assert state(app).live_model.refresh()
    assert app.test_client().get("/readyz").status_code == 200


def other_version(result: Result, **changes: object) -> Bundle:
    made = result.made
    card = replace(made.card, version="20990101T000000Z-00000000", **changes)  # type: ignore[arg-type]
    return Bundle(card=card, card_content=cards.encode(card), files=made.files)


def test_a_newer_model_replaces_the_old_one_and_a_rollback_brings_it_back(
    app: Flask, published: Registry, sample_result: Result
) -> None:
    live, old = state(app).live_model, sample_result.made.card.version
    assert not live.refresh()
    put_live(published, other_version(sample_result), "test")
    assert live.refresh()
    assert app.test_client().get("/model").get_json()["model_version"].startswith("2099")
    publish.promote(published, "production", old, "rollback")
    assert live.refresh()
    assert app.test_client().get("/model").get_json()["model_version"] == old


def test_a_bad_model_is_never_live_and_its_reason_is_logged_once(
    app: Flask, published: Registry, sample_result: Result, caplog: pytest.LogCaptureFixture
) -> None:
    live, old = state(app).live_model, sample_result.made.card.version
    rows = sample_result.made.card.golden_rows
    wrong = (replace(rows[0], distance=99.0), *rows[1:])
    put_live(published, other_version(sample_result, golden_rows=wrong), "test")
    assert not live.refresh()
    assert not live.refresh()
    ready = app.test_client().get("/readyz").get_json()
    assert ready["model_version"] == old
    assert "golden row 0" in ready["refresh_failure"]
    assert caplog.text.count("no new model") == 1


def test_the_last_good_model_keeps_serving_when_the_registry_is_gone(
    app: Flask, published: Registry, features: dict[str, float]
) -> None:
    Path(published.url).rename(Path(published.url).with_name("gone"))
    assert not state(app).live_model.refresh()
    assert app.test_client().post("/predict", json={"features": features}).status_code == 200


def test_requests_and_customers_are_counted(client: FlaskClient, features: dict[str, float]) -> None:
    client.post("/predict", json={"customers": [{"features": features}] * 3})
    client.post("/predict", json={})
    client.get("/no/such/route")
    metrics = client.get("/metrics")
    assert metrics.content_type.startswith("text/plain")
    lines = metrics.text.splitlines()
    assert 'segmentation_requests_total{route="/predict",status="200"} 1.0' in lines
    assert 'segmentation_requests_total{route="/predict",status="422"} 1.0' in lines
    assert 'segmentation_requests_total{route="unknown",status="404"} 1.0' in lines
    assert 'segmentation_customers_predicted_total{input="features"} 3.0' in lines
    assert 'segmentation_request_duration_seconds_count{route="/predict"} 2.0' in lines
    assert 'segmentation_request_duration_seconds_bucket{le="+Inf",route="/predict"} 2.0' in lines


def test_unknown_routes_and_methods_are_problems(client: FlaskClient) -> None:
    assert client.get("/nowhere").content_type == "application/problem+json"
    wrong_method = client.get("/predict")
    assert wrong_method.status_code == 405
    assert wrong_method.headers["Allow"] == "POST, OPTIONS" or "POST" in wrong_method.headers["Allow"]


def test_a_service_without_a_registry_says_so() -> None:
    with pytest.raises(ConfigurationError, match="SEGMENTATION_REGISTRY"):
        create_app(Settings())


def test_a_card_that_is_not_the_one_the_alias_was_moved_to_is_refused(
    app: Flask, published: Registry, sample_result: Result
) -> None:
    other = other_version(sample_result)
    put_live(published, other, "test")
    path = Path(published.url) / "models" / other.card.version / "card.json"
    path.write_bytes(path.read_bytes().replace(b'"trained', b'"trained').replace(b"help", b"hope", 1))
    assert not state(app).live_model.refresh()
    assert "is not the one" in state(app).live_model.failure


@pytest.mark.parametrize(
    ("sql", "changes"),
    [
        (b"SELECT \xff", {}),
        (None, {"as_of": "yesterday"}),
        (b"SELECT customer_id, {names} FROM orders", {}),
    ],
)
def test_whatever_is_wrong_with_a_model_the_next_good_one_is_taken(
    app: Flask, published: Registry, sample_result: Result, sql: bytes | None, changes: dict[str, object]
) -> None:
    live, made = state(app).live_model, sample_result.made
    files = dict(made.files)
    if sql is not None:
        strange = b", ".join(b"'text' AS " + name.encode() for name in made.card.feature_names)
        files["features.sql"] = sql.replace(b"{names}", strange)
    card = replace(made.card, version="20980101T000000Z-00000000", files=cards.digests(files), **changes)  # type: ignore[arg-type]
    put_live(published, Bundle(card, cards.encode(card), files), "strange")
    assert not live.refresh()
    assert live.failure
    put_live(published, other_version(sample_result), "good")
    assert live.refresh()
