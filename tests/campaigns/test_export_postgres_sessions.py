"""Exports into databases and roles that have settings, tables and sessions of their own."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from segmentation.registry import Registry
from tests.campaigns.exporting import assigned, campaigns, rows
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.postgres

Export = Callable[..., tuple[int, str]]


@pytest.fixture
def export(sample_registry: Registry, sample_assignments: Path, tmp_path: Path) -> Export:
    """Export a day; gives the exit code and what was said."""

    def run(url: str, *more: str, day: int = 1) -> tuple[int, str]:
        file = assigned(sample_assignments, tmp_path / f"{day}.parquet", day=day)
        done = campaigns("export", "--assignments", str(file), "--registry", sample_registry.url, "--to", url, *more)
        return done.returncode, done.stdout + done.stderr

    return run


def test_tables_of_others_with_the_names_of_the_temporary_ones_are_left_alone(
    server: Postgres, export: Export, tmp_path: Path
) -> None:
    """Where a role is told to look for temporary tables last, as is recommended against others' tables."""
    url = server.new_database("crowded")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE crowded SET search_path = public, pg_temp")
        connection.execute("CREATE TABLE forgotten (customer_id VARCHAR)")
        connection.execute("INSERT INTO forgotten SELECT 'somebody'")
        connection.execute("CREATE TABLE compared (a INT)")
        connection.execute("CREATE TABLE assigned (LIKE compared)")
    assert export(url)[0] == 0
    (somebody,) = rows(url, "SELECT min(customer) FROM segmentation.customer_segment")[0]
    (tmp_path / "ids.txt").write_text(somebody)
    done = campaigns("forget", "--ids", str(tmp_path / "ids.txt"), "--to", url)
    assert "1 rows of the 1 customers" in done.stdout, done
    assert rows(url, "SELECT customer_id FROM public.forgotten") == [("somebody",)]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_run_that_waited_sees_what_the_other_wrote_whatever_the_isolation(
    server: Postgres, export: Export, level: str
) -> None:
    url = server.new_database(f"isolated_{level.split()[0]}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_isolation = '{level}'".encode()
        )
        connection.execute("CREATE TABLE seen (level TEXT)")
    assert export(url)[0] == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO public.seen VALUES (current_setting('transaction_isolation')); RETURN NEW; END $$"
        )
        connection.execute("CREATE TRIGGER t AFTER INSERT ON segmentation.exports FOR EACH ROW EXECUTE FUNCTION note()")
    assert export(url, day=2)[0] == 0
    assert rows(url, "SELECT level FROM public.seen") == [("read committed",)]


def test_a_table_that_somebody_holds_is_not_waited_for_without_end(database: str, export: Export) -> None:
    assert export(database)[0] == 0
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE segmentation.customer_segment IN ACCESS EXCLUSIVE MODE")
        for wait in ("0", "0.3"):
            code, said = export(database, "--wait", wait, day=2)
            assert (code, "another run is at work there" in said) == (4, True), said


def test_a_session_that_goes_on_behind_a_pooler_keeps_nothing_of_an_export(
    database: str, export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pooled(psycopg.Connection[tuple[object, ...]]):
        def close(self) -> None:
            """The server's session goes on."""

    with_server = Pooled.connect(database)
    monkeypatch.setattr(psycopg, "connect", lambda *_, **__: with_server)
    for day in (1, 2):
        code, said = export(database, day=day)
        assert (code, "3,000, written" in said) == (0, True), said
    left = with_server.execute("SELECT count(*) FROM pg_class WHERE relpersistence = 't'").fetchall()
    psycopg.Connection.close(with_server)
    assert left == [(0,)]


@pytest.mark.parametrize(
    "other",
    [
        "segment ALTER id TYPE BIGINT",
        "segment ALTER share TYPE NUMERIC",
        "customer_segment ALTER segment TYPE TEXT",
        "customer_segment ALTER customer TYPE VARCHAR(3)",
    ],
)
def test_columns_of_other_types_are_told_as_such(database: str, export: Export, other: str) -> None:
    assert export(database)[0] == 0
    with psycopg.connect(database, autocommit=True) as connection:
        for table in ("exports", "segment", "customer_segment", "segment_movement"):
            connection.execute(f"TRUNCATE segmentation.{table}".encode())
        connection.execute(f"ALTER TABLE segmentation.{other}".encode())
    code, said = export(database)
    assert (code, "other tables than the contract's" in said) == (2, True), said
    assert rows(database, "SELECT count(*) FROM segmentation.exports") == [(0,)]


def test_of_a_password_with_an_at_sign_nothing_is_told(export: Export) -> None:
    code, said = export("postgresql://me:half@s3cr3t@127.0.0.1/x")
    assert (code, "cannot be understood" in said, "%40" in said, "s3cr3t" in said) == (2, True, True, False), said


def test_who_may_not_vacuum_is_told_that_the_forgotten_can_still_be_read(
    server: Postgres, database: str, export: Export, tmp_path: Path
) -> None:
    assert export(database)[0] == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE eraser LOGIN")
        connection.execute("GRANT USAGE ON SCHEMA segmentation TO eraser")
        connection.execute("GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA segmentation TO eraser")
    (tmp_path / "ids.txt").write_text(
        str(rows(database, "SELECT min(customer) FROM segmentation.customer_segment")[0][0])
    )
    other = server.url(database.rpartition("/")[2], "eraser")
    done = campaigns("forget", "--ids", str(tmp_path / "ids.txt"), "--to", other)
    assert (done.returncode, "its owner must VACUUM" in done.stderr) == (0, True), done
    done = campaigns("forget", "--ids", str(tmp_path / "ids.txt"), "--to", database)
    assert (done.returncode, "VACUUM" in done.stderr) == (0, False), done
