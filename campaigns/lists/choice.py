"""Everybody of the chosen segments, and what becomes of each: listed, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from campaigns.buckets import Buckets, require_salt
from campaigns.ids import read_ids
from campaigns.lists.consent import read_consent
from segmentation.errors import ConfigurationError, InputError, nearest

if TYPE_CHECKING:
    from campaigns.assignments import Assignments
    from segmentation.pseudonyms import Pseudonyms

OUTCOMES = ("listed", "held_out", "suppressed", "no_consent")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What lists are made of.

    Parameters
    ----------
    campaign
        Its name; hold-outs of campaigns of different names are independent.
    segments
        Ids or names; empty: all.
    customers
        The table that says who agreed.
    identity, consent
        Names of its columns.
    suppress
        Files of ids that must not be listed, whatever the table says.
    hold_out
        Share of those who could be listed, at least 0, below 1.
    """

    campaign: str
    segments: tuple[str, ...]
    customers: Path
    identity: str
    consent: str
    suppress: tuple[Path, ...]
    hold_out: float


@dataclass(frozen=True, slots=True)
class Count:
    """What became of the customers of a segment.

    Parameters
    ----------
    segment_id, segment_name
        The segment.
    customers
        In the table of assignments.
    listed, held_out, suppressed, no_consent
        Each customer is in one of these; who neither agreed nor may be written to counts as no_consent.
    """

    segment_id: int
    segment_name: str
    customers: int
    listed: int
    held_out: int
    suppressed: int
    no_consent: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided; the table `choice` of the connection has customer_id, segment_id, segment_name, outcome.

    Parameters
    ----------
    counts
        By segment, in the order of their ids.
    unknown
        Customers of these segments who are not in the customer table, and so did not agree.
    unused
        Names of suppression files of which nobody is in these segments.
    """

    counts: tuple[Count, ...]
    unknown: int
    unused: tuple[str, ...]


def choose(table: Assignments, wanted: Wanted, keyed: Pseudonyms | None) -> Choice:
    """Decide on every customer of the chosen segments.

    Parameters
    ----------
    table
        Who is in which segment.
    wanted
        What is asked for.
    keyed
        The key of hold-outs; None where nobody is held out.

    Returns
    -------
    Choice
        The same for the same input and key.

    Raises
    ------
    SourceError
        One of the files cannot be used.
    InputError
        There is no such segment, or none of its customers is in the customer table.
    ConfigurationError
        The hold-out is no share, or there is no key to draw it with.
    """
    if not 0 <= wanted.hold_out < 1:
        raise ConfigurationError(f"a hold-out of {wanted.hold_out:g} is no share", hint="give 0.1 for a tenth")
    if wanted.hold_out and keyed is None:
        raise ConfigurationError(
            "a hold-out needs a key", hint="set SEGMENTATION_CUSTOMER_KEY_FILE; openssl rand -hex 32 makes a key"
        )
    require_salt(wanted.campaign)
    connection, segments = table.connection, _segments(table, wanted.segments)
    read_consent(connection, wanted.customers, wanted.identity, wanted.consent)
    connection.execute("CREATE TABLE suppressed (customer_id VARCHAR)")
    chosen = f"SELECT * FROM assignments WHERE segment_id IN ({', '.join(map(str, segments))})"
    unused = []
    for number, file in enumerate(wanted.suppress):
        read_ids(connection, file, f"suppressed_{number}", column=wanted.identity)
        connection.execute(f"INSERT INTO suppressed SELECT customer_id FROM suppressed_{number}")
        met = connection.execute(
            f"SELECT count(*) FROM ({chosen}) SEMI JOIN suppressed_{number} USING (customer_id)"
        ).fetchone()
        unused += [file.name] if met == (0,) else []
    held, parameters = "false", list[bytes | str | float]()
    if keyed is not None and wanted.hold_out:
        held = f"{Buckets.sql('a.customer_id')} < ?"
        parameters = [*Buckets(keyed, wanted.campaign).parameters, wanted.hold_out]
    connection.execute(
        "CREATE TABLE choice AS SELECT a.customer_id, a.segment_id, a.segment_name, c.customer_id IS NULL AS unknown, "
        "CASE WHEN NOT coalesce(c.agreed, false) THEN 'no_consent' "
        "WHEN a.customer_id IN (SELECT customer_id FROM suppressed) THEN 'suppressed' "
        f"WHEN {held} THEN 'held_out' ELSE 'listed' END AS outcome "
        f"FROM ({chosen}) a LEFT JOIN consent c ON c.customer_id = a.customer_id",
        parameters,
    )
    counts, unknown = _counts(table)
    if unknown == sum(count.customers for count in counts):
        raise InputError(
            f"none of the {unknown:,} customers of these segments is in {wanted.customers.name}",
            hint=f"is {wanted.identity} the id that the segments were made of? Pseudonyms cannot be listed",
        )
    return Choice(counts, unknown, tuple(unused))


def _segments(table: Assignments, asked: tuple[str, ...]) -> list[int]:
    found = table.connection.execute("SELECT DISTINCT segment_id, segment_name FROM assignments ORDER BY 1").fetchall()
    names = {str(identity): identity for identity, _ in found} | {name: identity for identity, name in found}
    for one in asked:
        if one not in names:
            shown = [f"{identity} {name}" for identity, name in found]
            raise InputError(f"there is no segment {one!r} in {table.file.name}", hint=nearest(one, shown))
    return sorted({names[one] for one in asked}) if asked else [identity for identity, _ in found]


def _counts(table: Assignments) -> tuple[tuple[Count, ...], int]:
    by_outcome = ", ".join(f"count(*) FILTER (outcome = '{outcome}')" for outcome in OUTCOMES)
    rows = table.connection.execute(
        f"SELECT segment_id, segment_name, count(*), {by_outcome}, count(*) FILTER (unknown) FROM choice "
        "GROUP BY 1, 2 ORDER BY 1"
    ).fetchall()
    return tuple(Count(*row[:-1]) for row in rows), sum(row[-1] for row in rows)
