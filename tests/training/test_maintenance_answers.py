"""How often to retrain: the rule, the contract that follows, causes that are known, and warm starts."""

import os
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from threading import Barrier
from typing import Any, cast

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from segmentation.features import ORDER_FEATURES, select
from segmentation.recipe import Clustering, Preprocessing
from segmentation.scoring import Floats
from training.configuration import Configuration
from training.maintenance import floor as floors
from training.maintenance.comparison import Aged, Newest, compare
from training.maintenance.configured import Maintenance
from training.maintenance.contract import SCHEDULES, contract
from training.maintenance.dates import History, Plan, plan
from training.maintenance.models import Model, Recipe, fit
from training.maintenance.recommendation import recommend
from training.maintenance.replay import Ints, Replay, Seen
from training.maintenance.results import NoiseFloor, Origin, OriginSegment, Point, Recommendation
from training.maintenance.steps import replayed

SETTINGS = Configuration(
    clustering=Clustering(k=3),
    preprocessing=Preprocessing(winsorise=None, log1p=False, variance_kept=None),
    maintenance=Maintenance(seeds=2, bootstraps=6),
)
FEATURES = select(("recency_days", "monetary"), ORDER_FEATURES)
RECIPE = Recipe(FEATURES, (), SETTINGS, 3)
DAY = datetime(2025, 1, 1, tzinfo=UTC)
FLOOR = NoiseFloor(refits=10, ari=0.99, ari_low=0.97, ari_high=1.0, seeds_ari=1.0, bootstrap_ari=0.99)


def customers(n: int = 900, apart: float = 8.0) -> Any:
    """Three clear groups in recency and value."""
    rng = np.random.default_rng(1)
    centres = np.array([[100.0, 50], [200, 200], [300, 60]])
    return centres[np.arange(n) % 3] + rng.normal(0, 100 / apart, (n, 2))


def origin(*values: float, name: str = "2025-01-01T00:00:00Z", low: float = 0.01) -> Origin:
    points = tuple(
        Point(
            date="", age_days=7 * place, customers=100, ari=value, ari_low=value - low, ari_high=value + low,
            ari_if_rescaled=1.0, ari_if_recentred=1.0, loss_preprocessing=0.0, loss_geometry=0.0, jaccard=(1.0,),
            moved=0.0, moved_revenue=None, migrated=0.0, migrated_revenue=None, stayed=(1.0,),
        )
        for place, value in enumerate(values, start=1)
    )  # fmt: skip
    segments = (OriginSegment(name="All", share=1.0),)
    return Origin(
        origin=name, customers=100, segments=segments, noise_floor=FLOOR, points=points, first_below_days=None
    )


def test_the_last_age_before_the_bound_fails_is_recommended() -> None:
    found = recommend([origin(0.95, 0.9, 0.79, 0.9), origin(0.95, 0.9, 0.79)], FLOOR, 0.8, 7)
    assert (found.answer, found.days) == ("every", 14)
    assert [at.age_days for at in found.by_age] == [7, 14, 21]


def test_the_bound_is_the_one_that_nine_in_ten_further_models_are_above() -> None:
    """Simulated: three origins seen, a fourth drawn from the same distribution."""
    rng = np.random.default_rng(0)
    above = []
    for *seen, further in rng.normal(0.85, 0.03, (4_000, 4)):
        found = recommend([origin(value) for value in seen], FLOOR, 0.0, 7)
        above.append(further > found.by_age[0].ari_low)
    assert np.mean(above) == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 4_000))


def test_one_origin_is_judged_by_its_customers_and_says_so() -> None:
    found = recommend([origin(0.9, 0.805)], FLOOR, 0.8, 7)
    assert (found.answer, found.days) == ("every", 7)
    assert "One origin does not tell" in found.why


def test_a_history_that_ends_first_a_step_too_long_and_noise_have_answers_of_their_own() -> None:
    assert recommend([origin(0.95, 0.9)], FLOOR, 0.8, 7).answer == "at-least"
    sooner = recommend([origin(0.7, 0.6)], FLOOR, 0.8, 7)
    assert (sooner.answer, sooner.days) == ("sooner", None)
    none = recommend([origin(0.95, 0.9)], replace(FLOOR, ari_low=0.75), 0.8, 7)
    assert (none.answer, none.days) == ("none", None)
    assert "0.750" in none.why
    assert contract(none, Maintenance()) is None


def test_customers_without_structure_have_a_floor_that_no_schedule_mends() -> None:
    rows = np.random.default_rng(3).normal(0, 1, (600, 2))
    model, labels = fit(rows, replace(RECIPE, k=7))
    assert floors.refits(model, rows, labels).told().ari_low < 0.8
    clear, of_clear = fit(customers(), RECIPE)
    assert floors.refits(clear, customers(), of_clear).told().ari_low > 0.98


def test_refits_beside_each_other_keep_to_one_thread_and_give_back_what_there_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, met, seen = customers(), Barrier(2), list[int]()
    model, labels = fit(rows, RECIPE)

    def meeting(drawn: Floats, recipe: Recipe, seed: int) -> tuple[Model, Ints]:
        place = met.wait(timeout=60)
        time.sleep(0.2 * place)
        seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return fit(drawn, recipe, seed=seed)

    monkeypatch.setattr(floors, "fit", meeting)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with threadpool_limits(limits=3):
        before = threadpool_info()
        floors.refits(model, rows, labels)
        assert threadpool_info() == before
    assert set(seen) == {1}


def runs(days: str) -> list[date]:
    """What cron makes of day of month, month and day of week, over eight years."""
    of_month, month, of_week = days.split()
    every = [date(2025, 1, 1) + timedelta(days=place) for place in range(8 * 366)]

    def fits(field: str, value: int, first: int) -> bool:
        if field.startswith("*/"):
            return (value - first) % int(field[2:]) == 0
        return field == "*" or value in map(int, field.split(","))

    return [
        day for day in every
        if fits(of_month, day.day, 1) and fits(month, day.month, 1) and fits(of_week, day.isoweekday() % 7, 0)
    ]  # fmt: skip


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_cron_keeps_what_the_schedules_promise(schedule: Any) -> None:
    found = runs(schedule.days)
    gaps = [(later - day).days for day, later in pairwise(found)]
    assert max(gaps) == schedule.longest_gap_days
    assert len(gaps) / ((found[-1] - found[0]).days / 365.25) == pytest.approx(schedule.per_year, rel=0.002)


@pytest.mark.parametrize("days", [1, 6, 7, 13, 30, 31, 49, 61, 62, 91, 92, 183, 365, 366, 2_000])
def test_no_schedule_waits_longer_than_recommended_and_no_rarer_one_would_do(days: int) -> None:
    settings = Maintenance(days_per_retraining=1.5, days_per_year=4, day_rate=600, start_at="04:05")
    made = contract(Recommendation(answer="every", days=days, why="", by_age=()), settings)
    assert made is not None
    assert made.longest_gap_days <= days
    assert [each for each in SCHEDULES if made.longest_gap_days < each.longest_gap_days <= days] == []
    assert made.schedule.startswith("5 4 ")
    assert made.effort_days_per_year == pytest.approx(1.5 * made.retrainings_per_year + 4, abs=0.01)
    assert made.price_per_year == pytest.approx(600 * (made.effort_days_per_year or 0), abs=0.01)


def test_a_contract_without_rates_tells_no_effort_and_no_price() -> None:
    made = contract(Recommendation(answer="every", days=49, why="", by_age=()), Maintenance())
    assert made is not None
    assert (made.schedule, made.effort_days_per_year, made.price_per_year) == ("30 3 1 * *", None, None)


def test_where_everybody_only_ages_the_preprocessing_alone_makes_it_good() -> None:
    then, now = customers(), np.add(customers(), [90.0, 0.0])
    model, labels = fit(then, RECIPE)
    newest, new_labels = fit(now, RECIPE)
    numbers = np.arange(len(then))
    point = compare(
        Aged(DAY, model, numbers, labels), DAY + timedelta(days=60), numbers, now, now[:, 1],
        Newest(newest, newest.space(now), new_labels), only_known=False, seed=0,
    )  # fmt: skip
    assert point.ari < 0.9
    assert point.ari_if_rescaled == 1
    assert point.loss_preprocessing + point.loss_geometry == pytest.approx(1 - point.ari)
    assert point.migrated > 0.05


def test_a_group_that_moves_is_the_geometry_s() -> None:
    then = customers()
    now = then.copy()
    # Within the same mean and spread of each feature: nothing is there to scale anew.
    now[:, 1] = then[np.argsort(np.argsort(-then[:, 0])), 1]
    model, labels = fit(then, RECIPE)
    newest, new_labels = fit(now, RECIPE)
    numbers = np.arange(len(then))
    point = compare(
        Aged(DAY, model, numbers, labels), DAY + timedelta(days=60), numbers, now, None,
        Newest(newest, newest.space(now), new_labels), only_known=False, seed=0,
    )  # fmt: skip
    assert point.ari < 0.95
    assert point.loss_preprocessing == pytest.approx(0, abs=0.01)
    assert point.loss_geometry == pytest.approx(1 - point.ari, abs=0.01)


class Drifting:
    """Customers who drift a little each day, and more of them; in place of a database."""

    def at(self, day: datetime) -> Seen:
        days = (day - DAY).days
        rows = np.add(customers(900 + 9 * days), [days, 0.2 * days])
        return Seen(day, np.arange(len(rows)), rows, rows[:, 1])


def test_warm_starts_are_used_where_they_change_nothing_and_only_there() -> None:
    replay = cast("Replay", Drifting())
    seen = replay.at(DAY)
    model, labels = fit(seen.features, RECIPE)
    begun = [Aged(DAY, model, seen.customers, labels)]
    planned = plan(History(DAY - timedelta(days=90), DAY + timedelta(days=70), "orders"), timedelta(days=7), [DAY], 1)
    warm, told = replayed(replay, RECIPE, planned, begun, 0.99)
    full, other = replayed(replay, RECIPE, planned, begun, 0.94)
    assert told.warm_starts
    assert told.compared == 3
    assert told.largest_difference is not None
    assert not other.warm_starts
    assert "0.940, is under 0.95" in other.why
    assert len(warm[0]) == len(full[0]) == 10
    for one, another in zip(warm[0], full[0], strict=True):
        assert one.ari == pytest.approx(another.ari, abs=0.005)
    off = replace(RECIPE, configuration=replace(SETTINGS, maintenance=Maintenance(warm_starts=False)))
    assert "warm_starts is off" in replayed(replay, off, planned, begun, 0.99)[1].why


def test_a_warm_start_that_ends_elsewhere_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four groups in a square, three segments: which two are one depends on where it began."""
    rng = np.random.default_rng(0)
    corners = np.array([[0.0, 0], [0, 10], [10, 0], [10, 10]])

    class Square(Drifting):
        def at(self, day: datetime) -> Seen:
            wide = 1.0 + (day - DAY).days / 40
            rows = corners[np.arange(800) % 4] * [1.0, wide] + rng.normal(0, 0.1, (800, 2))
            rows[:, 0] += 1e3
            return Seen(day, np.arange(800), rows, None)

    replay = cast("Replay", Square())
    seen = replay.at(DAY)
    recipe = replace(RECIPE, configuration=replace(SETTINGS, preprocessing=Preprocessing(None, False, False, None)))
    start = np.array([0, 1, 2, 2])[np.arange(800) % 4]
    model, labels = fit(seen.features, recipe, start=start)
    begun = [Aged(DAY, model, seen.customers, labels)]
    planned = Plan((DAY,), tuple(DAY + timedelta(days=7 * step) for step in range(1, 5)), timedelta(days=7))
    points, told = replayed(replay, recipe, planned, begun, 0.99)
    assert not told.warm_starts
    assert "a warm start changed an ARI by" in told.why
    assert len(points[0]) == 4
