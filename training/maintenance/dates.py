"""The days of a replay: origins, at which models are made, and steps, at which they are looked at again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ibis.backends.duckdb import Backend

from segmentation.errors import ConfigurationError, UnusableDataError
from segmentation.tables import Table
from training.database import first_row
from training.sources import Loaded

DAYS = {"d": 1, "w": 7}
LONGEST_DAYS = 3_660
EARLIEST_SHARE, LATEST_SHARE = 0.5, 0.75
"""Of the history, where the first and the last origin lie that nobody named: enough before, enough after."""


@dataclass(frozen=True, slots=True)
class History:
    """The first and the last row that count, UTC, and what rows are called."""

    first: datetime
    last: datetime
    rows: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is looked at when.

    Parameters
    ----------
    origins
        Ascending.
    dates
        Of all steps of all origins, ascending, each once.
    every
        From one step to the next.
    """

    origins: tuple[datetime, ...]
    dates: tuple[datetime, ...]
    every: timedelta

    def is_step(self, origin: datetime, date: datetime) -> bool:
        """Whether a date is a step of an origin."""
        return date > origin and (date - origin) % self.every == timedelta(0)


def step_length(text: str) -> timedelta:
    """Read the length of a step.

    Parameters
    ----------
    text
        Such as 7d or 2w.

    Returns
    -------
    timedelta
        A day or more.

    Raises
    ------
    ConfigurationError
        It is none.
    """
    found = re.fullmatch(r"([0-9]{1,5})([dw])", text)
    days = int(found[1]) * DAYS[found[2]] if found else 0
    if not 1 <= days <= LONGEST_DAYS:
        raise ConfigurationError(
            f"--every {text!r} is no length of a step", hint=f"write 7d or 2w; 1d to {LONGEST_DAYS}d"
        )
    return timedelta(days=days)


def history(database: Backend, loaded: Loaded, until: datetime | None = None) -> History:
    """The time that a source tells of.

    Parameters
    ----------
    database, loaded
        The canonical table.
    until
        Later rows do not count, UTC; None: all do.

    Returns
    -------
    History
        From the first row to the last.

    Raises
    ------
    UnusableDataError
        The rows have no time, or there are none.
    """
    shape: Table = loaded.shape
    if shape.moment is None:
        raise UnusableDataError(
            f"a model of {loaded.source} cannot be aged: a table of customers has no history to replay",
            hint="maintenance needs orders or events; how far refits agree is told by `run`",
        )
    table, moment = loaded.table.get_name(), shape.moment
    where = "" if until is None else f" WHERE {moment} <= TIMESTAMP '{plain(until)}'"
    first, last = first_row(database, f"SELECT min({moment}), max({moment}) FROM {table}{where}")
    if first is None or last is None:
        raise UnusableDataError(
            f"the data hold no {shape.rows}" + ("" if until is None else f" on or before {until:%Y-%m-%d %H:%M:%S}"),
            hint="choose a later --as-of, or check the files",
        )
    return History(first.replace(tzinfo=UTC), last.replace(tzinfo=UTC), shape.rows)


def plan(told: History, every: timedelta, origins: Sequence[datetime], count: int) -> Plan:
    """Lay out origins and steps.

    Parameters
    ----------
    told
        The history.
    every
        From one step to the next.
    origins
        As asked for; none: as many as `count`, evenly between the middle and three quarters of the history, whole
        steps apart, so that they share their steps.
    count
        See `origins`; fewer where the history is short.

    Returns
    -------
    Plan
        Each origin has a step or more.

    Raises
    ------
    ConfigurationError
        An origin is not within the history, or stands twice.
    UnusableDataError
        There is no room for a step.
    """
    chosen = sorted(_checked(told, origins)) if origins else _spread(told, every, count)
    for origin in chosen:
        if origin + every > told.last:
            raise UnusableDataError(
                f"the history ends on {told.last:%Y-%m-%d %H:%M}, less than a step of {every.days} days after the "
                f"origin {origin:%Y-%m-%d}",
                hint="choose an earlier --origin, a shorter --every, or give more data",
            )
    dates = {origin + every * step for origin in chosen for step in range(1, (told.last - origin) // every + 1)}
    return Plan(tuple(chosen), tuple(sorted(dates)), every)


def plain(moment: datetime) -> str:
    """A moment as SQL takes it.

    Parameters
    ----------
    moment
        UTC.

    Returns
    -------
    str
        Without a zone.
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _checked(told: History, origins: Sequence[datetime]) -> Sequence[datetime]:
    span = f"{told.rows} go from {told.first:%Y-%m-%d %H:%M} to {told.last:%Y-%m-%d %H:%M}"
    for origin in origins:
        if origin < told.first:
            raise ConfigurationError(
                f"the origin {origin:%Y-%m-%d} is before the first of the {told.rows}", hint=f"the {span}"
            )
        if origin >= told.last:
            raise ConfigurationError(
                f"the origin {origin:%Y-%m-%d} is after the last of the {told.rows}", hint=f"the {span}"
            )
        if origins.count(origin) > 1:
            raise ConfigurationError(f"--origin {origin:%Y-%m-%d} stands twice", hint="give each origin once")
    return origins


def _spread(told: History, every: timedelta, count: int) -> list[datetime]:
    length = told.last - told.first
    first = (told.first + EARLIEST_SHARE * length).replace(hour=0, minute=0, second=0, microsecond=0)
    first += timedelta(days=1)
    if first + every > told.last:
        raise UnusableDataError(
            f"the history is {length.days} days long: too short for a model of its first half and a step of "
            f"{every.days} days",
            hint="choose a shorter --every, say where to begin with --origin, or give more data",
        )
    steps = max(0, (told.first + LATEST_SHARE * length - first) // every)
    count = min(count, steps + 1)
    places = {round(place * steps / max(1, count - 1)) for place in range(count)}
    return [first + every * place for place in sorted(places)]
