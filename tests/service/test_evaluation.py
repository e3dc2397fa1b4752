"""Scores, plots and the report: what was published is served, and what was not says so."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from segmentation.registry import Registry
from segmentation.settings import Settings
from service.app import create_app
from training.job import Result

PNG = b"\x89PNG\r\n\x1a\n"


def test_the_algorithms_are_listed_with_those_that_were_computed(client: FlaskClient) -> None:
    answer = client.get("/algorithms").get_json()
    listed = {each["algorithm"]: each for each in answer["algorithms"]}
    assert {name for name, each in listed.items() if each["computed"]} == {"k-means", "spectral", "dbscan"}
    assert len(listed) == 15
    assert listed["optics"]["reason"]
    assert listed["spectral"]["plot"] == "/spectral/plot"


@pytest.mark.parametrize("algorithm", ["k-means", "spectral", "dbscan"])
def test_a_score_and_its_picture(client: FlaskClient, sample_result: Result, algorithm: str) -> None:
    score = client.get(f"/{algorithm}/score").get_json()
    card = sample_result.made.card
    assert score["model_version"] == card.version
    assert score["algorithm"] == algorithm
    assert score["n_rows"] == card.counts.customers
    assert score["coverage"] == pytest.approx(1 - score["n_noise"] / score["n_rows"])
    assert {"silhouette_score", "standard_error", "n_clusters"} <= set(score)
    if algorithm == "k-means":
        assert score["silhouette_score"] == pytest.approx(card.metrics.silhouette)
        assert (score["n_clusters"], score["n_noise"]) == (card.k, 0)
    picture = client.get(f"/{algorithm}/plot")
    assert picture.content_type == "image/png"
    assert picture.data == sample_result.made.files[f"plots/{algorithm}.png"]
    assert picture.data.startswith(PNG)


@pytest.mark.parametrize("route", ["/algorithms", "/k-means/score", "/k-means/plot"])
def test_whoever_has_it_already_is_told_so(client: FlaskClient, route: str) -> None:
    first = client.get(route)
    again = client.get(route, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(route, headers={"If-None-Match": '"another"'}).status_code == 200


def test_an_algorithm_that_is_none_is_told_with_those_that_are(client: FlaskClient) -> None:
    answer = client.get("/kmeans/score")
    problem = json.loads(answer.data)
    assert (answer.status_code, problem["code"]) == (404, "unknown-algorithm")
    assert "k-means, mini-batch-k-means" in problem["detail"]
    assert "'k-means'" in problem["hint"]


def test_one_that_was_not_computed_says_why(client: FlaskClient) -> None:
    for what in ("score", "plot"):
        answer = client.get(f"/optics/{what}")
        problem = json.loads(answer.data)
        assert (answer.status_code, problem["code"]) == (404, "not-computed")
        assert "comparison.algorithms" in problem["hint"]


def test_a_picture_that_was_changed_after_it_was_published_is_not_served(
    published: Registry, sample_result: Result, tmp_path: Path
) -> None:
    client = create_app(Settings(registry=published.url)).test_client()
    path = Path(published.url) / "models" / sample_result.made.card.version / "plots" / "dbscan.png"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"?")
    try:
        answer = client.get("/dbscan/plot")
        assert answer.status_code == 503
        assert json.loads(answer.data)["code"] == "digest-mismatch"
        # The mistake is not kept: once mended it is served.
        path.write_bytes(content)
        assert client.get("/dbscan/plot").data == content
    finally:
        path.write_bytes(content)
