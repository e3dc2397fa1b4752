"""Segments across retrainings: planted groups drift, split, merge, appear and go, and ids follow the customers."""

import re
from pathlib import Path

import numpy as np
import pytest

from segmentation.lineage import Descent, Fate, Lineage
from segmentation.pipeline import fit
from segmentation.recipe import Clustering, Entry, Preprocessing
from tests.depth import THOROUGH
from tests.training.retrained import CENTRES, SIZES, Ints, ids_by_group, people, train
from training.heritage import NOTHING
from training.job import Result


def told(result: Result) -> Lineage:
    lineage = result.made.card.lineage
    assert lineage is not None
    return lineage


def origins(result: Result) -> dict[int, Descent]:
    return {each.id: each for each in told(result).segments}


def ends(result: Result) -> dict[int, Fate]:
    return {each.id: each for each in told(result).previous}


def test_retrainings_on_drifting_customers_change_no_id_name_or_colour(tmp_path: Path) -> None:
    frame, group = people(CENTRES, SIZES, seed=0)
    first, handed = train(tmp_path, frame, 4, NOTHING)
    assert first.made.card.lineage is None
    assert ids_by_group(first, group) == {0: 0, 1: 1, 2: 2, 3: 3}
    called = {segment.id: (segment.name, segment.colour) for segment in first.made.card.segments}
    step = 1 if THOROUGH else 2
    for round_ in range(step, 11, step):
        # Groups wander, and their sizes change until the largest is the smallest: numbering by size would reshuffle.
        drifting = [tuple(np.array(centre) + 0.4 * round_) for centre in CENTRES]
        sizes = [size + round_ * step for size, step in zip(SIZES, (-35, -10, 15, 30), strict=True)]
        frame, group = people(drifting, sizes, seed=round_)
        result, handed = train(tmp_path, frame, 4, handed, seed=round_)
        assert ids_by_group(result, group) == {0: 0, 1: 1, 2: 2, 3: 3}
        card = result.made.card
        assert {segment.id: (segment.name, segment.colour) for segment in card.segments} == called
        assert [segment.id for segment in card.segments] == [0, 1, 2, 3]
        assert {each.status for each in told(result).segments} == {"survived"}
        assert card.next_id == 4
    assert result.made.card.segments[0].customers < result.made.card.segments[3].customers


def test_the_published_pipeline_and_arrays_agree_with_the_card_on_the_order_of_ids(tmp_path: Path) -> None:
    frame, _ = people(CENTRES, SIZES, seed=0)
    _, handed = train(tmp_path, frame, 4, NOTHING)
    frame, group = people(CENTRES, SIZES[::-1], seed=1)
    result, handed = train(tmp_path, frame, 4, handed, seed=1)
    customers, labels = result.snapshot.customers, result.fitted.labels
    assert handed.model is not None
    assert (result.fitted.pipeline.predict(customers) == labels).all()
    assert (result.fitted.scores.segment == labels).all()
    assert np.bincount(labels).tolist() == [segment.customers for segment in handed.model.card.segments]
    assert ids_by_group(result, group) == {0: 0, 1: 1, 2: 2, 3: 3}


def test_a_planted_split_keeps_the_id_with_the_larger_part(tmp_path: Path) -> None:
    frame, _ = people(CENTRES[:3], [300, 200, 200], seed=0)
    _, handed = train(tmp_path, frame, 3, NOTHING)
    apart = [(-2.5, 0.0, 0.0), (2.5, 0.0, 0.0), *CENTRES[1:3]]
    frame, group = people(apart, [210, 90, 200, 200], seed=1, spread=0.5)
    result, _ = train(tmp_path, frame, 4, handed)
    found = ids_by_group(result, group)
    assert (found[0], found[1]) == (0, 3)
    assert (origins(result)[3].status, origins(result)[3].of) == ("split", (0,))
    assert (ends(result)[0].status, ends(result)[0].into) == ("survived", (0, 3))
    assert {each.status for each in told(result).previous} == {"survived"}
    new = next(segment for segment in result.made.card.segments if segment.id == 3)
    others = [segment for segment in result.made.card.segments if segment.id != 3]
    assert new.name not in {segment.name for segment in others}
    assert new.colour not in {segment.colour for segment in others}


def test_a_segment_that_falls_into_many_is_split_and_its_id_is_not_given_again(tmp_path: Path) -> None:
    frame, _ = people(CENTRES[:3], [300, 200, 200], seed=0)
    _, handed = train(tmp_path, frame, 3, NOTHING)
    apart = [(-2.5, 0.0, 0.0), (2.5, 0.0, 0.0), (0.0, -3.0, 0.0), *CENTRES[1:3]]
    frame, group = people(apart, [100, 100, 100, 200, 200], seed=1, spread=0.4)
    result, handed = train(tmp_path, frame, 5, handed)
    found = ids_by_group(result, group)
    assert sorted(found[each] for each in (0, 1, 2)) == [3, 4, 5]
    assert (ends(result)[0].status, ends(result)[0].into) == ("split", (3, 4, 5))
    assert all((origins(result)[each].status, origins(result)[each].of) == ("split", (0,)) for each in (3, 4, 5))
    # One of the parts goes again; the next newcomer gets an id that nobody had.
    again, handed = train(tmp_path, frame, 4, handed)
    assert handed.next_id >= 6
    assert not {segment.id for segment in again.made.card.segments} & {0}


def test_planted_merges(tmp_path: Path) -> None:
    near = [(-3.0, 0.0, 0.0), (3.0, 0.0, 0.0), (0.0, 20.0, 0.0), (0.0, 0.0, 20.0)]
    frame, _ = people(near, [240, 160, 200, 200], seed=0)
    first, handed = train(tmp_path, frame, 4, NOTHING)
    frame, group = people(near, [240, 160, 200, 200], seed=1)
    result, _ = train(tmp_path, frame, 3, handed)
    found = ids_by_group(result, group)
    assert found[0] == found[1] == 0
    gone = next(each for each in told(result).previous if each.status != "survived")
    assert (gone.status, gone.into) == ("merged", (0,))
    assert len(first.made.card.segments) - 1 == len([e for e in told(result).previous if e.status == "survived"])


def test_three_that_become_one_leave_no_heir(tmp_path: Path) -> None:
    near = [(-3.0, 0.0, 0.0), (3.0, 0.0, 0.0), (0.0, 5.0, 0.0), (0.0, 0.0, 40.0)]
    frame, _ = people(near, [150, 150, 150, 200], seed=0)
    _, handed = train(tmp_path, frame, 4, NOTHING)
    result, _ = train(tmp_path, frame, 2, handed)
    merged = next(each for each in told(result).segments if each.status == "merged")
    assert merged.id == 4
    assert len(merged.of) == 3
    assert {each.status for each in told(result).previous if each.id in merged.of} == {"merged"}


def test_planted_births_and_deaths(tmp_path: Path) -> None:
    square = [(-8.0, -8.0, 0.0), (8.0, -8.0, 0.0), (-8.0, 8.0, 0.0), (8.0, 8.0, 0.0)]
    frame, _ = people(square, [200, 200, 200, 200], seed=0)
    _, handed = train(tmp_path, frame, 4, NOTHING)
    # A newcomer between all others: a fifth of each previous segment's region goes to it.
    frame, group = people([*square, (0.0, 0.0, 0.0)], [200, 200, 200, 200, 160], seed=1)
    result, handed = train(tmp_path, frame, 5, handed)
    assert ids_by_group(result, group)[4] == 4
    assert (origins(result)[4].status, origins(result)[4].of) == ("new", ())
    assert {each.status for each in told(result).previous} == {"survived"}
    # The crowd in the middle is gone; the few who pass there belong to all four.
    frame, _ = people(square, [200, 200, 200, 200], seed=2, spread=3)
    again, _ = train(tmp_path, frame, 4, handed)
    assert (ends(again)[4].status, ends(again)[4].into) == ("retired", ())
    assert [segment.id for segment in again.made.card.segments] == [0, 1, 2, 3]


def test_a_new_segment_gets_no_colour_that_another_has_and_rules_keep_theirs(tmp_path: Path) -> None:
    rule = "rule_segments=[{id: 1001, name: Newcomers, when: [{feature: visits, below: -5}]}]"
    centres = [*CENTRES[:3], (-12.0, 0.0, 0.0)]
    frame, _ = people(centres, [300, 200, 200, 50], seed=0)
    first, handed = train(tmp_path, frame, 3, NOTHING, rule)
    frame, _ = people([*centres, CENTRES[3]], [300, 200, 200, 50, 150], seed=1)
    result, _ = train(tmp_path, frame, 4, handed, rule)
    card = result.made.card
    colours = [segment.colour for segment in card.all_segments]
    assert len(set(colours)) == 5
    assert card.rule_segments[0].colour == first.made.card.rule_segments[0].colour
    assert (1001, 1001) in {(cell.before, cell.after) for cell in told(result).model_changed}


def test_customers_that_the_model_moves_are_told_apart_from_the_model_s_own_changes(tmp_path: Path) -> None:
    frame, _ = people(CENTRES, SIZES, seed=0)
    _, handed = train(tmp_path, frame, 4, NOTHING)
    again, _ = train(tmp_path, frame, 4, handed, seed=5)
    lineage = told(again)
    assert (lineage.moved_by_model, lineage.moved_by_customers, lineage.customers) == (0.0, None, 1000)
    assert [(cell.before, cell.after, cell.customers) for cell in lineage.model_changed] == [
        (each, each, size) for each, size in enumerate(SIZES)
    ]


def test_a_model_whose_columns_are_gone_cannot_be_asked_and_everything_is_new(tmp_path: Path) -> None:
    frame, _ = people(CENTRES, SIZES, seed=0)
    _, handed = train(tmp_path, frame, 4, NOTHING)
    result, _ = train(tmp_path, frame.drop(columns="spend"), 3, handed)
    lineage = told(result)
    assert re.search("the model needs spend", lineage.why)
    assert [segment.id for segment in result.made.card.segments] == [4, 5, 6]
    assert {each.status for each in lineage.segments} == {"new"}
    assert {each.status for each in lineage.previous} == {"retired"}
    assert lineage.moved_by_model is None


@pytest.mark.parametrize("order", [[1, 0, 2, 3], [3, 2, 1, 0]])
def test_reordering_a_model_changes_no_customer(tmp_path: Path, order: list[int]) -> None:
    frame, _ = people(CENTRES, SIZES, seed=0)
    result, _ = train(tmp_path, frame, 4, NOTHING)
    other = result.fitted.reordered(order)
    customers = result.snapshot.customers
    assert (np.array(order)[other.pipeline.predict(customers)] == result.fitted.labels).all()
    assert (np.array(order)[other.scores.segment] == result.fitted.scores.segment).all()
    assert (np.asarray(other.refits.stability)[np.argsort(order)] == result.fitted.refits.stability).all()


def test_the_live_model_is_one_more_start_and_the_best_end_is_kept() -> None:
    grid = [(10.0 * across, 10.0 * up) for across in range(6) for up in range(6)]
    frame, group = people(grid, [30] * 36, seed=0)
    customers = frame.drop(columns="id")
    entries = [Entry(str(name), log1p=False, winsorised=False) for name in customers]
    plain, wanted = Preprocessing(winsorise=None, scale=False, variance_kept=None), Clustering(n_init=1)
    nowhere = np.random.default_rng(0).integers(0, 36, len(group))

    def inertia(seed: int, start: Ints | None) -> float:
        return float(fit(customers, entries, plain, 36, wanted, seed, start)[-1].inertia_)

    best = inertia(0, group)
    alone = [inertia(seed, None) for seed in range(5)]
    assert max(alone) > 1.5 * best
    assert [inertia(seed, group) for seed in range(5)] == pytest.approx([best] * 5)
    # A bad start does no harm, and one of another number of groups is none.
    assert all(inertia(seed, nowhere) <= alone[seed] for seed in range(5))
    assert inertia(3, group % 35) == alone[3]
    # Customers whom its rules took have no say.
    assert inertia(3, np.where(np.arange(len(group)) % 2, group, -1)) == pytest.approx(best)
