"""What the CRM gets from POST /predict, for good requests and bad ones."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.tables import ORDERS
from tests.depth import examples
from training.job import Result
from training.sources import sample

Json = dict[str, Any]


def post(client: FlaskClient, body: Any, content_type: str = "application/json") -> tuple[int, Json]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post("/predict", data=content, content_type=content_type)
    assert answer.content_type == ("application/json" if answer.status_code == 200 else "application/problem+json")
    return answer.status_code, json.loads(answer.data)


def rows(result: Result, number: int) -> list[dict[str, float]]:
    customers = result.snapshot.customers.iloc[:number]
    return [dict(zip(customers.columns, row, strict=True)) for row in customers.to_numpy().tolist()]


def rounded(predictions: list[Json]) -> list[Json]:
    """Sums of a batch are taken in another order than those of one row: the last digits differ."""
    return [p | {"confidence": round(p["confidence"], 9), "distance": round(p["distance"], 9)} for p in predictions]


def test_one_object_many_and_columns_say_the_same(client: FlaskClient, sample_result: Result) -> None:
    customers = rows(sample_result, 50)
    names = list(customers[0])
    _, many = post(client, {"customers": [{"customer_id": str(n), "features": row} for n, row in enumerate(customers)]})
    _, bulk = post(
        client,
        {
            "columns": {name: [row[name] for row in customers] for name in names},
            "customer_id": list(map(str, range(50))),
        },
    )
    single = [
        post(client, {"customer_id": str(n), "features": row})[1]["predictions"][0] for n, row in enumerate(customers)
    ]
    assert rounded(many["predictions"]) == rounded(bulk["predictions"]) == rounded(single)
    assert [prediction["customer_id"] for prediction in many["predictions"]] == list(map(str, range(50)))


def test_the_answer_is_the_segment_of_training(client: FlaskClient, sample_result: Result) -> None:
    _, answer = post(client, {"customers": [{"features": row} for row in rows(sample_result, 1000)]})
    found = [prediction["segment"]["id"] for prediction in answer["predictions"]]
    assert found == sample_result.fitted.labels[:1000].tolist()
    assert answer["model_version"] == sample_result.made.card.version


def test_the_answer_has_what_the_contract_names(client: FlaskClient, features: Json) -> None:
    status, answer = post(client, {"features": features})
    (prediction,) = answer["predictions"]
    assert status == 200
    assert set(prediction) == {"customer_id", "segment", "confidence", "distance", "outlier", "runner_up"}
    assert prediction["customer_id"] is None
    assert set(prediction["segment"]) == set(prediction["runner_up"]) == {"id", "name"}
    assert prediction["segment"] != prediction["runner_up"]
    assert 0 <= prediction["confidence"] <= 1
    assert prediction["distance"] >= 0
    assert prediction["outlier"] is False


def test_someone_far_from_everyone_is_an_outlier(client: FlaskClient, features: Json) -> None:
    _, answer = post(client, {"features": features | {"recency_days": 40_000}})
    assert answer["predictions"][0]["outlier"] is True


def orders_of(customer: str, frame: pd.DataFrame) -> list[Json]:
    mine = frame[frame["customer_id"] == customer].drop(columns="customer_id")
    records: list[Json] = json.loads(mine.to_json(orient="records", date_format="iso"))
    return [{name: value for name, value in record.items() if value is not None} for record in records]


def test_raw_orders_give_the_segment_of_training(client: FlaskClient, sample_result: Result) -> None:
    frame = sample.generate(3000, 7)
    customers = sample_result.snapshot.customers.index[:300]
    body = {"customers": [{"customer_id": name, "orders": orders_of(name, frame)} for name in customers]}
    status, answer = post(client, body)
    assert status == 200
    assert [p["segment"]["id"] for p in answer["predictions"]] == sample_result.fitted.labels[:300].tolist()
    assert [p["customer_id"] for p in answer["predictions"]] == customers.tolist()
    assert {p["as_of"] for p in answer["predictions"]} == {sample_result.made.card.as_of}


def test_a_customer_s_answer_does_not_depend_on_who_else_is_asked_for(client: FlaskClient, order: Json) -> None:
    newer = order | {"ordered_at": "2026-05-01T00:00:00Z"}
    mixed = [{"orders": [order]}, {"orders": [newer]}, {"orders": [order, newer | {"order_id": "2"}]}]
    _, together = post(client, {"customers": mixed})
    alone = [post(client, customer)[1]["predictions"][0] for customer in mixed]
    assert rounded(together["predictions"]) == rounded(alone)


def test_features_and_orders_go_together_in_one_request(client: FlaskClient, features: Json, order: Json) -> None:
    status, answer = post(client, {"customers": [{"features": features}, {"orders": [order]}, {"features": features}]})
    assert status == 200
    assert "as_of" not in answer["predictions"][0]
    assert answer["predictions"][1]["as_of"]
    assert answer["predictions"][0] == answer["predictions"][2]


def test_without_as_of_orders_newer_than_the_model_are_seen_from_the_newest(client: FlaskClient, order: Json) -> None:
    _, answer = post(client, {"orders": [order | {"ordered_at": "2026-05-01T10:00:00+02:00"}]})
    assert answer["predictions"][0]["as_of"] == "2026-05-01T08:00:00Z"


def test_as_of_decides_from_when_orders_are_seen(client: FlaskClient, order: Json) -> None:
    distances = {
        as_of: post(client, {"orders": [order], "as_of": as_of})[1]["predictions"][0]["distance"]
        for as_of in ("2025-06-02T00:00:00Z", "2027-06-02T00:00:00Z")
    }
    assert len(set(distances.values())) == 2


def test_null_is_for_features_that_a_customer_can_lack(
    client: FlaskClient, features: Json, sample_result: Result
) -> None:
    fills = {feature.name: feature.fill for feature in sample_result.made.card.features if feature.fill is not None}
    assert "review_score" in fills
    assert post(client, {"features": features | dict.fromkeys(fills)}) == post(client, {"features": features | fills})
    status, answer = post(client, {"features": features | {"recency_days": None}})
    assert (status, answer["errors"][0]["pointer"]) == (422, "/features/recency_days")


def without(row: Json, name: str) -> Json:
    return {key: value for key, value in row.items() if key != name}


@pytest.mark.parametrize(
    ("broken", "status", "pointer"),
    [
        (lambda f, o: b"", 400, None),
        (lambda f, o: b'{"features": {"recency', 400, None),
        (lambda f, o: json.dumps({"features": f | {"monetary": float("nan")}}).encode(), 400, None),
        (lambda f, o: json.dumps({"features": f | {"monetary": float("inf")}}).encode(), 400, None),
        (lambda f, o: b'"\xff\xfe"', 400, None),
        (lambda f, o: b'{"features": {"\xff": 1}}', 400, None),
        (lambda f, o: b"[" * 100_000, 400, None),
        (lambda f, o: b'{"customers":' + b"[" * 100_000, 400, None),
        (lambda f, o: json.dumps({"features": f | {"monetary": -4242}}).replace("-4242", "1e999").encode(), 422,
         "/features/monetary"),
        (lambda f, o: {"features": f | {"monetary": 1e300}}, 422, "/features/monetary"),
        (lambda f, o: {"features": f | {"monetary": "12"}}, 422, "/features/monetary"),
        (lambda f, o: {"features": f | {"monetary": True}}, 422, "/features/monetary"),
        (lambda f, o: {"features": f | {"monetary": -0.01}}, 422, "/features/monetary"),
        (lambda f, o: {"features": f | {"late_share": 1.01}}, 422, "/features/late_share"),
        (lambda f, o: {"features": f | {"recency_dayz": 1}}, 422, "/features/recency_dayz"),
        (lambda f, o: {"customers": [{"features": f}, {"features": without(f, "monetary")}]}, 422,
         "/customers/1/features/monetary"),
        (lambda f, o: {}, 422, ""),
        (lambda f, o: [], 422, ""),
        (lambda f, o: {"customers": []}, 422, "/customers"),
        (lambda f, o: {"customers": [{}]}, 422, "/customers/0"),
        (lambda f, o: {"customers": [{"features": f, "orders": [o]}]}, 422, "/customers/0"),
        (lambda f, o: {"customers": [{"features": f}], "features": f}, 422, ""),
        (lambda f, o: {"customers": [{"features": f}], "customer_id": "1"}, 422, "/customer_id"),
        (lambda f, o: {"customers": [{"features": f, "customer_id": ""}]}, 422, "/customers/0/customer_id"),
        (lambda f, o: {"customers": [{"features": f, "customer_id": 2**70}]}, 422, "/customers/0/customer_id"),
        (lambda f, o: {"custommers": [{"features": f}]}, 422, "/custommers"),
        (lambda f, o: {"columns": {name: [1.0] for name in f} | {"monetary": [1.0, 2.0]}}, 422, "/columns/monetary"),
        (lambda f, o: {"columns": {name: [1.0] for name in without(f, "monetary")}}, 422, "/columns/monetary"),
        (lambda f, o: {"columns": {name: [1.0] for name in f}, "customer_id": ["a", "b"]}, 422, "/customer_id"),
        (lambda f, o: {"columns": {name: [1.0] for name in f}, "customer_id": "a"}, 422, "/customer_id"),
        (lambda f, o: {"orders": []}, 422, "/orders"),
        (lambda f, o: {"customers": [{"orders": [o, o | {"quantity": 1e9}]}]}, 422, "/customers/0/orders/1/quantity"),
        (lambda f, o: {"orders": [o | {"unit_price": -1}]}, 422, "/orders/0/unit_price"),
        (lambda f, o: {"orders": [o | {"ordered_at": "yesterday"}]}, 422, "/orders/0/ordered_at"),
        (lambda f, o: {"orders": [o | {"ordered_at": "0001-01-01T00:00:00Z"}]}, 422, "/orders/0/ordered_at"),
        (lambda f, o: {"orders": [o | {"ordered_at": "9999-12-31T23:59:59-23:59"}]}, 422, "/orders/0/ordered_at"),
        (lambda f, o: {"orders": [o | {"quantty": 1}]}, 422, "/orders/0/quantty"),
        (lambda f, o: {"orders": [without(o, "order_id")]}, 422, "/orders/0/order_id"),
        (lambda f, o: {"orders": [o], "as_of": "2020-01-01T00:00:00Z"}, 422, "/orders"),
        (lambda f, o: {"customers": [{"orders": [o]}], "as_of": "2020-01-01T00:00:00Z"}, 422, "/customers/0/orders"),
        (lambda f, o: {"orders": [without(o, "unit_price")]}, 422, "/orders"),
        (lambda f, o: {"customers": [{"orders": [o]}, {"orders": [without(o, "unit_price")]}]}, 422,
         "/customers/1/orders"),
        (lambda f, o: {"orders": [o | {"delivered_at": "9999-01-01T00:00:00Z"}]}, 422, "/orders/0/delivered_at"),
        (lambda f, o: {"features": f, "as_of": "2026-01-01T00:00:00Z"}, 422, "/as_of"),
        (lambda f, o: {"columns": {name: [1.0] for name in f}, "as_of": "2026-01-01T00:00:00Z"}, 422, "/as_of"),
        (lambda f, o: {"customers": [{"features": f}], "as_of": "2026-01-01T00:00:00Z"}, 422, "/as_of"),
        (lambda f, o: {"orders": [o], "as_of": "soon"}, 422, "/as_of"),
        (lambda f, o: {"customers": [{"features": f}] * 1501}, 413, "/customers"),
        (lambda f, o: {"customers": [{"orders": [o] * 6000}]}, 413, "/customers/0/orders"),
        (lambda f, o: b" " * 2_000_001, 413, None),
    ],
)  # fmt: skip
def test_a_bad_request_gets_one_clear_problem(
    client: FlaskClient, features: Json, order: Json, broken: Any, status: int, pointer: str | None
) -> None:
    found, problem = post(client, broken(features, order))
    assert found == status == problem["status"]
    assert problem["detail"]
    assert problem["type"] == f"urn:segmentation:problem:{problem['code']}"
    assert [error["pointer"] for error in problem.get("errors", [])] == ([] if pointer is None else [pointer])


def test_what_is_missing_in_orders_is_said(client: FlaskClient, order: Json) -> None:
    _, problem = post(client, {"orders": [without(order, "unit_price")]})
    assert problem["detail"] == "monetary, average_basket cannot be computed from these orders"
    assert "payment_value" in problem["hint"]


def test_the_nearest_match_of_an_unknown_field_is_named(client: FlaskClient, features: Json, order: Json) -> None:
    assert "'recency_days'" in post(client, {"features": features | {"recency_dayz": 1}})[1]["hint"]
    assert "'quantity'" in post(client, {"orders": [order | {"quantty": 1}]})[1]["hint"]
    assert "'customers'" in post(client, {"custommers": []})[1]["hint"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "text/notjson", "application/x-ndjson"]
)
def test_a_body_that_is_not_declared_as_json_is_refused(client: FlaskClient, features: Json, content_type: str) -> None:
    assert post(client, {"features": features}, content_type)[0] == 415


def test_json_with_a_charset_or_a_suffix_is_json(client: FlaskClient, features: Json) -> None:
    assert post(client, {"features": features}, "application/json; charset=utf-8")[0] == 200
    assert post(client, {"features": features}, "application/vnd.crm+json")[0] == 200


def test_an_encoded_body_is_refused_not_misread(client: FlaskClient, features: Json) -> None:
    content = gzip.compress(json.dumps({"features": features}).encode())
    answer = client.post(
        "/predict", data=content, content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415


def test_too_large_is_one_code_whatever_is_too_large(client: FlaskClient, features: Json) -> None:
    bodies = [b" " * 2_000_001, {"customers": [{"features": features}] * 1501}]
    assert {post(client, body)[1]["code"] for body in bodies} == {"body-too-large"}


def test_a_huge_unknown_field_is_told_shortened(client: FlaskClient) -> None:
    status, problem = post(client, {"x" * 1_500_000: 1})
    assert status == 422
    assert len(json.dumps(problem)) < 2_000


@pytest.mark.parametrize("column", [column.name for column in ORDERS.columns if not column.required])
def test_whatever_is_left_out_of_an_order_no_number_is_made_up(client: FlaskClient, order: Json, column: str) -> None:
    status, answer = post(client, {"orders": [without(order | {"payment_value": 20}, column)]})
    assert status == 200
    assert np.isfinite([answer["predictions"][0][name] for name in ("confidence", "distance")]).all()


def test_orders_of_parallel_requests_do_not_mix(app: Flask, order: Json) -> None:
    bodies = [
        {"orders": [order | {"order_id": str(n), "unit_price": 1 + n} for n in range(size)]} for size in (1, 5, 90)
    ]
    alone = [post(app.test_client(), body) for body in bodies]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda number: post(app.test_client(), bodies[number % 3]), range(120)))
    assert all(answer == alone[number % 3] for number, answer in enumerate(together))


SECRET = "personal-4711"


@pytest.mark.parametrize(
    "broken",
    [
        {"features": {"monetary": SECRET}},
        {"customers": [{"customer_id": SECRET, "features": {"monetary": -1}}]},
        {"orders": [{"order_id": SECRET, "ordered_at": SECRET}]},
        {"orders": [{"order_id": SECRET, "ordered_at": "2025-01-01T00:00:00Z", "quantity": -1}], "customer_id": SECRET},
        {"customers": [{"customer_id": SECRET, "orders": []}]},
    ],
)
def test_no_value_is_echoed_or_logged(client: FlaskClient, broken: Json, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.post("/predict", json=broken)
    assert answer.status_code == 422
    assert SECRET not in answer.text
    assert SECRET not in caplog.text


def test_a_defect_is_a_problem_too_and_its_log_holds_no_customer(
    client: FlaskClient, features: Json, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr("service.predictions.assignment.assign", fail)
    status, problem = post(client, {"customers": [{"customer_id": SECRET, "features": features}]})
    assert (status, problem["code"]) == (500, "defect")
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text + json.dumps(problem)


any_json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["customers", "features", "orders", "columns", "customer_id", "as_of", "monetary", "order_id"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(body=any_json)
@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_json_is_sent_the_service_answers(client: FlaskClient, body: Any) -> None:
    assert post(client, body)[0] in {200, 413, 422}


@given(body=st.binary(max_size=200))
@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_bytes_are_sent_the_service_answers(client: FlaskClient, body: bytes) -> None:
    assert post(client, body)[0] in {400, 422}


def test_confidence_is_the_margin_between_the_two_nearest(client: FlaskClient, sample_result: Result) -> None:
    _, answer = post(client, {"customers": [{"features": row} for row in rows(sample_result, 100)]})
    told = [prediction["confidence"] for prediction in answer["predictions"]]
    assert np.allclose(told, sample_result.fitted.scores.margin[:100], rtol=1e-9)
