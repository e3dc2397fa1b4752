"""Published results on the mall's list, by presets alone."""

from pathlib import Path

import pytest

from segmentation.scores import AlgorithmScore, decode
from segmentation.settings import Settings
from tests.conftest import MADE
from tests.servers.service import ROOT
from training import configuration, job

pytestmark = pytest.mark.real_data


def scores(real_data: Path, preset: str) -> dict[str, AlgorithmScore]:
    chosen = configuration.load("mall", ROOT / "training" / "presets" / f"{preset}.yaml")
    result = job.make("mall", str(real_data / "mall"), chosen, Settings(), created=MADE)
    return {score.algorithm: score for score in decode(result.made.files["scores.json"])}


def test_the_standardised_list_gives_the_published_silhouette(real_data: Path) -> None:
    assert scores(real_data, "mall")["k-means"].silhouette_score == pytest.approx(0.5547, abs=0.001)


def test_the_list_as_it_stands_gives_the_published_divisions(real_data: Path) -> None:
    found = scores(real_data, "mall-unscaled")
    assert found["k-means"].silhouette_score == pytest.approx(0.5539, abs=0.001)
    assert found["ward"].silhouette_score == pytest.approx(0.5530, abs=0.001)
    dbscan = found["dbscan"]
    assert (dbscan.n_clusters, dbscan.n_noise, dbscan.n_rows) == (7, 11, 200)
    assert dbscan.silhouette_with_noise == pytest.approx(0.4751, abs=0.001)
    assert dbscan.silhouette_score == pytest.approx(0.5145, abs=0.001)
    assert dbscan.parameters == {"eps": 9.0, "min_samples": 3}
    assert dbscan.coverage == pytest.approx(189 / 200)
