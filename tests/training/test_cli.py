"""The command line as its users run it: summary tables, exit codes, nothing half-written."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from segmentation import card as cards
from segmentation.registry import Registry, open_registry
from tests.conftest import put_live
from tests.quick import QUICK_OPTIONS
from tests.servers import commands, s3
from tests.servers.service import ROOT
from tests.training.olist_tables import replace_in, write
from training.bundle import Bundle
from training.job import Result

SMALL = ("--set", "sample.customers=600", *QUICK_OPTIONS)
EVEN = ("--set", "gate.structure=null", "--set", "gate.stability=0", *QUICK_OPTIONS)
"""The tables written for tests have no groups of customers that a gate would let pass."""


def training(*arguments: str | Path, **environment: str) -> commands.Done:
    """Run a command and check what holds of every command: failures are one error and a hint, never a traceback."""
    done = commands.run("training", *arguments, environment=environment)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def tables(folder: Path) -> list[str]:
    """Everything below a folder, to see that nothing was half-written."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_run_trains_publishes_and_says_what_it_made(tmp_path: Path) -> None:
    registry = tmp_path / "models"
    few = ("--set", "sample.customers=600", "--set", "report.tsne_rows=0")
    done = training("run", "--registry", registry, *few)
    assert done.returncode == 0, done.stderr
    version = open_registry(str(registry)).live("production").version
    for said in (version, "600 (", "variance kept", "silhouette", "revenue", f"published to {registry}", "14: recency"):
        assert said in done.stdout
    files = ["card.json", "features.sql", "model.pkl", "report.html", "scores.json", "scoring.npz"]
    files += [f"plots/{name}.png" for name in ("k-means", "spectral", "dbscan")]
    files += [f"report/{name}.png" for name in ("boxes", "pca", "radar", "silhouettes", "sizes")]
    expected = ["aliases/production/0000000001.json", *(f"models/{version}/{name}" for name in files)]
    assert tables(registry) == sorted(expected)


def test_run_reads_olist_tables(tmp_path: Path) -> None:
    folder = write(tmp_path / "olist")
    done = training("run", "--source", "olist", "--data", folder, "--registry", tmp_path / "models",
                    "--set", "clustering.k=2", *EVEN)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "40 (50.00% with one order), 60 orders, 118 order lines" in " ".join(done.stdout.split())


def test_as_of_is_the_moment_customers_are_looked_at_from(tmp_path: Path) -> None:
    registry = tmp_path / "models"
    done = training("run", "--registry", registry, *SMALL, "--as-of", "2025-06-01")
    assert done.returncode == 0, done.stderr
    card = open_registry(str(registry)).card(open_registry(str(registry)).live("production").version)
    assert card.as_of == "2025-06-01T00:00:00Z"
    assert card.counts.customers < 600


def test_check_says_what_it_understood_and_trains_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path / "olist")
    replace_in(folder, "olist_order_items_dataset", "o3,1,", "o999,1,")
    done = training("check", "--source", "olist", "--data", folder)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for fact in (
        "olist_order_items_dataset.csv 116", "item_without_order 1 dropped", "orders 60", "customers 40",
        "20 (50.00%)", "2018-01-11 10:00:00, 2018-08-11 10:09:00 UTC", "mean_days_between_orders left out",
    ):  # fmt: skip
        assert fact in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--source", "olist"), "needs --data"),
        (("--source", "olsit", "--data", "."), "'olsit' is not one of"),
        (("--source", "olist", "--data", "nowhere"), "nowhere does not exist"),
        (("--source", "sample", "--data", "."), "reads no data"),
        (("--config", "nowhere.yaml"), "nowhere.yaml cannot be read"),
        (("--set", "clustering.kk=4"), "unknown key 'clustering.kk'"),
        (("--set", "features=[recency_dayz]"), "there is no feature 'recency_dayz'"),
        (("--set", "sample.customers=100", "--set", "clustering.k=50"), "too few for 50 segments"),
        (("--as-of", "tomorrow"), "'tomorrow' is no date"),
        (("--as-of", "9999-12-31T23:59:59-10:00"), "is not between 1970 and 2200"),
        (("--as-of", "1999-01-01"), "no order on or before 1999-01-01"),
        (("--alias", "Production!"), "cannot name an alias"),
        (("--no-such-option",), "--no-such-option"),
    ],
)
def test_bad_input_is_one_error_and_exit_2_and_nothing_is_written(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = training("run", "--registry", tmp_path / "models", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert tables(tmp_path) == []


def test_a_broken_table_stops_the_run_with_its_place(tmp_path: Path) -> None:
    folder = write(tmp_path / "olist")
    line = replace_in(folder, "olist_orders_dataset", "2018-03-11 10:02:00", "2018-13-11 10:02:00")
    done = training("run", "--source", "olist", "--data", folder, "--registry", tmp_path / "models")
    assert done.returncode == 2
    assert f"olist_orders_dataset.csv, line {line}: order_purchase_timestamp is '2018-13-11 10:02:00'" in done.stderr
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SEGMENTATION_MEMORY_LIMIT": "plenty"}, "SEGMENTATION_MEMORY_LIMIT"),
        ({"SEGMENTATION_MEMORY_LIMIT": "-2GB"}, "SEGMENTATION_MEMORY_LIMIT is -2GB"),
        ({"SEGMENTATION_SPILL_DIR": "/no/such/folder"}, "/no/such/folder"),
        ({"SEGMENTATION_MEMORY_LIMT": "1GB"}, "did you mean SEGMENTATION_MEMORY_LIMIT"),
        ({"SOURCE_DATE_EPOCH": "yesterday"}, "SOURCE_DATE_EPOCH"),
        ({"SOURCE_DATE_EPOCH": "-62000000000"}, "SOURCE_DATE_EPOCH"),
    ],
)
def test_bad_settings_are_told(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    done = training("run", "--registry", tmp_path / "models", *SMALL, **environment)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_store_that_is_away_is_worth_retrying_and_found_out_before_training(tmp_path: Path) -> None:
    away = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
    }  # fmt: skip
    done = training("run", "--registry", "s3://models/x", *SMALL, **away)
    assert done.returncode == 5
    assert "does not answer" in done.stderr


def test_run_publishes_to_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3.running(monkeypatch) as url:
        done = training("run", "--registry", url, *SMALL)
        assert done.returncode == 0, done.stderr
        assert open_registry(url).live("production").version in done.stdout


def test_models_are_listed_shown_promoted_and_rolled_back(published: Registry, sample_result: Result) -> None:
    old = sample_result.made.card.version
    card = replace(sample_result.made.card, version="20990101T000000Z-00000000")
    put_live(published, Bundle(card, cards.encode(card), sample_result.made.files), "newer")
    url = published.url
    listed = training("models", "list", "--registry", url)
    assert listed.returncode == 0
    assert re.search(r"20990101T000000Z-00000000\s+production", listed.stdout)
    assert "newer" in listed.stdout
    assert card.version in training("models", "show", "--registry", url).stdout
    assert old in training("models", "show", "--registry", url, old).stdout
    assert cards.decode(training("models", "show", "--registry", url, old, "--json").stdout.encode()).version == old
    back = training("models", "rollback", "--registry", url, "--why", "wrong data")
    assert (back.returncode, published.live("production").version) == (0, old)
    assert published.live("production").why == "wrong data"
    forward = training("models", "promote", "--registry", url, card.version)
    assert (forward.returncode, published.live("production").version) == (0, card.version)
    assert training("models", "promote", "--registry", url, old, "--alias", "canary").returncode == 0
    assert published.live("canary").version == old


def test_the_generated_shop_does_not_take_the_place_of_real_data_by_default(tmp_path: Path) -> None:
    folder, registry = write(tmp_path / "olist"), tmp_path / "models"
    real: tuple[str | Path, ...] = ("--source", "olist", "--data", folder, "--set", "clustering.k=2", *EVEN)
    assert training("run", "--registry", registry, *real).returncode == 0
    forgotten = training("run", "--registry", registry, *SMALL)
    assert forgotten.returncode == 2
    assert "serves a model of olist" in forgotten.stderr
    assert training("run", "--registry", registry, *SMALL, "--source", "sample").returncode == 3
    assert training("run", "--registry", registry, *SMALL, "--source", "sample", "--anew").returncode == 0


def test_an_empty_path_is_a_variable_that_was_not_set(tmp_path: Path) -> None:
    done = training("run", "--source", "olist", "--data", "", "--registry", tmp_path / "models")
    assert done.returncode == 2
    assert "--data" in done.stderr
    assert "empty" in done.stderr


def test_a_path_that_no_file_system_takes_is_told(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 300)
    assert training("run", "--source", "olist", "--data", long, "--registry", tmp_path / "models").returncode == 2
    assert training("models", "list", "--registry", long).returncode == 2


def test_the_registry_may_come_from_the_environment(published: Registry) -> None:
    listed = training("models", "list", SEGMENTATION_REGISTRY=published.url)
    assert "production" in listed.stdout


def test_an_empty_registry_is_said_to_be_empty(tmp_path: Path, published: Registry) -> None:
    assert "no model is published" in training("models", "list", "--registry", tmp_path / "nothing").stdout
    assert "never been moved" in training("models", "list", "--registry", published.url, "--alias", "canary").stdout


def test_one_unreadable_card_does_not_hide_the_others(published: Registry, sample_result: Result) -> None:
    published.publish("20260101T000000Z-00000001", b"{}", {})
    listed = training("models", "list", "--registry", published.url)
    assert listed.returncode == 0
    assert re.search(r"20260101T000000Z-00000001 +its card cannot be read", listed.stdout)
    assert sample_result.made.card.version in listed.stdout


def test_promoting_what_is_live_moves_nothing(published: Registry, sample_result: Result) -> None:
    done = training("models", "promote", "--registry", published.url, sample_result.made.card.version)
    assert (done.returncode, len(published.moves("production"))) == (0, 1)
    assert "already" in done.stdout


def test_what_people_write_is_shown_as_they_wrote_it(published: Registry, sample_result: Result) -> None:
    version = sample_result.made.card.version
    why = "[/x] [red]wrong[/red]"
    promoted = training("models", "promote", "--registry", published.url, version, "--alias", "canary", "--why", why)
    assert promoted.returncode == 0
    assert why in training("models", "list", "--registry", published.url, "--alias", "canary").stdout


def test_output_that_goes_nowhere_or_in_ascii_is_no_defect(published: Registry) -> None:
    shown = training("models", "show", "--registry", published.url, PYTHONIOENCODING="ascii")
    assert shown.returncode == 0
    full = subprocess.run(
        f"{sys.executable} -m training models show --registry {published.url} > /dev/full",
        shell=True, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert full.returncode == 2
    assert "No space left" in full.stderr
    assert "Traceback" not in full.stderr


def test_what_the_registry_does_not_have_is_exit_2(published: Registry) -> None:
    assert training("models", "rollback", "--registry", published.url).returncode == 2
    missing = training("models", "promote", "--registry", published.url, "20200101T000000Z-00000000")
    assert missing.returncode == 2
    assert "has no version" in missing.stderr
    assert training("models", "show", "--registry", published.url, "--alias", "canary").returncode == 2


def test_a_model_that_fails_its_golden_rows_is_not_promoted(published: Registry, sample_result: Result) -> None:
    rows = sample_result.made.card.golden_rows
    wrong = replace(rows[3], distance=99.0)
    card = replace(
        sample_result.made.card, version="20990101T000000Z-00000000", golden_rows=(*rows[:3], wrong, *rows[4:])
    )
    published.publish(card.version, cards.encode(card), sample_result.made.files)
    never_compared = training("models", "promote", "--registry", published.url, card.version)
    assert never_compared.returncode == 3
    assert "was never compared with" in never_compared.stderr
    done = training("models", "promote", "--registry", published.url, card.version, "--force", "--why", "I insist")
    assert done.returncode == 1
    assert "golden row 3" in done.stderr
    assert published.live("production").version == sample_result.made.card.version


@pytest.mark.parametrize(
    "command",
    [["run"], ["check"], *(["models", name] for name in ("list", "show", "promote", "rollback", "prune"))],
)
def test_help_shows_an_example(command: list[str]) -> None:
    done = commands.cold("training", *command, "--help")
    assert done.returncode == 0
    assert f"python -m training {' '.join(command)} " in done.stdout
