"""Which new segment is which previous one, whatever they are numbered; ids are never given twice."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.optimize import linear_sum_assignment

from segmentation.rules import FIRST_ID
from segmentation.scoring import Floats
from segmentation.segment import Segment
from training.agreement import jaccard, overlap
from training.identity import by_id, identify, match
from training.lineage import descents, fates, migration, moved

Ints = npt.NDArray[np.int64]

TABLES = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 60).map(float)
)


def segment(identifier: int) -> Segment:
    return Segment(
        id=identifier, name=f"segment {identifier}", colour=f"#{identifier:06x}", customers=10, share=0.1,
        revenue_share=None, outlier_distance=1.0, silhouette=0.5, stability=0.9, apart=(), profile={},
    )  # fmt: skip


def matched(table: Floats) -> dict[int, int]:
    return match(table, (table.shape[0], table.shape[1]))


@given(TABLES)
def test_survivors_are_the_optimal_assignment_of_the_pairs_that_may_survive(table: Floats) -> None:
    similar = jaccard(table)
    found = matched(table)
    assert all(similar[old, new] >= 0.5 for new, old in found.items())
    assert len(set(found.values())) == len(found)
    # More than a half belongs to one pair only, so the best assignment holds all of these.
    worth = np.where(similar > 0.5, similar, 0)
    best = {(int(o), int(n)) for o, n in zip(*linear_sum_assignment(worth, maximize=True), strict=True) if worth[o, n]}
    assert best <= {(old, new) for new, old in found.items()}


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(2, 6), st.permutations(range(6)), st.floats(0, 0.4))
def test_numbering_new_segments_otherwise_changes_no_customer_s_id(
    seed: int, before: int, after: int, order: list[int], noise: float
) -> None:
    rng = np.random.default_rng(seed)
    old = rng.integers(0, before, 200)
    new = np.where(rng.random(200) < noise, rng.integers(0, after, 200), old % after)
    renumbered = np.argsort([position for position in order if position < after])[new]
    ids = [
        {
            customer: segment_id
            for customer, segment_id in enumerate(_ids(old, labels, before, after))
            if segment_id < 10
        }
        for labels in (new, renumbered)
    ]
    assert ids[0] == ids[1]


def _ids(old: Ints, new: Ints, before: int, after: int) -> list[int]:
    table = overlap(old, new, before, after)
    identities, _ = identify(matched(table), after, [segment(each) for each in range(before)], 10)
    return [identities[position].id for position in new]


@given(TABLES, st.sampled_from([6, 40, FIRST_ID - 1, FIRST_ID, FIRST_ID + 500, 2 * FIRST_ID]))
def test_ids_are_given_once_and_never_those_of_rules(table: Floats, next_id: int) -> None:
    previous = [segment(each) for each in range(len(table))]
    found = matched(table)
    identities, free = identify(found, table.shape[1], previous, next_id)
    ids = [identity.id for identity in identities]
    assert len(set(ids)) == len(ids)
    assert not any(FIRST_ID <= each < 2 * FIRST_ID for each in ids)
    for position, identity in enumerate(identities):
        if position in found:
            heir = previous[found[position]]
            assert (identity.id, identity.name, identity.colour) == (heir.id, heir.name, heir.colour)
        else:
            assert next_id <= identity.id < free
    assert [ids[position] for position in by_id(identities)] == sorted(ids)


@given(TABLES)
def test_every_previous_segment_has_one_fate_that_agrees_with_its_descendants(table: Floats) -> None:
    previous = [segment(each) for each in range(len(table))]
    found = matched(table)
    identities, _ = identify(found, table.shape[1], previous, 100)
    ids = [identity.id for identity in identities]
    ends = fates(table, found, previous, ids)
    origins = descents(table, found, [each.id for each in previous], ids)
    assert [fate.id for fate in ends] == [each.id for each in previous]
    assert [origin.id for origin in origins] == ids
    survivors = {fate.id for fate in ends if fate.status == "survived"}
    assert survivors == {origin.id for origin in origins if origin.status == "survived"} == set(ids) & set(range(100))
    for fate in ends:
        assert set(fate.into) <= set(ids)
        assert (fate.into == ()) == (fate.status == "retired")
        assert (fate.id in fate.into) == (fate.status == "survived")
    for origin in origins:
        assert (origin.of == ()) == (origin.status == "new")
        if origin.status == "split":
            # Who is told to come from a segment is told among what became of it.
            assert origin.id in ends[origin.of[0]].into


@given(TABLES)
def test_the_migration_adds_up_to_everybody_and_tells_nobody_alone(table: Floats) -> None:
    before, after = list(range(len(table))), list(range(50, 50 + table.shape[1]))
    cells = migration(table, table * 2, before, after)
    assert {(cell.before, cell.after - 50) for cell in cells} == set(map(tuple, np.argwhere(table > 0).tolist()))
    for cell in cells:
        truth = table[cell.before, cell.after - 50]
        assert (cell.customers is None) == (truth < 10)
        assert cell.customers is None or (cell.customers % 10 == 0 and abs(cell.customers - truth) <= 5)
        assert (cell.revenue_share is None) == (truth < 10)
    if table.sum():
        assert abs(moved(table, before, after) * table.sum() - table.sum()) <= 5
        assert moved(table, before, list(range(table.shape[1]))) <= moved(table, before, after)


def test_half_and_half_has_no_heir() -> None:
    halves = np.array([[50.0, 50.0, 0.0], [0.0, 0.0, 80.0]])
    assert matched(halves) == {2: 1}
    assert [each.status for each in descents(halves, {2: 1}, [0, 1], [7, 8, 1])] == ["split", "split", "survived"]
    assert [(fate.status, fate.into) for fate in fates(halves, {2: 1}, [segment(0), segment(1)], [7, 8, 1])] == [
        ("split", (7, 8)),
        ("survived", (1,)),
    ]
    assert matched(halves.T) == {1: 2}
    whole = descents(halves.T, {1: 2}, [0, 1, 2], [9, 2])
    assert [(each.status, each.of) for each in whole] == [("merged", (0, 1)), ("survived", (2,))]


def test_the_larger_part_keeps_the_id_and_the_smaller_is_said_to_come_from_it() -> None:
    table = np.array([[70.0, 30.0]])
    found = matched(table)
    assert found == {0: 0}
    assert [(each.status, each.of) for each in descents(table, found, [4], [4, 9])] == [
        ("survived", (4,)),
        ("split", (4,)),
    ]
    assert [(fate.status, fate.into) for fate in fates(table, found, [segment(4)], [4, 9])] == [("survived", (4, 9))]


def test_a_merged_segment_keeps_the_id_of_its_larger_part() -> None:
    table = np.array([[60.0], [40.0]])
    found = matched(table)
    assert [(each.status, each.of) for each in descents(table, found, [3, 4], [3])] == [("survived", (3,))]
    ends = fates(table, found, [segment(3), segment(4)], [3])
    assert [(fate.status, fate.into) for fate in ends] == [("survived", (3,)), ("merged", (3,))]


def test_what_comes_of_everywhere_is_new_and_what_goes_everywhere_is_retired() -> None:
    table = np.array([[80.0, 0, 0, 20], [0, 80, 0, 20], [0, 0, 80, 20], [8, 8, 8, 0]])
    found = matched(table)
    assert [each.status for each in descents(table, found, [0, 1, 2, 3], [0, 1, 2, 4])] == ["survived"] * 3 + ["new"]
    ends = fates(table, found, [segment(each) for each in range(4)], [0, 1, 2, 4])
    assert [fate.status for fate in ends] == ["survived"] * 3 + ["retired"]
