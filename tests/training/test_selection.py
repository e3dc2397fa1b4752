"""The choice of k: planted segments are found, and where there are none it says so."""

from dataclasses import replace

import numpy as np
import pytest

from segmentation.errors import UnusableDataError
from segmentation.evidence import Selection
from segmentation.kmeans import kmeans
from segmentation.scoring import Floats
from segmentation.settings import Settings
from tests.conftest import MADE
from tests.depth import THOROUGH
from tests.quick import QUICK
from training import configuration, job
from training.sections import Refitting, SelectionLimits
from training.selection import REPEAT, choose_k
from training.stability import refits
from training.unstructured import unstructured

SEEDS = range(3 if THOROUGH else 1)
LIMITS, REFITTING = SelectionLimits(most=6), Refitting(times=8, rows=1_000)


def blobs(centres: list[list[float]], shares: list[float], rows: int = 900, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    which = rng.choice(len(centres), rows, p=shares)
    return np.asarray(np.array(centres)[which] + rng.normal(size=(rows, len(centres[0]))))


def chosen(space: Floats, repeat: np.ndarray | None = None, limits: SelectionLimits = LIMITS) -> Selection:
    return choose_k(space, limits, REFITTING, n_init=5, seed=0, repeat=repeat)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("centres", "shares"),
    [
        ([[0, 0], [6, 0], [0, 6]], [0.4, 0.3, 0.3]),
        ([[0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 6], [6, 6, 6]], [0.3, 0.3, 0.2, 0.1, 0.1]),
        ([[0, 0], [6, 0], [0, 6], [9, 9]], [0.5, 0.3, 0.15, 0.05]),
    ],
)
def test_planted_segments_are_found(centres: list[list[float]], shares: list[float], seed: int) -> None:
    found = chosen(blobs(centres, shares, seed=seed))
    assert found.natural
    assert found.k == len(centres)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("made", ["even", "one bell", "correlated"])
def test_where_there_are_no_segments_it_says_so(made: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    space = {
        "even": rng.uniform(size=(900, 3)),
        "one bell": rng.normal(size=(900, 4)),
        "correlated": rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 900),
    }[made]
    found = chosen(space)
    assert not found.natural
    assert "no natural segments" in found.why
    assert all(candidate.objection for candidate in found.candidates)


def test_two_segments_that_only_part_off_repeat_buyers_never_win() -> None:
    space = blobs([[0, 0], [0.5, 3], [12, 1]], [0.5, 0.38, 0.12])
    repeat = space[:, 0] > 6
    free, held = chosen(space), chosen(space, repeat)
    by_k = {candidate.k: candidate for candidate in held.candidates}
    assert free.k == 2
    assert by_k[2].objection == REPEAT
    assert held.k != 2
    # Neither do they where everything else is worse.
    only = chosen(blobs([[0, 0], [12, 0]], [0.8, 0.2]), blobs([[0, 0], [12, 0]], [0.8, 0.2])[:, 0] > 6)
    assert only.k != 2
    assert not only.natural


def test_a_split_into_nearly_everybody_and_the_rest_is_objected_to() -> None:
    found = chosen(blobs([[0, 0], [14, 0]], [0.95, 0.05]))
    assert found.candidates[0].silhouette > 0.6
    assert "holds 9" in found.candidates[0].objection


def test_a_segment_under_the_size_floor_is_objected_to() -> None:
    found = chosen(
        blobs([[0, 0], [7, 0], [0, 7], [1, 12]], [0.4, 0.3, 0.28, 0.02]), limits=replace(LIMITS, smallest_share=0.05)
    )
    assert found.k == 3
    assert "a segment holds" in next(each.objection for each in found.candidates if each.k == 4)


def test_the_same_choice_whatever_the_threads() -> None:
    space = blobs([[0, 0], [6, 0], [0, 6]], [0.4, 0.3, 0.3])
    assert chosen(space) == chosen(space)


def test_refits_agree_where_there_are_segments_and_not_where_there_are_none() -> None:
    space = blobs([[0, 0], [8, 0], [0, 8]], [0.4, 0.3, 0.3])
    real = refits(space, kmeans(space, 3, n_init=5, restart_rows=10_000, seed=0).cluster_centers_, times=8)
    assert min(real.stability) > 0.9
    assert real.moved < 0.02
    noise = np.random.default_rng(0).normal(size=(900, 6))
    none = refits(noise, kmeans(noise, 3, n_init=5, restart_rows=10_000, seed=0).cluster_centers_, times=8)
    assert min(none.stability) < 0.75
    assert none.bootstrap_ari < 0.7
    assert none.moved > 0.1


def test_structure_exceeds_what_even_spread_reaches_and_even_spread_does_not() -> None:
    space = np.random.default_rng(1).uniform(size=(2_000, 2)) * [3, 1]
    even = unstructured(space, 3, 0)
    assert abs(chosen(space).candidates[1].silhouette - even.silhouette) < 0.02
    assert even.standard_deviation < 0.01


def test_restarts_on_a_sample_end_where_restarts_on_all_do() -> None:
    rng = np.random.default_rng(0)
    for space in (
        blobs([[0, 0], [6, 0], [0, 6], [9, 9]], [0.4, 0.3, 0.2, 0.1], rows=20_000),
        rng.gamma(2, size=(20_000, 5)),
    ):
        full = kmeans(space, 4, n_init=10, restart_rows=20_000, seed=0)
        sampled = kmeans(space, 4, n_init=10, restart_rows=16_000, seed=0)
        assert sampled.inertia_ <= full.inertia_ * 1.002
        again = kmeans(space, 4, n_init=10, restart_rows=16_000, seed=0)
        assert np.array_equal(sampled.cluster_centers_, again.cluster_centers_)


def test_the_job_chooses_and_the_card_tells_why() -> None:
    chosen = configuration.load(
        "sample", assignments=[*QUICK, "clustering.k=auto", "selection.most=6", "refits.times=6"]
    )
    card = job.make("sample", None, chosen, Settings(), created=MADE).made.card
    assert card.selection is not None
    # The five behaviours, and perhaps those who cancelled.
    assert card.k == card.selection.k
    assert card.k in (5, 6)
    assert [candidate.k for candidate in card.selection.candidates] == [2, 3, 4, 5, 6]
    assert card.configuration["clustering"]["k"] == "auto"


def test_as_many_segments_as_there_are_different_customers_and_no_fewer_than_two() -> None:
    values = np.repeat(np.arange(5.0), 200).reshape(-1, 1) * 10
    assert chosen(values).k == 5
    with pytest.raises(UnusableDataError, match="1 of them different"):
        chosen(np.zeros((500, 2)))


def test_a_candidate_does_not_tell_of_fewer_than_ten_customers() -> None:
    space = np.vstack([blobs([[0, 0], [6, 0]], [0.5, 0.5], rows=300), np.full((4, 2), 60.0)])
    small = next(candidate for candidate in chosen(space).candidates if candidate.k == 3)
    assert small.smallest_share is None
    assert small.objection == "a segment holds fewer than 10 customers"


def test_where_all_is_objected_to_a_model_can_be_made_of_the_number_taken() -> None:
    found = chosen(np.random.default_rng(4).normal(size=(50, 1)))
    by_k = {candidate.k: candidate for candidate in found.candidates}
    assert not found.natural
    # Five come out most alike in refits, and one of them holds fewer than ten customers.
    assert max(found.candidates, key=lambda each: each.refits.bootstrap_ari).smallest_share is None
    assert by_k[found.k].smallest_share is not None
