"""Every profile has a name, by exactly one rule, and no two segments of a model are called the same."""

import re
from itertools import pairwise, product
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segmentation.errors import ConfigurationError
from segmentation.features import EVENT_FEATURES, ORDER_FEATURES, Feature, number, select
from segmentation.settings import Settings
from tests.conftest import MADE
from tests.depth import examples
from tests.quick import QUICK
from training import configuration, job
from training.identity import Identity
from training.naming import LONGEST, REMARKABLE, THIRD, Level, base_name, head, level, name_segments, plain
from training.profiles import describe, refuse_unfit_names
from training.sources.sample import behaviours
from training.standings import Standings, standings

NUMBERS = tuple(number(name) for name in ("age", "annual_income", "a_column_whose_name_goes_on_and_on_without_any_end"))
CATALOGUES = (ORDER_FEATURES, EVENT_FEATURES, NUMBERS, NUMBERS[:1])


@st.composite
def profiles(draw: st.DrawFn) -> tuple[tuple[Feature, ...], Standings]:
    """Any standing whatever of up to 12 segments, equal ones and contradictory ones included."""
    features = draw(st.sampled_from(CATALOGUES))
    k, d = draw(st.integers(1, 12)), len(features)
    effects = arrays.arrays(np.float64, (k, d), elements=st.sampled_from([-8.0, -0.5, -0.31, -0.1, 0, 0.3, 0.5, 2]))
    ranks = arrays.arrays(np.float64, (k, d), elements=st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 2 / 3, 0.9, 1.0]))
    medians = arrays.arrays(np.float64, (k, d), elements=st.sampled_from([0.0, 1, 2, 50]))
    same = draw(arrays.arrays(np.bool_, (d, d)))
    middle = draw(arrays.arrays(np.float64, d, elements=st.sampled_from([0.0, 1, 2, 50])))
    return features, Standings(draw(effects), draw(ranks), draw(medians), middle, same | same.T)


@given(st.floats(-50, 50), st.floats(0, 1))
def test_a_feature_of_a_segment_is_exactly_one_of_low_middle_and_high(effect: float, rank: float) -> None:
    high = effect >= REMARKABLE and rank >= 1 - THIRD
    low = effect <= -REMARKABLE and rank <= THIRD
    assert [high, not (high or low), low].count(True) == 1
    assert level(effect, rank) == ("high" if high else "low" if low else "middle")


def test_every_kind_of_customer_has_a_beginning_of_its_own() -> None:
    levels: tuple[Level, ...] = get_args(Level)
    for events, everybody in product((False, True), (0.0, 1.0, 5.0)):
        told = [head(*pair, events=events, everybody=everybody, own=3.0) for pair in product(levels, levels)]
        assert len(set(told)) == len(told)
        assert told.count("") == 1


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(profiles())
def test_every_profile_has_one_name_that_can_be_read(given_: tuple[tuple[Feature, ...], Standings]) -> None:
    features, standing = given_
    for position in range(len(standing.effects)):
        name = base_name(position, standing, features)
        assert 1 <= len(name) <= LONGEST
        assert name[0].isupper()
        assert name == base_name(position, standing, features)


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(profiles(), st.booleans())
def test_no_two_segments_share_a_name_and_none_is_told_by_a_bare_number(
    given_: tuple[tuple[Feature, ...], Standings], some_given: bool
) -> None:
    features, standing = given_
    settled = {0: "VIPs"} if some_given else {}
    names = name_segments(standing, features, settled, taken=("Typical customers",))
    assert len({plain(name) for name in names}) == len(standing.effects)
    assert "Typical customers" not in names
    assert (names[0] == "VIPs") == some_given
    for name in names:
        assert 1 <= len(name) <= LONGEST
        assert not re.search(r"\(\d+\)", name)


@settings(max_examples=examples(50), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(profiles())
def test_the_first_of_namesakes_bears_the_name_of_the_rules(given_: tuple[tuple[Feature, ...], Standings]) -> None:
    features, standing = given_
    bases = [base_name(position, standing, features) for position in range(len(standing.effects))]
    names = name_segments(standing, features)
    for position, base in enumerate(bases):
        if plain(base) not in map(plain, bases[:position]):
            assert names[position] == base


def test_segments_that_nothing_tells_apart_are_counted_in_words() -> None:
    nothing = np.zeros((3, 1))
    standing = Standings(nothing, nothing + 0.5, nothing, np.zeros(1), np.eye(1, dtype=np.bool_))
    assert name_segments(standing, NUMBERS[:1]) == [
        "Typical customers",
        "Age above 50 % of all",
        "Typical customers, second group",
    ]


def test_namesakes_are_told_by_what_parts_them_and_not_by_what_they_share() -> None:
    features = select(["monetary", "instalments", "items_per_order", "recency_days"], ORDER_FEATURES)
    told = {
        "monetary": [1.0, 1.0, -1.0],
        "instalments": [1.75, 1.75, -1.7],
        "items_per_order": [1.4, 1.4, -1.4],
        "recency_days": [0.95, -0.95, 0.0],
    }
    effects = np.array([told[feature.name] for feature in features]).T
    ranks = np.where(effects > 0, 0.9, np.where(effects < 0, 0.1, 0.5))
    standing = Standings(effects, ranks, effects, np.zeros(4), np.eye(4, dtype=np.bool_))
    settled: dict[int, str]
    for settled in ({}, {0: "Big spenders, paying in instalments"}):
        assert name_segments(standing, features, settled)[:2] == [
            "Big spenders, paying in instalments",
            "Big spenders, bought lately",
        ]


def test_a_namesake_is_not_told_by_what_holds_of_the_other_still_more() -> None:
    """Both have large baskets, the first by far: the second's name must not say that it has."""
    features = select(["monetary", "instalments", "items_per_order", "recency_days"], ORDER_FEATURES)
    told = {
        "monetary": [1.0, 1.0, -1.0],
        "instalments": [1.75, 1.4, -1.7],
        "items_per_order": [1.7, 0.6, -1.4],
        "recency_days": [-0.4, -0.55, 0.6],
    }
    effects = np.array([told[feature.name] for feature in features]).T
    ranks = np.where(effects > 0, 0.9, 0.1)
    standing = Standings(effects, ranks, effects, np.zeros(4), np.eye(4, dtype=np.bool_))
    assert name_segments(standing, features)[:2] == [
        "Big spenders, paying in instalments",
        "Big spenders, bought lately",
    ]


def test_a_name_holds_no_two_measures_of_one_thing() -> None:
    features = select(["monetary", "average_basket", "review_score"], ORDER_FEATURES)
    rng = np.random.default_rng(2)
    spend = rng.normal(0, 1, 300)
    rows = np.column_stack([spend, spend + rng.normal(0, 0.01, 300), rng.normal(0, 1, 300)])
    standing = standings(rows, rows, (spend > 0).astype(np.int64), 2)
    assert name_segments(standing, features) == ["Small spenders", "Big spenders"]


def test_a_feature_that_most_of_a_segment_share_with_everybody_does_not_name_it() -> None:
    """A tenth of the segment is extreme: its mean stands out, its customers do not."""
    features = select(["frequency", "review_score"], ORDER_FEATURES)
    rng = np.random.default_rng(3)
    rows = np.column_stack([np.ones(1000), rng.normal(3, 0.1, 1000)])
    rows[:10, 0] = 40
    standing = standings(rows, rows, (np.arange(1000) >= 100).astype(np.int64), 2)
    assert standing.effects[0, 0] > 0.5
    assert name_segments(standing, features)[0] == "Typical customers"


def test_bootstrap_samples_of_the_shop_leave_the_names_as_they_are(sample_result: job.Result) -> None:
    snapshot, fitted = sample_result.snapshot, sample_result.fitted
    rows, names = snapshot.customers.to_numpy(), [segment.name for segment in sample_result.made.card.segments]
    for seed in range(5):
        drawn = np.random.default_rng(seed).integers(0, len(rows), len(rows))
        seen = fitted.arrays.prepare(rows[drawn])
        standing = standings(rows[drawn], seen, fitted.labels[drawn], len(names))
        assert name_segments(standing, snapshot.features) == names


def test_the_names_of_the_generated_shop_are_those_of_its_behaviours(sample_result: job.Result) -> None:
    truth = behaviours(3000, 7).loc[sample_result.snapshot.customers.index].to_numpy()
    found = {}
    for position, segment in enumerate(sample_result.made.card.segments):
        kinds, counts = np.unique(truth[sample_result.fitted.labels == position], return_counts=True)
        found[str(kinds[counts.argmax()])] = segment.name
    assert found == {
        "loyal regulars": "Returning big spenders, broad interests",
        "household stock-up": "Large baskets, many pieces",
        "bargain hunters": "Small spenders, paying at once",
        "big-ticket buyers": "Big spenders, paying in instalments",
        "let down": "Dissatisfied, kept waiting",
    }


def test_the_configuration_names_segments_by_id() -> None:
    few = ["sample.customers=600", *QUICK, "segment_names={3: VIPs, 0: Typical customers}"]
    chosen = configuration.load("sample", assignments=few)
    made = job.make("sample", None, chosen, Settings(), created=MADE).made
    names = {segment.id: segment.name for segment in made.card.segments}
    assert (names[3], names[0]) == ("VIPs", "Typical customers")
    assert len(set(names.values())) == len(names)


def test_a_name_for_a_segment_that_is_not_there_is_refused_with_those_that_are(sample_result: job.Result) -> None:
    with pytest.raises(ConfigurationError, match="has no segment 7, which was to be called 'VIPs'") as refused:
        refuse_unfit_names({7: "VIPs"}, sample_result.made.card.all_segments)
    assert refused.value.hint.startswith("it has 0, 1, 2, 3, 4;")


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("segment_names={0: ' '}", "segment_names"),
        (f"segment_names={{0: {'x' * 61}}}", "segment_names"),
        ("segment_names={0: VIPs, 1: vips}", "two segments would be called 'vips'"),
        ("segment_names={1001: VIPs}", "1001 is declared in rule_segments"),
        ("segment_names={VIPs: 0}", "segment_names"),
        ("segment_names={-1: VIPs}", "segment_names"),
    ],
)
def test_names_that_cannot_be_are_refused_before_training(assignment: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        configuration.load("sample", assignments=[assignment])


def test_a_name_that_a_declared_segment_has_is_refused() -> None:
    declared = "rule_segments=[{id: 1001, name: VIPs, when: [{feature: monetary, at_least: 900}]}]"
    with pytest.raises(ConfigurationError, match="two segments would be called 'vips'"):
        configuration.load("sample", assignments=[declared, "segment_names.0=VIPs"])


def test_phrases_of_the_catalogues_leave_room_for_what_kind_of_customers_they_are() -> None:
    for catalogue in (ORDER_FEATURES, EVENT_FEATURES):
        phrases = [phrase for feature in catalogue for phrase in (feature.low, feature.high)]
        assert max(map(len, phrases)) <= 24
        for one, other in pairwise(phrases):
            assert one != other


def test_typical_customers_are_told_by_what_they_lean_to() -> None:
    features = select(["monetary", "review_score"], ORDER_FEATURES)
    standing = Standings(
        effects=np.array([[-0.4, 0.1], [0.2, 0.45]]),
        ranks=np.array([[0.3, 0.5], [0.7, 0.6]]),
        medians=np.ones((2, 2)),
        middle=np.full(2, 5.0),
        same=np.eye(2, dtype=np.bool_),
    )
    assert name_segments(standing, features) == ["Typical customers, low spend", "Typical customers"]


def test_a_name_that_is_given_to_another_passes_to_it_however_it_is_spaced(sample_result: job.Result) -> None:
    snapshot, fitted = sample_result.snapshot, sample_result.fitted
    identities = [Identity(0, "Big spenders", "#0072b2"), *map(Identity, range(1, 5))]
    segments = describe(
        snapshot.customers, snapshot.features, sample_result.populations, fitted,
        identities=identities, names={1: "big  Spenders"},
    )  # fmt: skip
    assert segments[1].name == "big  Spenders"
    assert plain(segments[0].name) != "big spenders"
    refuse_unfit_names({1: "big  Spenders"}, segments)
