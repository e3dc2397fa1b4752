"""Maps and pictures where there is little to draw: few features, many segments, rules, one dimension."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from segmentation.features import Feature, number
from segmentation.recipe import Clustering, Preprocessing, Winsorise
from segmentation.scoring import Floats
from segmentation.segment import Quantiles, RuleSegment
from training.configuration import Configuration
from training.fitting import Fitted, train
from training.job import Result
from training.report import segment_pictures
from training.report.plane_pictures import draw_components, draw_neighbours
from training.report.planes import LEAST, Neighbours, Plane, components, draw, neighbours, silhouettes
from training.report.segment_pictures import draw_boxes, draw_radar, draw_sizes
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


def test_a_model_of_two_dimensions_is_all_on_its_map_and_one_of_more_is_not(
    blobs: tuple[Floats, Fitted], sample_result: Result
) -> None:
    rows, model = blobs
    segments = sample_result.made.card.segments[:3]
    names = ("n0", "n1", "n2")
    flat = fitted(rows[:, :2], 3)
    for found, of in ((components(flat, rows[:, :2], 300, 0), names[:2]), (components(model, rows, 300, 0), names)):
        assert found is not None
        says = draw_components(found, segments, of, len(rows)).says
        assert ("the model looks at nothing else" in says) == (of != names)
        assert ("may well lie apart in the other components" in says) == (of == names)


def test_who_lies_outside_of_the_frame_is_told_of_every_map(sample_result: Result) -> None:
    rng = np.random.default_rng(9)
    points, labels = rng.normal(size=(600, 2)), np.repeat([0, 1, 2], 200).astype(np.int64)
    points[:2] = 1e3
    plane = Plane(points, labels, np.zeros((3, 2)))
    says = draw_neighbours(Neighbours(plane, 0, 30), sample_result.made.card.segments[:3], 600).says
    assert "600 of 600 customers; 2.7 % of them lie outside the frame; perplexity 30" in says


def test_axes_reach_no_further_than_values_can(sample_result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []

    def keep(figure: Figure) -> bytes:
        drawn.append(figure)
        return b""

    monkeypatch.setattr(segment_pictures, "png", keep)
    card = sample_result.made.card
    nothing = Quantiles(q05=0.0, q25=0.0, q50=0.0, q75=0.0, q95=0.0)
    first, *others = (
        replace(segment, share=0.0, profile=segment.profile | {"cancelled_share": nothing}) for segment in card.segments
    )
    segments = (replace(first, share=1.0, revenue_share=0.9), *others)
    draw_sizes(segments)
    draw_boxes(replace(card, segments=segments, population=card.population | {"cancelled_share": nothing}))
    (_, bars), boxes = drawn[0].axes, drawn[1].axes
    assert max(bars.get_xticks()) == 100
    (cancelled,) = (axes for axes in boxes if axes.get_title(loc="left") == "cancelled share")
    assert [tick for tick in cancelled.get_xticks() if cancelled.get_xlim()[0] <= tick < 0] == []
