"""The star in a real PostgreSQL: what is there afterwards, who moved, what is refused and how it is told."""

import subprocess
import sys
import time
from pathlib import Path

import duckdb
import psycopg
import pytest

from campaigns.export import star
from segmentation.registry import Registry
from tests.campaigns.exporting import assigned, campaigns, environment, expected, rows
from tests.servers.postgres import Postgres
from tests.servers.service import ROOT, free_port

pytestmark = pytest.mark.postgres

FACTS = "SELECT customer, segment, confidence FROM segmentation.customer_segment WHERE valid_to IS NULL"


@pytest.fixture
def registry_of(sample_registry: Registry) -> list[str]:
    return ["--registry", sample_registry.url]


def test_the_star_holds_every_customer_once_with_name_and_profile(
    database: str, registry_of: list[str], sample_assignments: Path
) -> None:
    done = campaigns("export", "--assignments", str(sample_assignments), *registry_of, "--to", database)
    assert done.returncode == 0, done.stderr
    assert "customers 3,000, written" in done.stdout
    assert set(rows(database, FACTS)) == expected(sample_assignments)
    joined = rows(
        database,
        "SELECT count(*), count(DISTINCT customer), count(DISTINCT s.id), min(profile::jsonb -> 'monetary' ->> 'q50'), "
        "sum(DISTINCT share), bool_and(valid_from = as_of AND valid_to IS NULL) "
        "FROM segmentation.customer_segment c JOIN segmentation.segment s ON s.id = c.segment "
        "AND s.model_version = c.model_version JOIN segmentation.exports e ON e.number = c.opened_by",
    )[0]
    assert joined[:3] == (3000, 3000, 5)
    assert float(joined[3]) > 0
    assert joined[4] == pytest.approx(1)
    assert joined[5] is True


def test_the_same_file_twice_is_written_once(
    database: str, registry_of: list[str], sample_assignments: Path, tmp_path: Path
) -> None:
    """Whatever its format and the order of its rows."""
    first = assigned(sample_assignments, tmp_path / "first.parquet")
    again = tmp_path / "again.csv"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY (FROM '{first}' ORDER BY confidence) TO '{again}' (FORMAT csv, HEADER)")
    versions = "SELECT xmin::text, exported_at FROM segmentation.exports"
    seen = []
    for file, told in ((first, "3,000, written"), (again, "there already"), (first, "there already")):
        done = campaigns("export", "--assignments", str(file), *registry_of, "--to", database)
        assert done.returncode == 0, done.stderr
        assert told in done.stdout
        seen += rows(database, versions)
    assert seen == [seen[0]] * 3
    corrected = assigned(sample_assignments, tmp_path / "corrected.parquet", turned=100, where="number > 500")
    done = campaigns("export", "--assignments", str(corrected), *registry_of, "--to", database)
    assert "2,500, written in place of other assignments" in done.stdout
    assert set(rows(database, FACTS)) == expected(corrected)
    assert rows(database, "SELECT customers FROM segmentation.exports") == [(2500,)]


def test_the_forgotten_are_gone_from_all_history_and_do_not_come_back_with_the_same_file(
    database: str, registry_of: list[str], sample_assignments: Path, tmp_path: Path
) -> None:
    (tmp_path / "anybody.txt").write_text("1")
    nowhere = campaigns("forget", "--ids", str(tmp_path / "anybody.txt"), "--to", database)
    assert (nowhere.returncode, "holds no export" in nowhere.stderr) == (2, True), nowhere
    files = [
        assigned(sample_assignments, tmp_path / f"{day}.parquet", day=day, turned=0 if day == 1 else 3)
        for day in (1, 2)
    ]
    for file in files:
        campaigns("export", "--assignments", str(file), *registry_of, "--to", database)
    gone = sorted(row[0] for row in expected(files[0]))[:3]
    held = f"SELECT count(*) FROM segmentation.customer_segment WHERE customer IN {tuple(gone)}"
    # Every third has moved, and has a closed row besides.
    assert rows(database, held) == [(4,)]
    ids = tmp_path / "ids.txt"
    ids.write_text("\n".join([*gone, gone[0], " nobody ", ""]))
    done = campaigns("forget", "--ids", str(ids), "--to", database)
    assert (done.returncode, "4 rows of the 4 customers in ids.txt are gone" in done.stdout) == (0, True), done
    assert not any(customer in done.stdout + done.stderr for customer in gone)
    again = campaigns("export", "--assignments", str(files[1]), *registry_of, "--to", database)
    assert "there already" in again.stdout
    assert rows(database, held) == [(0,)]
    assert rows(database, "SELECT customers FROM segmentation.exports") == [(2997,), (2997,)]


def test_a_second_run_waits_for_the_first_or_ends_with_4(
    database: str, registry_of: list[str], sample_assignments: Path
) -> None:
    arguments = ["export", "--assignments", str(sample_assignments), *registry_of, "--to", database]
    lock = star.key("customer-segmentation", "segmentation")
    with psycopg.connect(database) as first:
        first.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        for wait in ("0", "0.3"):
            refused = campaigns(*arguments, "--wait", wait)
            assert (refused.returncode, refused.stdout) == (4, "")
            assert "another run is at work there" in refused.stderr
            assert "--wait" in refused.stderr
        other = campaigns(*arguments, "--wait", "0", "--schema", "elsewhere")
        assert other.returncode == 0, other.stderr
    with psycopg.connect(database) as first:
        first.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        second = subprocess.Popen(
            [sys.executable, "-m", "campaigns", *arguments], cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL
        )
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
        patience = time.monotonic() + 60
        while rows(database, waiting) != [(1,)]:
            assert time.monotonic() < patience
            time.sleep(0.05)
    assert second.wait(timeout=60) == 0
    assert len(rows(database, FACTS)) == 3000


def test_what_cannot_be_reached_or_may_not_be_written_is_told_with_its_exit_code(
    server: Postgres, database: str, registry_of: list[str], sample_assignments: Path
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
        connection.execute("CREATE ROLE frozen LOGIN")
        connection.execute("ALTER ROLE frozen SET default_transaction_read_only = on")
        connection.execute("CREATE SCHEMA other CREATE TABLE segment (id BIGINT)")
        connection.execute("CREATE SCHEMA apart CREATE TABLE exports (number BIGINT, model TEXT)")
        for table in ("segment", "customer_segment", "segment_movement"):
            connection.execute(f"CREATE TABLE apart.{table} (a INT)".encode())
    name = database.rpartition("/")[2]
    secret = "s3cr3t-of-mine"
    for to, more, code, said in (
        (f"postgresql://me:{secret}@127.0.0.1:{free_port()}/{name}", [], 5, "does not answer: nothing listens there"),
        (f"postgresql://me:{secret}@absent.invalid/{name}", [], 5, "does not answer: its name is not known"),
        (server.url("absent"), [], 2, 'database "absent" does not exist'),
        (server.url(name, "nobody"), [], 2, 'role "nobody" does not exist'),
        (server.url(name, "reader"), [], 2, "permission denied for database"),
        (server.url(name, "frozen"), [], 2, "read-only transaction"),
        (database, ["--schema", "other"], 2, "other has a table segment, but none named exports"),
        (database, ["--schema", "apart"], 2, "apart.exports has no column 'model_version': did you mean 'model'?"),
        (database, ["--schema", "No Such"], 2, "'No Such' cannot be the name of a schema"),
        (database, ["--format", "csv"], 2, "--format is for files"),
        (f"postgresql://me:{secret}@[half/x", [], 2, "cannot be understood"),
        ("postgressql://h/d", [], 2, "did you mean 'postgresql'"),
        ("", [], 2, "there is no warehouse"),
    ):
        done = campaigns(
            "export", "--assignments", str(sample_assignments), *registry_of, *more, SEGMENTATION_WAREHOUSE=to
        )
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (code, True, False), (to, done)
        assert secret not in done.stdout + done.stderr
        assert len(done.stderr.strip().splitlines()) == 2, done.stderr
    assert rows(database, "SELECT count(*) FROM pg_namespace WHERE nspname = 'segmentation'") == [(0,)]


def test_a_role_that_may_not_create_exports_into_tables_that_are_there(
    server: Postgres, database: str, registry_of: list[str], sample_assignments: Path, tmp_path: Path
) -> None:
    first = assigned(sample_assignments, tmp_path / "first.parquet")
    campaigns("export", "--assignments", str(first), *registry_of, "--to", database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE etl LOGIN")
        connection.execute("GRANT USAGE ON SCHEMA segmentation TO etl")
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA segmentation TO etl")
    url = server.url(database.rpartition("/")[2], "etl")
    second = assigned(sample_assignments, tmp_path / "second.parquet", day=2)
    done = campaigns("export", "--assignments", str(second), *registry_of, "--to", url)
    assert done.returncode == 0, done.stderr
    assert set(rows(database, FACTS)) == expected(second)


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("repeat('é', 129)", "1 ids are longer than 256 bytes"),
        ("''", "1 ids are empty"),
        ("'a' || chr(0)", "1 ids hold a NUL"),
    ],
)
def test_ids_that_no_warehouse_takes_are_refused_before_anything_is_written(
    database: str, registry_of: list[str], sample_assignments: Path, tmp_path: Path, identity: str, said: str
) -> None:
    file = tmp_path / "odd.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * REPLACE (CASE WHEN row_number() OVER () = 1 THEN {identity} ELSE customer_id END "
            f"AS customer_id) FROM '{sample_assignments}') TO '{file}' (FORMAT parquet)"
        )
    done = campaigns("export", "--assignments", str(file), *registry_of, "--to", database)
    assert (done.returncode, said in done.stderr) == (2, True), done
    assert rows(database, "SELECT count(*) FROM pg_namespace WHERE nspname = 'segmentation'") == [(0,)]


def test_ids_of_every_kind_arrive_as_they_are(
    server: Postgres, registry_of: list[str], sample_assignments: Path, tmp_path: Path
) -> None:
    odd = [
        'a"b',
        "a,b",
        "a\nb",
        "\\N",
        "NULL",
        "0007",
        " spaced ",
        "Zoë",
        "客户",
        "\\.",
        "'; DROP TABLE x; --",
        "é" * 128,
    ]
    file = tmp_path / "odd.parquet"
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE odd (customer_id VARCHAR, number INTEGER)")
        connection.executemany("INSERT INTO odd VALUES (?, ?)", [[one, at] for at, one in enumerate(odd, 1)])
        connection.execute(
            f"COPY (SELECT coalesce(o.customer_id, t.customer_id) AS customer_id, t.* EXCLUDE (customer_id, number) "
            f"FROM (SELECT *, row_number() OVER () AS number FROM '{sample_assignments}') t "
            f"LEFT JOIN odd o USING (number)) TO '{file}' (FORMAT parquet)"
        )
    for encoding, code in (("UTF8", 0), ("LATIN1", 2)):
        url = server.new_database(f"ids_{encoding.lower()}", f"ENCODING {encoding} LOCALE 'C' TEMPLATE template0")
        done = campaigns("export", "--assignments", str(file), *registry_of, "--to", url)
        assert done.returncode == code, done.stderr
        if code == 0:
            assert set(rows(url, FACTS)) == expected(file)
        else:
            assert "UTF-8" in done.stderr
            assert "0xe5" not in done.stderr
