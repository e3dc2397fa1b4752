"""Whoever runs the job on a terminal sees what takes long; a log holds none of it."""

from io import StringIO

import duckdb
import pytest
from rich.console import Console

from training import progress


@pytest.mark.parametrize("terminal", [True, False])
def test_steps_are_shown_on_a_terminal_only(terminal: bool) -> None:
    file = StringIO()
    with (
        duckdb.connect() as connection,
        progress.shown(Console(file=file, force_terminal=terminal, width=80)),
        progress.step("counting pairs", connection),
    ):
        connection.execute("SET enable_progress_bar = true")
        rows = connection.execute("SELECT count(*) FROM range(30000) AS a, range(10000) AS b WHERE a.range <> b.range")
        assert rows.fetchall() == [(300_000_000 - 10_000,)]
    assert ("counting pairs" in file.getvalue()) == terminal


def test_a_step_that_nobody_watches_costs_nothing() -> None:
    with progress.step("alone"), progress.step("within"):
        pass
