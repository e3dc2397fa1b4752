"""The numbers of a division, its verdict, its picture, and the files that `run` publishes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sklearn.metrics import adjusted_rand_score, silhouette_score

from segmentation.errors import InconsistentModelError
from segmentation.scores import decode, encode
from tests.training.test_algorithms import three_groups
from training import job
from training.algorithms import NAMES, Budget, find
from training.algorithms.running import run
from training.comparison.configured import Comparison
from training.comparison.cost import measured
from training.comparison.dendrogram import dendrogram
from training.comparison.plane import plane
from training.comparison.quality import agreement, quality
from training.comparison.repeatability import repeatability
from training.comparison.scatter import groups, scatter
from training.comparison.verdicts import verdict
from training.configuration import Configuration
from training.evaluation import evaluate
from training.report import drawing

COLOURS = ("#0072b2", "#e69f00", "#009e73")


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 120), st.integers(2, 6))
def test_the_numbers_are_those_of_the_field(seed: int, n: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    space, labels = rng.normal(size=(n, 3)), np.concatenate([np.arange(-1, k), rng.integers(-1, k, n - k - 1)])
    found, inside = quality(space, labels), labels >= 0
    assert found.silhouette is not None
    assert found.silhouette.value == pytest.approx(silhouette_score(space[inside], labels[inside]), abs=1e-5)
    assert found.silhouette_with_noise == pytest.approx(silhouette_score(space, labels), abs=1e-5)
    assert found.n_clusters == k
    assert found.coverage == pytest.approx(inside.mean())
    other = rng.integers(0, 4, n)
    assert agreement(labels, other) == pytest.approx(adjusted_rand_score(labels, other))


def test_balance_is_one_for_equal_clusters_and_near_nothing_for_one_that_has_all() -> None:
    space = np.arange(200.0)[:, np.newaxis]
    assert quality(space, np.repeat([0, 1], 100)).balance == pytest.approx(1)
    assert quality(space, np.array([1] + [0] * 199)).balance < 0.05


@pytest.mark.parametrize(("value", "clusters"), [(-1, 0), (0, 1)])
def test_fewer_than_two_clusters_have_no_silhouette_and_a_verdict_that_says_so(value: int, clusters: int) -> None:
    found = quality(np.arange(40.0)[:, np.newaxis], np.full(40, value))
    assert (found.silhouette, found.n_clusters, found.balance) == (None, clusters, 0)
    assert verdict(found, 1.0) == f"no division: {'one cluster' if clusters else 'all is noise'}"


def test_verdicts_follow_the_rules() -> None:
    space, own = three_groups(300)
    good = quality(space, own)
    assert verdict(good, 0.9) == "strong structure"
    assert verdict(good, None) == "strong structure"
    assert verdict(good, 0.4) == "unstable: 0.40 between subsamples; strong structure"
    lopsided = quality(space, np.array([1] * 12 + [0] * 288))
    assert verdict(lopsided, 0.9).startswith("degenerate: one cluster holds 96%")
    noisy = quality(space, np.where(np.arange(300) < 200, -1, own))
    assert verdict(noisy, 0.9).startswith("mostly noise: 33% in clusters")
    many = quality(space, np.arange(300) // 10)
    assert verdict(many, 0.9).startswith("fragments: 30 clusters")
    tiny = quality(space, np.array([2] * 5 + [1] * 145 + [0] * 150))
    assert "small: 1 of 3 clusters under 10" in verdict(tiny, 0.9)
    weak = quality(np.random.default_rng(0).normal(size=(300, 6)), own)
    assert verdict(weak, 0.9) == "no substantial structure"


def test_groups_that_lie_apart_are_found_again_and_none_are_not() -> None:
    space, _ = three_groups(400)
    options = {"parameters": {}, "budget": Budget(), "rows": 10_000, "seed": 0}
    assert repeatability(find("k-means"), space, 3, runs=3, **options) == pytest.approx(1)  # type: ignore[arg-type]
    noise = np.random.default_rng(1).normal(size=(400, 6))
    assert (repeatability(find("k-means"), noise, 7, runs=3, **options) or 1) < 0.65  # type: ignore[arg-type]
    assert repeatability(find("k-means"), space, 3, runs=1, **options) is None  # type: ignore[arg-type]
    assert repeatability(find("k-means"), space[:30], 3, runs=3, **options) is None  # type: ignore[arg-type]


def test_peak_memory_is_that_of_the_work_alone() -> None:
    _, cost = measured(lambda: np.ones(30_000_000).sum())
    assert cost.megabytes is None or 200 < cost.megabytes < 400
    _, after = measured(lambda: 1)
    assert after.megabytes is None or after.megabytes < 50


def test_no_group_of_fewer_than_ten_is_drawn_for_itself() -> None:
    labels = np.array([-1] * 5 + [0] * 40 + [1] * 6 + [2] * 6 + [3] * 30, dtype=np.int64)
    drawn = groups(labels, COLOURS, likeness=np.where(labels == 3, 1, 0))
    assert [int(group.members.sum()) for group in drawn] == [40, 30, 12]
    assert drawn[2].name == "clusters under 10, together"
    assert [group.colour for group in drawn[:2]] == list(COLOURS[:2])
    assert min(int(group.members.sum()) for group in groups(labels[:51], COLOURS, likeness=labels[:51] * 0)) >= 10


def test_axes_are_named_by_the_features_that_go_with_them() -> None:
    rng = np.random.default_rng(0)
    spent, age = rng.normal(0, 3, 500), rng.normal(0, 1, 500)
    seen = np.column_stack([age, -spent])
    found = plane(seen, seen, ("age", "spent"), 1.0)
    assert found.axes[0].variance == pytest.approx(0.9, abs=0.03)
    assert [name for name, _ in found.axes[0].loadings] == ["spent"]
    assert found.axes[0].loadings[0][1] == pytest.approx(1, abs=0.01)
    assert [name for name, _ in found.axes[1].loadings] == ["age"]
    assert plane(seen[:, :1], seen[:, :1], ("age",), 1.0).axes[1].variance == 0


def test_the_tree_leaves_out_branches_of_a_few() -> None:
    space, _ = three_groups(300)
    strange = np.vstack([space, [[400.0, 400.0]]])
    trees = [run(find("ward"), rows, 3).tree for rows in (space, strange)]
    assert trees[0] is not None
    assert trees[1] is not None
    assert dendrogram("Ward", trees[0], 3) == dendrogram("Ward", trees[0], 3)
    assert dendrogram("Ward", trees[1], 3).startswith(b"\x89PNG")


def test_run_publishes_a_score_for_every_algorithm_and_a_picture_of_those_computed(sample_result: job.Result) -> None:
    made = sample_result.made
    scores = {score.algorithm: score for score in decode(made.files["scores.json"])}
    assert tuple(scores) == NAMES
    computed = [name for name, score in scores.items() if score.computed]
    assert computed == ["k-means", "spectral", "dbscan"]
    assert [name for name in made.files if name.startswith("plots/")] == [f"plots/{name}.png" for name in computed]
    assert {scores[name].plot for name in computed} <= set(made.card.files)
    assert scores["k-means"].silhouette_score == pytest.approx(made.card.metrics.silhouette)
    assert scores["ward"].reason == "comparison.algorithms of the configuration does not name it"
    assert scores["k-means"].n_clusters == made.card.k


def test_the_same_model_gives_the_same_bytes_and_no_algorithm_no_files(sample_result: job.Result) -> None:
    customers = sample_result.snapshot.customers
    only = replace(sample_result_configuration(), comparison=Comparison(algorithms=("dbscan",), stability_runs=2))
    arguments = (sample_result.fitted, customers, sample_result.made.card.segments)
    assert evaluate(*arguments, only) == evaluate(*arguments, only)
    none = replace(only, comparison=Comparison(algorithms=()))
    assert evaluate(*arguments, none) == {}
    tight = replace(only, comparison=Comparison(algorithms=("dbscan",), megabytes=1))
    score = next(each for each in decode(evaluate(*arguments, tight)["scores.json"]) if each.algorithm == "dbscan")
    assert (score.computed, score.plot) == (False, "")
    assert "comparison.megabytes = 1" in score.reason


def sample_result_configuration() -> Configuration:
    return Configuration()


def test_scores_read_back_as_they_were_and_anything_else_is_refused(sample_result: job.Result) -> None:
    content = sample_result.made.files["scores.json"]
    assert encode(decode(content)) == content
    with pytest.raises(InconsistentModelError):
        decode(b"{}")


def test_clusters_are_told_apart_without_colours_and_look_like_the_segments_they_are_like() -> None:
    _, own = three_groups(300)
    model = groups(own, COLOURS, ids=(0, 1, 2), names=("a", "b", "c"))
    labels = np.where((own == 2) & (np.arange(len(own)) % 3 == 0), 3, (own + 1) % 3)
    found = groups(labels, COLOURS, likeness=own)
    assert len({group.marker for group in model}) == 3
    assert len({group.marker for group in found}) == 4
    looks = {(group.colour, group.marker) for group in model}
    assert looks < {(group.colour, group.marker) for group in found}


def test_of_more_than_a_dozen_segments_no_two_clusters_share_a_shape() -> None:
    own = np.repeat(np.arange(14), 20)
    labels = np.where(own >= 12, own - 12, np.where(own < 2, own + 2, 4))
    found = groups(labels, [f"#0000{shade:02x}" for shade in range(14)], likeness=own)
    assert len(found) == len({group.marker for group in found}) == len({group.colour for group in found}) == 5


def test_the_picture_says_how_many_customers_it_is_of(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []

    def keep(figure: Figure) -> bytes:
        drawn.append(figure)
        return b""

    monkeypatch.setattr(drawing, "png", keep)
    space, own = three_groups(4_000)
    found = plane(space, space, tuple("abcde")[: space.shape[1]], 1.0)
    scatter("k-means", space, found, groups(own, COLOURS, ids=(0, 1, 2), names=("a", "b", "c")), 0)
    (axes,) = drawn[0].axes
    told = f"{len(space):,} customers clustered, 3,000 drawn; shares are of those clustered"
    assert axes.get_title(loc="left") == told
