"""Tables of assignments for tests of exports, and what is in a warehouse."""

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from campaigns.cli import main

MOMENT = "2026-01-{day:02} 00:00:00Z"

AT = """
SELECT customer, segment FROM customer_segment
WHERE valid_from <= TIMESTAMPTZ '2026-01-{day:02} 12:00Z'
    AND (valid_to IS NULL OR valid_to > TIMESTAMPTZ '2026-01-{day:02} 12:00Z')
"""
"""Who was where on a day."""

JOINED = """
FROM customer_segment c LEFT JOIN segment s ON s.id = c.segment AND s.model_version = c.model_version
WHERE c.valid_to IS NULL
"""

MOVED = """
SELECT
    CAST(extract(day FROM as_of AT TIME ZONE 'UTC') AS INTEGER) AS day,
    CASE WHEN "from" IS NULL THEN 'arrived' WHEN "to" IS NULL THEN 'left' WHEN "from" = "to" THEN 'stayed'
        ELSE 'moved' END AS movement,
    cause,
    CAST(sum(customers) AS INTEGER) AS customers
FROM segment_movement
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
"""

THREE_DAYS = [
    (2, "moved", "customer moved", 600), (2, "stayed", None, 2400),
    (3, "arrived", "customer moved", 20), (3, "left", "customer moved", 30),
    (3, "moved", "customer moved", 594), (3, "stayed", None, 2376),
]  # fmt: skip


def days(sample: Path, folder: Path) -> dict[int, Path]:
    """Three days: every fifth moves and back again, then some leave and some arrive."""
    return {
        1: assigned(sample, folder / "1.parquet", day=1),
        2: assigned(sample, folder / "2.parquet", day=2, turned=5),
        3: assigned(sample, folder / "3.parquet", day=3, where="number > 30", more=20),
    }


def assigned(sample: Path, out: Path, *, day: int = 1, where: str = "true", turned: int = 0, more: int = 0) -> Path:
    """The sample's table on another day: some customers in the next segment, and some who are new.

    Parameters
    ----------
    day
        Of January 2026, that it is as of.
    where
        Which customers are left.
    turned
        Every how many-th customer is in another segment; 0: nobody.
    more
        Customers who are new.
    """
    turn = f"number % {turned} = 0" if turned else "false"
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (
            WITH known AS (
                SELECT *, row_number() OVER (ORDER BY customer_id) AS number FROM read_parquet('{sample}')
            ), segments AS (
                SELECT DISTINCT segment_id, segment_name, dense_rank() OVER (ORDER BY segment_id) AS place FROM known
            ), everybody AS (
                SELECT customer_id, segment_id, confidence, model_version, number FROM known WHERE {where}
                UNION ALL
                SELECT 'new-' || number, segment_id, confidence, model_version, 1 FROM known WHERE number <= {more}
            )
            SELECT
                e.customer_id, s.segment_id, s.segment_name, confidence, model_version,
                TIMESTAMPTZ '{MOMENT.format(day=day)}' AS as_of
            FROM everybody e
            JOIN segments o ON o.segment_id = e.segment_id
            JOIN segments s
                ON s.place = CASE WHEN {turn} THEN o.place % (SELECT count(*) FROM segments) + 1 ELSE o.place END
            ORDER BY number, customer_id
            ) TO '{out}' (FORMAT parquet)"""
        )
    return out


def environment(**variables: str) -> dict[str, str]:
    """Of a command, without what the tests' own environment sets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEGMENTATION_")}
    return kept | variables


@dataclass(frozen=True)
class Done:
    """What a command said, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def campaigns(*arguments: str, **variables: str) -> Done:
    """Run the command line in this process, which saves the start of one; kills are tried on real ones."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in set(os.environ) - set(environment()):
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["campaigns", *arguments])
        try:
            main()
            code: object = 0
        except SystemExit as exit_:
            code = exit_.code
    for stream in (out, err):
        stream.flush()
    said, told = (stream.buffer.getvalue().decode() for stream in (out, err))
    assert isinstance(code, int)
    return Done(code, said, told)


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What a query of the database gives."""
    with psycopg.connect(url) as connection:
        return connection.execute(sql.encode()).fetchall()


def expected(file: Path) -> set[tuple[Any, ...]]:
    """Customer, segment and confidence, as they must be in the warehouse."""
    with duckdb.connect() as connection:
        return set(connection.execute(f"SELECT customer_id, segment_id, confidence FROM '{file}'").fetchall())
