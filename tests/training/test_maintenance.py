"""`maintenance`: history replayed, its file, its page, and every refusal before the work."""

import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from ibis.backends.duckdb import Backend
from sklearn.cluster import KMeans
from sklearn.impute import SimpleImputer
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from segmentation.errors import SegmentationError
from segmentation.features import EVENT_FEATURES, ORDER_FEATURES, select
from segmentation.tables import EVENTS, ORDERS
from tests.servers.service import ROOT
from tests.training.explored import START, events, load
from training.cli import cli
from training.maintenance import replay
from training.maintenance.configured import Maintenance
from training.maintenance.contract import SCHEDULES, contract
from training.maintenance.page import page
from training.maintenance.replay import Replay
from training.maintenance.results import (
    AtAge,
    Contract,
    NoiseFloor,
    Origin,
    OriginSegment,
    Point,
    Recommendation,
    Refitting,
    Simulation,
)
from training.report import render
from training.snapshot import take
from training.sources.sample import generate

FEW = ("--set", "maintenance.seeds=2", "--set", "maintenance.bootstraps=4")
SMALL = ("--config", "j28u", "--set", "sample.customers=900", *FEW)
ORIGINS = ("--origin", "2025-01-01", "--origin", "2025-03-26")
STEPS = ("--every", "12w")


def aged(out: Path, *arguments: str) -> tuple[str, Simulation]:
    done = CliRunner().invoke(cli, ["maintenance", "--out", str(out), *arguments], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output, msgspec.json.decode((out / "maintenance.json").read_bytes(), type=Simulation)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Simulation, Path]:
    out = tmp_path_factory.mktemp("maintenance") / "new" / "folder"
    printed, made = aged(out, *SMALL, *ORIGINS, *STEPS)
    return printed, made, out


def test_the_file_has_what_scripts_rely_on(small: tuple[str, Simulation, Path]) -> None:
    content: dict[str, Any] = json.loads((small[2] / "maintenance.json").read_bytes())
    assert [origin["origin"] for origin in content["origins"]] == ["2025-01-01T00:00:00Z", "2025-03-26T00:00:00Z"]
    for origin in content["origins"]:
        assert {"points", "first_below_days", "noise_floor", "customers"} <= set(origin)
        ages = [point["age_days"] for point in origin["points"]]
        assert ages == list(range(84, 84 * len(ages) + 1, 84))
        for point in origin["points"]:
            assert datetime.fromisoformat(point["date"]) == datetime.fromisoformat(origin["origin"]) + timedelta(
                days=point["age_days"]
            )
            assert -1 <= point["ari_low"] <= point["ari"] <= point["ari_high"] <= 1
            assert len(point["jaccard"]) == len(point["stayed"]) == 5
    assert content["origins"][0]["points"][-1]["age_days"] == 336
    assert (content["customers"], content["every_days"], content["threshold"]) == ("all", 84, 0.8)
    assert {"noise_floor", "recommendation", "contract", "refits", "features", "k"} <= set(content)


def test_the_first_age_below_the_threshold_is_read_off_the_points(small: tuple[str, Simulation, Path]) -> None:
    for origin in small[1].origins:
        below = [point.age_days for point in origin.points if point.ari < 0.8]
        assert origin.first_below_days == (below[0] if below else None)
    assert small[1].origins[0].first_below_days is not None


def test_losses_add_up_and_customers_only_grow(small: tuple[str, Simulation, Path]) -> None:
    for origin in small[1].origins:
        sizes = [origin.customers, *(point.customers for point in origin.points)]
        assert sizes == sorted(sizes)
        assert sizes[-1] > sizes[0]
        assert sum(segment.share for segment in origin.segments) == pytest.approx(1)
        for point in origin.points:
            assert point.loss_preprocessing + point.loss_geometry == pytest.approx(1 - point.ari, abs=3e-6)
            assert 0 <= point.moved < 1
            assert 0 < point.migrated < 1
            assert point.moved_revenue is not None


def test_the_page_holds_its_pictures_and_loads_nothing(small: tuple[str, Simulation, Path]) -> None:
    printed, _, out = small
    written = (out / "maintenance.html").read_text(encoding="utf-8")
    for name in ("maintenance", "maintenance-causes", "maintenance-customers"):
        png = (out / f"{name}.png").read_bytes()
        assert png.startswith(b"\x89PNG")
        assert base64.b64encode(png).decode() in written
    assert not re.search(r'(src|href)="(?!data:|#)', written)
    assert sorted(path.name for path in out.iterdir()) == [
        "maintenance-causes.png", "maintenance-customers.png",
        "maintenance.html", "maintenance.json", "maintenance.png",
    ]  # fmt: skip
    for said in ("model of", "2025-01-01", "answer", "maintenance.html"):
        assert said in printed


def test_the_page_says_how_the_schedule_follows_from_the_days(small: tuple[str, Simulation, Path]) -> None:
    _, made, _ = small
    answer = Recommendation(answer="every", days=84, why="so", by_age=made.recommendation.by_age)
    told = render(page(replace(made, recommendation=answer, contract=contract(answer, Maintenance()))))
    assert "30 3 1 */2 *  (on the first day of every second month at 03:30 UTC)" in told
    assert "the rarest whose longest gap is within 84 days" in told
    assert "`" not in told


def test_the_numbers_are_those_of_plain_scikit_learn(small: tuple[str, Simulation, Path], database: Backend) -> None:
    """The published protocol, written anew: each model with its own scaler, all customers known at the step."""
    loaded = load(database, ORDERS, ORDER_FEATURES, generate(900, 7))
    shop = Replay(database, loaded, select(("recency_days", "frequency", "monetary", "review_score"), ORDER_FEATURES))

    def fitted(date: datetime) -> tuple[Any, Any]:
        features = shop.at(date).features
        model = make_pipeline(SimpleImputer(), StandardScaler(), KMeans(5, n_init=10, random_state=8))
        return model.fit(features), features

    origin = datetime(2025, 1, 1, tzinfo=UTC)
    old, _ = fitted(origin)
    for point in small[1].origins[0].points:
        new, features = fitted(origin + timedelta(days=point.age_days))
        assert point.ari == pytest.approx(adjusted_rand_score(old.predict(features), new.predict(features)), abs=1e-3)


@pytest.mark.parametrize("at_once", [10**7, 300])
def test_a_replay_sees_what_a_run_of_that_day_would(
    database: Backend, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "AT_ONCE", at_once)
    loaded = load(database, ORDERS, ORDER_FEATURES, generate(500, 3))
    day = datetime(2025, 3, 1, tzinfo=UTC)
    snapshot = take(database, loaded, ORDER_FEATURES, day)
    worth = select(("monetary",), ORDER_FEATURES)[0]
    seen = Replay(database, loaded, snapshot.features, worth).at(day)
    assert len(seen.customers) < 500
    for place, name in enumerate(snapshot.customers.columns):
        filled = np.nan_to_num(seen.features[:, place], nan=snapshot.fills.get(name, np.nan))
        assert (filled == snapshot.customers[name].to_numpy()).all(), name
    assert seen.worth is not None
    assert (seen.worth == snapshot.customers["monetary"].to_numpy()).all()


def test_events_are_replayed_as_well(database: Backend) -> None:
    loaded = load(database, EVENTS, EVENT_FEATURES, events())
    moment = START + timedelta(hours=1)
    snapshot = take(database, loaded, EVENT_FEATURES, moment)
    seen = Replay(database, loaded, snapshot.features).at(moment)
    assert len(seen.customers) == len(snapshot.customers)
    assert seen.worth is None
    known = ~np.isnan(seen.features)
    assert (seen.features[known] == snapshot.customers.to_numpy()[known]).all()


def test_every_key_of_the_file_is_documented() -> None:
    text = (ROOT / "docs" / "maintenance.md").read_text(encoding="utf-8")
    table = text[text.index("## `maintenance.json`") :]
    kinds = (Simulation, Origin, OriginSegment, Point, NoiseFloor, Recommendation, AtAge, Contract, Refitting)
    assert [key.name for kind in kinds for key in fields(kind) if f"`{key.name}" not in table] == []
    for schedule in SCHEDULES:
        assert re.search(
            rf"\| `30 3 {re.escape(schedule.days)}` .*\| {schedule.longest_gap_days} \| {schedule.per_year:g} \|", text
        )


def test_other_threads_and_hashes_give_the_same_bytes(small: tuple[str, Simulation, Path], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training", "maintenance", "--out", str(tmp_path), *SMALL, *ORIGINS, *STEPS]
    environment = os.environ | {"PYTHONHASHSEED": "3", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for path in small[2].iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_only_the_origin_s_customers_and_those_whom_no_rule_takes(tmp_path: Path) -> None:
    rule = "rule_segments=[{id: 1001, name: Once, when: [{feature: frequency, below: 2}]}]"
    _, made = aged(
        tmp_path, *SMALL, *STEPS, "--set", rule, "--set", "maintenance.customers=origin", "--set", "clustering.k=2",
        "--set", "maintenance.origins=2", "--as-of", "2025-10-01",
    )  # fmt: skip
    assert len(made.origins) == 2
    assert made.last < "2025-10-01T"
    for origin in made.origins:
        assert origin.customers < 400
        assert {point.customers for point in origin.points} == {origin.customers}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--origin", "2023-01-01"], "the origin 2023-01-01 is before the first of the order lines"),
        (["--origin", "2026-06-01"], "the origin 2026-06-01 is after the last of the order lines"),
        (["--origin", "2025-01-01", "--origin", "2025-01-01"], "--origin 2025-01-01 stands twice"),
        (["--origin", "2025-13-01"], "is no date"),
        (["--origin", "2025-12-28"], "less than a step of 7 days after the origin 2025-12-28"),
        (["--origin", "2024-01-02"], "no model can be made at the origin 2024-01-02"),
        (["--origin", "2024-01-20"], "customers to cluster at the origin 2024-01-20"),
        (["--every", "0d"], "--every '0d' is no length of a step"),
        (["--every", "weekly"], "--every 'weekly' is no length of a step"),
        (["--every", "600d"], "too short for a model of its first half and a step of 600 days"),
        (["--threshold", "1.5"], "--threshold 1.5"),
        (["--threshold", "nan"], "--threshold nan"),
        (["--as-of", "2023-05-01"], "the data hold no order lines on or before 2023-05-01"),
        (["--set", "maintenance.start_at='25:00'"], "maintenance.start_at"),
        (["--set", "maintenance.customers=none"], "maintenance.customers"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["maintenance", "--out", str(tmp_path), *SMALL, *arguments], standalone_mode=False)
    assert message in str(done.exception)
    assert list(tmp_path.iterdir()) == []
    if isinstance(done.exception, SegmentationError):
        assert done.exception.exit_status == 2
        assert done.exception.hint


def test_a_folder_that_cannot_be_written_to_is_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(
        cli, ["maintenance", "--source", "olist", "--data", "nowhere", "--out", str(tmp_path / "file" / "out")]
    )
    assert "cannot be written to" in str(done.exception)


def test_a_table_of_customers_has_no_history(tmp_path: Path) -> None:
    rows = "\n".join(f"c{place},{place % 17},{place % 5}" for place in range(100))
    (tmp_path / "customers.csv").write_text(f"id,income,score\n{rows}\n")
    numbers = "{income: income, score: score}"
    (tmp_path / "m.yaml").write_text(f"table: profiles\ncolumns: {{customer_id: id}}\nnumbers: {numbers}\n")
    done = CliRunner().invoke(cli, [
        "maintenance", "--source", "profiles", "--data", str(tmp_path / "customers.csv"), "--mapping",
        str(tmp_path / "m.yaml"), "--out", str(tmp_path / "out"),
    ])  # fmt: skip
    assert "a table of customers has no history to replay" in str(done.exception)
