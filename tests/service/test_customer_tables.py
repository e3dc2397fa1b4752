"""A model of a customer table answers features, and says what it is not made of."""

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient

from segmentation.registry import open_registry
from segmentation.settings import Settings
from service.app import create_app
from tests.conftest import MADE
from tests.quick import QUICK
from tests.service.test_openapi import examples_hold
from tests.service.test_predict import post
from training import configuration, job
from training.job import Result

MALL = """
table: profiles
files: mall.csv
columns: {customer_id: CustomerID}
numbers:
  annual_income: {column: Annual Income (k$), unit: k$ a year}
  spending_score: {column: Spending Score (1-100), unit: points}
"""


@pytest.fixture(scope="module")
def mall(tmp_path_factory: pytest.TempPathFactory) -> tuple[FlaskClient, Result]:
    folder = tmp_path_factory.mktemp("mall")
    rng = np.random.default_rng(2)
    rich = rng.random(200) < 0.4
    frame = pd.DataFrame(
        {
            "CustomerID": np.arange(1, 201),
            "Annual Income (k$)": np.where(rich, rng.integers(80, 130, 200), rng.integers(15, 50, 200)),
            "Spending Score (1-100)": np.where(rich, rng.integers(60, 100, 200), rng.integers(1, 40, 200)),
        }
    )
    frame.to_csv(folder / "mall.csv", index=False)
    (folder / "mall.yaml").write_text(MALL, encoding="utf-8")
    rule = "rule_segments=[{id: 1001, name: Top spenders, when: [{feature: spending_score, at_least: 90}]}]"
    wanted = configuration.load("profiles", assignments=[*QUICK, "clustering.k=2", rule])
    result = job.make(
        "profiles", str(folder), wanted, Settings(), created=MADE, mapping=folder / "mall.yaml",
        as_of=datetime(2025, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    registry = open_registry(str(folder / "registry"))
    job.release(result, registry, "production")
    return create_app(Settings(registry=registry.url)).test_client(), result


def test_a_model_of_a_customer_table_answers_features(mall: tuple[FlaskClient, Result]) -> None:
    client, result = mall
    customers = result.snapshot.customers
    rows = [dict(zip(customers.columns, row, strict=True)) for row in customers.to_numpy().tolist()]
    _, answer = post(client, {"customers": [{"features": row} for row in rows]})
    taken = customers["spending_score"].to_numpy() >= 90
    assert 0 < taken.sum() < len(taken)
    found = np.array([prediction["segment"]["id"] for prediction in answer["predictions"]])
    assert (found[taken] == 1001).all()
    assert found[~taken].tolist() == result.fitted.labels.tolist()
    assert [prediction["confidence"] is None for prediction in answer["predictions"]] == taken.tolist()
    assert all("as_of" not in prediction for prediction in answer["predictions"])


@pytest.mark.parametrize("raw", ["orders", "events"])
@pytest.mark.parametrize("in_customers", [False, True])
def test_a_model_of_a_customer_table_refuses_what_it_is_not_made_of(
    mall: tuple[FlaskClient, Result], raw: str, in_customers: bool
) -> None:
    customer = {raw: [{"order_id": "1", "ordered_at": "2020-01-01T00:00:00Z"}]}
    status, problem = post(mall[0], {"customers": [customer]} if in_customers else customer)
    assert status == 422
    assert problem["errors"][0]["pointer"] == (f"/customers/0/{raw}" if in_customers else f"/{raw}")
    assert f"not made of {raw}" in problem["hint"]
    assert "features" in problem["hint"]


def test_as_of_means_nothing_to_a_model_of_a_customer_table(mall: tuple[FlaskClient, Result]) -> None:
    features = mall[1].snapshot.customers.iloc[0].to_dict()
    status, problem = post(mall[0], {"features": features, "as_of": "2025-01-01T00:00:00Z"})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/as_of")


def test_a_customer_without_features_is_told_what_a_customer_table_s_model_needs(
    mall: tuple[FlaskClient, Result],
) -> None:
    status, problem = post(mall[0], {"customers": [{"customer_id": "x"}]})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/customers/0")
    assert "features" in problem["detail"]


def test_it_is_described_without_raw_rows_and_explains_itself(mall: tuple[FlaskClient, Result]) -> None:
    client, result = mall
    assert list(examples_hold(client)) == ["features", "customers", "columns"]
    features = {"annual_income": 90, "spending_score": 70}
    answer = client.post("/predict?explain=true", json={"features": features})
    (prediction,) = json.loads(answer.data)["predictions"]
    told = prediction["explanation"]
    assert {each["feature"] for each in told["contributions"]} == set(result.made.card.feature_names)
    assert sum(each["contribution"] for each in told["contributions"]) == pytest.approx(told["difference"])
