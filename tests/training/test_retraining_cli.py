"""Retraining as its users run it: ids stay, what is worse is refused with reasons, and going live anyway is kept."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from segmentation.errors import SegmentationError
from segmentation.registry import Registry, open_registry
from tests.quick import QUICK_OPTIONS
from tests.servers.service import ROOT
from tests.training.retrained import CENTRES, SIZES, mapping, people
from tests.training.test_cli import SMALL, training
from training.cli import cli

SET = (*QUICK_OPTIONS, "--set", "clustering.k=4")


def run(folder: Path, *more: str) -> tuple[int, str, str]:
    done = training(
        "run", "--source", "profiles", "--data", folder / "people.csv", "--mapping", folder / "people.yaml",
        "--registry", folder / "models", *SET, *more,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def models(folder: Path, *arguments: str) -> tuple[int, str]:
    """In this process: how failures become exit codes is tested elsewhere."""
    done = CliRunner().invoke(cli, ["models", *arguments, "--registry", str(folder / "models")])
    if isinstance(done.exception, SegmentationError):
        return done.exception.exit_status, f"{done.exception.message} {done.exception.hint}"
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry in which a model of four planted groups is live, and another one of the same groups, drifted."""
    folder = tmp_path_factory.mktemp("retraining")
    frame, _ = people(CENTRES, SIZES, seed=0)
    frame.to_csv(folder / "people.csv", index=False)
    (folder / "people.yaml").write_text(mapping(frame))
    assert run(folder)[0] == 0
    frame, _ = people([tuple(x + 0.5 for x in centre) for centre in CENTRES], SIZES[::-1], seed=1)
    frame.to_csv(folder / "people.csv", index=False)
    return folder


def registry_of(folder: Path) -> Registry:
    return open_registry(str(folder / "models"))


def test_a_retraining_keeps_ids_and_a_faulty_one_does_not_go_live_by_itself(folder: Path) -> None:
    registry = registry_of(folder)
    first = registry.card(registry.live("production").version)
    status, out, err = run(folder)
    assert status == 0, err
    second = registry.card(registry.live("production").version)
    assert {s.id: (s.name, s.colour) for s in second.segments} == {s.id: (s.name, s.colour) for s in first.segments}
    assert [s.customers for s in second.segments] == SIZES[::-1]
    said = " ".join(out.split())
    assert f"model before {first.version}" in said
    assert "its segments 4 survived" in said
    assert "customers moved 0.0% because the model changed" in said
    assert "gate passed" in said

    frame, _ = people(CENTRES, SIZES, seed=2)
    frame.assign(spend=7.0).to_csv(folder / "people.csv", index=False)
    status, out, err = run(folder)
    assert status == 3
    assert "features: lost: spend (it is the same for every customer)" in err
    assert "REFUSED" in out
    refused = registry.versions()[-1]
    assert registry.live("production").version == second.version != refused

    listed = models(folder, "list")[1]
    assert f"{refused}  refused" in listed
    assert "lost: spend" in models(folder, "show", refused)[1]
    for arguments in ((), ("--force",), ("--force", "--why", " "), ("--why", "the spend column is gone for good")):
        status, out = models(folder, "promote", refused, *arguments)
        assert status == 3
        assert "--force with --why" in out
    assert len(registry.moves("production")) == 2
    assert models(folder, "promote", refused, "--force", "--why", "the spend column is gone for good")[0] == 0
    move = registry.live("production")
    assert (move.version, move.forced, move.why) == (refused, True, "the spend column is gone for good")
    assert move.by
    assert "the spend column is gone for good (forced)" in models(folder, "list")[1]
    assert [each.forced for each in registry.moves("production")] == [False, False, True]


def test_a_live_model_that_cannot_be_read_stops_a_run_before_it_trains(tmp_path: Path) -> None:
    frame, _ = people(CENTRES, SIZES, seed=0)
    frame.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "people.yaml").write_text(mapping(frame))
    registry = registry_of(tmp_path)
    old = "20250101T000000Z-00000001"
    registry.publish(old, b'{"schema_version": 2, "segments": [{"id": 0}, {"id": 6}]}', {})
    registry.move("production", old, at="2025-01-01T00:00:00Z", by="somebody", why="long ago")
    status, out, err = run(tmp_path)
    assert (status, out) == (2, "")
    assert f"{old}, cannot be compared with: card.json is of schema 2" in err
    assert "--anew" in err
    assert registry.versions() == [old]
    status, out, err = run(tmp_path, "--anew")
    assert status == 0, err
    live = registry.live("production")
    # Ids of before are not given again, even those of a card that only tells these.
    assert [segment.id for segment in registry.card(live.version).segments] == [7, 8, 9, 10]
    assert "begun anew" in live.why
    assert "begun anew" in out


def test_of_two_jobs_that_publish_at_once_one_goes_live_and_the_other_says_that_it_lost(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training", "run", "--registry", str(tmp_path), *SMALL, "--set"]
    jobs = [
        subprocess.Popen([*command, f"sample.seed={seed}"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for seed in (1, 2)
    ]
    said = {job.communicate(timeout=120)[1]: job.returncode for job in jobs}
    assert sorted(said.values()) == [0, 4]
    lost = next(text for text, status in said.items() if status == 4)
    assert "while this model was made" in lost or "at the same time" in lost
    assert "published, and not live" in lost or "published but not live" in lost
    registry = open_registry(str(tmp_path))
    assert len(registry.versions()) == 2
    assert len(registry.moves("production")) == 1
