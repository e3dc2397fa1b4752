"""Real runs against a real S3 server: killed at one write after another, several at once, files of many parts."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from campaigns.export.contract import TABLES
from segmentation.registry import Registry
from tests.campaigns.exported_bucket import client, current, keys, now, opened, parts, seen, uploads
from tests.campaigns.exporting import assigned, campaigns, environment, expected
from tests.servers.service import ROOT

pytestmark = pytest.mark.ceph


@pytest.fixture
def export(sample_registry: Registry) -> list[str]:
    """A command that lacks its assignments."""
    return ["export", "--registry", sample_registry.url, "--assignments"]


STEPS = (
    "upload:1:before", "upload:1:during", "upload:1:after", "upload:3:during", "upload:3:after", "upload:4:during",
    "upload:4:after", "replace:1:before", "replace:1:during",
)  # fmt: skip


def test_a_run_killed_at_any_of_eleven_places_leaves_what_was_there(
    on_ceph: str,
    export: list[str],
    sample_assignments: Path,
    tmp_path: Path,
) -> None:
    one, two, three = (
        assigned(sample_assignments, tmp_path / f"{day}.parquet", day=day, turned=3, where=f"number > {100 * day}")
        for day in (1, 2, 3)
    )

    def killed(file: Path, *steps: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.campaigns.dying_export", ",".join(steps), on_ceph, *export, str(file)],
            cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=200,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        assert [line[0] for line in lines] == list(steps)
        return [line[1] for line in lines]

    assert campaigns(*export, str(one), "--to", on_ceph).returncode == 0
    before = seen(on_ceph)
    assert killed(two, *STEPS) == [before] * len(STEPS)
    assert len(keys(on_ceph)) > 1 + 2 * len(TABLES)
    # From here on it is done: all of the new one, and the next run finds it.
    assert killed(two, "replace:1:after")[0] == seen(on_ceph) != before
    assert now(on_ceph, tmp_path / "seen") == expected(two)
    assert "there already" in campaigns(*export, str(two), "--to", on_ceph).stdout
    assert len(keys(on_ceph)) == 1 + 2 * len(TABLES)
    killed(three, "delete:1:after")
    assert now(on_ceph, tmp_path / "seen") == expected(three)
    assert "there already" in campaigns(*export, str(three), "--to", on_ceph).stdout
    assert len(keys(on_ceph)) == 1 + 2 * len(TABLES)


def test_of_several_runs_at_once_one_writes_and_the_others_find_it_done(
    on_ceph: str,
    export: list[str],
    sample_assignments: Path,
    tmp_path: Path,
) -> None:
    files = [assigned(sample_assignments, tmp_path / f"{day}.parquet", day=day, turned=day) for day in (1, 2)]
    for number, file in enumerate(files):
        runs = [
            subprocess.Popen(
                [sys.executable, "-m", "campaigns", *export, str(file), "--to", on_ceph],
                cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True,
            )
            for _ in range(4)
        ]  # fmt: skip
        said = [run.communicate(timeout=200)[0] for run in runs]
        assert [run.returncode for run in runs] == [0] * 4
        assert sorted("there already" in one for one in said) == [False, True, True, True]
        assert now(on_ceph, tmp_path / "seen") == expected(file)
        with opened(on_ceph, tmp_path / "seen") as connection:
            assert connection.execute("SELECT count(*) FROM exports").fetchall() == [(number + 1,)]
        assert len(keys(on_ceph)) == 1 + (number + 1) * len(TABLES)


def test_files_of_many_parts_are_whole_and_broken_off_uploads_are_cleared_away(
    on_ceph: str,
    export: list[str],
    sample_assignments: Path,
    tmp_path: Path,
) -> None:
    many = tmp_path / "many.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT s.* REPLACE (sha256(n::VARCHAR) AS customer_id) FROM range(130000) t(n) JOIN "
            f"(SELECT *, row_number() OVER (ORDER BY customer_id) AS place FROM '{sample_assignments}') s "
            f"ON s.place = n % 3000 + 1 ORDER BY n) TO '{many}' (FORMAT parquet)"
        )
        connection.execute(f"COPY (SELECT * EXCLUDE place FROM '{many}') TO '{many}.2.parquet'")
    many = Path(f"{many}.2.parquet")
    assert campaigns(*export, str(sample_assignments), "--to", on_ceph, "--format", "csv").returncode == 0
    before = seen(on_ceph)
    done = subprocess.run(
        [sys.executable, "-m", "tests.campaigns.dying_export", "upload:3:during", on_ceph, *export, str(many)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()[1:]) == (0, [before]), done.stderr
    assert len(uploads(on_ceph)) == 1
    assert campaigns(*export, str(many), "--to", on_ceph).returncode == 0
    bucket, prefix = parts(on_ceph)
    stored = client().head_object(Bucket=bucket, Key=prefix + current(on_ceph)["files"]["customer_segment"])
    assert stored["ETag"].strip('"').rpartition("-")[2] in ("2", "3")
    assert now(on_ceph, tmp_path / "seen") == expected(many)
    assert uploads(on_ceph) == []
