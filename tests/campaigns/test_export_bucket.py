"""The star as files in S3: whole generations behind one small object."""

import re
import runpy
from pathlib import Path

import pytest

from campaigns.export.contract import TABLES
from segmentation.registry import Registry
from segmentation.registry.s3 import S3Store
from tests.campaigns.exported_bucket import (
    answering,
    client,
    content,
    current,
    cut,
    keys,
    load_boto_once,
    now,
    opened,
    parts,
    refusing,
    seen,
)
from tests.campaigns.exporting import AT, JOINED, MOVED, THREE_DAYS, assigned, campaigns, days, expected
from tests.servers.service import ROOT, free_port

CEPH = pytest.param("on_ceph", marks=pytest.mark.ceph)


@pytest.fixture(autouse=True)
def _one_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    load_boto_once(monkeypatch)


@pytest.fixture(params=["on_moto", CEPH])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def export(sample_registry: Registry) -> list[str]:
    """A command that lacks its assignments."""
    return ["export", "--registry", sample_registry.url, "--assignments"]


@pytest.fixture
def there(on_moto: str, export: list[str], sample_assignments: Path, tmp_path: Path) -> str:
    """A place with an export of the first day."""
    done = campaigns(*export, str(assigned(sample_assignments, tmp_path / "1.parquet")), "--to", on_moto)
    assert done.returncode == 0, done.stderr
    return on_moto


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_bucket_holds_the_same_star_as_a_database(
    url: str, export: list[str], sample_assignments: Path, tmp_path: Path, kind: str
) -> None:
    files = days(sample_assignments, tmp_path)
    for day, file in files.items():
        # The kind is asked for once, and a slash at the end does not count.
        done = campaigns(*export, str(file), "--to", url + "/" * (day == 2), *(["--format", kind] if day == 1 else []))
        assert done.returncode == 0, done.stderr
    assert "movement  2,376 stayed, 594 moved, 20 arrived, 30 left" in done.stdout
    with opened(url, tmp_path / "seen") as connection:
        assert connection.execute(MOVED).fetchall() == THREE_DAYS
        assert connection.execute(f"SELECT count(*), count(s.id) {JOINED}").fetchall() == [(2990, 2990)]
        for day, file in files.items():
            then = connection.execute(AT.format(day=day)).fetchall()
            assert sorted(then) == sorted(row[:2] for row in expected(file))
    before = current(url)
    assert [name[:10] for name in (before["generation"], before["previous"])] == ["0000000003", "0000000002"]
    named = [f"generations/{before[name]}/{table}.{kind}" for name in ("generation", "previous") for table in TABLES]
    assert keys(url) == sorted(["current.json", *named])
    again = campaigns(*export, str(files[3]), "--to", url)
    assert ("there already" in again.stdout, current(url)) == (True, before), again
    late = campaigns(
        *export, str(assigned(sample_assignments, tmp_path / "late.parquet", day=2, turned=7)), "--to", url
    )
    assert (late.returncode, "comes too late" in late.stderr, current(url)) == (2, True, before), late
    corrected = assigned(sample_assignments, tmp_path / "corrected.parquet", day=3, turned=9)
    done = campaigns(*export, str(corrected), "--to", url)
    assert "in place of other" in done.stdout, done
    assert now(url, tmp_path / "seen") == expected(corrected)


def test_the_forgotten_are_in_no_object(url: str, export: list[str], sample_assignments: Path, tmp_path: Path) -> None:
    for day in (1, 2):
        file = assigned(sample_assignments, tmp_path / f"{day}.parquet", day=day, turned=day)
        assert campaigns(*export, str(file), "--to", url, "--format", "csv").returncode == 0
    gone, other = sorted(row[0] for row in expected(sample_assignments))[:2]

    def holding(who: str) -> int:
        return sum(f"{who},".encode() in content(url, key) for key in keys(url))

    assert holding(gone) == 2
    ids = tmp_path / "ids.txt"
    ids.write_text(gone)
    done = campaigns("forget", "--ids", str(ids), "--to", url)
    assert "of the 1 customers" in " ".join(done.stdout.split()), done
    assert (holding(gone), holding(other), len(keys(url))) == (0, 1, 1 + len(TABLES))
    with opened(url, tmp_path / "seen") as connection:
        assert connection.execute("SELECT customers FROM exports").fetchall() == [(2999,), (2999,)]
    nobody = campaigns("forget", "--ids", str(ids), "--to", url)
    assert (nobody.returncode, "none of them was there" in nobody.stderr) == (0, True)
    empty = campaigns("forget", "--ids", str(ids), "--to", f"{url}/elsewhere")
    assert (empty.returncode, "holds no export" in empty.stderr) == (2, True)


def test_a_forgetting_that_was_cut_short_is_completed_by_the_next(
    there: str, tmp_path: Path, sample_assignments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text(sorted(row[0] for row in expected(sample_assignments))[0])
    with pytest.MonkeyPatch.context() as patch:
        answering(patch, refusing("DELETE", "", 403, "AccessDenied"))
        done = campaigns("forget", "--ids", str(ids), "--to", there)
    assert (done.returncode, "is current, but what came before it is not all deleted" in done.stderr) == (2, True), done
    assert len(keys(there)) == 1 + 2 * len(TABLES)
    again = campaigns("forget", "--ids", str(ids), "--to", there)
    assert (again.returncode, len(keys(there))) == (0, 1 + len(TABLES)), again


def test_a_run_that_is_overtaken_begins_anew_or_exits_4(
    there: str, export: list[str], sample_assignments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {day: assigned(sample_assignments, tmp_path / f"{day}.parquet", day=day, turned=3) for day in range(2, 6)}
    replace = S3Store.replace

    def overtaken_by(*days: int) -> None:
        def first(store: S3Store, key: str, written: bytes, tag: str) -> bool:
            monkeypatch.setattr(S3Store, "replace", replace)
            # Twice is enough for the generation that was begun from to be deleted meanwhile.
            for day in days:
                assert campaigns(*export, str(files[day]), "--to", there).returncode == 0
            return replace(store, key, written, tag)

        monkeypatch.setattr(S3Store, "replace", first)

    overtaken_by(2, 3)
    done = campaigns(*export, str(files[4]), "--to", there)
    assert done.returncode == 0, done.stderr
    with opened(there, tmp_path / "seen") as connection:
        assert connection.execute("SELECT extract(day FROM as_of) FROM exports ORDER BY 1").fetchall() == [
            (day,) for day in (1, 2, 3, 4)
        ]
        told = "SELECT sum(customers) FROM segment_movement GROUP BY as_of"
        assert connection.execute(told).fetchall() == [(3000,)] * 3
    assert now(there, tmp_path / "seen") == expected(files[4])
    overtaken_by(5)
    same = campaigns(*export, str(files[5]), "--to", there)
    assert "there already" in same.stdout, same
    other = assigned(sample_assignments, tmp_path / "other.parquet", day=5, turned=7)
    files[5] = assigned(sample_assignments, tmp_path / "another.parquet", day=5, turned=9)
    overtaken_by(5)
    busy = campaigns(*export, str(other), "--to", there, "--wait", "0")
    assert (busy.returncode, "another run was first" in busy.stderr) == (4, True), busy
    assert now(there, tmp_path / "seen") == expected(files[5])
    assert len(keys(there)) == 1 + 2 * len(TABLES)


def test_an_answer_that_got_lost_is_not_taken_for_a_lost_race(
    there: str, export: list[str], sample_assignments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = S3Store.replace

    def lost(store: S3Store, key: str, written: bytes, tag: str) -> bool:
        assert replace(store, key, written, tag)
        return replace(store, key, written, tag)

    monkeypatch.setattr(S3Store, "replace", lost)
    new = assigned(sample_assignments, tmp_path / "2.parquet", day=2, turned=3)
    done = campaigns(*export, str(new), "--to", there)
    assert "3,000, written" in done.stdout, done
    assert now(there, tmp_path / "seen") == expected(new)


REFUSALS = (
    (refusing("GET", "current.json", 403, "AccessDenied"), 2, "access is denied", 0),
    (refusing("GET", "current.json", 500, "InternalError"), 5, "answers InternalError", 0),
    (refusing("HEAD", "customer_segment", 403, "403"), 2, "access is denied", 0),
    (refusing("PUT", "/exports.", 403, "AccessDenied"), 2, "access is denied", 0),
    (refusing("PUT", "/segment_movement.", 403, "AccessDenied"), 2, "access is denied", 0),
    # What is up already stays until the next run, if the store no longer answers.
    (refusing("PUT", "/customer_segment.", 503, "SlowDown"), 5, "answers SlowDown", 2),
    (cut("PUT", "/segment_movement."), 5, "does not answer", 3),
    (refusing("PUT", "/customer_segment.", 404, "NoSuchBucket"), 2, "there is no such bucket", 0),
    (refusing("PUT", "current.json", 403, "AccessDenied"), 2, "access is denied", 4),
    (refusing("PUT", "current.json", 503, "SlowDown"), 5, "answers SlowDown", 4),
    (refusing("PUT", "current.json", 412, "PreconditionFailed"), 2, "must honour If-Match", 4),
)
"""What is answered; exit code, what is said, and how many objects more there are."""


def test_whatever_the_store_says_the_export_before_stays_and_the_next_run_is_whole(
    there: str, export: list[str], sample_assignments: Path, tmp_path: Path
) -> None:
    new = assigned(sample_assignments, tmp_path / "2.parquet", day=2, turned=3)
    before, left = seen(there), 1 + len(TABLES)
    for number, (answer, code, said, more) in enumerate(REFUSALS):
        with pytest.MonkeyPatch.context() as patch:
            answering(patch, answer)
            done = campaigns(*export, str(new), "--to", there)
        left += more
        assert (done.returncode, said in done.stderr, done.stdout) == (code, True, ""), (number, done)
        assert (seen(there), len(keys(there))) == (before, left), number
    assert campaigns(*export, str(new), "--to", there).returncode == 0
    assert now(there, tmp_path / "seen") == expected(new)
    assert len(keys(there)) == 1 + 2 * len(TABLES)


def test_what_is_no_export_is_not_touched(
    there: str, export: list[str], sample_assignments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, prefix = parts(there)
    new = str(assigned(sample_assignments, tmp_path / "2.parquet", day=2))
    ours = content(there, "current.json")
    for foreign in (b"{}", b"\xff", b"[1]", ours.replace(b'"parquet"', b'"xlsx"'), ours.replace(b"/exports.", b"/x.")):
        client().put_object(Bucket=bucket, Key=f"{prefix}current.json", Body=foreign)
        before = keys(there)
        done = campaigns(*export, new, "--to", there)
        assert (done.returncode, "current.json is not that of an export" in done.stderr) == (2, True), done
        assert (content(there, "current.json"), keys(there)) == (foreign, before)
    done = campaigns("forget", "--ids", new, "--to", there)
    assert (done.returncode, "current.json is not that of an export" in done.stderr) == (2, True), done
    client().put_object(Bucket=bucket, Key=f"{prefix}current.json", Body=ours)
    theirs = [f"{prefix}generations/{name}" for name in ("note.txt", "0000000000/x", "0000000001-zzzzzzzz/x", "")]
    for key in theirs:
        client().put_object(Bucket=bucket, Key=key, Body=b"not ours")
    for day in (2, 3, 4):
        file = assigned(sample_assignments, tmp_path / f"{day}.parquet", day=day)
        assert campaigns(*export, str(file), "--to", there).returncode == 0
    assert {prefix + key for key in keys(there)} >= set(theirs)
    for damage, said in ((b"not parquet", "segment.parquet is not as an export wrote it"), (None, "is missing, which")):
        key = prefix + current(there)["files"]["segment"]
        if damage:
            client().put_object(Bucket=bucket, Key=key, Body=damage)
        else:
            client().delete_object(Bucket=bucket, Key=key)
        done = campaigns(*export, new, "--to", there)
        assert (done.returncode, said in done.stderr) == (2, True), done


def test_an_address_that_cannot_be_used_is_told_without_its_keys(
    there: str, export: list[str], sample_assignments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for to, more, code, said in (
        ("s3://", [], 2, "names no bucket"),
        ("s3:///prefix", [], 2, "names no bucket"),
        ("s3://KEY:SECRET@bucket/x", [], 2, "names no bucket"),
        ("s3:/models/x", [], 2, "lacks a slash"),
        ("gs://bucket/x", [], 2, "gs:// is no warehouse"),
        (there, ["--schema", "x"], 2, "--schema is for databases"),
        (there, ["--format", "csv"], 2, "are parquet, and csv was asked for"),
        ("s3://not-there/x", [], 2, "there is no such bucket"),
    ):
        done = campaigns(*export, str(sample_assignments), "--to", to, *more)
        assert (done.returncode, said in done.stderr, "SECRET" in done.stderr) == (code, True, False), done
    # A bucket without a prefix holds an export as well, beside whatever else there is.
    client().create_bucket(Bucket="whole")
    client().put_object(Bucket="whole", Key="other", Body=b"")
    assert campaigns(*export, str(sample_assignments), "--to", "s3://whole").returncode == 0
    assert (len(keys("s3://whole")), now("s3://whole", tmp_path / "seen")) == (6, expected(sample_assignments))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    done = campaigns(*export, str(sample_assignments), "--to", there)
    assert (done.returncode, "does not answer" in done.stderr) == (5, True), done
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    done = campaigns(*export, str(sample_assignments), "--to", there)
    assert (done.returncode, "AWS_ACCESS_KEY_ID" in done.stderr) == (2, True), done


@pytest.mark.ceph
def test_wrong_keys_are_told_apart(
    on_ceph: str,
    export: list[str],
    sample_assignments: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, said in (("AWS_SECRET_ACCESS_KEY", "the secret key is wrong"), ("AWS_ACCESS_KEY_ID", "is unknown")):
        monkeypatch.setenv(name, "0123456789abcdef0123")
        done = campaigns(*export, str(sample_assignments), "--to", on_ceph)
        assert (done.returncode, said in done.stderr) == (2, True), done


def test_the_reader_that_is_documented_reads_what_is_current(
    there: str, export: list[str], sample_assignments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = assigned(sample_assignments, tmp_path / "2.parquet", day=2, where="number > 100")
    assert campaigns(*export, str(new), "--to", there).returncode == 0
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/warehouse.md").read_text(encoding="utf-8"), re.DOTALL)
    bucket, prefix = parts(there)
    ours = code.replace('"marts", "segments/"', f'"{bucket}", "{prefix}"')
    assert ours != code
    script = tmp_path / "reader.py"
    script.write_text(ours, encoding="utf-8")
    today = runpy.run_path(str(script))["today"].fetchall()
    assert sum(row[2] for row in today) == 2900
    assert today[0][1] in capsys.readouterr().out
