"""History in a real PostgreSQL: one open row each, linear, and movements that add up to every customer with a cause."""

import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from segmentation.opening import proved
from segmentation.registry import Registry, open_registry
from segmentation.settings import Settings
from tests.campaigns.exporting import AT, JOINED, MOVED, THREE_DAYS, assigned, campaigns, days, expected, rows
from tests.conftest import put_live
from tests.quick import QUICK
from training import configuration, job, sources
from training.assign import assign
from training.database import open_database

pytestmark = pytest.mark.postgres

EARLIER = datetime(2025, 9, 1, tzinfo=UTC)
LATER = datetime(2025, 12, 1, tzinfo=UTC)

SUMS = """
SELECT as_of, CAST(sum(customers) FILTER (WHERE "from" IS NOT NULL) AS INTEGER),
    CAST(sum(customers) FILTER (WHERE "to" IS NOT NULL) AS INTEGER)
FROM segment_movement GROUP BY as_of ORDER BY as_of
"""


def sql(query: str) -> str:
    """A query of the contract's tables, for the schema that they are in."""
    return re.sub(r"\b(FROM|JOIN) (customer_segment|segment_movement|exports|segment)\b", r"\1 segmentation.\2", query)


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Registry, dict[tuple[str, datetime], Path]]:
    """Two models of a small shop, and the base as either sees it on two dates, with features."""
    folder = tmp_path_factory.mktemp("two-models")
    registry, made = open_registry(str(folder / "models")), {}
    for name, k in (("old", 4), ("new", 3)):
        chosen = configuration.load("sample", assignments=[*QUICK, "sample.customers=1500", f"clustering.k={k}"])
        result = job.make("sample", None, chosen, Settings(), created=datetime(2026, 1, 5 - k, tzinfo=UTC))
        put_live(registry, result.made, "a test wants another k")
        model = proved(registry, result.made.card.version)
        with open_database(Settings()) as database:
            loaded = sources.load(database, "sample", None, chosen, None)
            for moment in (EARLIER, LATER):
                file = made[name, moment] = folder / f"{name}-{moment.month}.parquet"
                assign(database, loaded, model, file, as_of=moment, with_features=True)
    return registry, made


def test_every_customer_has_one_open_row_and_who_stays_keeps_his(
    database: str, sample_registry: Registry, sample_assignments: Path, tmp_path: Path
) -> None:
    for day, file in days(sample_assignments, tmp_path).items():
        done = campaigns("export", "--assignments", str(file), "--registry", sample_registry.url, "--to", database)
        assert done.returncode == 0, done.stderr
        then = rows(database, sql(AT.format(day=day)))
        assert sorted(then) == sorted(row[:2] for row in expected(file))
    assert "movement  2,376 stayed, 594 moved, 20 arrived, 30 left" in done.stdout
    assert rows(database, sql(MOVED)) == THREE_DAYS
    assert rows(database, sql(f"SELECT count(*), count(DISTINCT c.customer), count(s.id) {JOINED}")) == [(2990,) * 3]
    # Rows: everybody's first; on the second day 600 more; on the third 594 back, and 20 who are new.
    assert rows(database, "SELECT count(*) FROM segmentation.customer_segment") == [(3000 + 600 + 594 + 20,)]
    assert [row[1:] for row in rows(database, sql(SUMS))] == [(3000, 3000), (3000, 2990)]


def test_another_confidence_is_written_into_the_open_row(
    database: str, sample_registry: Registry, sample_assignments: Path, tmp_path: Path
) -> None:
    first, second = (assigned(sample_assignments, tmp_path / f"{day}.parquet", day=day) for day in (1, 2))
    surer = tmp_path / "surer.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT * REPLACE (confidence / 2 AS confidence) FROM '{second}') TO '{surer}'")
    for file in (first, surer):
        campaigns("export", "--assignments", str(file), "--registry", sample_registry.url, "--to", database)
    held = rows(database, "SELECT customer, segment, confidence FROM segmentation.customer_segment")
    assert set(held) == expected(surer)
    assert len(held) == 3000
    assert rows(database, "SELECT DISTINCT opened_by, closed_by FROM segmentation.customer_segment") == [(1, None)]


def test_history_goes_one_way_and_only_the_newest_can_be_replaced(
    database: str, sample_registry: Registry, sample_assignments: Path, tmp_path: Path
) -> None:
    arguments = ["export", "--registry", sample_registry.url, "--to", database, "--assignments"]
    files = days(sample_assignments, tmp_path)
    for day in (1, 3):
        assert campaigns(*arguments, str(files[day])).returncode == 0
    state = "SELECT md5(string_agg(c::text, '|' ORDER BY customer, opened_by)) FROM segmentation.customer_segment c"
    before = rows(database, state)
    other = assigned(sample_assignments, tmp_path / "other.parquet", day=1, turned=7)
    for late, why in ((files[2], "an export of a later moment is there"), (other, "other assignments of this model")):
        done = campaigns(*arguments, str(late))
        assert (done.returncode, why in done.stderr, "2026-01-03" in done.stderr) == (2, True, True), done
    known = campaigns(*arguments, str(files[1]))
    assert "there already" in known.stdout
    assert rows(database, state) == before
    # The newest gives way to another, and comes back as it was.
    for file in (assigned(sample_assignments, tmp_path / "corrected.parquet", day=3, turned=4), files[3]):
        done = campaigns(*arguments, str(file))
        assert "in place of other assignments" in done.stdout, done
        now = rows(database, "SELECT customer, segment FROM segmentation.customer_segment WHERE valid_to IS NULL")
        assert sorted(now) == sorted(row[:2] for row in expected(file))
    assert rows(database, state) == before


@pytest.mark.parametrize("later", [LATER, EARLIER])
def test_who_moved_only_because_the_model_is_another_is_told_apart(
    database: str, two_models: tuple[Registry, dict[tuple[str, datetime], Path]], later: datetime
) -> None:
    """Also where both models look at the same moment: then nobody moved by himself."""
    registry, made = two_models
    arguments = ["export", "--registry", registry.url, "--to", database, "--assignments"]
    for file in (made["old", EARLIER], made["new", later]):
        done = campaigns(*arguments, str(file))
        assert done.returncode == 0, done.stderr
    with duckdb.connect() as connection:
        wanted = connection.execute(
            f"""
            SELECT
                past.segment_id, present.segment_id,
                CASE
                    WHEN past.segment_id = present.segment_id THEN NULL
                    WHEN past.segment_id IS NULL OR present.segment_id IS NULL THEN 'customer moved'
                    WHEN under_old.segment_id <> past.segment_id THEN 'customer moved'
                    ELSE 'model changed'
                END AS cause,
                count(*), sum(present.monetary)
            FROM '{made["new", later]}' present
            FULL JOIN '{made["old", EARLIER]}' past USING (customer_id)
            LEFT JOIN '{made["old", later]}' under_old USING (customer_id)
            GROUP BY ALL
            """
        ).fetchall()
    told = rows(database, 'SELECT "from", "to", cause, customers, revenue FROM segmentation.segment_movement')
    assert {row[:4] for row in told} == {row[:4] for row in wanted}
    revenue = {row[:3]: row[4] for row in wanted}
    for row in told:
        assert row[4] == (None if revenue[row[:3]] is None else pytest.approx(revenue[row[:3]], abs=0.01 * row[3]))
    causes = {row[2] for row in told if None not in row[:2]}
    assert causes == ({None, "model changed"} if later == EARLIER else {None, "model changed", "customer moved"})
    assert rows(database, "SELECT count(*) FROM segmentation.customer_segment WHERE valid_to IS NULL") == [
        (len(expected(made["new", later])),)
    ]
    # Taking it back gives the rows that it closed, and no others.
    turned = done.stdout
    again = campaigns(*arguments, str(made["new", later]))
    assert "there already" in again.stdout
    assert again.stdout.partition("movement")[2] == turned.partition("movement")[2]


def test_without_the_model_before_or_its_features_every_move_is_the_model_s(
    database: str, two_models: tuple[Registry, dict[tuple[str, datetime], Path]], tmp_path: Path
) -> None:
    registry, made = two_models
    bare = tmp_path / "bare.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT customer_id, segment_id, segment_name, confidence, model_version, as_of "
            f"FROM '{made['new', LATER]}') TO '{bare}'"
        )
    old = registry.live("production").version
    gone = next(path for path in Path(registry.url, "models").iterdir() if path.name != old)
    moved = 'SELECT DISTINCT cause FROM segmentation.segment_movement WHERE "from" <> "to"'
    arguments = ["export", "--registry", registry.url, "--to", database, "--assignments"]
    assert campaigns(*arguments, str(made["old", EARLIER])).returncode == 0
    done = campaigns(*arguments, str(bare))
    assert done.returncode == 0, done.stderr
    assert rows(database, moved) == [("model changed",)]
    assert rows(database, "SELECT count(revenue) FROM segmentation.segment_movement") == [(0,)]
    hidden = gone.rename(tmp_path / gone.name)
    try:
        done = campaigns(*arguments, str(made["new", LATER]))
    finally:
        hidden.rename(gone)
    assert "in place of other assignments" in done.stdout, done
    assert "cannot be asked" in done.stderr
    assert rows(database, moved) == [("model changed",)]
    # The same with the model there tells more.
    assert rows(database, "SELECT count(revenue) > 0 FROM segmentation.segment_movement") == [(True,)]


@pytest.mark.real_data
def test_the_movements_of_two_olist_months_add_up_to_every_customer(
    database: str, real_data: Path, tmp_path: Path
) -> None:
    chosen = configuration.load("olist", assignments=[*QUICK, "clustering.k=4"])
    result = job.make("olist", str(real_data / "olist"), chosen, Settings(), created=datetime(2026, 1, 1, tzinfo=UTC))
    registry = open_registry(str(tmp_path / "models"))
    put_live(registry, result.made, "a test of two months")
    sizes = []
    with open_database(Settings()) as work:
        loaded = sources.load(work, "olist", str(real_data / "olist"), chosen, None)
        model = proved(registry, result.made.card.version)
        for month in (7, 8):
            file = tmp_path / f"{month}.parquet"
            done = assign(work, loaded, model, file, as_of=datetime(2018, month, 1, tzinfo=UTC), with_features=True)
            sizes.append(done.customers)
            told = campaigns("export", "--registry", registry.url, "--to", database, "--assignments", str(file))
            assert told.returncode == 0, told.stderr
    for end, customers in zip(("from", "to"), sizes, strict=True):
        counted = rows(
            database,
            f'SELECT "{end}", CAST(sum(customers) AS INTEGER) FROM segmentation.segment_movement '
            f'WHERE "{end}" IS NOT NULL GROUP BY 1 ORDER BY 1',
        )
        assert counted == [(segment, number) for segment, number in sorted(customers.items()) if number]
    # Olist's customers only come: nobody leaves, most who are there in August were there in July.
    assert rows(database, 'SELECT count(*) FROM segmentation.segment_movement WHERE "to" IS NULL') == [(0,)]
    moved = 'SELECT count(*) > 0 FROM segmentation.segment_movement WHERE "from" <> "to" AND revenue > 0'
    assert rows(database, moved) == [(True,)]
