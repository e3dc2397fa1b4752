"""Counted drift: every customer in the bins of the reference, however they were sent, and what GET /drift says."""

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from segmentation import card as cards
from segmentation.model import NEEDED_TO_SERVE, Model, assemble
from segmentation.registry import Registry
from segmentation.settings import Settings
from service.app import create_app
from service.drift.metrics import BINS
from service.state import KEY, State
from tests.conftest import put_live
from tests.monitoring.replay import Counted
from training import publish
from training.bundle import Bundle
from training.job import Result

Json = dict[str, Any]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def drifting(published: Registry) -> FlaskClient:
    """A service whose baseline is complete after 300 customers."""
    settings = Settings(registry=published.url, baseline_customers=300)
    return create_app(settings).test_client()


@pytest.fixture(scope="module")
def model(sample_result: Result) -> Model:
    made = sample_result.made
    return assemble(made.card_content, {name: made.files[name] for name in NEEDED_TO_SERVE})


def scrape(client: FlaskClient) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def bins(client: FlaskClient, version: str) -> dict[str, list[float]]:
    """Counts by monitor, from the metrics alone."""
    found: dict[str, list[float]] = {}
    kinds = {f"{name}_total": kind for kind, (name, _, _) in BINS.items()}
    for (name, labels), value in scrape(client).items():
        told = dict(labels)
        if name not in kinds or told["model_version"] != version:
            continue
        kind = kinds[name]
        of = {"feature": told.get("feature"), "distance_within": told.get("segment")}.get(kind)
        monitor = {"feature": "feature", "distance_within": "distance"}.get(kind, kind) + (f":{of}" if of else "")
        found.setdefault(monitor, []).append(value)
    return found


def sent(customers: pd.DataFrame, client: FlaskClient, form: str) -> None:
    if form == "single":
        bodies: list[Json] = [
            {"customer_id": name, "features": row} for name, row in customers.to_dict(orient="index").items()
        ]
    elif form == "records":
        listed = [{"customer_id": name, "features": row} for name, row in customers.to_dict(orient="index").items()]
        bodies = [{"customers": listed}]
    else:
        bodies = [{"columns": customers.to_dict(orient="list"), "customer_id": list(customers.index)}]
    for body in bodies:
        assert client.post("/predict", json=body).status_code == 200


def test_every_bin_is_there_at_0_from_the_beginning(client: FlaskClient, model: Model) -> None:
    found = bins(client, model.version)
    assert {name: len(counts) for name, counts in found.items()} == {
        monitor.name: len(monitor.counts) for monitor in model.card.drift.monitors
    }
    assert {count for counts in found.values() for count in counts} == {0.0}


@pytest.mark.parametrize("form", ["single", "records", "columns"])
def test_customers_fall_into_the_bins_that_they_fall_into_offline(
    client: FlaskClient, model: Model, sample_result: Result, form: str
) -> None:
    customers = sample_result.snapshot.customers.head(60 if form == "single" else 1_000)
    sent(customers, client, form)
    offline = Counted(model)
    offline.add(customers)
    assert bins(client, model.version) == {name: counts.tolist() for name, counts in offline.counts().items()}


def test_customers_sent_with_orders_are_counted(client: FlaskClient, model: Model, order: Json) -> None:
    client.post("/predict", json={"customer_id": "a", "orders": [order]})
    found = bins(client, model.version)
    assert {sum(counts) for name, counts in found.items() if not name.startswith("distance:")} == {1.0}


def test_the_reference_and_the_coefficients_are_told(client: FlaskClient, model: Model) -> None:
    found = scrape(client)
    for monitor in model.card.drift.monitors:
        base = {("statistic", monitor.name), ("model_version", model.version)}
        for level, coefficient in monitor.coefficients.items():
            labels = frozenset({*base, ("level", level)})
            assert found["segmentation_drift_coefficient", labels] == coefficient
        assert found["segmentation_drift_ages", frozenset(base)] == monitor.ages
    reference = [value for (name, _), value in found.items() if name == "segmentation_drift_reference"]
    assert sum(reference) == sum(monitor.total for monitor in model.card.drift.monitors)


def test_what_customers_lack_and_who_is_far_out_is_counted(client: FlaskClient, model: Model, features: Json) -> None:
    lacking = features | {"review_score": None}
    far = features | {"monetary": 1e9, "average_basket": 1e9, "items_per_order": 1e6}
    client.post("/predict", json={"features": lacking})
    client.post("/predict", json={"customers": [{"features": each} for each in (lacking, features, far)]})
    counted = client.get("/drift").get_json()["counted"]
    assert {name: count for name, count in counted["missing"].items() if count} == {"review_score": 2}
    outliers = client.post("/predict", json={"features": far}).get_json()["predictions"][0]["outlier"]
    assert sum(counted["outliers"].values()) == int(outliers)


def test_a_customer_with_an_id_counts_once(client: FlaskClient, features: Json) -> None:
    client.post("/predict", json={"customer_id": "x", "features": features})
    client.post("/predict", json={"customer_id": "x", "features": features})
    client.post("/predict", json={"customers": [{"customer_id": "x", "features": features}] * 20})
    counted = client.get("/drift").get_json()["counted"]
    assert (counted["n"], counted["n_counts"], counted["repeated_calls"]) == (1, "customers", 21)
    client.post("/predict", json={"features": features})
    counted = client.get("/drift").get_json()["counted"]
    assert (counted["n"], counted["n_counts"], counted["without_id"]) == (2, "both", 1)


def test_without_ids_n_is_calls(client: FlaskClient, features: Json) -> None:
    for _ in range(3):
        client.post("/predict", json={"features": features})
    counted = client.get("/drift").get_json()["counted"]
    assert (counted["n"], counted["n_counts"]) == (3, "calls")


def test_examples_of_the_description_are_not_counted(client: FlaskClient) -> None:
    client.get("/openapi.json")
    client.post("/predict", json={"features": {}})
    assert client.get("/drift").get_json()["counted"]["n"] == 0


def test_later_customers_are_compared_with_the_first_ones(drifting: FlaskClient, sample_result: Result) -> None:
    customers = sample_result.snapshot.customers.sample(frac=1, random_state=1)
    first = drifting.get("/drift").get_json()
    assert (first["verdict"], first["against_baseline"], first["baseline"]["complete"]) == ("too few", None, False)
    sent(customers.iloc[:300], drifting, "columns")
    complete = drifting.get("/drift").get_json()
    assert complete["baseline"] == {"wanted": 300, "customers": 300, "complete": True}
    assert complete["verdict"] == "too few"
    sent(customers.iloc[300:1300], drifting, "columns")
    same = drifting.get("/drift").get_json()
    assert (same["verdict"], same["responsible"]) == ("none", [])
    changed = customers.iloc[1300:2800]
    changed = changed.assign(monetary=changed["monetary"] * 2)
    sent(changed, drifting, "columns")
    drifted = drifting.get("/drift").get_json()
    assert drifted["verdict"] == "drift"
    assert drifted["responsible"][0] == "monetary"
    readings = {reading["name"]: reading for reading in drifted["against_baseline"]["readings"]}
    assert readings["feature:monetary"]["psi"] > readings["feature:monetary"]["threshold"]
    assert readings["feature:monetary"]["n"] == 2500
    assert {"segments", "distance", "distance:0", "residual"} <= readings.keys()
    assert drifted["against_training"]["readings"][0]["n"] == 2800


def later(made: Bundle, version: str) -> Bundle:
    card = replace(made.card, version=version)
    return Bundle(card=card, card_content=cards.encode(card), files=made.files)


def versions(client: FlaskClient) -> dict[str, float]:
    return {
        dict(labels)["model_version"]: value
        for (name, labels), value in scrape(client).items()
        if name == "segmentation_drift_customers_total"
    }


def test_counts_of_older_models_go_when_two_later_ones_have_come(
    app: Flask, published: Registry, sample_result: Result, features: Json
) -> None:
    client, live, made = app.test_client(), state(app).live_model, sample_result.made
    first, second, third = made.card.version, "20980101T000000Z-00000000", "20990101T000000Z-00000000"
    client.post("/predict", json={"features": features})
    put_live(published, later(made, second), "second")
    live.refresh()
    client.post("/predict", json={"features": features})
    assert versions(client) == {first: 1, second: 1}
    publish.promote(published, "production", first, "back")
    live.refresh()
    client.post("/predict", json={"features": features})
    assert versions(client) == {first: 2, second: 1}
    put_live(published, later(made, third), "third")
    live.refresh()
    assert versions(client) == {first: 2, third: 0}


def state(app: Flask) -> State:
    found: State = app.extensions[KEY]
    return found


def test_a_model_is_ready_when_its_counts_were_scraped_at_0(published: Registry, sample_result: Result) -> None:
    app = create_app(Settings(registry=published.url, settle_seconds=1.0))
    client, live = app.test_client(), state(app).live_model
    waiting = client.get("/readyz")
    assert waiting.status_code == 503
    assert "scraped" in waiting.get_json()["detail"]
    assert client.get("/healthz").status_code == 200
    second = "20980101T000000Z-00000000"
    put_live(published, later(sample_result.made, second), "second")
    reload = threading.Thread(target=live.refresh)
    reload.start()
    while second not in versions(client):
        assert client.get("/model").get_json()["model_version"] == sample_result.made.card.version
    assert client.get("/model").get_json()["model_version"] == sample_result.made.card.version
    reload.join()
    assert client.get("/model").get_json()["model_version"] == second
    assert client.get("/readyz").status_code == 200


def test_one_by_one_and_all_at_once_come_to_the_same(model: Model, sample_result: Result) -> None:
    from segmentation.assignment import assign
    from service.decoding import Batch
    from service.drift.layout import layout_of
    from service.drift.seen import Seen
    from service.drift.tally import Tally
    from service.predictions import outliers

    layout = layout_of(model.card)
    one, many = (np.zeros(layout.size) for _ in range(2))
    rows = sample_result.snapshot.customers.head(500).to_numpy(np.float64)
    answer = assign(model.card, model.arrays, rows)
    out = outliers(model, answer)
    ids = [f"{number % 450}" for number in range(500)]
    tally = Tally(layout, one, Seen(""))
    for number, row in enumerate(rows.tolist()):
        tally.one(
            ids[number], row, None, int(answer.segment[number]), float(answer.distance[number]),
            float(answer.residual[number]), bool(out[number]),
        )  # fmt: skip
    Tally(layout, many, Seen("")).many(Batch(rows, ids, [None] * 500), answer, out)
    assert one.tolist() == many.tolist()
    assert one[:5].tolist() == [450, 450, 0, 50, 0]
