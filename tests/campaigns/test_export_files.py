"""The star as files: whole generations behind one link."""

import fcntl
from pathlib import Path
from typing import Any

import duckdb
import pytest

from campaigns.export import star_files
from campaigns.export.address import refuse_registry
from campaigns.export.contract import TABLES
from segmentation.errors import ConfigurationError
from segmentation.registry import Registry
from tests.campaigns.exporting import AT, JOINED, MOVED, THREE_DAYS, assigned, campaigns, days, expected


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_hold_the_same_star_as_a_database(
    sample_registry: Registry, sample_assignments: Path, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "warehouse"
    arguments = ["export", "--registry", sample_registry.url, "--to", str(out), "--assignments"]
    files = days(sample_assignments, tmp_path)
    for day, file in files.items():
        # The kind is asked for once.
        done = campaigns(*arguments, str(file), *(["--format", kind] if day == 1 else []))
        assert done.returncode == 0, done.stderr
    assert "movement  2,376 stayed, 594 moved, 20 arrived, 30 left" in done.stdout
    current = out / "current"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in TABLES:
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM '{current}/{table}.{kind}'")
        assert connection.execute(MOVED).fetchall() == THREE_DAYS
        assert connection.execute(f"SELECT count(*), count(s.id) {JOINED}").fetchall() == [(2990, 2990)]
        for day, file in files.items():
            then = connection.execute(AT.format(day=day)).fetchall()
            assert {row[:2] for row in then} == {row[:2] for row in expected(file)}
            assert len(then) == len(expected(file))
    before = {path.name: path.stat().st_mtime_ns for path in current.iterdir()}
    again = campaigns(*arguments, str(files[3]))
    assert "there already" in again.stdout
    assert {path.name: path.stat().st_mtime_ns for path in current.iterdir()} == before
    late = campaigns(*arguments, str(assigned(sample_assignments, tmp_path / "late.parquet", day=2, turned=7)))
    assert (late.returncode, "comes too late" in late.stderr) == (2, True), late
    corrected = assigned(sample_assignments, tmp_path / "corrected.parquet", day=3, turned=9)
    done = campaigns(*arguments, str(corrected))
    assert "in place of other" in done.stdout, done
    with duckdb.connect() as connection:
        for number, file in ((1, files[1]), (2, files[2]), (3, corrected)):
            then = connection.execute(
                f"SELECT customer, segment FROM '{current}/customer_segment.{kind}' WHERE opened_by <= {number} "
                f"AND (closed_by IS NULL OR closed_by > {number})"
            ).fetchall()
            assert sorted(then) == sorted(row[:2] for row in expected(file))


def test_the_same_input_gives_the_same_bytes(
    sample_registry: Registry, sample_assignments: Path, tmp_path: Path
) -> None:
    content = []
    for name in ("one", "two"):
        out = tmp_path / name
        for day in (1, 2):
            file = assigned(sample_assignments, tmp_path / f"{day}.parquet", day=day, turned=day)
            done = campaigns(
                "export", "--registry", sample_registry.url, "--to", str(out), "--assignments", str(file),
                SOURCE_DATE_EPOCH="1767225600",
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        files = sorted((out / "current").rglob("*.parquet"))
        content.append([(file.name, file.read_bytes()) for file in files])
    assert len(content[0]) == 4
    assert content[0] == content[1]


def test_nothing_of_the_forgotten_is_left_in_the_folder(
    sample_registry: Registry, sample_assignments: Path, tmp_path: Path
) -> None:
    out = tmp_path / "warehouse"
    for day in (1, 2):
        file = assigned(sample_assignments, tmp_path / f"{day}.parquet", day=day)
        campaigns("export", "--registry", sample_registry.url, "--to", str(out), "--assignments", str(file),
                  "--format", "csv")  # fmt: skip
    gone = sorted(row[0] for row in expected(file))[0]
    holding = [path for path in out.rglob("*.csv") if gone in path.read_text()]
    assert len(holding) == 2
    ids = tmp_path / "ids.txt"
    ids.write_text(gone)
    done = campaigns("forget", "--ids", str(ids), "--to", str(out))
    assert "1 rows of the 1 customers" in " ".join(done.stdout.split()), done
    assert [path for path in out.rglob("*.csv") if gone in path.read_text()] == []
    with duckdb.connect() as connection:
        told = connection.execute(f"SELECT customers FROM '{out}/current/exports.csv'").fetchall()
    assert told == [(2999,), (2999,)]


def test_forgetting_finds_pseudonyms_by_their_ids_and_says_when_nobody_is_met(
    sample_registry: Registry, sample_assignments: Path, tmp_path: Path
) -> None:
    import hashlib
    import hmac

    key = tmp_path / "customer.key"
    key.write_text("k" * 32)
    hidden, out = tmp_path / "hidden.parquet", tmp_path / "warehouse"
    someone = sorted(row[0] for row in expected(sample_assignments))[0]
    pseudonym = hmac.new(b"k" * 32, someone.encode(), hashlib.sha256).hexdigest()
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * REPLACE (CASE WHEN customer_id = '{someone}' THEN '{pseudonym}' ELSE sha256(customer_id) "
            f"END AS customer_id) FROM '{sample_assignments}') TO '{hidden}' (FORMAT parquet)"
        )
    campaigns("export", "--registry", sample_registry.url, "--to", str(out), "--assignments", str(hidden))
    ids = tmp_path / "ids.csv"
    ids.write_text(f"customer_id\n{someone}\n")
    plain = campaigns("forget", "--ids", str(ids), "--to", str(out))
    assert "0 rows" in plain.stdout
    assert "--pseudonyms?" in plain.stderr
    keyed = campaigns(
        "forget", "--ids", str(ids), "--to", str(out), "--pseudonyms", SEGMENTATION_CUSTOMER_KEY_FILE=str(key)
    )
    assert "1 rows" in keyed.stdout


def test_ids_of_customers_do_not_get_among_the_models(
    sample_registry: Registry, sample_assignments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(sample_registry.url)
    before = sorted(folder.iterdir())
    monkeypatch.chdir(folder)
    for place in (sample_registry.url, sample_registry.url + "/", "."):
        done = campaigns(
            "export", "--registry", sample_registry.url, "--assignments", str(sample_assignments), "--to", place
        )
        assert (done.returncode, "--to is the registry" in done.stderr) == (2, True), done
    assert sorted(folder.iterdir()) == before
    with pytest.raises(ConfigurationError, match="--to is the registry"):
        refuse_registry("s3://models/shop/", "s3://models/shop")


def test_what_cannot_be_written_to_is_told(sample_registry: Registry, sample_assignments: Path, tmp_path: Path) -> None:
    arguments = ["export", "--registry", sample_registry.url, "--assignments", str(sample_assignments), "--to"]
    out = tmp_path / "warehouse"
    assert campaigns(*arguments, str(out)).returncode == 0
    (tmp_path / "file").touch()
    (tmp_path / "mine" / "current").mkdir(parents=True)
    with (out / ".lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        busy = campaigns(*arguments, str(out), "--wait", "0.1")
    assert (busy.returncode, "another run" in busy.stderr) == (4, True)
    for to, more, said in (
        (out, ["--format", "csv"], "are parquet, and csv was asked for"),
        (out, ["--schema", "x"], "--schema is for databases"),
        (tmp_path / "file", [], "File exists"),
        (tmp_path / "mine", [], "current is not that of an export"),
        (tmp_path / "b\udce9d", [], "is not UTF-8"),
    ):
        done = campaigns(*arguments, str(to), *more)
        assert (done.returncode, said in done.stderr) == (2, True), done


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("1", "ids.txt", "warehouse holds no export"),
        ("", "ids.txt", "holds no id"),
        ("id\n1\n", "ids.csv", "has no column 'customer_id'"),
        ("x", "ids.xlsx", "neither .csv nor .parquet"),
        (None, "absent.csv", "there is no file"),
    ],
)
def test_ids_that_cannot_be_read_are_told(tmp_path: Path, text: str | None, name: str, said: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    done = campaigns("forget", "--ids", str(tmp_path / name), "--to", str(tmp_path / "warehouse"))
    assert (done.returncode, said in done.stderr) == (2, True), done
    assert not (tmp_path / "warehouse").exists()


def test_a_disk_that_is_full_is_told_and_the_export_before_stays(
    sample_registry: Registry, sample_assignments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, write = tmp_path / "warehouse", star_files.write
    arguments = ["export", "--registry", sample_registry.url, "--to", str(out), "--assignments"]
    assert campaigns(*arguments, str(sample_assignments), "--format", "csv").returncode == 0
    before = (out / "current" / "customer_segment.csv").read_bytes()

    def write_to_a_full_disk(*given: Any) -> None:
        (given[2] / "segment.csv").symlink_to("/dev/full")
        write(*given)

    monkeypatch.setattr(star_files, "write", write_to_a_full_disk)
    new = str(assigned(sample_assignments, tmp_path / "2.parquet", day=20, turned=3))
    done = campaigns(*arguments, new)
    assert (done.returncode, "segment.csv cannot be written: No space left on device" in done.stderr) == (2, True), done
    assert (out / "current" / "customer_segment.csv").read_bytes() == before
    assert [path.name for path in (out / "generations").iterdir()] == ["0000000001"]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_damage_to_the_table_of_customers_is_told_without_its_rows(
    sample_registry: Registry, sample_assignments: Path, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "warehouse"
    arguments = ["export", "--registry", sample_registry.url, "--to", str(out), "--format", kind, "--assignments"]
    assert campaigns(*arguments, str(assigned(sample_assignments, tmp_path / "1.parquet"))).returncode == 0
    file = out / "current" / f"customer_segment.{kind}"
    whole = file.read_bytes()
    # Nothing of a Parquet file's end, which says where its columns are.
    start, end = (whole.index(b"\n", 2000) + 1,) * 2 if kind == "csv" else (50, len(whole) // 2)
    file.write_bytes(whole[:start] + (b"somebody's row\n" * len(whole))[: (end - start) or 600] + whole[end:])
    # Of somebody who may be in the damaged part, for all that is known without reading it.
    (tmp_path / "ids.txt").write_text(str(sorted(expected(sample_assignments))[1500][0]))
    second = assigned(sample_assignments, tmp_path / "2.parquet", day=2)
    forget = ("forget", "--ids", str(tmp_path / "ids.txt"), "--to", str(out))
    for done in (campaigns(*arguments, str(second)), campaigns(*forget)):
        assert (done.returncode, "not as an export wrote it" in done.stderr) == (2, True), done
        assert "somebody" not in done.stdout + done.stderr
    assert [path.name for path in (out / "generations").iterdir()] == ["0000000001"]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_ids_of_every_kind_are_kept_and_forgotten(
    sample_registry: Registry, sample_assignments: Path, tmp_path: Path, kind: str
) -> None:
    """Also in a folder whose name DuckDB would take for a pattern, or for columns."""
    odd = ["''", "'x'", 'a"b', "a\rb", "a\nb", "#1", "a;b", "\\.", "NULL", " spaced ", "padded    "]
    file, out = tmp_path / "odd.parquet", tmp_path / "customer=[1]*"
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE odd (customer_id VARCHAR, number INTEGER)")
        connection.executemany("INSERT INTO odd VALUES (?, ?)", [[one, at] for at, one in enumerate(odd, 1)])
        connection.execute(
            "COPY (SELECT o.customer_id, t.* EXCLUDE (customer_id, number) "
            f"FROM (SELECT *, row_number() OVER () AS number FROM '{sample_assignments}') t JOIN odd o USING (number)) "
            f"TO '{file}' (FORMAT parquet)"
        )
        connection.execute(f"COPY (SELECT customer_id FROM odd) TO '{tmp_path / 'ids.parquet'}' (FORMAT parquet)")
    arguments = ["export", "--registry", sample_registry.url, "--to", str(out), "--format", kind, "--assignments"]
    later = assigned(file, tmp_path / "later.parquet", day=2)
    for one in (assigned(file, tmp_path / "first.parquet"), later):
        done = campaigns(*arguments, str(one))
        assert done.returncode == 0, done.stderr
    assert f"movement  {len(odd)} stayed, 0 moved, 0 arrived, 0 left" in done.stdout
    done = campaigns("forget", "--ids", str(tmp_path / "ids.parquet"), "--to", str(out))
    told = " ".join(done.stdout.split())
    assert (done.returncode, f"{len(odd)} rows of the {len(odd)} customers" in told) == (0, True), done
