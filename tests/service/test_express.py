"""One customer with features goes round Flask: nobody can tell it by the answer."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import express
from service.drift.tally import Tally
from service.predictions import Single
from tests.depth import examples
from tests.service.test_predict import rounded, rows
from training.job import Result

Json = dict[str, Any]
# A query parameter makes a request one of those that Flask answers.
ORDINARY = "/predict?explain=false"


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each request was answered round Flask."""
    seen: list[bool] = []
    answer = Single.answer

    def watched(self: Single, content: bytes, tally: Tally) -> bytes | None:
        found = answer(self, content, tally)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(Single, "answer", watched)
    return seen


def test_the_answer_is_that_of_flask_with_its_headers(
    client: FlaskClient, sample_result: Result, rounds: list[bool]
) -> None:
    for number, row in enumerate(rows(sample_result, 30)):
        body = {"customer_id": number, "features": row}
        quick, ordinary = client.post("/predict", json=body), client.post(ORDINARY, json=body)
        assert rounded(quick.get_json()["predictions"]) == rounded(ordinary.get_json()["predictions"])
        assert quick.get_json()["model_version"] == ordinary.get_json()["model_version"]
        assert quick.data.endswith(b"\n")
        # Lengths are those of numbers whose last digits differ, and each request has an id of its own.
        own = {"Content-Length": "", "X-Request-Id": ""}
        assert {**quick.headers, **own} == {**ordinary.headers, **own}
        assert quick.status == ordinary.status
    assert rounds == [True] * 30


def test_nobody_lacks_a_value_that_may_be_null(client: FlaskClient, features: Json, rounds: list[bool]) -> None:
    for name in ("review_score", "mean_days_between_orders"):
        body = {"features": features | {name: None}}
        quick, ordinary = client.post("/predict", json=body), client.post(ORDINARY, json=body)
        assert rounded(quick.get_json()["predictions"]) == rounded(ordinary.get_json()["predictions"])
    assert rounds == [True, True]


@pytest.mark.parametrize(
    "change",
    [
        {"features": {"no": 1}}, {"as_of": "2025-01-01T00:00:00Z"}, {"customer_id": ["a"]}, {"customer_id": ""},
        {"extra": 1}, {"features": None}, {"orders": []}, {"columns": {}}, {"customer_id": "x" * 600},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_told_as_ever(client: FlaskClient, features: Json, rounds: list[bool], change: Json) -> None:
    body = {"customer_id": 1, "features": features} | change
    quick, ordinary = client.post("/predict", json=body), client.post(ORDINARY, json=body)
    assert quick.status_code == 422
    told, as_ever = quick.get_json(), ordinary.get_json()
    assert told["errors"] == as_ever["errors"]
    assert told["detail"] == as_ever["detail"]
    assert rounds == [False]


@given(cut=st.integers(0, 400), junk=st.binary(max_size=3))
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_body_meets_the_same_answer_on_both_ways(
    client: FlaskClient, features: Json, cut: int, junk: bytes
) -> None:
    whole = json.dumps({"features": features}).encode()
    body = whole[:cut] + junk + whole[cut:]
    quick, ordinary = (client.post(path, data=body, content_type="application/json") for path in ("/predict", ORDINARY))
    assert quick.status_code == ordinary.status_code
    assert quick.status_code in (200, 400, 422)


def test_a_defect_on_the_short_way_is_logged_and_the_long_one_answers(
    client: FlaskClient, features: Json, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a customer's data")

    monkeypatch.setattr(Single, "answer", fail)
    answer = client.post("/predict", json={"features": features})
    assert answer.status_code == 200
    assert "ValueError" in caplog.text
    assert "a customer's data" not in caplog.text


def test_long_bodies_do_not_try_the_short_way(client: FlaskClient, sample_result: Result, rounds: list[bool]) -> None:
    body = json.dumps({"customers": [{"features": row} for row in rows(sample_result, 100)]})
    assert len(body) > express.LONGEST
    assert client.post("/predict", data=body, content_type="application/json").status_code == 200
    assert rounds == []


def test_a_customer_is_counted_whichever_way(app: Flask, features: Json) -> None:
    client = app.test_client()
    for path in ("/predict", ORDINARY):
        client.post(path, json={"features": features})
    assert 'segmentation_customers_predicted_total{input="features"} 2.0' in client.get("/metrics").text
