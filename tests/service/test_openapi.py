"""What a client developer gets from GET /openapi.json: every route, the live model's types, examples that work."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from segmentation.registry import Registry
from segmentation.settings import Settings
from service.app import create_app
from service.openapi.operations import OPERATIONS, PROBLEMS
from service.replies import route_name
from tests.conftest import put_live
from tests.service.test_events_and_rules import World, world
from tests.service.test_predict import post
from training.job import Result

__all__ = ["world"]

Json = dict[str, Any]


def description(client: FlaskClient) -> Json:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    told: Json = json.loads(answer.data)
    validate(told)
    return told


@pytest.fixture
def api(client: FlaskClient) -> Json:
    return description(client)


def validator(api: Json, schema: Json, *, closed: bool = False) -> Draft202012Validator:
    """Of a schema within the document; closed: nothing may be there that is not described."""
    schemas = json.loads(json.dumps(api["components"]["schemas"]))
    for each in schemas.values() if closed else ():
        if "properties" in each:
            each["additionalProperties"] = False
    return Draft202012Validator({**schema, "components": {"schemas": schemas}})


def test_every_route_is_described_and_no_other(app: Flask, api: Json) -> None:
    served = {
        (route_name(rule).replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, methods in api["paths"].items() for method in methods} == served


def test_no_schema_is_a_bare_false(api: Json) -> None:
    """openapi-python-client makes no client at all of a description with `items: false`."""

    def places(part: Any) -> list[Any]:
        if isinstance(part, dict):
            return [part.get("items"), *(found for each in part.values() for found in places(each))]
        return [found for each in part for found in places(each)] if isinstance(part, list) else []

    assert any(isinstance(each, dict) for each in places(api))
    assert not any(isinstance(each, bool) for each in places(api))


def test_every_operation_has_its_own_name_and_says_what_it_is_for(api: Json) -> None:
    described = [operation for methods in api["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in described}) == len(described) == len(OPERATIONS)
    tags = {tag["name"] for tag in api["tags"]}
    assert all(operation["summary"] and set(operation["tags"]) <= tags for operation in described)
    assert {int(status) for operation in described for status in operation["responses"]} <= {200, 304, *PROBLEMS}
    assert "bearer" in json.dumps(api["components"]["securitySchemes"])


@pytest.mark.parametrize(
    "path",
    [
        "/segments",
        "/segments/0",
        "/model",
        "/drift",
        "/algorithms",
        "/k-means/score",
        "/healthz",
        "/readyz",
        "/openapi.json",
    ],
)
def test_what_a_route_answers_is_what_is_described_and_nothing_else(client: FlaskClient, api: Json, path: str) -> None:
    pattern = {"/segments/0": "/segments/{id}", "/k-means/score": "/{algorithm}/score"}.get(path, path)
    answer = api["paths"][pattern]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    told = json.loads(client.get(path).data)
    assert list(validator(api, answer, closed=True).iter_errors(told)) == []


def test_predictions_and_problems_are_what_is_described(client: FlaskClient, api: Json, features: Json) -> None:
    responses = api["paths"]["/predict"]["post"]["responses"]
    good = validator(api, responses["200"]["content"]["application/json"]["schema"], closed=True)
    bad = validator(api, responses["422"]["content"]["application/problem+json"]["schema"], closed=True)
    told = json.loads(client.post("/predict?explain=true", json={"features": features}).data)
    assert list(good.iter_errors(told)) == []
    assert list(bad.iter_errors(post(client, {"features": {}})[1])) == []
    assert list(bad.iter_errors(told)) != []


def test_a_failed_look_for_a_newer_model_is_told_as_is_described(app: Flask, api: Json, published: Registry) -> None:
    live = app.extensions["segmentation"].live_model
    # A move that nobody can follow, after the one that is live.
    (Path(published.url) / "aliases" / "production" / "0000000002.json").write_text("{}")
    live.refresh()
    told = json.loads(app.test_client().get("/readyz").data)
    assert "refresh_failure" in told
    answer = api["paths"]["/readyz"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert list(validator(api, answer, closed=True).iter_errors(told)) == []


def examples_hold(client: FlaskClient) -> dict[str, Json]:
    """Each example is valid by its own schema, and answered as is told."""
    api = description(client)
    predict = api["paths"]["/predict"]["post"]
    request = predict["requestBody"]["content"]["application/json"]
    answers = predict["responses"]["200"]["content"]["application/json"]["examples"]
    valid = validator(api, request["schema"])
    bodies = {name: example["value"] for name, example in request["examples"].items()}
    for name, body in bodies.items():
        assert list(valid.iter_errors(body)) == []
        status, told = post(client, body)
        assert (status, short(told)) == (200, short(answers[name]["value"]))
    return bodies


def short(value: Any) -> Any:
    """Numbers without their last digits, which differ between one customer's way and that of many."""
    if isinstance(value, dict):
        return {name: short(each) for name, each in value.items()}
    if isinstance(value, list):
        return [short(each) for each in value]
    return round(value, 9) if isinstance(value, float) else value


def test_the_examples_are_answered_as_is_told(client: FlaskClient, sample_result: Result) -> None:
    bodies = examples_hold(client)
    assert list(bodies) == ["features", "orders", "customers", "columns"]
    sent = tuple(bodies["features"]["features"].values())
    assert sent not in {tuple(row) for row in sample_result.snapshot.customers.to_numpy().tolist()}


def test_models_of_events_are_described_by_events(world: World) -> None:
    client = create_app(Settings(registry=world.registry.url)).test_client()
    assert list(examples_hold(client)) == ["features", "events", "customers", "columns"]
    names = description(client)["components"]["schemas"]
    assert "EventsRow" in names
    assert "OrdersRow" not in names


def test_the_limits_are_those_of_the_decoder(client: FlaskClient, api: Json, sample_result: Result) -> None:
    schemas = api["components"]["schemas"]
    assert schemas["Customers"]["properties"]["customers"]["maxItems"] == 1500
    assert schemas["CustomerByOrders"]["properties"]["orders"]["maxItems"] == 5000
    assert schemas["CustomersByColumn"]["properties"]["columns"] == {
        "$ref": "#/components/schemas/Columns", "description": "A list of values by feature, all of one length.",
    }  # fmt: skip
    for feature in sample_result.made.card.features:
        told = schemas["Features"]["properties"][feature.name]
        number = told if feature.fill is None else told["anyOf"][0]
        assert number["type"] == "number"
        assert number["minimum"] == (-1e12 if feature.low is None else feature.low)
        assert number["maximum"] == (1e12 if feature.high is None else feature.high)
        assert feature.unit in told["description"]
        assert schemas["Columns"]["properties"][feature.name]["maxItems"] == 1500
    assert schemas["Features"]["additionalProperties"] is False
    assert schemas["OrdersRow"]["properties"]["ordered_at"]["format"] == "date-time"


def test_whoever_has_it_gets_304_until_another_model_is_live(published: Registry, world: World) -> None:
    app = create_app(Settings(registry=published.url, refresh_seconds=3600))
    client = app.test_client()
    first = client.get("/openapi.json")
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    put_live(published, world.result.made, "another shop")
    app.extensions["segmentation"].live_model.refresh()
    changed = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    told = json.loads(changed.data)
    assert told["info"]["x-model-version"] == world.result.made.card.version
    assert "EventsRow" in told["components"]["schemas"]


def test_without_a_model_there_is_no_description_but_the_page_opens(registry: Registry) -> None:
    client = create_app(Settings(registry=registry.url)).test_client()
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert answer.headers["Retry-After"]
    assert client.get("/docs").status_code == 200


def test_the_page_is_whole_and_may_load_nothing(client: FlaskClient) -> None:
    page = client.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    assert page.content_type == "text/html; charset=utf-8"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in page.text
    assert "https:" not in page.text
    again = client.get("/docs", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
