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
    from campaigns.lists.columns import Columns
    from segmentation.pseudonyms import Pseudonyms

OUTCOMES = ("listed", "held_out", "no_address", "suppressed", "no_consent")

_AN_ADDRESS = r"^[^@\s]+@[^@\s]+$"


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
    columns
        Of the lists.
    """

    campaign: str
    segments: tuple[str, ...]
    customers: Path
    identity: str
    consent: str
    suppress: tuple[Path, ...]
    hold_out: float
    columns: Columns


@dataclass(frozen=True, slots=True)
class Count:
    """What became of the customers of a segment.

    Parameters
    ----------
    segment_id, segment_name
        The segment.
    customers
        In the table of assignments.
    listed, held_out, no_address, suppressed, no_consent
        Each customer is in one of these; who neither agreed nor may be written to counts as no_consent.
    """

    segment_id: int
    segment_name: str
    customers: int
    listed: int
    held_out: int
    no_address: int
    suppressed: int
    no_consent: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided.

    The table `choice` of the connection has customer_id, segment_id, segment_name, outcome and, as `carried_0` and so
    on, what is carried along.

    Parameters
    ----------
    counts
        By segment, in the order of their ids.
    unknown
        Customers of these segments who are not in the customer table, and so did not agree.
    unused
        Names of suppression files of which nobody is in these segments.
    shared
        Listed customers whose e-mail address is another customer's as well; 0 where the CRM goes by ids.
    """

    counts: tuple[Count, ...]
    unknown: int
    unused: tuple[str, ...]
    shared: int


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
    carried = [column.source for column in wanted.columns.carried]
    read_consent(connection, wanted.customers, wanted.identity, wanted.consent, carried)
    address = _read_addresses(table, wanted)
    # Spaces around an address are no part of it, and an import stumbles over them.
    further = "".join(
        f", trim(CAST(c.carried_{place} AS VARCHAR)) AS carried_{place}"
        if column == wanted.columns.address
        else f", c.carried_{place}"
        for place, column in enumerate(wanted.columns.carried)
    )
    connection.execute(
        "CREATE TABLE reached AS SELECT a.customer_id, a.segment_id, a.segment_name, "
        f"c.customer_id IS NULL AS unknown, coalesce(c.agreed, false) AS agreed, {address} AS address{further} "
        "FROM assignments a LEFT JOIN consent c ON c.customer_id = a.customer_id "
        f"WHERE a.segment_id IN ({', '.join(map(str, segments))})"
    )
    unused = _read_suppressed(table, wanted)
    held, parameters = "false", list[bytes | str | float]()
    if keyed is not None and wanted.hold_out:
        held = f"{Buckets.sql('customer_id')} < ?"
        parameters = [*Buckets(keyed, wanted.campaign).parameters, wanted.hold_out]
    nowhere = "false" if wanted.columns.address is None else "address IS NULL"
    connection.execute(
        "CREATE TABLE choice AS SELECT *, CASE WHEN NOT agreed THEN 'no_consent' "
        "WHEN customer_id IN (SELECT customer_id FROM suppressed) "
        "OR coalesce(address IN (SELECT address FROM suppressed_address), false) THEN 'suppressed' "
        f"WHEN {nowhere} THEN 'no_address' WHEN {held} THEN 'held_out' ELSE 'listed' END AS outcome FROM reached",
        parameters,
    )
    counts, unknown = _counts(table)
    if unknown == sum(count.customers for count in counts):
        raise InputError(
            f"none of the {unknown:,} customers of these segments is in {wanted.customers.name}",
            hint=f"is {wanted.identity} the id that the segments were made of? Pseudonyms cannot be listed",
        )
    return Choice(counts, unknown, unused, _shared(table))


def _read_addresses(table: Assignments, wanted: Wanted) -> str:
    """Everybody's address, as the table `owner` (customer_id, address); gives it as an expression over `consent` c."""
    place = next((n for n, column in enumerate(wanted.columns.carried) if column == wanted.columns.address), None)
    given = "CAST(NULL AS VARCHAR)" if place is None else f"lower(trim(CAST(c.carried_{place} AS VARCHAR)))"
    address = f"CASE WHEN regexp_matches({given}, '{_AN_ADDRESS}') THEN {given} END"
    table.connection.execute(
        f"CREATE TABLE owner AS SELECT c.customer_id, {address} AS address FROM consent c WHERE {address} IS NOT NULL"
    )
    return address


def _read_suppressed(table: Assignments, wanted: Wanted) -> tuple[str, ...]:
    """Read the files into `suppressed` and `suppressed_address`; gives those of which nobody is met.

    Who is known by an address is suppressed by it too: by the address itself in the file, or by another account of it.
    """
    connection, unused = table.connection, list[str]()
    connection.execute("CREATE TABLE suppressed (customer_id VARCHAR)")
    connection.execute("CREATE TABLE suppressed_address (address VARCHAR)")
    for number, file in enumerate(wanted.suppress):
        read_ids(connection, file, f"suppressed_{number}", column=wanted.identity)
        connection.execute(f"INSERT INTO suppressed SELECT customer_id FROM suppressed_{number}")
        addresses = (
            f"SELECT address FROM owner SEMI JOIN suppressed_{number} USING (customer_id) "
            f"UNION SELECT lower(customer_id) FROM suppressed_{number} "
            "WHERE lower(customer_id) IN (SELECT address FROM owner)"
        )
        connection.execute(f"INSERT INTO suppressed_address {addresses}")
        met = connection.execute(
            f"SELECT count(*) FROM reached WHERE customer_id IN (SELECT customer_id FROM suppressed_{number}) "
            f"OR coalesce(address IN ({addresses}), false)"
        ).fetchone()
        unused += [file.name] if met == (0,) else []
    return tuple(unused)


def _shared(table: Assignments) -> int:
    row = table.connection.execute(
        "SELECT count(*) FROM choice WHERE outcome = 'listed' "
        "AND address IN (SELECT address FROM owner GROUP BY 1 HAVING count(*) > 1)"
    ).fetchone()
    return int(row[0]) if row else 0


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
