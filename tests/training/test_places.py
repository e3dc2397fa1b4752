"""--data in S3, and ids as keyed hashes."""

import hmac
from collections.abc import Iterator
from pathlib import Path

import boto3
import pandas as pd
import pytest
from boto3.exceptions import RetriesExceededError
from botocore.exceptions import ClientError, ReadTimeoutError
from ibis.backends.duckdb import Backend

from segmentation import pseudonyms
from segmentation.errors import ConfigurationError, MissingTableError, StoreAccessError, StoreUnavailableError
from segmentation.registry import Registry
from tests.servers import s3 as s3_server
from tests.training.olist_tables import write
from tests.training.reading import read_file, rows
from tests.training.test_cli import training
from training import sources
from training.configuration import Configuration
from training.sources import Loaded

HEADER = "customer_id,order_id,ordered_at,unit_price\n"
MAPPING = "table: orders\n"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with s3_server.running(monkeypatch) as url:
        yield url


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket with two monthly files, a note beside them, and a file further down."""
    client = boto3.Session().client("s3")
    client.create_bucket(Bucket="exports")
    for month in (1, 2):
        content = HEADER + f"a,{month},2024-0{month}-01,5\nb{month},9{month},2024-0{month}-02,7\n"
        client.put_object(Bucket="exports", Key=f"shop/2024-0{month}.csv", Body=content.encode())
    client.put_object(Bucket="exports", Key="shop/README.md", Body=b"note")
    client.put_object(Bucket="exports", Key="shop/old/2023-12.csv", Body=(HEADER + "z,1,2023-12-01,1\n").encode())
    return "s3://exports"


@pytest.mark.parametrize("place", ["shop/", "shop", "shop/*.csv", "shop/2024-??.csv"])
def test_files_in_s3_are_read_as_those_of_a_folder(database: Backend, bucket: str, place: str) -> None:
    loaded = read_file(database, f"{bucket}/{place}", MAPPING)
    assert {row[0] for row in rows(loaded, "customer_id")} == {"a", "b1", "b2"}
    assert [table.file for table in loaded.read] == ["2024-01.csv", "2024-02.csv"]


def test_one_key_is_one_file(database: Backend, bucket: str) -> None:
    assert rows(read_file(database, f"{bucket}/shop/old/2023-12.csv", MAPPING), "customer_id") == [("z",)]


def test_what_is_not_in_s3_is_told(database: Backend, bucket: str) -> None:
    with pytest.raises(MissingTableError, match="names no file that is read"):
        read_file(database, f"{bucket}/shpo/", MAPPING)
    with pytest.raises(StoreAccessError, match="s3://nowhere/shop/ cannot be used: there is no such bucket"):
        read_file(database, "s3://nowhere/shop/", MAPPING)


@pytest.mark.parametrize(
    "failing",
    [
        ClientError({"Error": {"Code": "SlowDown"}}, "GetObject"),
        ReadTimeoutError(endpoint_url="http://s3"),
        RetriesExceededError(OSError("connection reset")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_store_that_fails_while_data_are_fetched_is_worth_another_try(
    database: Backend, bucket: str, failing: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 5, for which a CronJob tries again."""

    def fail(*_args: object, **_more: object) -> None:
        raise failing

    monkeypatch.setattr("boto3.s3.inject.download_file", fail)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(StoreUnavailableError, match="s3://exports/shop/"):
        read_file(database, f"{bucket}/shop/", MAPPING)


def test_olist_s_folder_may_be_in_s3(database: Backend, s3: str, tmp_path: Path) -> None:
    client = boto3.Session().client("s3")
    client.create_bucket(Bucket="olist")
    for path in write(tmp_path / "olist").iterdir():
        client.upload_file(str(path), "olist", f"tables/{path.name}")
    loaded: Loaded = sources.load(database, "olist", "s3://olist/tables", Configuration())
    assert loaded.table.customer_id.nunique().to_pyarrow().as_py() == 40


def test_pseudonyms_are_keyed_hashes_that_only_the_key_s_owner_can_make(published: Registry, tmp_path: Path) -> None:
    key = tmp_path / "customer.key"
    key.write_text(f"{'k' * 40}\n")
    sample = ("--set", "sample.customers=3000")
    out = {}
    for name, extra in {"ids": (), "hidden": ("--pseudonyms",)}.items():
        done = training(
            "assign", "--registry", published.url, "--out", tmp_path / f"{name}.parquet", *sample, *extra,
            SEGMENTATION_CUSTOMER_KEY_FILE=str(key),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        out[name] = pd.read_parquet(tmp_path / f"{name}.parquet")
    expected = [hmac.new(b"k" * 40, name.encode(), "sha256").hexdigest() for name in out["ids"]["customer_id"]]
    segments = dict(zip(expected, out["ids"]["segment_id"], strict=True))
    assert out["hidden"]["customer_id"].tolist() == sorted(expected)
    assert out["hidden"]["segment_id"].tolist() == [segments[name] for name in out["hidden"]["customer_id"]]


@pytest.mark.parametrize(("content", "said"), [("short", "has 5 characters"), ("x" * 65, "has 65 characters")])
def test_a_key_that_protects_nothing_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(ConfigurationError, match=said):
        pseudonyms.load(str(tmp_path / "key"))
    with pytest.raises(ConfigurationError, match="pseudonyms need a key"):
        pseudonyms.load("")
    with pytest.raises(ConfigurationError, match="hold-outs need a key"):
        pseudonyms.load("", "hold-outs")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        pseudonyms.load(str(tmp_path / "nowhere"))
