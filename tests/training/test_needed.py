"""`run --if-needed`: a new model where age, configuration or drift ask for one, and the reason in words."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from segmentation.drift import Occasion
from segmentation.model import Model
from segmentation.registry import open_registry
from segmentation.settings import Settings
from tests.conftest import MADE
from tests.training.retrained import CENTRES, PLAIN, SIZES, loaded, mapping, people, train
from tests.training.test_cli import training
from training import configuration, sources
from training.configuration import Configuration
from training.database import open_database
from training.drift.needed import Need, changes, decide
from training.heritage import NOTHING

SOME = [5 * size for size in SIZES]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Model:
    frame, _ = people(CENTRES, SOME, seed=0)
    return loaded(train(tmp_path_factory.mktemp("live"), frame, 4, NOTHING)[0])


def settled(*more: str) -> Configuration:
    return configuration.load("profiles", None, [*PLAIN, "clustering.k=4", *more])


def asked(folder: Path, frame: pd.DataFrame, live: Model | None, *more: str, days: float = 3) -> Need:
    """What is said of a customer table, some days after the live model was made."""
    data, reading = folder / "people.csv", folder / "people.yaml"
    frame.to_csv(data, index=False)
    reading.write_text(mapping(frame))
    chosen = settled(*more)
    with open_database(Settings()) as work:
        read = sources.load(work, "profiles", str(data), chosen, reading)
        return decide(work, read, chosen, live, created=MADE + timedelta(days=days))


def test_other_customers_of_the_same_kind_need_no_new_model(live: Model, tmp_path: Path) -> None:
    need = asked(tmp_path, people(CENTRES, SOME, seed=1)[0], live)
    assert not need.needed
    assert need.version == live.version
    assert need.age_days == pytest.approx(3)
    assert need.drift is not None
    assert need.drift.verdict == "none"
    assert need.why.startswith("the live model is 3.0 days old, no age is set (max_age_days); no drift that matters")


def test_without_a_live_model_one_is_needed(tmp_path: Path) -> None:
    need = asked(tmp_path, people(CENTRES, SOME, seed=1)[0], None)
    assert (need.needed, need.why) == (True, "no model is live that could stay")


@pytest.mark.parametrize(("days", "needed"), [(29.9, False), (30, True)])
def test_age_counts_where_the_contract_says_so(live: Model, tmp_path: Path, days: float, needed: bool) -> None:
    frame = people(CENTRES, SOME, seed=1)[0]
    need = asked(tmp_path, frame, live, "retraining.max_age_days=30", days=days)
    assert need.needed is needed
    assert ("the live model is 30 days old, and max_age_days is 30" in need.why) is needed


def test_drift_is_needed_where_it_is_sure_and_large_and_its_features_are_named(live: Model, tmp_path: Path) -> None:
    frame = people(CENTRES, SOME, seed=1)[0]
    frame["spend"] = frame["spend"] * 1.3 + 0.5
    need = asked(tmp_path, frame, live)
    assert need.needed
    assert "customers have drifted: spend (PSI 0." in need.why
    assert need.drift is not None
    assert need.drift.responsible[0] == "spend"
    # The same drift, where more than that is asked for.
    calm = asked(tmp_path, frame, live, "retraining.psi=5")
    assert not calm.needed
    assert calm.drift is not None
    assert calm.drift.verdict == "drift"


def test_one_segment_twice_as_large_is_drift(live: Model, tmp_path: Path) -> None:
    need = asked(tmp_path, people(CENTRES, [*SOME[:3], 3 * SOME[3]], seed=1)[0], live)
    assert need.needed
    assert "segments (PSI" in need.why


def test_another_configuration_is_a_reason_and_another_report_is_none(live: Model, tmp_path: Path) -> None:
    frame = people(CENTRES, SOME, seed=1)[0]
    need = asked(tmp_path, frame, live, "clustering.k=3", "preprocessing.scale=true")
    assert need.why == "the configuration is another one: preprocessing.scale, clustering.k"
    assert not asked(tmp_path, frame, live, "gate.moved=1", "drift.windows=2000", "retraining.psi=0.2").needed


def test_data_that_the_live_model_cannot_be_asked_about_are_a_reason(live: Model, tmp_path: Path) -> None:
    need = asked(tmp_path, people(CENTRES, SOME, seed=1)[0].drop(columns="spend"), live)
    assert need.needed
    assert "the live model cannot be asked about these data: the model needs spend" in need.why
    assert need.drift is None


def test_data_of_before_the_live_model_are_told(live: Model, tmp_path: Path) -> None:
    need = asked(tmp_path, people(CENTRES, SOME, seed=1)[0], live, days=-2)
    assert not need.needed
    assert "these data end 2.0 days before the day of the live model" in need.why


def test_a_key_that_an_earlier_card_lacks_had_its_default() -> None:
    now = configuration.as_plain(settled())
    before = {key: value for key, value in now.items() if key != "redundant"}
    before["clustering"] = {key: value for key, value in now["clustering"].items() if key != "n_init"}
    assert changes(before, now) == ["clustering.n_init"]


def test_the_command_says_so_and_ends_well(tmp_path: Path) -> None:
    frame, _ = people(CENTRES, SIZES, seed=0)
    frame.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "people.yaml").write_text(mapping(frame))
    settings = [part for key in (*PLAIN, "clustering.k=4") for part in ("--set", key)]
    run: tuple[str | Path, ...] = (
        "run", "--source", "profiles", "--data", tmp_path / "people.csv", "--mapping", tmp_path / "people.yaml",
        "--registry", tmp_path / "models", "--if-needed", *settings,
    )  # fmt: skip
    first = training(*run)
    assert first.returncode == 0, first.stderr
    assert "because no model is live that could stay" in " ".join(first.stdout.split())
    registry = open_registry(str(tmp_path / "models"))
    occasion = registry.card(registry.live("production").version).occasion
    assert occasion == Occasion(why="no model is live that could stay", model_age_days=None, drift=())
    published = sorted((tmp_path / "models" / "models").iterdir())
    second = training(*run)
    assert second.returncode == 0, second.stderr
    said = " ".join(second.stdout.split())
    assert "a new model not needed because the live model is 0.0 days old" in said
    assert "feature:spend 1,000 0.0000" in said
    assert sorted((tmp_path / "models" / "models").iterdir()) == published
    assert training(*run, "--anew").returncode == 2

    people(CENTRES, [400, 300, 200, 500], seed=0)[0].to_csv(tmp_path / "people.csv", index=False)
    third = training(*run)
    assert third.returncode == 0, third.stderr
    occasion = registry.card(registry.live("production").version).occasion
    assert occasion is not None
    assert "customers have drifted" in occasion.why
    assert [each.verdict for each in occasion.drift if each.name == "segments"] == ["drift"]
