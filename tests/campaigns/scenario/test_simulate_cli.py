"""`python -m campaigns simulate`: its files, what they do not hold, and that nothing is half-written."""

import csv
import json
import re
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from campaigns.cli import cli
from segmentation.errors import BadValueError, SegmentationError
from segmentation.registry import Registry
from tests.campaigns.scenario.conftest import ORDER

FILES = {
    "scenario.json", "scenario.html", "money.png", "segments.png", "migration.png", "sensitivity.png", "whom-first.png",
}  # fmt: skip


@pytest.fixture(scope="module")
def url(sample_registry: Registry) -> str:
    return sample_registry.url


def run(url: str, assignments: Path, scenario: str, out: Path, *more: str) -> Result:
    return CliRunner().invoke(
        cli,
        ["simulate", "--assignments", str(assignments), "--registry", url, "--scenario", scenario, "--out", str(out),
         "--draws", "100", *more],
        standalone_mode=False,
    )  # fmt: skip


def test_it_writes_json_page_and_pictures_that_hold_no_customer(
    url: str, sample_assignments: Path, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "out"
    done = run(url, sample_assignments, "promotion", out)
    assert done.exception is None, done.output
    assert {file.name for file in out.iterdir()} == FILES
    told = json.loads((out / "scenario.json").read_text())
    assert told["scenario"]["title"] == "Voucher for a second order"
    assert told["customers"] == 3000
    assert told["money"]["gain"]["low"] < told["money"]["gain"]["mean"] < told["money"]["gain"]["high"]
    page = (out / "scenario.html").read_text()
    assert "told too high" in page
    assert "Voucher for a second order" in page
    for said in (told["nature"], page, done.output):
        assert "This is a projection of the assumptions that the scenario states, not evidence." in said
    assert page.count("<caption>Customers won") == page.count("<caption>Worth of their orders") == 1
    assert not re.search(r"(?:src|href)=.(?!data:|#)", page)
    with duckdb.connect() as connection:
        ids = connection.execute(f"SELECT customer_id FROM '{sample_assignments}'").fetchall()
    written = page + json.dumps(told) + done.output
    assert not [id_ for (id_,) in ids if id_ in written]


def test_whom_first_is_a_list_of_its_own_the_best_first(url: str, sample_assignments: Path, tmp_path: Path) -> None:
    for name in ("whom.csv", "whom.parquet"):
        done = run(url, sample_assignments, "make-good", tmp_path / "out", "--customers-out", str(tmp_path / name))
        assert done.exception is None, done.output
    told = json.loads((tmp_path / "out" / "scenario.json").read_text())
    with (tmp_path / "whom.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["rank"]) for row in rows] == list(range(1, told["contacted"] + 1))
    assert len({row["customer_id"] for row in rows}) == len(rows)
    ratios = [float(row["gain_per_cost"]) for row in rows]
    assert ratios == sorted(ratios, reverse=True)
    assert sum(float(row["expected_gain"]) for row in rows) - 500 == pytest.approx(told["whom_first"][-1]["gain"])
    with duckdb.connect() as connection:
        same = connection.execute(f"SELECT customer_id FROM '{tmp_path / 'whom.parquet'}' ORDER BY rank").fetchall()
    assert [id_ for (id_,) in same] == [row["customer_id"] for row in rows]


def test_an_id_that_a_spreadsheet_would_compute_is_in_no_csv(
    url: str, sample_assignments: Path, tmp_path: Path
) -> None:
    table, out = tmp_path / "a.parquet", tmp_path / "out"
    named = "'=HYPERLINK(\"x\")' || customer_id"
    with duckdb.connect() as connection:
        query = f"SELECT * REPLACE ({named} AS customer_id) FROM read_parquet('{sample_assignments}')"
        connection.execute(f"COPY ({query}) TO '{table}' (FORMAT parquet)")
    done = run(url, table, "make-good", out, "--customers-out", str(tmp_path / "whom.csv"))
    assert isinstance(done.exception, BadValueError)
    assert "ids are formulas to a spreadsheet" in done.exception.message
    assert not out.exists() or not list(out.iterdir())
    assert not (tmp_path / "whom.csv").exists()
    assert run(url, table, "make-good", out, "--customers-out", str(tmp_path / "whom.parquet")).exception is None


def test_the_same_gives_the_same_bytes(url: str, sample_assignments: Path, tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        out = tmp_path / name
        run(url, sample_assignments, "urgent-offer", out, "--customers-out", str(out / "whom.parquet"))
        made.append({file.name: file.read_bytes() for file in out.iterdir()})
    assert made[0] == made[1]
    assert set(made[0]) == FILES | {"whom.parquet"}


def test_the_assignments_are_not_written_over(url: str, sample_assignments: Path, tmp_path: Path) -> None:
    copy = tmp_path / sample_assignments.name
    copy.write_bytes(sample_assignments.read_bytes())
    done = run(url, copy, "make-good", tmp_path / "out", "--customers-out", str(copy))
    assert "would be written over" in str(done.exception)
    assert copy.read_bytes() == sample_assignments.read_bytes()


@pytest.mark.parametrize(
    ("scenario", "more", "said"),
    [
        (ORDER + "target: {segments: [77]}\n", (), "line 5: target.segments"),
        (ORDER.replace("0.1\n", "-0.1\n", 1), (), "contradict each other"),
        (ORDER, ("--customers-out", "whom.txt"), "neither .parquet nor .csv"),
    ],
)
def test_what_cannot_be_simulated_leaves_no_file(
    url: str, sample_assignments: Path, tmp_path: Path, scenario: str, more: tuple[str, ...], said: str
) -> None:
    file, out = tmp_path / "s.yaml", tmp_path / "out"
    file.write_text(scenario)
    done = run(url, sample_assignments, str(file), out, *more)
    assert isinstance(done.exception, SegmentationError)
    assert done.exception.exit_status == 2
    assert said in done.exception.message
    assert not out.exists() or not list(out.iterdir())


def test_a_name_in_the_scenario_cannot_write_html(url: str, sample_assignments: Path, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(ORDER.replace("title: T", "title: <script>alert(1)</script> $x$"))
    done = run(url, sample_assignments, str(file), tmp_path / "out")
    assert done.exception is None, done.output
    assert "<script>" not in (tmp_path / "out" / "scenario.html").read_text()


def test_a_model_that_the_registry_lacks_is_named(sample_assignments: Path, tmp_path: Path) -> None:
    done = run(str(tmp_path / "empty"), sample_assignments, "urgent-offer", tmp_path / "out")
    assert isinstance(done.exception, SegmentationError)
    assert done.exception.exit_status == 2
    assert "20260101T000000Z-" in done.exception.message


def test_help_ends_with_an_example_that_can_be_typed() -> None:
    told = CliRunner().invoke(cli, ["simulate", "--help"]).output
    assert "python -m campaigns simulate --assignments segments.parquet" in told


def test_what_stops_at_the_end_of_its_range_is_told_and_no_gain_is_called_one(
    url: str, sample_assignments: Path, tmp_path: Path
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(ORDER.replace("0.1\n", "0\n", 1) + "changes: [{feature: late_share, add: 0.9}]\n")
    done = run(url, sample_assignments, str(file), tmp_path / "out")
    assert done.exception is None
    told = " ".join(done.output.split())
    assert "would leave the valid range of late_share: they stop at its end" in told
    assert "However few are contacted, nothing is gained." in told
    assert "0 customers change their segment." in told
    assert "brings more" not in told
