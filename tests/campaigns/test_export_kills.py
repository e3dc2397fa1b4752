"""A run that is killed leaves the warehouse as it was, or done, and the next one does the whole work."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from campaigns.export.contract import TABLES
from segmentation.registry import Registry
from tests.campaigns.exporting import assigned, campaigns, environment, expected, rows
from tests.servers import cutting
from tests.servers.postgres import Postgres
from tests.servers.service import ROOT

# What the client sends, and how much more of it is passed on before the client is killed; -1: not even the word itself.
PLACES = (
    (b"pg_advisory_xact_lock", 0),
    (b"information_schema.columns", 0),
    (b"COPY assigned", -1),
    (b"COPY assigned", 60_000),
    (b"DELETE FROM", 0),
    (b'COPY "segmentation".segment', 0),
    (b"CREATE TEMPORARY TABLE compared", 0),
    (b'UPDATE "segmentation".customer_segment', 0),
    (b'INSERT INTO "segmentation".customer_segment', 0),
    (b"COMMIT", -1),
)

WORKERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'customer-segmentation'"


@pytest.mark.postgres
def test_a_run_killed_at_any_of_ten_places_leaves_what_was_there(
    server: Postgres, database: str, sample_registry: Registry, sample_assignments: Path, tmp_path: Path
) -> None:
    """Readers see the old snapshot, then the whole new one, and nothing else."""
    old = assigned(sample_assignments, tmp_path / "old.parquet")
    new = assigned(sample_assignments, tmp_path / "new.parquet", turned=3, where="number > 100")
    arguments = ["export", "--registry", sample_registry.url, "--assignments"]
    killed(server, b"COMMIT", -1, [*arguments, str(old)])
    assert rows(database, "SELECT count(*) FROM pg_namespace WHERE nspname = 'segmentation'") == [(0,)]
    assert campaigns(*arguments, str(old), "--to", database).returncode == 0
    before = seen(database)
    for word, after in PLACES:
        killed(server, word, after, [*arguments, str(new)])
        assert seen(database) == before, (word, after)
    done = campaigns(*arguments, str(new), "--to", database)
    assert done.returncode == 0, done.stderr
    assert "2,900, written in place of other" in done.stdout
    facts = "SELECT customer, segment, confidence FROM segmentation.customer_segment WHERE valid_to IS NULL"
    assert set(rows(database, facts)) == expected(new)
    # Killed when the server has the word: all of the new, which the next run finds done.
    whole = set(rows(database, facts))
    killed(server, b"COMMIT", 0, [*arguments, str(old)])
    assert set(rows(database, facts)) in (whole, expected(old))
    again = campaigns(*arguments, str(old), "--to", database)
    assert again.returncode == 0
    assert set(rows(database, facts)) == expected(old)


def seen(database: str) -> tuple[object, ...]:
    """All that a reader sees, as digests."""
    return rows(
        database,
        "SELECT (SELECT md5(string_agg(c::text, '|' ORDER BY customer, opened_by)) "
        "FROM segmentation.customer_segment c), "
        "(SELECT string_agg(e::text, '|' ORDER BY number) FROM segmentation.exports e), "
        "(SELECT md5(string_agg(s::text, '|' ORDER BY id)) FROM segmentation.segment s), "
        "(SELECT md5(string_agg(m::text, '|' ORDER BY m::text)) FROM segmentation.segment_movement m)",
    )[0]


def killed(server: Postgres, word: bytes, after: int, arguments: list[str]) -> None:
    """Run an export through a proxy that kills it, and wait until the server has noticed."""
    with cutting.before(server.port, word, after) as proxy:
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres"
        process = subprocess.Popen(
            [sys.executable, "-m", "campaigns", *arguments, "--to", url],
            cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        proxy.victim = process.pid
        assert process.wait(timeout=60) == -signal.SIGKILL, word
        assert proxy.done.is_set()
    patience = time.monotonic() + 30
    while rows(server.url(), WORKERS) != [(0,)]:
        assert time.monotonic() < patience, "the server still works for a client that is gone"
        time.sleep(0.02)


@pytest.mark.parametrize("last", ["customer_segment", "exports", "segment_movement"])
def test_files_are_the_old_ones_or_the_new_ones_after_a_kill(
    sample_registry: Registry, sample_assignments: Path, tmp_path: Path, last: str
) -> None:
    old = assigned(sample_assignments, tmp_path / "old.parquet")
    new = assigned(sample_assignments, tmp_path / "new.parquet", turned=3, where="number > 100")
    out = tmp_path / "warehouse"
    arguments = ["export", "--registry", sample_registry.url, "--to", str(out), "--assignments"]
    assert campaigns(*arguments, str(old)).returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "campaigns", *arguments, str(new)],
        cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    # A file that is there means that those before it are written, and it may not be.
    unfinished = out / "generations" / "0000000002" / f"{last}.parquet"
    while process.poll() is None and not unfinished.exists():
        time.sleep(0)
    process.kill()
    process.wait()
    found = now(out)
    assert found in (expected(old), expected(new))
    # All tables are of the same export.
    with duckdb.connect() as connection:
        told = connection.execute(f"SELECT customers FROM '{out}/current/exports.parquet'").fetchall()
    assert told == [(len(found),)]
    done = campaigns(*arguments, str(new))
    assert done.returncode == 0, done.stderr
    assert now(out) == expected(new)
    assert sorted(path.name for path in (out / "current").iterdir()) == sorted(f"{table}.parquet" for table in TABLES)
    assert sorted(path.name for path in (out / "generations").iterdir()) == ["0000000001", "0000000002"]


def now(out: Path) -> set[tuple[object, ...]]:
    """Who is where, as the files say."""
    with duckdb.connect() as connection:
        return set(
            connection.execute(
                "SELECT customer, segment, confidence "
                f"FROM '{out}/current/customer_segment.parquet' WHERE valid_to IS NULL"
            ).fetchall()
        )
