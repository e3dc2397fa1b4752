"""Bases, descriptions and outcomes for the tests of experiments, made quickly, and the commands on them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner, Result

from campaigns.cli import cli

BEFORE, AFTER = datetime(2026, 1, 4, tzinfo=UTC), datetime(2026, 2, 3, tzinfo=UTC)
SIZES = {0: 9000, 3: 4000, 7: 2000}

DESCRIPTION = """
name: free shipping
arms: {control: 0.5, free_shipping: 0.5}
metric:
  kind: proportion
  column: ordered
  baseline: {0: 0.05, 3: 0.1, 7: 0.2}
  smallest_lift: 0.3
window: {starts: 2026-01-05, ends: 2026-02-01}
"""


def write_base(file: Path, *, order: str = "customer_id") -> Path:
    """Three segments of 15,000 customers; those of segment 0 ordered once."""
    ends = np.cumsum(list(SIZES.values()))
    cases = " ".join(f"WHEN i < {end} THEN {segment}" for segment, end in zip(SIZES, ends, strict=True))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"COPY (SELECT 'customer-' || i AS customer_id, CAST(CASE {cases} END AS INTEGER) AS segment_id, "
            "'Segment ' || segment_id AS segment_name, 0.5 AS confidence, 'v1' AS model_version, "
            "TIMESTAMPTZ '2026-01-01 00:00:00+00' AS as_of, "
            "CASE segment_id WHEN 0 THEN 1.0 ELSE 1.0 + hash(i) % 5 END AS frequency "
            f"FROM range({ends[-1]}) t(i) ORDER BY {order}) TO '{file}' (FORMAT parquet)"
        )
    return file


@dataclass(frozen=True)
class Desk:
    """A folder with a base and the commands on it.

    Parameters
    ----------
    folder
        Of all files.
    at
        Sets the clock.
    """

    folder: Path
    at: Callable[[datetime], None]

    def describe(self, text: str = DESCRIPTION, name: str = "experiment.yaml") -> Path:
        """Write a description."""
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        return file

    def run(self, *arguments: object) -> Result:
        """Run a command."""
        return CliRunner().invoke(cli, ["experiment", *map(str, arguments)])

    def assign(self, text: str = DESCRIPTION, out: str = "plan", base: str = "base.parquet", *more: object) -> Result:
        """Draw arms, in time."""
        self.at(BEFORE)
        file = self.describe(text)
        return self.run(
            "assign", "--assignments", self.folder / base, "--experiment", file, "--out", self.folder / out, *more
        )

    def analyse(self, outcomes: Path, *more: object, when: datetime = AFTER) -> Result:
        """Judge it, by default when the window is over."""
        self.at(when)
        return self.run("analyse", "--plan", self.folder / "plan", "--outcomes", outcomes, *more)

    def members(self, out: str = "plan") -> dict[str, npt.NDArray[Any]]:
        """The frozen membership."""
        with duckdb.connect() as connection:
            file = self.folder / out / "membership.parquet"
            columns = connection.execute(f"FROM read_parquet('{file}')").fetchnumpy()
        return {name: np.asarray(values) for name, values in columns.items()}

    def outcomes(self, select: str, name: str = "outcomes.csv") -> Path:
        """Outcomes by a query over the membership, which is named `m`."""
        file = self.folder / name
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(
                f"COPY (WITH m AS (FROM read_parquet('{self.folder / 'plan' / 'membership.parquet'}')) {select}) "
                f"TO '{file}' {'(FORMAT parquet)' if file.suffix == '.parquet' else '(FORMAT csv, HEADER)'}"
            )
        return file


ORDERED = (
    "hash(customer_id || 'x') % 1000 < (CASE segment_id WHEN 0 THEN 50 WHEN 3 THEN 100 ELSE 200 END) "
    "* (CASE arm WHEN 'control' THEN 1.0 ELSE 1.5 END)"
)
"""Half as many again order with free shipping."""

OUTCOMES = f"SELECT customer_id, CAST({ORDERED} AS INTEGER) AS ordered FROM m"


def failed(result: Result) -> BaseException:
    """What a command was refused with."""
    if result.exception is None or isinstance(result.exception, SystemExit):
        pytest.fail(f"it was not refused: {result.output}")
    return result.exception
