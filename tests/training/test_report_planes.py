"""Maps and pictures where there is little to draw: few features, many segments, rules, one dimension."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from segmentation.features import Feature, number
from segmentation.recipe import Clustering, Preprocessing, Winsorise
from segmentation.scoring import Floats
from segmentation.segment import RuleSegment
from training.configuration import Configuration
from training.fitting import Fitted, train
from training.job import Result
from training.report.planes import LEAST, components, draw, neighbours, silhouettes
from training.report.segment_pictures import draw_radar, draw_sizes
from training.sections import Refitting
from training.silhouette import samples


def fitted(rows: Floats, k: int) -> Fitted:
    features: list[Feature] = [number(f"n{column}") for column in range(rows.shape[1])]
    frame = pd.DataFrame(rows, columns=[feature.name for feature in features])
    plain = Preprocessing(winsorise=None, variance_kept=None)
    chosen = Configuration(preprocessing=plain, clustering=Clustering(k=k), refits=Refitting(times=2))
    return train(frame, features, chosen)


@pytest.fixture(scope="module")
def blobs() -> tuple[Floats, Fitted]:
    rng = np.random.default_rng(5)
    centres = np.repeat([[0.0, 0, 0], [9, 0, 0], [0, 5, 0]], [400, 300, 30], axis=0)
    rows = centres + rng.normal(0, 0.5, centres.shape)
    return rows, fitted(rows, 3)


def test_customers_are_drawn_by_the_share_of_their_segment_and_few_are_not_lost() -> None:
    labels = np.repeat([0, 1, 2], [9_000, 990, 30])
    chosen = draw(labels, 1_000, 0)
    counts = np.bincount(labels[chosen])
    assert counts[0] == pytest.approx(900, abs=5)
    assert counts[1] == pytest.approx(99, abs=2)
    assert counts[2] == LEAST
    assert (np.diff(chosen) > 0).all()
    assert (draw(labels, 20_000, 0) == np.arange(len(labels))).all()


def test_the_map_is_that_of_the_largest_variance_and_keeps_centroids_in_their_place(
    blobs: tuple[Floats, Fitted],
) -> None:
    rows, model = blobs
    found = components(model, rows, 10_000, 0)
    assert found is not None
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    _, singular, axes = np.linalg.svd(scaled, full_matrices=False)
    assert found.variance == pytest.approx(np.square(singular[:2]) / np.square(singular).sum())
    expected = scaled @ axes[:2].T
    assert np.abs(np.corrcoef(expected[:, 0], found.plane.points[:, 0])[0, 1]) == pytest.approx(1)
    for position in range(3):
        middle = found.plane.points[found.plane.labels == position].mean(axis=0)
        assert found.plane.centres[position] == pytest.approx(middle, abs=0.02)
    strongest = np.abs(found.loadings).argmax(axis=0)
    assert (found.loadings[strongest, [0, 1]] > 0).all()


def test_silhouettes_of_drawn_customers_are_those_against_all(blobs: tuple[Floats, Fitted]) -> None:
    rows, model = blobs
    values, labels = silhouettes(model, rows, 200, 3)
    chosen = draw(model.labels, 200, 3)
    assert (labels == model.labels[chosen]).all()
    assert values == pytest.approx(samples(model.arrays.space(rows), model.labels)[chosen], abs=1e-5)


def test_neighbours_stay_neighbours_and_the_same_seed_draws_the_same(blobs: tuple[Floats, Fitted]) -> None:
    rows, model = blobs
    found, again = (neighbours(model, rows, 150, 30, 0) for _ in range(2))
    assert found is not None
    assert again is not None
    assert (found.plane.points == again.plane.points).all()
    apart = np.linalg.norm(found.plane.points[:, np.newaxis] - found.plane.points, axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (found.plane.labels[apart.argmin(axis=1)] == found.plane.labels).mean() > 0.97


def test_perplexity_gives_way_to_few_customers() -> None:
    rows = np.random.default_rng(6).normal(size=(40, 2))
    found = neighbours(fitted(rows, 2), rows, 40, 30, 0)
    assert found is not None
    assert found.perplexity == 13


def test_one_dimension_has_no_map() -> None:
    rows = np.random.default_rng(7).normal(size=(60, 1))
    assert components(fitted(rows, 2), rows, 60, 0) is None


def test_two_features_have_no_radar(sample_result: Result) -> None:
    assert draw_radar(sample_result.made.card.segments, np.full((5, 2), 0.5), ("monetary", "frequency")) is None


def test_a_rule_that_takes_nobody_and_a_model_without_revenue_are_drawn(sample_result: Result) -> None:
    nobody = RuleSegment(
        id=1001,
        name="Nobody",
        colour="#666688",
        customers=0,
        share=0.0,
        revenue_share=None,
        when=(),
        why="",
        profile={},
    )
    segments = sample_result.made.card.segments
    assert "Nobody" not in draw_sizes((*segments, nobody)).says
    without = tuple(replace(segment, revenue_share=None) for segment in segments)
    assert "revenue" not in draw_sizes((*without, nobody)).says


def test_limits_hold_every_segment_and_leave_out_what_is_far_out(blobs: tuple[Floats, Fitted]) -> None:
    rows, model = blobs
    far = rows.copy()
    far[0] = 500.0
    found = components(model, far, 10_000, 0)
    assert found is not None
    inside = (found.plane.points >= found.plane.limits[:, 0]) & (found.plane.points <= found.plane.limits[:, 1])
    assert not inside[0].all()
    for position in range(3):
        assert inside[found.plane.labels == position].all(axis=1).mean() > 0.9


def test_winsorised_models_are_mapped_as_the_model_sees_them() -> None:
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(300, 3))
    rows[0] = 1e6
    features = [number(f"n{column}", winsorised=True) for column in range(3)]
    frame = pd.DataFrame(rows, columns=[feature.name for feature in features])
    chosen = Configuration(
        preprocessing=Preprocessing(winsorise=Winsorise()), clustering=Clustering(k=2), refits=Refitting(times=2)
    )
    found = components(train(frame, features, chosen), rows, 300, 0)
    assert found is not None
    assert np.abs(found.plane.points).max() < 10
