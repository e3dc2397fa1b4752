"""Coefficients: of the whole family, the same each time, and where the tail must be estimated, estimated well."""

import numpy as np
import pytest
from scipy import stats

from segmentation.drift import Monitor
from training.drift.calibration import calibrate, critical_values, draw, scale, window_sizes

RNG = np.random.default_rng(3)


def watched(bins: int, statistics: int, customers: int, *, alike: bool) -> tuple[list[Monitor], np.ndarray]:
    """Statistics of evenly filled bins: all of them the same, or independent of each other."""
    columns = [RNG.permutation(customers) % bins for _ in range(1 if alike else statistics)]
    columns = columns * statistics if alike else columns
    edges = tuple(map(float, range(1, bins)))
    monitors = [
        Monitor(name=f"feature:{at}", kind="feature", edges=edges, counts=tuple(np.bincount(column).tolist()))
        for at, column in enumerate(columns)
    ]
    return monitors, np.column_stack(columns)


def test_one_statistic_is_held_against_the_chi_square_that_it_tends_to() -> None:
    (monitor,) = calibrate(*watched(5, 1, 20_000, alike=True), windows=6000, seed=0).monitors
    assert monitor.coefficients["calibration"] == pytest.approx(stats.chi2.ppf(0.95, 4), rel=0.05)
    assert monitor.coefficients["alert"] == pytest.approx(stats.chi2.ppf(0.999, 4), rel=0.12)


def test_the_level_is_of_the_family_whatever_its_statistics_have_to_do_with_each_other() -> None:
    same = calibrate(*watched(5, 12, 20_000, alike=True), windows=3000, seed=0).monitors[0]
    apart = calibrate(*watched(5, 12, 20_000, alike=False), windows=3000, seed=0).monitors[0]
    assert same.coefficients["calibration"] == pytest.approx(stats.chi2.ppf(0.95, 4), rel=0.06)
    assert apart.coefficients["calibration"] == pytest.approx(stats.chi2.ppf(0.95 ** (1 / 12), 4), rel=0.06)


@pytest.mark.parametrize("law", [stats.norm(), stats.gumbel_r(), stats.expon(), stats.uniform()])
def test_what_lies_beyond_the_windows_is_estimated_from_their_tail(law: "stats.rv_continuous") -> None:
    found = [critical_values(law.rvs(6000, random_state=seed))[0] for seed in range(20)]
    assert np.mean([each["calibration"] for each in found]) == pytest.approx(law.ppf(0.95), rel=0.02)
    assert np.mean([each["alert"] for each in found]) == pytest.approx(law.ppf(0.999), rel=0.04)


def test_the_same_seed_gives_the_same_coefficients_and_another_gives_others() -> None:
    monitors, binned = watched(4, 3, 500, alike=False)
    first, again, other = (calibrate(monitors, binned, windows=1000, seed=seed) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("customers", [20, 60, 120, 400])
def test_few_customers_are_calibrated_with_the_windows_that_they_allow(customers: int) -> None:
    made = calibrate(*watched(2, 2, customers, alike=False), windows=1000, seed=0)
    assert made.largest_window == customers // 2
    assert made.smallest_window == min(50, customers // 2)
    for monitor in made.monitors:
        assert 1 < monitor.coefficients["calibration"] < monitor.coefficients["alert"] < 60


def test_who_is_counted_by_no_bin_is_left_out_of_its_statistic_only() -> None:
    binned = np.column_stack([np.arange(1000) % 2, np.where(np.arange(1000) < 100, 0, -1)])
    windows, others = draw(binned, [2, 1], np.array([600]), np.random.default_rng(0))
    assert windows[0].sum() == 600
    assert windows[1].sum() + others[1].sum() == 100
    judged = scale(windows, others, minimum=90)
    assert np.isnan(judged).tolist() == [[False, True]]


def test_windows_are_of_50_to_5000_customers_and_at_most_half_of_them() -> None:
    assert window_sizes(1_000_000)[0] == 50
    assert window_sizes(1_000_000)[-1] == 5000
    assert window_sizes(1000)[-1] == 500
    assert window_sizes(2) == [1]
