"""The maintenance study of Olist that J28u published, from the preset alone."""

from pathlib import Path

import pytest

from tests.training.test_maintenance import FEW, aged

pytestmark = pytest.mark.real_data

PROTOCOL = ("--source", "olist", "--config", "j28u", "--every", "7d", *FEW)


def test_the_first_week_below_the_threshold_is_the_eighth(real_data: Path, tmp_path: Path) -> None:
    # Later rows change nothing before them: the history is cut where the answer is known.
    _, made = aged(
        tmp_path, *PROTOCOL, "--data", str(real_data / "olist"), "--origin", "2017-09-01", "--as-of", "2017-11-05"
    )
    (origin,) = made.origins
    assert origin.customers == 22_643
    assert origin.first_below_days == 8 * 7
    assert origin.points[7].date == "2017-10-27T00:00:00Z"
    assert origin.points[7].ari == pytest.approx(0.792, abs=0.01)
    assert (made.recommendation.answer, made.recommendation.days) == ("every", 7 * 7)
    # Age is nearly all of it: the same centroids in fresh standard deviations would hold.
    assert origin.points[7].ari_if_rescaled > 0.95


def test_any_other_day_works_the_same_way(real_data: Path, tmp_path: Path) -> None:
    _, made = aged(
        tmp_path, *PROTOCOL, "--data", str(real_data / "olist"), "--origin", "2017-12-01", "--as-of", "2018-02-12",
        "--every", "5w",
    )  # fmt: skip
    assert [origin.first_below_days for origin in made.origins] == [70]
