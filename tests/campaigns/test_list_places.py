"""Lists in a bucket: whoever finds the summary finds every list that it names, whole; nobody writes over them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from campaigns.lists import places
from segmentation.errors import ConfigurationError, StoreUnavailableError
from segmentation.registry.s3 import S3Store
from segmentation.registry.store import Store, open_store
from tests.campaigns.exporting import Done, campaigns
from tests.servers import s3

FILES = ["segment-0.csv", "segment-1.csv", "summary.json"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 customers in two segments, all of whom agreed."""
    folder = tmp_path_factory.mktemp("base")
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT 'c' || i AS customer_id, (i % 2)::INTEGER AS segment_id, 'S' || i % 2 AS segment_name, "
            "0.5 AS confidence, 'v' AS model_version, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS as_of "
            f"FROM range(100) t(i)) TO '{folder}/segments.parquet'"
        )
        connection.execute(
            "COPY (SELECT 'c' || i AS customer_id, true AS agreed FROM range(100) t(i)) "
            f"TO '{folder}/customers.parquet'"
        )
    return folder


def lists(base: Path, out: str, *more: str) -> Done:
    return campaigns(
        "lists", "--assignments", str(base / "segments.parquet"), "--customers", str(base / "customers.parquet"),
        "--consent", "agreed", "--campaign", "x", "--out", out, *more,
    )  # fmt: skip


@pytest.fixture
def bucket(s3_url: str) -> Store:
    return open_store(f"{s3_url}/lists")


def test_the_same_lists_are_in_a_bucket_as_in_a_folder(base: Path, bucket: Store, tmp_path: Path) -> None:
    assert lists(base, str(tmp_path / "out")).returncode == 0
    done = lists(base, bucket.url)
    assert (done.returncode, f"written to {bucket.url}" in done.stdout) == (0, True), done
    assert bucket.list("") == FILES
    for name in FILES:
        assert bucket.read(name) == (tmp_path / "out" / name).read_bytes()
    summary = json.loads(bucket.read("summary.json") or b"")
    assert [one["name"] for one in summary["files"]] == FILES[:2]
    for one in summary["files"]:
        assert hashlib.sha256(bucket.read(one["name"]) or b"").hexdigest() == one["sha256"]


def test_a_full_disk_is_told_of_the_folder_and_leaves_nothing(tmp_path: Path) -> None:
    place = places.Folder(tmp_path / "out")
    with (
        pytest.raises(ConfigurationError, match="out cannot be written: No space left on device"),
        place.filling() as at,
    ):
        raise duckdb.IOException(f'Async write failed: Could not write file "{at}/a.csv": No space left on device')
    with pytest.raises(duckdb.IOException), place.filling():
        raise duckdb.IOException('Could not write file "/elsewhere/work.duckdb": No space left on device')
    assert not list(tmp_path.iterdir())


def test_lists_in_a_bucket_are_never_written_over(base: Path, bucket: Store) -> None:
    assert lists(base, bucket.url).returncode == 0
    before = {name: bucket.read(name) for name in FILES}
    done = lists(base, bucket.url, "--segment", "0")
    assert (done.returncode, "has lists already" in done.stderr) == (2, True), done
    assert {name: bucket.read(name) for name in bucket.list("")} == before


def test_a_run_that_was_killed_is_completed_by_the_same_command_and_by_no_other(base: Path, bucket: Store) -> None:
    assert lists(base, bucket.url).returncode == 0
    whole = {name: bucket.read(name) for name in FILES}
    for name in FILES[1:]:
        bucket.delete(name)
    other = lists(base, bucket.url, "--column", "agreed")
    assert (other.returncode, "has another segment-0.csv" in other.stderr) == (4, True), other
    assert bucket.list("") == FILES[:1]
    assert lists(base, bucket.url).returncode == 0
    assert {name: bucket.read(name) for name in bucket.list("")} == whole


@pytest.mark.parametrize("last", FILES)
def test_where_the_store_fails_midway_nothing_is_left(
    base: Path,
    on_moto: str,
    last: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(create: Callable[[S3Store, str, bytes], bool]) -> Callable[[S3Store, str, bytes], bool]:
        def tried(self: S3Store, key: str, content: bytes) -> bool:
            if key == last:
                raise StoreUnavailableError(f"{self.url} does not answer: test")
            return create(self, key, content)

        return tried

    monkeypatch.setattr(S3Store, "create", failing(S3Store.create))
    done = lists(base, f"{on_moto}/lists")
    assert (done.returncode, "does not answer" in done.stderr, done.stdout) == (5, True, ""), done
    assert open_store(f"{on_moto}/lists").list("") == []


def test_the_summary_is_the_last_to_come(base: Path, on_moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    create = S3Store.create

    def noted(self: S3Store, key: str, content: bytes) -> bool:
        order.append(key)
        return create(self, key, content)

    monkeypatch.setattr(S3Store, "create", noted)
    assert lists(base, f"{on_moto}/lists").returncode == 0
    assert order == FILES
    assert order[-1] == places.SUMMARY


@pytest.mark.parametrize(
    ("out", "said", "code"),
    [("s3://absent/lists", "there is no such bucket", 2), ("s3:///lists", "is no place for lists", 2)],
)
def test_a_bucket_that_is_not_there_is_told_before_any_work(
    base: Path,
    on_moto: str,
    out: str,
    said: str,
    code: int,
) -> None:
    done = lists(base, out, "--assignments", "absent.parquet")
    assert (done.returncode, said in done.stderr) == (code, True), done


def test_a_store_that_does_not_answer_is_worth_another_try(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.point_to(monkeypatch, "http://127.0.0.1:9")
    done = lists(base, "s3://models/lists")
    assert (done.returncode, "does not answer" in done.stderr) == (5, True), done
