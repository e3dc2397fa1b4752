"""What the gate refuses, and why; what it lets pass."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from segmentation.card import Card
from segmentation.evidence import Refits
from segmentation.lineage import Check, Verdict
from tests.training.retrained import Ints, people, train
from training.gate import Facts, judge
from training.heritage import NOTHING, Heritage
from training.job import Result
from training.paired import Paired, compare
from training.relations import relations
from training.sections import Gate
from training.unstructured import unstructured

SAME = Paired(new=0.4, old=0.4, standard_error=0.001, rows=1_000)


def refused(verdict: Verdict) -> dict[str, Check]:
    assert verdict.passed == all(check.passed for check in verdict.checks)
    return {check.name: check for check in verdict.checks if not check.passed}


@pytest.fixture(scope="module")
def card(sample_result: Result) -> Card:
    made = sample_result.made.card
    metrics = replace(made.metrics, unstructured=0.15, unstructured_standard_deviation=0.002)
    return replace(made, refits=replace(made.refits, moved=0.01), metrics=metrics)


def of(card: Card, previous: Card | None = None, silhouettes: Paired | None = SAME, **limits: Any) -> dict[str, Check]:
    return refused(
        judge(
            Facts(
                card, previous, silhouettes if previous else None, card.lineage.moved_by_model if card.lineage else None
            ),
            Gate(**limits),
        )
    )


def with_stability(card: Card, *values: float) -> Card:
    segments = tuple(replace(each, stability=value) for each, value in zip(card.segments, values, strict=True))
    return replace(card, segments=segments)


def with_moved(card: Card, previous: Card, moved: float) -> Card:
    from training.lineage import unrelated

    lineage = replace(unrelated(previous.version, "", 3_000, (), ()), moved_by_model=moved)
    return replace(card, lineage=lineage)


def test_the_first_model_is_held_against_absolute_floors_alone(card: Card) -> None:
    verdict = judge(Facts(card), Gate())
    assert (verdict.passed, verdict.predecessor) == (True, None)
    assert [check.name for check in verdict.checks] == ["structure", "smallest-segment", "stability"]


def test_the_same_model_again_passes_every_check(card: Card) -> None:
    verdict = judge(Facts(with_moved(card, card, 0.0), card, SAME, 0.0), Gate())
    assert verdict.passed
    assert verdict.predecessor == card.version
    assert len({check.name for check in verdict.checks}) == len(verdict.checks) == 11


def test_a_silhouette_that_even_customers_reach_is_no_structure(card: Card) -> None:
    flat = replace(card, metrics=replace(card.metrics, silhouette=0.16))
    assert set(of(flat)) == {"structure"}
    limit = flat.metrics.unstructured + 0.02
    assert f"reach {flat.metrics.unstructured:.3f}, and {limit:.3f} is asked" in of(flat)["structure"].says
    assert set(of(flat, structure=0.005)) == set()
    assert set(of(flat, structure=None)) == set()


def test_a_segment_under_the_floor_is_named(card: Card) -> None:
    small = replace(card, segments=(*card.segments[:-1], replace(card.segments[-1], customers=3)))
    assert "the smallest segment, 4, has 0.1%" in of(small)["smallest-segment"].says


def test_segments_that_dissolve_are_named_and_count_by_their_customers(card: Card) -> None:
    found = of(with_stability(card, 0.3, 0.4, 0.9, 0.4, 0.4))["stability"]
    assert "these dissolve: 0, 1, 3, 4" in found.says
    assert of(with_stability(card, 0.9, 0.9, 0.9, 0.9, 0.1)) == {}


def test_less_stable_than_the_live_model_is_worse(card: Card) -> None:
    weaker = with_stability(card, *[0.7] * 5)
    assert of(weaker, card, SAME)["stability"].limit == pytest.approx(0.78, abs=0.03)
    assert of(weaker) == {}


def test_a_worse_silhouette_on_the_same_customers_is_refused_beyond_its_error(card: Card) -> None:
    worse = Paired(new=0.35, old=0.4, standard_error=0.002, rows=1_000)
    assert of(card, card, worse)["silhouette"].value == pytest.approx(-0.05)
    assert of(card, card, replace(worse, standard_error=0.02)) == {}
    assert of(card, card, replace(worse, new=0.385)) == {}


@pytest.mark.parametrize(
    ("moved", "noise", "passes"), [(0.19, 0.0, True), (0.21, 0.0, False), (0.21, 0.08, True), (0.25, 0.08, False)]
)
def test_customers_moved_on_one_day(card: Card, moved: float, noise: float, passes: bool) -> None:
    refits = Refits(rows=1, times=1, seeds_ari=1, bootstrap_ari=1, moved=noise, stability=(1.0,) * 5)
    new, live = with_moved(card, card, moved), replace(card, refits=refits)
    assert (("moved" in of(replace(new, refits=refits), live)) is False) is passes


def test_lost_customers_and_rows_are_refused_and_growth_is_not(card: Card) -> None:
    half = replace(card, counts=replace(card.counts, rows=card.counts.rows // 2))
    assert set(of(half, card)) == {"rows"}
    assert f"the live model was made of {card.counts.rows:,}" in of(half, card)["rows"].says
    assert of(card, half) == {}


def test_a_feature_that_the_configuration_no_longer_asks_for_is_not_lost(card: Card) -> None:
    kept = tuple(feature for feature in card.features if feature.name != "instalments")
    at = [position for position, name in enumerate(card.feature_names) if name != "instalments"]
    without = replace(
        card, features=kept, rank_correlation=tuple(tuple(card.rank_correlation[i][j] for j in at) for i in at)
    )
    assert "instalments (the data do not have it)" in of(without, card)["features"].says
    asked = without.configuration | {"features": [feature.name for feature in kept]}
    assert of(replace(without, configuration=asked), card) == {}


def test_of_two_features_that_lose_each_other_the_shuffled_one_is_named() -> None:
    before = np.array([[1, 0.7, 0.4, 0], [0.7, 1, 0.0, 0], [0.4, 0, 1, 0.3], [0, 0, 0.3, 1]])
    after = np.array([[1, 0.0, 0.0, 0], [0.0, 1, 0.0, 0], [0.0, 0, 1, 0.3], [0, 0, 0.3, 1]])
    lost, _ = relations(["a", "b", "c", "d"], before, after, (2_000, 2_000), 0.5)
    assert [(each.feature, each.kept) for each in lost] == [("a", 0.0)]
    few, weakest = relations(["a", "b", "c", "d"], before, after, (20, 20), 0.5)
    assert few == []
    assert weakest is not None


def test_silhouettes_are_compared_customer_by_customer_in_both_spaces() -> None:
    frame, group = people([(0.0, 0.0), (9.0, 0.0), (0.0, 9.0)], [150, 100, 50], seed=0)
    space = frame[["visits", "spend"]].to_numpy()
    worse = np.where(group == 2, 1, group)
    same = compare([space, space * 2], group, group)
    assert (same.new - same.old, same.standard_error, same.rows) == (0, 0, 300)
    found = compare([space, space[:, ::-1]], worse, group)
    assert found.new + 10 * found.standard_error < found.old
    assert compare([space], np.zeros(300, dtype=np.int64), group).new == 0


def test_even_customers_are_no_structure_and_groups_are() -> None:
    rng = np.random.default_rng(4)
    noise = rng.uniform(size=(1_500, 3))
    even = unstructured(noise, 4, seed=0)
    assert even == unstructured(noise, 4, seed=0)
    assert 0.2 < even.silhouette < 0.35


PLANTED = [(0.0, 0.0, 0.0), (6.0, 3.0, 6.0), (0.0, 7.0, 7.0)]
SIZES = [400, 300, 200]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Heritage:
    """A model of three planted groups."""
    frame, _ = people(PLANTED, SIZES, seed=0)
    result, handed = train(tmp_path_factory.mktemp("live"), frame, 3, NOTHING)
    assert result.made.card.gate is not None
    assert result.made.card.gate.passed
    return handed


def constant(frame: pd.DataFrame, _: Ints) -> pd.DataFrame:
    return frame.assign(spend=3.0)


def shuffled(frame: pd.DataFrame, _: Ints) -> pd.DataFrame:
    return frame.assign(spend=np.random.default_rng(5).permutation(frame["spend"]))


def halved(frame: pd.DataFrame, _: Ints) -> pd.DataFrame:
    return frame.sample(frac=0.5, random_state=5)


def noisy(frame: pd.DataFrame, _: Ints) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return frame.assign(**{name: rng.uniform(0, 10, len(frame)).round(4) for name in frame.columns if name != "id"})


@pytest.mark.parametrize(
    ("fault", "name", "says"),
    [
        (constant, "features", "lost: spend (it is the same for every customer)"),
        (shuffled, "relations", "as if it were shuffled: spend ("),
        (halved, "customers", "450 customers; the live model was made of 900"),
        (noisy, "structure", "separate nothing"),
    ],
)
def test_each_planted_fault_is_refused_with_its_reason(
    tmp_path: Path, live: Heritage, fault: Callable[[pd.DataFrame, Ints], pd.DataFrame], name: str, says: str
) -> None:
    result, _ = train(tmp_path, fault(*people(PLANTED, SIZES, seed=9)), 3, live, seed=9)
    assert result.made.card.gate is not None
    assert says in refused(result.made.card.gate)[name].says


def test_noise_is_refused_even_where_nothing_is_live(tmp_path: Path) -> None:
    result, _ = train(tmp_path, noisy(*people(PLANTED, SIZES, seed=9)), 3, NOTHING)
    assert result.made.card.gate is not None
    assert set(refused(result.made.card.gate)) == {"structure"}


def test_customers_of_an_earlier_day_do_not_replace_those_of_a_later_one(card: Card) -> None:
    for day, kept in (("2025-12-29T00:00:00Z", True), ("2025-12-01T00:00:00Z", False)):
        assert ("day" not in of(replace(card, as_of=day), card)) is kept
