"""The star of one export: who was in which segment of which model, at which moment."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from campaigns.export.contract import LONGEST, TABLES
from campaigns.export.rescoring import rescore
from segmentation.clock import iso
from segmentation.errors import BadValueError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import duckdb

    from campaigns.assignments import Assignments
    from segmentation.card import Card
    from segmentation.model import Model

REVENUE = "monetary"
"""The feature that is a customer's revenue."""

MOST_REVENUE = 1e15

_KEY_BITS = 52
"""Spreadsheets and browsers read numbers as doubles, which hold these bits exactly."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One model's view of the base at one moment, as tables `star_segment` and `star_assigned` in DuckDB.

    Parameters
    ----------
    connection
        The DuckDB that has them.
    model_version, as_of
        The model, and the moment its customers were looked at from.
    exported_at
        UTC.
    customers
        How many.
    content
        Digest of who is where: the same for the same assignments, in whatever order and format they were read.
    names
        Of the segments, by id.
    rescore
        Fills the table `by_previous` with where a model of another version puts the same customers; leaves it empty
        where it cannot.
    """

    connection: duckdb.DuckDBPyConnection
    model_version: str
    as_of: datetime
    exported_at: datetime
    customers: int
    content: str
    names: dict[int, str]
    rescore: Callable[[str], None]

    def parameters(self, number: int = 0) -> dict[str, str | int]:
        """What the statements of `sql/` ask for.

        Parameters
        ----------
        number
            Of the export; 0 where it is not asked for.

        Returns
        -------
        dict of str to str or int
            By name.
        """
        return {
            "number": number,
            "model_version": self.model_version,
            "as_of": iso(self.as_of),
            "customers": self.customers,
            "content": self.content,
            "exported_at": iso(self.exported_at),
        }

    def compare_with(self, previous_version: str | None) -> None:
        """Let the model of the export before look at the same customers, where it is another one.

        Parameters
        ----------
        previous_version
            Of that export; None where there is none.
        """
        if previous_version not in (None, self.model_version):
            self.rescore(str(previous_version))


def key(*parts: str | int) -> int:
    """A number for what is told by several parts, the same wherever it is made.

    Parameters
    ----------
    *parts
        Such as a name of ours and that of a schema.

    Returns
    -------
    int
        From 0 to 2^52 - 1.
    """
    digest = sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _KEY_BITS)


def literal(text: str) -> str:
    """Text as a constant of SQL, for the places where DuckDB and Redshift take no parameter.

    Parameters
    ----------
    text
        Any.

    Returns
    -------
    str
        In quotes.
    """
    return "'" + text.replace("'", "''") + "'"


def make(table: Assignments, card: Card, exported_at: datetime, previous: Callable[[str], Model | None]) -> Snapshot:
    """Make the star of a table of assignments.

    Parameters
    ----------
    table
        Checked.
    card
        Of the model that assigned.
    exported_at
        UTC.
    previous
        Gives the model of a version, to ask who would have moved under it as well; None where there is none to ask.

    Returns
    -------
    Snapshot
        Ready to be written.

    Raises
    ------
    InputError
        The table is of another model than the card, or has a segment that the card lacks.
    BadValueError
        An id or a name is empty or longer than the warehouse's column; a revenue is no amount.
    """
    connection = table.connection
    _refuse_another_model(table, card)
    _refuse_ids(table)
    _refuse_revenue(table)
    _make_segments(connection, card)
    cents = f"CAST(round({REVENUE} * 100) AS BIGINT)" if REVENUE in table.features else "CAST(NULL AS BIGINT)"
    connection.execute("CREATE TABLE by_previous (customer VARCHAR, segment INTEGER)")
    connection.execute(
        f"CREATE VIEW star_assigned AS SELECT a.customer_id AS customer, a.segment_id AS segment, a.confidence, "
        f"{cents} AS revenue_cents, b.segment AS segment_by_previous "
        "FROM assignments a LEFT JOIN by_previous b ON b.customer = a.customer_id"
    )
    names = {segment.id: segment.name for segment in card.all_segments}
    return Snapshot(
        connection, table.model_version, table.as_of, exported_at, table.customers, _content(table, cents), names,
        lambda version: rescore(table, previous(version)),
    )  # fmt: skip


def _refuse_another_model(table: Assignments, card: Card) -> None:
    if table.model_version != card.version:
        raise InputError(
            f"{table.file.name} was assigned by {table.model_version}, and the card is of {card.version}",
            hint="give the registry that the model is in",
        )
    known = {(segment.id, segment.name) for segment in card.all_segments}
    found = table.connection.execute("SELECT DISTINCT segment_id, segment_name FROM assignments ORDER BY 1").fetchall()
    for identity, name in found:
        if (identity, name) not in known:
            raise InputError(
                f"{table.file.name} has a segment {identity} named {name!r}, and the card of {card.version} has none",
                hint="give the file as `training assign` wrote it; names are set by the configuration's segment_names",
            )


def _refuse_ids(table: Assignments) -> None:
    longest = LONGEST["customer_id"]
    row = table.connection.execute(
        "SELECT count(*) FILTER (customer_id = ''), count(*) FILTER (strlen(customer_id) > ?), "
        "count(*) FILTER (contains(customer_id, chr(0))) FROM assignments",
        [longest],
    ).fetchone()
    wrong = zip(("are empty", f"are longer than {longest} bytes", "hold a NUL character"), row or (), strict=True)
    for what, number in wrong:
        if number:
            raise BadValueError(
                f"{table.file.name}, column customer_id: {number:,} ids {what}",
                hint="mend them where they come from, or assign with --pseudonyms",
            )


def _refuse_revenue(table: Assignments) -> None:
    if REVENUE not in table.features:
        return
    row = table.connection.execute(
        f"SELECT count(*) FROM assignments WHERE NOT isfinite({REVENUE}) OR abs({REVENUE}) > {MOST_REVENUE}"
    ).fetchone()
    if row and row[0]:
        raise BadValueError(
            f"{table.file.name}, column {REVENUE}: {row[0]:,} values are no amounts of money",
            hint="write it anew with `training assign --with-features`",
        )


def _make_segments(connection: duckdb.DuckDBPyConnection, card: Card) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in TABLES["segment"].items())
    connection.execute(f"CREATE TABLE star_segment ({columns})")
    descents = {descent.id: descent for descent in card.lineage.segments} if card.lineage else {}
    rules = {segment.id for segment in card.rule_segments}
    rows = []
    for segment in sorted(card.all_segments, key=lambda one: one.id):
        descent = descents.get(segment.id)
        profile = json.dumps({name: asdict(quantiles) for name, quantiles in segment.profile.items()}, sort_keys=True)
        came_from = " ".join(map(str, descent.of)) if descent else None
        for column, text in (("name", segment.name), ("profile", profile), ("came_from", came_from)):
            if text and len(text.encode()) > LONGEST[column]:
                raise BadValueError(
                    f"the {column} of segment {segment.id} is longer than {LONGEST[column]} bytes",
                    hint="train with fewer features, or give it a shorter name",
                )
        rows.append(
            (
                segment.id, segment.name, segment.colour, card.version, segment.id in rules, segment.share,
                segment.revenue_share, descent.status if descent else None, came_from, profile,
            )
        )  # fmt: skip
    connection.executemany(f"INSERT INTO star_segment VALUES ({', '.join('?' * len(TABLES['segment']))})", rows)


def _content(table: Assignments, cents: str) -> str:
    """A sum of the rows' digests does not depend on their order, and needs no sorting.

    Whether there are features counts as well: with them the same assignments say more about who moved, and why.
    """
    row = table.connection.execute(
        "SELECT count(*), sum(md5_number_lower(concat_ws(chr(31), segment_id, "
        f"coalesce(CAST(confidence AS VARCHAR), ''), coalesce(CAST({cents} AS VARCHAR), ''), customer_id))) "
        "FROM assignments"
    ).fetchone()
    told = [*(str(part) for part in row or ()), *sorted(table.features)]
    return sha256(json.dumps(told).encode()).hexdigest()
