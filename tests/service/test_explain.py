"""What POST /predict?explain=true tells: the features that separate a customer from the runner-up."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from sklearn.pipeline import Pipeline

from segmentation.assignment import assign
from segmentation.explanation import separate, typical_customers
from segmentation.scoring import Arrays, Floats
from tests.service.test_predict import post, rows
from training.job import Result

Json = dict[str, Any]


def explained(client: FlaskClient, body: Json) -> list[Json]:
    answer = client.post("/predict?explain=true", json=body)
    assert answer.status_code == 200, answer.text
    predictions: list[Json] = json.loads(answer.data)["predictions"]
    return predictions


def refused(client: FlaskClient, query: str, body: Json) -> tuple[int, Json]:
    answer = client.post(f"/predict?{query}", json=body)
    return answer.status_code, json.loads(answer.data)


def test_contributions_of_all_features_sum_to_the_difference_of_the_squared_distances(
    client: FlaskClient, sample_result: Result
) -> None:
    customers = rows(sample_result, 300)
    for prediction, features in zip(
        explained(client, {"customers": [{"features": row} for row in customers]}), customers, strict=True
    ):
        told = prediction["explanation"]
        near = prediction["distance"]
        far = near / (1 - prediction["confidence"])
        assert told["difference"] == pytest.approx(far**2 - near**2, rel=1e-9)
        assert sum(each["contribution"] for each in told["contributions"]) == pytest.approx(
            told["difference"], rel=1e-9, abs=1e-9
        )
        sizes = [abs(each["contribution"]) for each in told["contributions"]]
        assert sizes == sorted(sizes, reverse=True)
        assert {each["feature"]: each["value"] for each in told["contributions"]} == features
        assert told["conditions"] == []


def test_they_sum_to_it_for_a_customer_who_is_far_from_every_segment(
    client: FlaskClient, sample_result: Result
) -> None:
    for row in rows(sample_result, 5):
        (prediction,) = explained(client, {"features": row | {"recency_days": 1e12}})
        told = prediction["explanation"]
        assert sum(each["contribution"] for each in told["contributions"]) == pytest.approx(
            told["difference"], rel=1e-9
        )


def test_the_rest_of_the_answer_is_as_without(client: FlaskClient, sample_result: Result) -> None:
    body = {"customers": [{"features": row} for row in rows(sample_result, 20)]}
    told = explained(client, body)
    for prediction in told:
        del prediction["explanation"]
    assert told == post(client, body)[1]["predictions"]
    assert refused(client, "explain=false", body)[1]["predictions"] == told


def test_a_feature_s_contribution_depends_on_that_feature_alone(client: FlaskClient, sample_result: Result) -> None:
    compared = 0
    for row in rows(sample_result, 30):
        (before,) = explained(client, {"features": row})
        first = before["explanation"]["contributions"][0]
        name = first["feature"]
        moved = row | {name: (row[name] + first["runner_up_median"]) / 2}
        (after,) = explained(client, {"features": moved})
        if (after["segment"], after["runner_up"]) != (before["segment"], before["runner_up"]):
            continue
        compared += 1
        told = {each["feature"]: each["contribution"] for each in after["explanation"]["contributions"]}
        same = {each["feature"]: each["contribution"] for each in before["explanation"]["contributions"]}
        assert {k: v for k, v in told.items() if k != name} == pytest.approx(
            {k: v for k, v in same.items() if k != name}, rel=1e-9, abs=1e-9
        )
        assert abs(told[name] - same[name]) > 0
    assert compared > 5


def test_typical_customers_stand_on_their_centroids(sample_result: Result, arrays: Arrays) -> None:
    typical = typical_customers(sample_result.made.card, arrays)
    assert np.allclose(typical @ arrays.matrix + arrays.offset, arrays.centroids, atol=1e-9)


def test_without_pca_they_are_the_segments_means(sample_result: Result, arrays: Arrays) -> None:
    """Where the map can be inverted there is one point on each centroid only, whatever the medians are."""
    card, width = sample_result.made.card, len(sample_result.made.card.features)
    generator = np.random.default_rng(3)
    scale = generator.uniform(0.1, 10, width)
    centroids = generator.normal(size=(card.k, width))
    whole = replace(arrays, matrix=np.diag(1 / scale), offset=generator.normal(size=width), centroids=centroids)
    assert np.allclose(typical_customers(card, whole), (centroids - whole.offset) * scale)


def test_contributions_change_as_scikit_learn_s_distances_do(
    sample_result: Result, arrays: Arrays, pipeline: Pipeline
) -> None:
    """Customers are moved a little, one feature at a time, through the Pipeline itself."""
    card = sample_result.made.card
    features: Floats = sample_result.snapshot.customers.to_numpy()[:50]
    inside = features[((features > arrays.lower) & (features < arrays.upper)).all(axis=1)]
    answer = assign(card, arrays, inside)
    told = separate(card, arrays, inside, answer.segment, answer.runner_up)

    def difference(moved: Floats) -> Floats:
        squared = (
            pipeline[:-1].transform(pd.DataFrame(moved, columns=list(card.feature_names)))[:, np.newaxis, :]
            - pipeline[-1].cluster_centers_
        )
        distances = np.square(squared).sum(axis=2)
        which = np.arange(len(moved))
        return np.asarray(distances[which, answer.runner_up] - distances[which, answer.segment])

    assert len(inside) > 5
    assert np.allclose(difference(inside), told.difference, rtol=1e-9)
    for feature, logged in enumerate(arrays.log_mask):
        step = np.zeros(len(card.features))
        step[feature] = 1e-4
        moved = inside + step
        change = difference(moved) - difference(inside)
        expected = separate(card, arrays, moved, answer.segment, answer.runner_up).contributions - told.contributions
        assert np.allclose(change, expected[:, feature], rtol=1e-4, atol=1e-9), (feature, logged)
        assert np.allclose(np.delete(expected, feature, axis=1), 0)


def test_explanations_are_asked_for_in_so_many_words(client: FlaskClient, features: Json) -> None:
    for query in ("explain=yes", "explain", "explain=", "explain=true&explain=true", "explain=true&verbose=1"):
        status, problem = refused(client, query, {"features": features})
        assert (status, problem["code"]) == (422, "invalid-field")
    assert refused(client, "explian=true", {"features": features})[1]["hint"] == "did you mean 'explain'?"


def test_more_customers_than_can_be_explained_are_refused(client: FlaskClient, features: Json) -> None:
    many = {"columns": {name: [value] * 1001 for name, value in features.items()}}
    status, problem = refused(client, "explain=true", many)
    assert (status, problem["code"]) == (413, "body-too-large")
    assert client.post("/predict", json=many).status_code == 200
