"""Every customer comes back out with a segment, in a file that is whole or not there."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segmentation.registry import Registry
from tests.training.olist_tables import write
from tests.training.test_cli import training
from training.job import Result

COLUMNS = ["customer_id", "segment_id", "segment_name", "confidence", "model_version", "as_of"]
SAMPLE = ("--set", "sample.customers=3000")


def assign(registry: Registry, out: Path, *arguments: str) -> pd.DataFrame:
    done = training("assign", "--registry", registry.url, "--out", out, *SAMPLE, *arguments)
    assert done.returncode == 0, done.stderr
    assert "customers  3,000" in done.stdout
    return pd.read_parquet(out) if out.suffix == ".parquet" else pd.read_csv(out)


def test_every_customer_has_the_segment_of_training(published: Registry, sample_result: Result, tmp_path: Path) -> None:
    table = assign(published, tmp_path / "segments.parquet")
    card = sample_result.made.card
    assert list(table.columns) == COLUMNS
    assert table["customer_id"].tolist() == sample_result.snapshot.customers.index.tolist()
    assert (table["segment_id"].to_numpy() == sample_result.fitted.labels).all()
    assert np.allclose(table["confidence"], sample_result.fitted.scores.margin, rtol=1e-9)
    assert dict(zip(table["segment_id"], table["segment_name"], strict=True)) == {
        segment.id: segment.name for segment in card.segments
    }
    assert set(table["model_version"]) == {card.version}
    assert set(table["as_of"]) == {pd.Timestamp(card.as_of)}


def test_csv_says_the_same_as_parquet(published: Registry, tmp_path: Path) -> None:
    parquet, csv = assign(published, tmp_path / "a.parquet"), assign(published, tmp_path / "a.csv")
    csv["as_of"] = pd.to_datetime(csv["as_of"])
    assert list(csv.columns) == COLUMNS
    assert csv.drop(columns=["confidence", "as_of"]).equals(
        parquet.drop(columns=["confidence", "as_of"]).astype({"segment_id": "int64"})
    )
    assert np.allclose(csv["confidence"], parquet["confidence"])


def test_features_stand_beside_the_segment_when_asked_for(
    published: Registry, sample_result: Result, tmp_path: Path
) -> None:
    table = assign(published, tmp_path / "a.parquet", "--with-features")
    customers = sample_result.snapshot.customers
    assert list(table.columns) == [*COLUMNS, *customers.columns]
    assert (table[customers.columns].to_numpy() == customers.to_numpy()).all()


def test_as_of_decides_who_is_there_and_how_long_ago_their_orders_were(published: Registry, tmp_path: Path) -> None:
    done = training("assign", "--registry", published.url, "--out", tmp_path / "a.parquet", *SAMPLE,
                    "--as-of", "2025-01-01", "--with-features")  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert 0 < len(table) < 3000
    assert set(table["as_of"]) == {pd.Timestamp(datetime(2025, 1, 1, tzinfo=UTC))}
    assert (table["recency_days"] >= 0).all()


def test_a_failure_leaves_what_was_there(published: Registry, tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    out.write_bytes(b"yesterday's")
    done = training("assign", "--registry", published.url, "--out", out, *SAMPLE, "--as-of", "1999-01-01")
    assert done.returncode == 2
    assert "no order on or before" in done.stderr
    assert out.read_bytes() == b"yesterday's"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.parquet"]


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("a.txt", "neither .parquet nor .csv"),
        ("nowhere/a.csv", "cannot be written"),
        ("folder.csv", "cannot be written"),
    ],
)
def test_a_file_that_cannot_be_written_is_told(published: Registry, tmp_path: Path, out: str, said: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    done = training("assign", "--registry", published.url, "--out", tmp_path / out, *SAMPLE)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(tmp_path.glob(".writing-*"))


def test_the_table_that_is_read_is_not_written_over(published: Registry, tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("customer_id,order_id,ordered_at,unit_price\na,1,2019-07-01,2\n")
    for data in (orders, tmp_path, f"{tmp_path}/*.csv"):
        done = training(
            "assign", "--registry", published.url, "--out", orders, "--source", "transactions", "--data", data
        )
        assert done.returncode == 2
        assert "would be written over" in done.stderr
        assert orders.read_text().startswith("customer_id,order_id")


def test_other_data_go_through_the_same_model(published: Registry, tmp_path: Path) -> None:
    done = training("assign", "--source", "olist", "--data", write(tmp_path / "olist"), "--registry", published.url,
                    "--out", tmp_path / "a.csv")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "a.csv")) == 40
