"""A clock that is a day off, the service's or the job's: answers, signatures and reloads do not ask it."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.reliability.stage import Stage, prepare, remade
from training.bundle import Bundle

DAY = 86_400.0


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, made: Bundle) -> Stage:
    return prepare(tmp_path_factory.mktemp("stage"), made)


@pytest.mark.parametrize("days", [-1, 1])
def test_a_model_of_tomorrow_or_yesterday_is_served_and_its_age_is_no_nonsense(stage: Stage, days: int) -> None:
    stage.heal()
    version = f"20970101T000000Z-0000000{days + 1}"
    made_at = datetime.now(UTC) + timedelta(days=days)
    stage.publish(remade(stage.first, version, created_at=made_at.isoformat()))
    assert stage.live.refresh()
    found = stage.scrape()
    age = found["segmentation_model_age_seconds", ""]
    assert age == 0 if days > 0 else DAY <= age < DAY + 600
    assert stage.client.get("/model").get_json()["age_seconds"] == pytest.approx(age, abs=600)
    # That the clocks disagree can be seen.
    assert found["segmentation_model_created_timestamp_seconds", version] == pytest.approx(made_at.timestamp())


@pytest.mark.parametrize("shift", [-DAY, DAY])
def test_a_service_whose_clock_jumps_a_day_answers_and_reloads(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    stage.heal()
    version = f"20980101T000000Z-0000000{int(shift > 0)}"
    moment = time.time
    monkeypatch.setattr(time, "time", lambda: moment() + shift)
    stage.serves_only(stage.first)
    assert not stage.live.refresh()
    assert stage.live.failed is None
    stage.publish(remade(stage.first, version))
    assert stage.live.refresh()
    found = stage.scrape()
    assert found["segmentation_model_age_seconds", ""] >= 0
    # By that clock: whoever compares it with another sees by how much they differ.
    told = found["segmentation_reload_last_success_timestamp_seconds", ""]
    assert told == pytest.approx(moment() + shift, abs=600)
