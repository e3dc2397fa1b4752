"""docs/warehouse.md: the tables it shows are those that are made, and its queries are such as a database takes."""

import re
from pathlib import Path

import psycopg
import pytest

from campaigns.export import statements
from campaigns.export.contract import TABLES
from segmentation.registry import Registry
from tests.campaigns.conftest import (
    database,  # noqa: F401
    sample_assignments,  # noqa: F401
    sample_registry,  # noqa: F401
    server,  # noqa: F401
)
from tests.campaigns.exporting import assigned, campaigns
from tests.servers.service import ROOT

BLOCKS = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/warehouse.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_tables_shown_are_those_that_are_made() -> None:
    made = [one.replace('"segmentation"', "segmentation") for one in statements.read("tables", "segmentation")]
    shown = [one.strip() for one in BLOCKS[0].split(";") if one.strip()]
    assert shown == ["CREATE SCHEMA segmentation", *made]
    for table, statement in zip(TABLES, made, strict=True):
        assert re.findall(r'^    "?([a-z_]+)"? ', statement, re.MULTILINE) == list(TABLES[table])


@pytest.mark.postgres
def test_the_queries_and_the_rights_shown_work(
    database: str,  # noqa: F811
    sample_registry: Registry,  # noqa: F811
    sample_assignments: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    for day in (1, 20):
        file = assigned(sample_assignments, tmp_path / f"{day}.parquet", day=day, turned=3 if day > 1 else 0)
        done = campaigns("export", "--registry", sample_registry.url, "--to", database, "--assignments", str(file))
        assert done.returncode == 0, done.stderr
    rights, *queries = BLOCKS[1:]
    with psycopg.connect(database) as connection:
        connection.execute("CREATE ROLE etl")
        for statement in rights.split(";"):
            connection.execute(statement.encode())
        connection.execute("SET LOCAL ROLE etl")
        today, then, over_time, moved, left = (connection.execute(query.encode()).fetchall() for query in queries)
        connection.rollback()
    assert sum(row[2] for row in today) == len(then) == 3000
    assert [sum(row[3] for row in over_time if row[0].day == day) for day in (1, 20)] == [3000, 3000]
    assert sum(row[3] for row in moved) == 1000
    assert len(left) == sum(row[3] for row in moved if row[1] == 4) > 0
