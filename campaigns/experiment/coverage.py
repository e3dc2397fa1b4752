"""Whether a file of outcomes can be the whole of them: rows of every arm, and events up to the end of the window.

Where having no row means 0, a part that is missing looks like customers who did nothing, and passes for an effect.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from campaigns.errors import PlanMismatchError, TooEarlyError

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from campaigns.experiment.description import Experiment

LEVEL = 0.001
"""A whole file is refused once in a thousand times at most."""

FEWEST = 20
"""Events that a gap would have held at the pace before it, for the gap to be no chance."""


def require_arms(connection: duckdb.DuckDBPyConnection, file: Path, asked: Experiment) -> None:
    """Refuse a file with rows of some arms alone, where who has no row counts as 0.

    Parameters
    ----------
    connection
        With the tables `member` and `per_customer`.
    file
        For the message.
    asked
        The experiment.

    Raises
    ------
    PlanMismatchError
        That one arm has no row at all is no chance.
    """
    if asked.metric.absent != "zero":
        return
    rows = connection.execute(
        "SELECT arm, count(*), count(per_customer.customer_id) FROM member LEFT JOIN per_customer USING (customer_id) "
        "GROUP BY arm ORDER BY arm"
    ).fetchall()
    members, there = sum(row[1] for row in rows), sum(row[2] for row in rows)
    for arm, size, present in rows:
        if present == 0 and (1 - size / members) ** there < LEVEL:
            raise PlanMismatchError(
                f"{file.name} has no row of the arm {arm!r} in the window, and of {there:,} customers of other arms",
                hint="an arm is missing: give the outcomes of all arms in one file",
            )


def require_end(connection: duckdb.DuckDBPyConnection, file: Path, asked: Experiment) -> None:
    """Refuse a file of events that stops before the window does: to judge by it is to look early.

    Where events come on few days only, as payments at the end of a month do, nothing can be said, and nothing is.

    Parameters
    ----------
    connection
        With the tables `member` and `typed`.
    file
        For the message.
    asked
        The experiment; its window is over.

    Raises
    ------
    TooEarlyError
        Events came day by day, and none after some day, of anybody.
    """
    if asked.metric.when is None:
        return
    start, end = asked.window.bounds
    row = connection.execute(
        "SELECT count(*), count(DISTINCT epoch_us(moment) // 86400000000), (SELECT epoch_us(max(moment)) FROM typed) "
        "FROM typed SEMI JOIN member USING (customer_id) WHERE moment >= ? AND moment < ?",
        [start, end],
    ).fetchone()
    events, days, newest = row or (0, 0, None)
    if not events or newest is None:
        return
    latest = datetime.fromtimestamp(newest // 1_000_000, start.tzinfo)
    gap, seen = end - latest, latest - start
    if gap < timedelta(days=1) or days < max(2, seen / timedelta(days=2)):
        return
    if events * (gap / seen) >= FEWEST:
        raise TooEarlyError(
            f"the newest event in {file.name} is of {latest:%Y-%m-%d}, and the window ends on {asked.window.ends}",
            hint="give the events of the whole window; --peek shows what these say, and decides nothing",
        )
