"""Drift statistics: the formula, its threshold, and what a window is told."""

import doctest
from dataclasses import replace
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation import assignment, drift
from segmentation.card import Card
from segmentation.drift import Drift, Monitor, psi, psis, threshold, verdict
from segmentation.drift import statistics as statistics_module
from segmentation.errors import InconsistentModelError
from training.job import Result

counts = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=12)


def feature(name: str, *, ages: bool = False) -> Monitor:
    return Monitor(
        name=f"feature:{name}", kind="feature", edges=(1.0, 2.0), counts=(400, 300, 300), ages=ages,
        coefficients={"calibration": 10.0, "alert": 20.0},
    )  # fmt: skip


WATCHED = Drift(
    monitors=(feature("spend"), feature("recency", ages=True), feature("visits")),
    minimum=50, reference_customers=1000, windows=1000, smallest_window=50, largest_window=500, tail=0.0,
)  # fmt: skip
SAME, OTHER, QUITE_OTHER = (40, 30, 30), (20, 30, 50), (0, 10, 90)


@given(counts)
def test_psi_is_what_its_formula_says(pairs: list[tuple[int, int]]) -> None:
    expected, actual = zip(*pairs, strict=True)
    n, reference_n, bins = sum(actual), sum(expected), len(pairs)
    a = [(count + 0.5) / (n + bins / 2) for count in actual]
    e = [(count + 0.5) / (reference_n + bins / 2) for count in expected]
    assert psi(expected, actual) == pytest.approx(
        sum((x - y) * log(x / y) for x, y in zip(a, e, strict=True)), abs=1e-12
    )
    assert psi(expected, actual) == pytest.approx(psi(actual, expected))
    assert psi(expected, expected) == 0 <= psi(expected, actual)


def test_many_windows_are_told_what_each_is_told_alone() -> None:
    windows = np.array([SAME, OTHER, QUITE_OTHER])
    assert psis(np.array([400, 300, 300]), windows).tolist() == [psi((400, 300, 300), each) for each in windows]


def test_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(statistics_module).failed == 0


def test_a_threshold_shrinks_with_both_numbers_of_customers() -> None:
    spend = WATCHED.monitors[0]
    assert threshold(spend, "calibration", 100, 1000) == pytest.approx(10 * (1 / 100 + 1 / 1000))
    assert threshold(spend, "alert", 100, 1000) == 2 * threshold(spend, "calibration", 100, 1000)


def test_a_verdict_names_the_features_that_stick_out_most_and_those_that_age_last() -> None:
    said = verdict(WATCHED, {"feature:spend": OTHER, "feature:recency": QUITE_OTHER, "feature:visits": SAME})
    assert (said.verdict, said.responsible) == ("drift", ("spend", "visits"))
    assert [each.verdict for each in said.readings] == ["drift", "drift", "none"]
    assert [each.n for each in said.readings] == [100] * 3


@pytest.mark.parametrize(
    ("spend", "recency", "expected"),
    [
        (SAME, SAME, "none"),
        (SAME, OTHER, "ageing"),
        (OTHER, SAME, "drift"),
        ((0, 1, 48), (0, 0, 0), "too few"),
    ],
)
def test_what_only_ages_is_told_apart_and_few_customers_are_no_verdict(
    spend: tuple[int, ...], recency: tuple[int, ...], expected: str
) -> None:
    assert verdict(WATCHED, {"feature:spend": spend, "feature:recency": recency}).verdict == expected


def test_another_baseline_takes_the_place_of_the_reference() -> None:
    seen = {each.name: OTHER for each in WATCHED.monitors}
    assert verdict(WATCHED, seen).verdict == "drift"
    told = verdict(WATCHED, seen, baseline=seen)
    assert (told.verdict, told.readings[0].reference_n) == ("none", 100)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"edges": (1.0,)}, "3 bins and 1"), ({"edges": (2.0, 1.0)}, "ascend"), ({"counts": ()}, "0 bins")],
)
def test_bins_that_do_not_fit_are_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InconsistentModelError, match=said):
        replace(WATCHED.monitors[0], **changes)  # type: ignore[arg-type]


def test_a_value_on_an_edge_is_in_the_bin_above_it() -> None:
    assert WATCHED.monitors[0].count(np.array([0.99, 1.0, 1.5, 2.0, np.nan, np.inf, -np.inf])).tolist() == [2, 2, 2]


def test_the_training_customers_counted_again_are_the_reference(sample_result: Result) -> None:
    card, rows = sample_result.made.card, sample_result.snapshot.customers.to_numpy()
    arrays = sample_result.fitted.arrays
    counted = assignment.tally(card, rows, assignment.assign(card, arrays, rows))
    assert {name: tuple(each.tolist()) for name, each in counted.items()} == {
        monitor.name: monitor.counts for monitor in card.drift.monitors
    }
    assert verdict(card.drift, counted).verdict == "none"


def test_the_card_says_what_ages_and_who_lacked_what(sample_result: Result) -> None:
    card: Card = sample_result.made.card
    assert [each.name for each in card.drift.monitors if each.ages] == ["feature:recency_days", "feature:tenure_days"]
    told = {each.name.removeprefix("feature:"): each.missing for each in card.drift.monitors if each.kind == "feature"}
    lacking = sample_result.snapshot.lacking
    assert told == {name: lacking[name] if lacking[name] >= 10 else 0 for name in card.feature_names}
    assert max(told.values()) > 0
    for each in card.drift.monitors:
        assert 0 < each.coefficients["calibration"] < each.coefficients["alert"]


def test_everything_is_exported_once() -> None:
    assert sorted(drift.__all__, key=str.lower) == sorted(set(drift.__all__), key=str.lower)
