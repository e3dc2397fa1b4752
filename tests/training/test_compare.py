"""`compare`: every algorithm on the same customers, as a table, a file and pictures."""

import json
import re
from dataclasses import fields
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from segmentation.scores import AlgorithmScore
from tests.depth import THOROUGH
from training import options
from training.algorithms import NAMES
from training.cli import cli
from training.compare import Compared, Comparison

CUSTOMERS, SAMPLE = (500, 300) if THOROUGH else (300, 200)
SMALL = ["--set", f"sample.customers={CUSTOMERS}", "--set", "comparison.stability_runs=2", "--set", "refits.times=2"]
SETS = "comparison.feature_sets={rfm: [recency_days, frequency, monetary], all: []}"


def compared(out: Path, *arguments: str, code: int = 0) -> tuple[str, Comparison | None]:
    done = CliRunner().invoke(cli, ["compare", "--out", str(out), *SMALL, *arguments], standalone_mode=False)
    if code == 0 and done.exception is not None:
        raise done.exception
    written = out / "comparison.json"
    return done.output, msgspec.json.decode(written.read_bytes(), type=Comparison) if written.exists() else None


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Comparison, Path]:
    """All algorithms and two feature sets, with room for a sample only where rows are many."""
    out = tmp_path_factory.mktemp("compare") / "new"
    printed, made = compared(
        out, "--set", SETS, "--set", f"comparison.rows={{hdbscan: {SAMPLE}, mean-shift: {SAMPLE}}}"
    )
    assert made is not None
    return printed, made, out


def by_name(made: Comparison) -> dict[str, Compared]:
    return {line.score.algorithm: line for line in made.own.algorithms}


def test_every_algorithm_has_a_line_with_its_numbers(everything: tuple[str, Comparison, Path]) -> None:
    printed, made, _ = everything
    lines = by_name(made)
    assert tuple(lines) == NAMES
    assert (made.customers, made.k, made.source) == (CUSTOMERS, 5, "sample")
    for line in lines.values():
        score = line.score
        assert score.computed
        assert score.n_rows == CUSTOMERS
        assert score.coverage == pytest.approx(1 - (score.n_noise or 0) / CUSTOMERS)
        assert score.verdict
        assert line.seconds is not None
        assert -1 <= (score.agreement or 0) <= 1
        assert score.n_clusters is None or score.n_clusters < 2 or -1 <= (score.silhouette_score or -2) <= 1
    assert lines["k-means"].score.agreement == 1
    assert lines["spectral"].score.n_clusters == 5
    assert "silhouette" in printed
    assert re.search(r"^k-means +5 +0 +100\.0% ", printed, re.MULTILINE)


def test_labels_that_were_extended_are_marked(everything: tuple[str, Comparison, Path]) -> None:
    printed, made, _ = everything
    marked = {name for name, line in by_name(made).items() if line.score.extended}
    assert marked == {"hdbscan", "mean-shift"}
    assert "HDBSCAN*" in printed
    assert f"ran on a sample ({SAMPLE} customers); the labels of the others are extended from it" in printed


def test_there_is_a_picture_of_each_and_a_tree(everything: tuple[str, Comparison, Path]) -> None:
    _, made, out = everything
    for name, line in by_name(made).items():
        assert line.score.plot == f"{name}.png"
        assert (out / line.score.plot).read_bytes().startswith(b"\x89PNG")
    assert (out / "ward-dendrogram.png").exists()
    assert (out / "rfm" / "k-means.png").exists()


def test_feature_sets_are_compared_on_the_same_customers(everything: tuple[str, Comparison, Path]) -> None:
    printed, made, _ = everything
    rfm, every = made.feature_sets["rfm"], made.feature_sets["all"]
    assert rfm.features == ("recency_days", "frequency", "monetary")
    assert every.features == made.own.features
    assert [line.score.algorithm for line in rfm.algorithms] == ["k-means"]
    assert every.algorithms[0].agreement_with_model == 1
    assert 0 < (rfm.algorithms[0].agreement_with_model or 0) < 0.9
    assert rfm.algorithms[0].score.n_rows == CUSTOMERS
    assert "a space of its own" in printed


def test_nothing_written_names_a_customer(everything: tuple[str, Comparison, Path]) -> None:
    _, _, out = everything
    for file in out.rglob("*"):
        assert file.is_dir() or b"c00" not in file.read_bytes().lower() or file.suffix == ".png"


def test_a_search_takes_the_best_of_the_grid(tmp_path: Path) -> None:
    _, made = compared(tmp_path, "--algorithm", "gaussian-mixture", "--algorithm", "k-means", "--search")
    assert made is not None
    line = by_name(made)["gaussian-mixture"]
    values = {one.parameters["covariance"]: one.value for one in line.searched}
    assert set(values) == {"full", "tied", "diag", "spherical"}
    best = max(values, key=lambda shape: values[shape] or -1)
    assert line.score.parameters["covariance"] == best
    assert by_name(made)["k-means"].searched == ()


def test_what_does_not_fit_is_refused_in_the_table(tmp_path: Path) -> None:
    printed, made = compared(tmp_path, "--algorithm", "affinity-propagation", "--set", "comparison.megabytes=2")
    assert made is not None
    score = by_name(made)["affinity-propagation"].score
    assert (score.computed, score.silhouette_score, score.plot) == (False, None, "")
    assert "comparison.megabytes = 2" in score.reason
    assert "refused:" in printed
    assert [file.name for file in tmp_path.iterdir()] == ["comparison.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--algorithm", "kmeans"], "there is no algorithm 'kmeans'"),
        (["--set", "comparison.algorithms=[dbscam]"], "there is no algorithm 'dbscam'"),
        (["--set", "comparison.algorithms=[ward, ward]"], "names ward twice"),
        (["--set", "comparison.parameters={dbscan: {epsilon: 1}}"], "dbscan has no parameter 'epsilon'"),
        (["--set", "comparison.feature_sets={one: [recencyy]}"], "recencyy"),
        (["--set", "comparison.feature_sets={../out: []}"], "comparison.feature_sets"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_before_anything_runs(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = CliRunner().invoke(cli, ["compare", "--out", str(tmp_path / "out"), *SMALL, *arguments])
    assert message in str(done.exception)
    assert not (tmp_path / "out" / "comparison.json").exists()


def test_a_comparison_that_fails_midway_leaves_the_one_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared(tmp_path, "--algorithm", "k-means", "--algorithm", "ward")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    drawn: list[str] = []

    def picture(*_: object) -> bytes:
        if drawn:
            raise MemoryError
        drawn.append("once")
        return b"another"

    monkeypatch.setattr("training.compare.picture", picture)
    with pytest.raises(MemoryError):
        compared(tmp_path, "--algorithm", "k-means", "--algorithm", "ward")
    assert drawn
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(cli, ["compare", "--out", str(tmp_path / "file" / "x"), *SMALL])
    assert "cannot be written to" in str(done.exception)


def test_the_file_has_the_fields_that_the_service_tells(everything: tuple[str, Comparison, Path]) -> None:
    *_, out = everything
    line = json.loads((out / "comparison.json").read_bytes())["own"]["algorithms"][0]
    assert set(line["score"]) == {field.name for field in fields(AlgorithmScore)}
    assert {"seconds", "megabytes", "searched"} <= set(line)
    assert options.OUT is not None
