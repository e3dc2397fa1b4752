"""The service with a model of click events and a minimum history, and with one of customer tables."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from pyarrow import parquet

from segmentation.opening import proved
from segmentation.registry import Registry, open_registry
from segmentation.settings import Settings
from service.app import create_app
from tests.conftest import MADE
from tests.quick import QUICK
from tests.service.test_predict import post, rounded
from tests.training.test_history import as_json, clicks, events_of, written
from training import configuration, job, sources
from training.assign import assign
from training.database import open_database
from training.job import Result

Json = dict[str, Any]

SHORT: Json = {"id": 1000, "name": "not_enough_history"}

CONFIGURATION = configuration.load(
    "rees46", assignments=[*QUICK, "minimum_history=3", "clustering.k=2",
                           "rule_segments=[{id: 1001, name: Regulars, when: "
                           "[{feature: active_days, at_least: 20}, {feature: total_purchases, at_least: 8}]}]"]
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """An event log, the model made of it, where it is published, and each customer's events as a client sends them."""

    data: str
    result: Result
    registry: Registry
    events: dict[str, list[Json]]

    def sent(self, *names: str) -> Json:
        return {"customers": [{"customer_id": name, "events": self.events[name]} for name in names]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("events")
    log = clicks(400)
    data = written(folder, log)
    registry = open_registry(str(folder / "registry"))
    result = job.make("rees46", data, CONFIGURATION, Settings(), created=MADE)
    job.release(result, registry, "production")
    events = {str(name): as_json(rows) for name, rows in events_of(log).groupby("customer_id")}
    return World(data, result, registry, events)


@pytest.fixture(scope="module")
def shop(world: World) -> FlaskClient:
    return create_app(Settings(registry=world.registry.url)).test_client()


@pytest.fixture(scope="module")
def once(world: World) -> str:
    """A customer with one event."""
    return next(name for name, events in world.events.items() if len(events) == 1)


@pytest.fixture(scope="module")
def often(world: World) -> str:
    """A customer with many events, whom no rule takes."""
    free = world.result.snapshot.customers[world.result.populations.clustered]
    return str(free.index[free["total_events"] > 10][0])


def only(answer: tuple[int, Json]) -> Json:
    status, body = answer
    assert status == 200, body
    (prediction,) = body["predictions"]
    assert isinstance(prediction, dict)
    return prediction


def test_one_customer_s_events_are_answered_with_their_segment(world: World, shop: FlaskClient, often: str) -> None:
    found = only(post(shop, {"customer_id": often, "events": world.events[often]}))
    card = world.result.made.card
    assert found["customer_id"] == often
    assert found["segment"] in [{"id": segment.id, "name": segment.name} for segment in card.segments]
    assert found["runner_up"] != found["segment"]
    assert 0 <= found["confidence"] <= 1
    assert found["as_of"] == card.as_of


def test_a_customer_with_one_event_has_not_enough_history(world: World, shop: FlaskClient, once: str) -> None:
    assert only(post(shop, {"customer_id": once, "events": world.events[once]})) == {
        "customer_id": once, "segment": SHORT, "confidence": None, "distance": None, "outlier": False,
        "runner_up": None, "as_of": world.result.made.card.as_of,
    }  # fmt: skip


def test_a_rule_explains_whom_it_takes_by_its_conditions(
    world: World, shop: FlaskClient, once: str, often: str
) -> None:
    answer = shop.post("/predict?explain=true", json=world.sent(once, often))
    short, clustered = (prediction["explanation"] for prediction in json.loads(answer.data)["predictions"])
    condition = {"feature": "total_events", "at_least": None, "below": 3.0, "value": 1.0}
    assert short == {"difference": None, "contributions": [], "conditions": [condition]}
    assert clustered["conditions"] == []
    total = sum(each["contribution"] for each in clustered["contributions"])
    assert total == pytest.approx(clustered["difference"], rel=1e-9)


def test_the_history_is_enough_from_the_third_event_on(world: World, shop: FlaskClient, often: str) -> None:
    lengths = {
        length: only(post(shop, {"events": world.events[often][:length]}))["segment"] == SHORT for length in range(1, 6)
    }
    assert lengths == {1: True, 2: True, 3: False, 4: False, 5: False}


def test_who_had_not_enough_history_on_a_date_is_told_so_as_of_it(world: World, shop: FlaskClient, often: str) -> None:
    events = world.events[often]
    early = only(post(shop, {"events": events, "as_of": events[0]["occurred_at"]}))
    assert (early["segment"], early["as_of"], early["confidence"]) == (SHORT, events[0]["occurred_at"], None)
    late = only(post(shop, {"events": events, "as_of": "2021-01-01T00:00:00Z"}))
    assert late["segment"] != SHORT
    assert late["as_of"] == "2021-01-01T00:00:00Z"


def test_before_the_first_event_there_is_nobody(world: World, shop: FlaskClient, often: str) -> None:
    status, problem = post(shop, {"events": world.events[often], "as_of": "2019-01-01T00:00:00Z"})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/events")
    assert problem["detail"] == "the customer has no event on or before as_of"


def test_events_newer_than_the_model_are_seen_from_the_newest(world: World, shop: FlaskClient, often: str) -> None:
    newer = world.events[often][0] | {"occurred_at": "2020-06-01T10:00:00+02:00"}
    assert only(post(shop, {"events": [*world.events[often], newer]}))["as_of"] == "2020-06-01T08:00:00Z"


def test_raw_events_give_the_answer_of_the_features_that_training_computed(world: World, shop: FlaskClient) -> None:
    customers = world.result.snapshot.customers
    _, raw = post(shop, world.sent(*customers.index))
    rows = [dict(zip(customers.columns, row, strict=True)) for row in customers.to_numpy().tolist()]
    ready = [{"customer_id": name, "features": row} for name, row in zip(customers.index, rows, strict=True)]
    _, features = post(shop, {"customers": ready})
    _, columns = post(
        shop,
        {
            "columns": {name: customers[name].tolist() for name in customers.columns},
            "customer_id": customers.index.tolist(),
        },
    )
    assert all(prediction.pop("as_of") == world.result.made.card.as_of for prediction in raw["predictions"])
    assert raw == features == columns
    assert {prediction["segment"]["id"] for prediction in raw["predictions"]} == {0, 1, 1000, 1001}


def test_the_answer_is_the_segment_of_training(world: World, shop: FlaskClient) -> None:
    customers, populations = world.result.snapshot.customers, world.result.populations
    _, answer = post(shop, world.sent(*customers.index))
    expected = np.where(populations.taken >= 0, 1000 + populations.taken, 0)
    expected[populations.clustered] = world.result.fitted.labels
    assert [prediction["segment"]["id"] for prediction in answer["predictions"]] == expected.tolist()
    for segment in world.result.made.card.all_segments:
        assert segment.customers == (expected == segment.id).sum()


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_assign_and_predict_agree_on_every_customer(
    world: World, shop: FlaskClient, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"segments{suffix}"
    with open_database(Settings()) as database:
        loaded = sources.load(database, "rees46", world.data, CONFIGURATION)
        model = proved(world.registry, world.result.made.card.version)
        assigned = assign(database, loaded, model, out)
    table = pd.read_parquet(out) if suffix == ".parquet" else pd.read_csv(out, dtype={"customer_id": str})
    assert set(table["customer_id"]) == set(world.events)
    _, answer = post(shop, world.sent(*table["customer_id"]))
    predictions = answer["predictions"]
    assert table["segment_id"].tolist() == [prediction["segment"]["id"] for prediction in predictions]
    assert table["segment_name"].tolist() == [prediction["segment"]["name"] for prediction in predictions]
    told = [None if pd.isna(confidence) else confidence for confidence in table["confidence"]]
    assert [each is None for each in told] == [prediction["confidence"] is None for prediction in predictions]
    by_rule = table["segment_id"] >= 1000
    assert by_rule.any()
    assert table["confidence"].isna().equals(by_rule)
    # Null and not a number are the same to pandas, and not to a warehouse.
    if suffix == ".parquet":
        assert parquet.read_table(out)["confidence"].null_count == by_rule.sum()
    else:
        assert "nan" not in out.read_text(encoding="utf-8").lower()
    confidence = [prediction["confidence"] for prediction in predictions if prediction["confidence"] is not None]
    assert np.allclose(table.loc[~by_rule, "confidence"], confidence, rtol=1e-9)
    assert assigned.customers == table["segment_id"].value_counts().to_dict()


def test_customers_of_all_kinds_go_together_in_one_request(
    world: World, shop: FlaskClient, once: str, often: str
) -> None:
    features = world.result.snapshot.customers.loc[often].to_dict()
    body = {
        "customers": [*world.sent(once, often)["customers"], {"features": features}, *world.sent(once)["customers"]]
    }
    _, answer = post(shop, body)
    first, second, third, fourth = answer["predictions"]
    assert first == fourth
    assert first["segment"] == SHORT
    assert "as_of" not in third
    mine = {name: value for name, value in second.items() if name != "as_of"}
    assert rounded([mine | {"customer_id": None}]) == rounded([third])


def test_a_feature_row_under_the_minimum_has_not_enough_history(world: World, shop: FlaskClient, often: str) -> None:
    features = world.result.snapshot.customers.loc[often].to_dict()
    for events, taken in ((1, True), (2, True), (2.999, True), (3, False)):
        found = only(post(shop, {"features": features | {"total_events": events}}))
        assert (found["segment"] == SHORT) == taken


def test_the_minimum_history_is_asked_before_the_declared_segments(world: World, shop: FlaskClient, often: str) -> None:
    regular = world.result.snapshot.customers.loc[often].to_dict() | {"active_days": 25, "total_purchases": 9}
    assert only(post(shop, {"features": regular}))["segment"] == {"id": 1001, "name": "Regulars"}
    assert only(post(shop, {"features": regular | {"total_events": 2}}))["segment"] == SHORT


def test_the_order_of_events_changes_nothing(world: World, shop: FlaskClient, often: str) -> None:
    events = world.events[often]
    assert post(shop, {"events": events[::-1]}) == post(shop, {"events": events})


@pytest.mark.parametrize("in_customers", [False, True])
def test_orders_sent_to_a_model_of_events_are_refused_with_what_it_takes(shop: FlaskClient, in_customers: bool) -> None:
    customer = {"orders": [{"order_id": "1", "ordered_at": "2020-01-01T00:00:00Z", "unit_price": 5}]}
    status, problem = post(shop, {"customers": [customer]} if in_customers else customer)
    assert status == 422
    assert problem["errors"][0]["pointer"] == ("/customers/0/orders" if in_customers else "/orders")
    assert "not made of orders" in problem["hint"]
    assert "events" in problem["hint"]


@pytest.mark.parametrize(
    ("event", "pointer"),
    [
        ({"event_type": "view"}, "/events/0/occurred_at"),
        ({"occurred_at": "2020-01-01T00:00:00Z"}, "/events/0/event_type"),
        ({"event_type": "", "occurred_at": "2020-01-01T00:00:00Z"}, "/events/0/event_type"),
        ({"event_type": "view", "occurred_at": "2020-01-01T00:00:00Z", "price": -1}, "/events/0/price"),
        ({"event_type": "view", "occurred_at": "yesterday"}, "/events/0/occurred_at"),
        ({"event_type": "view", "occurred_at": "1969-12-31T23:59:59Z"}, "/events/0/occurred_at"),
        ({"event_type": "view", "occurred_at": "2020-01-01T00:00:00Z", "brnd": "x"}, "/events/0/brnd"),
        ({"event_type": "view", "occurred_at": "2020-01-01T00:00:00Z", "customer_id": "x"}, "/events/0/customer_id"),
        (None, "/events"),
    ],
)
def test_a_bad_event_gets_one_clear_problem(shop: FlaskClient, event: Json | None, pointer: str) -> None:
    status, problem = post(shop, {"events": [] if event is None else [event]})
    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [pointer])
    assert problem["hint"]


def test_more_events_than_allowed_are_too_many(world: World, once: str) -> None:
    small = create_app(Settings(registry=world.registry.url, max_orders=5)).test_client()
    event = world.events[once][0]
    assert post(small, {"events": [event] * 5})[0] == 200
    status, problem = post(small, {"customers": [{"events": [event] * 3}, {"events": [event] * 3}]})
    assert (status, problem["detail"]) == (413, "more than 5 events")
    assert problem["errors"][0]["pointer"] == "/customers/1/events"


def test_segments_lists_rule_segments_after_the_others(world: World, shop: FlaskClient) -> None:
    told = shop.get("/segments").get_json()["segments"]
    assert [segment["id"] for segment in told] == [0, 1, 1000, 1001]
    short, regulars = told[2:]
    assert (short["name"], short["why"]) == ("not_enough_history", "given in the configuration")
    assert short["when"] == [{"feature": "total_events", "at_least": None, "below": 3.0}]
    assert short["customers"] == (world.result.snapshot.customers["total_events"] < 3).sum()
    assert short["profile"]["total_events"]["q95"] <= 2
    assert [condition["feature"] for condition in regulars["when"]] == ["active_days", "total_purchases"]
    assert sum(segment["share"] for segment in told) == pytest.approx(1, abs=1e-12)


def test_a_rule_segment_has_a_page_of_its_own(shop: FlaskClient) -> None:
    listed = {segment["id"]: segment for segment in shop.get("/segments").get_json()["segments"]}
    assert shop.get("/segments/1000").get_json()["segment"] == listed[1000]
    assert shop.get("/segments/1001").get_json()["segment"] == listed[1001]
    missing = shop.get("/segments/1002")
    assert missing.status_code == 404
    assert "0, 1, 1000, 1001" in missing.get_json()["detail"]


def test_the_model_tells_its_table_and_its_rules(shop: FlaskClient) -> None:
    told = shop.get("/model").get_json()
    assert (told["table"], told["k"]) == ("events", 2)
    assert [segment["id"] for segment in told["rule_segments"]] == [1000, 1001]


def test_metrics_count_customers_sent_with_events(world: World, once: str, often: str) -> None:
    client = create_app(Settings(registry=world.registry.url)).test_client()
    features = world.result.snapshot.customers.loc[often].to_dict()
    post(client, world.sent(once, often))
    post(client, {"customers": [*world.sent(often)["customers"], {"features": features}]})
    post(client, {"events": []})
    counted = {line for line in client.get("/metrics").text.splitlines() if line.startswith("segmentation_customers")}
    assert {
        'segmentation_customers_predicted_total{input="events"} 3.0',
        'segmentation_customers_predicted_total{input="features"} 1.0',
        'segmentation_customers_predicted_total{input="orders"} 0.0',
    } <= counted
