"""RFM: every cell has one name, equal customers have equal scores."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import rfm

CELLS = list(product(rfm.SCORES, repeat=3))

# (recency, mean of frequency and monetary) from and to, as published (Putler; R package rfm 0.2); 0 is read as 1.
PUBLISHED = {
    "Champions": ((4, 5), (4, 5)),
    "Loyal": ((2, 5), (3, 5)),
    "Potential loyalists": ((3, 5), (1, 3)),
    "New customers": ((4, 5), (1, 1)),
    "Promising": ((3, 4), (1, 1)),
    "Need attention": ((2, 3), (2, 3)),
    "About to sleep": ((2, 3), (1, 2)),
    "At risk": ((1, 2), (2, 5)),
    "Cannot lose them": ((1, 1), (4, 5)),
    "Hibernating": ((1, 2), (1, 2)),
    "Lost": ((1, 2), (1, 2)),
}

values = st.lists(st.integers(0, 20) | st.floats(-1e9, 1e9), min_size=1, max_size=200).map(
    lambda found: np.array(found, dtype=np.float64)
)


def test_the_names_are_a_partition_of_the_125_cells() -> None:
    named = Counter(rfm.name(*cell) for cell in CELLS)
    assert named.total() == 125
    assert set(named) == set(rfm.NAMES)
    assert len(set(rfm.NAMES)) == len(rfm.NAMES) == 11


@given(st.tuples(*[st.sampled_from(rfm.SCORES)] * 3))
def test_each_cell_has_one_name_that_the_published_table_allows(cell: tuple[int, int, int]) -> None:
    recency, frequency, monetary = cell
    (low, high), (mean_low, mean_high) = PUBLISHED[rfm.name(*cell)]
    assert low <= recency <= high
    assert mean_low <= (frequency + monetary + 1) // 2 <= mean_high


@given(st.integers(), st.integers(), st.integers())
def test_a_name_is_given_to_cells_only(recency: int, frequency: int, monetary: int) -> None:
    if {recency, frequency, monetary} <= set(rfm.SCORES):
        assert rfm.name(recency, frequency, monetary) in rfm.NAMES
    else:
        with pytest.raises(ValueError, match="1 to 5"):
            rfm.name(recency, frequency, monetary)


@given(values)
def test_ties_share_a_score_and_more_is_never_worse(found: np.ndarray) -> None:
    scores = rfm.score(found)
    by_value: dict[float, set[int]] = {}
    for value, score in zip(found.tolist(), scores.tolist(), strict=True):
        by_value.setdefault(value, set()).add(score)
    assert all(len(shared) == 1 for shared in by_value.values())
    ascending = [by_value[value].pop() for value in sorted(by_value)]
    assert ascending == sorted(ascending)
    assert ascending[0] == 1
    assert set(ascending) <= set(rfm.SCORES)


@given(values, st.randoms(use_true_random=False))
def test_scores_do_not_depend_on_the_order_of_customers(found: np.ndarray, random: object) -> None:
    places = list(range(len(found)))
    random.shuffle(places)  # type: ignore[attr-defined]
    assert rfm.score(found[places]).tolist() == rfm.score(found)[places].tolist()


@given(st.integers(5, 300))
def test_without_ties_scores_are_quintiles(customers: int) -> None:
    sizes = np.bincount(rfm.score(np.arange(customers, dtype=np.float64)), minlength=6)[1:]
    assert sizes.max() - sizes.min() <= 1


@given(st.integers(0, 200), st.integers(0, 60))
def test_one_order_customers_share_the_lowest_frequency_score(one: int, more: int) -> None:
    orders = np.array([1.0] * one + [2.0 + number % 4 for number in range(more)])
    scores = rfm.score(orders)
    assert set(scores[:one].tolist()) <= {1}


def test_where_97_percent_have_one_order_the_others_stand_out() -> None:
    scores = rfm.score(np.array([1.0] * 970 + [2.0] * 25 + [3.0] * 5))
    assert scores[:970].tolist() == [1] * 970
    assert scores[970:].tolist() == [5] * 30


def test_nobody_with_one_order_is_a_champion_loyal_or_not_to_be_lost() -> None:
    names = {rfm.name(recency, 1, monetary) for recency in rfm.SCORES for monetary in rfm.SCORES}
    assert not names & {"Champions", "Loyal", "Cannot lose them"}


def test_the_shortest_time_since_the_last_order_is_best() -> None:
    scored = rfm.score_customers(np.array([1.0, 100.0]), np.array([1.0, 1.0]), np.array([5.0, 50.0]))
    assert scored.recency.tolist() == [3, 1]
    assert scored.monetary.tolist() == [1, 3]


def test_positions_say_what_names_say() -> None:
    recency, frequency, monetary = (np.array(column, dtype=np.int64) for column in zip(*CELLS, strict=True))
    found = rfm.positions(rfm.Scored(recency, frequency, monetary))
    assert [rfm.NAMES[place] for place in found] == [rfm.name(*cell) for cell in CELLS]
