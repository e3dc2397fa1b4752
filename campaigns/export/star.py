"""The star of one snapshot: who was in which segment of which model, at which moment."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from segmentation.clock import iso
from segmentation.errors import BadValueError, InputError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import duckdb

    from campaigns.assignments import Assignments
    from segmentation.card import Card

TABLES = {
    "snapshots": {
        "snapshot_key": "BIGINT",
        "model_version": "VARCHAR",
        "as_of": "TIMESTAMP WITH TIME ZONE",
        "customers": "BIGINT",
        "content": "VARCHAR",
        "exported_at": "TIMESTAMP WITH TIME ZONE",
    },
    "segments": {
        "segment_key": "BIGINT",
        "model_version": "VARCHAR",
        "segment_id": "INTEGER",
        "name": "VARCHAR",
        "colour": "VARCHAR",
        "by_rule": "BOOLEAN",
        "share": "DOUBLE",
        "revenue_share": "DOUBLE",
        "lineage": "VARCHAR",
        "came_from": "VARCHAR",
        "profile": "VARCHAR",
    },
    "assignments": {
        "snapshot_key": "BIGINT",
        "customer_id": "VARCHAR",
        "segment_key": "BIGINT",
        "segment_id": "INTEGER",
        "confidence": "DOUBLE",
    },
}
"""Columns of the contract with their types in DuckDB, in their order; `sql/tables.sql` has those of the warehouse."""

LONGEST = {"customer_id": 256, "name": 256, "came_from": 256, "profile": 65_535}
"""Bytes of UTF-8 that the columns hold; Redshift counts bytes."""

_KEY_BITS = 52
"""Spreadsheets and browsers read numbers as doubles, which hold these bits exactly."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The star of one model at one moment, as tables `star_snapshots`, `star_segments`, `star_assignments` in DuckDB.

    Parameters
    ----------
    connection
        The DuckDB that has them.
    key
        The same for the same model and moment, wherever it is exported.
    model_version, as_of
        The model, and the moment its customers were looked at from.
    customers
        Rows of the fact table.
    content
        Digest of who is where: the same for the same assignments, in whatever order and format they were read.
    names
        Of the segments, by id.
    """

    connection: duckdb.DuckDBPyConnection
    key: int
    model_version: str
    as_of: datetime
    customers: int
    content: str
    names: dict[int, str]

    @property
    def parameters(self) -> dict[str, str | int]:
        """What the statements of `sql/` ask for."""
        return {"snapshot_key": self.key, "model_version": self.model_version}

    def write_csv(self, table: str, file: Path) -> None:
        """Write a table as CSV that PostgreSQL and Redshift read alike: no header, nothing between commas is NULL.

        Parameters
        ----------
        table
            One of `TABLES`.
        file
            Where to.
        """
        texts = ", ".join(name for name, kind in TABLES[table].items() if kind == "VARCHAR")
        # Text in quotes is text even where it is empty.
        self.connection.execute(
            f"COPY star_{table} TO {literal(str(file))} (FORMAT csv, HEADER false, FORCE_QUOTE ({texts}), NULLSTR '')"
        )


def key(*parts: str | int) -> int:
    """A number for what is told by several parts, the same wherever it is made.

    Parameters
    ----------
    *parts
        Such as a model's version and the id of a segment.

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


def make(table: Assignments, card: Card, exported_at: datetime) -> Snapshot:
    """Make the star of a table of assignments.

    Parameters
    ----------
    table
        Checked.
    card
        Of the model that assigned.
    exported_at
        UTC.

    Returns
    -------
    Snapshot
        Ready to be written.

    Raises
    ------
    InputError
        The table is of another model than the card, or has a segment that the card lacks.
    BadValueError
        An id or a name is empty or longer than the warehouse's column.
    """
    connection = table.connection
    _refuse_another_model(table, card)
    _refuse_ids(table)
    _make_segments(connection, card)
    snapshot_key = key(table.model_version, iso(table.as_of))
    connection.execute(
        "CREATE VIEW star_assignments AS SELECT CAST("
        f"{snapshot_key} AS BIGINT) AS snapshot_key, customer_id, segment_key, a.segment_id, confidence "
        "FROM assignments a JOIN star_segments s ON s.segment_id = a.segment_id"
    )
    content = _content(connection)
    connection.execute(
        "CREATE TABLE star_snapshots AS SELECT CAST(? AS BIGINT) AS snapshot_key, ? AS model_version, "
        "CAST(? AS TIMESTAMP WITH TIME ZONE) AS as_of, CAST(? AS BIGINT) AS customers, ? AS content, "
        "CAST(? AS TIMESTAMP WITH TIME ZONE) AS exported_at",
        [snapshot_key, table.model_version, iso(table.as_of), table.customers, content, iso(exported_at)],
    )
    names = {segment.id: segment.name for segment in card.all_segments}
    return Snapshot(connection, snapshot_key, table.model_version, table.as_of, table.customers, content, names)


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


def _make_segments(connection: duckdb.DuckDBPyConnection, card: Card) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in TABLES["segments"].items())
    connection.execute(f"CREATE TABLE star_segments ({columns})")
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
                key(card.version, segment.id), card.version, segment.id, segment.name, segment.colour,
                segment.id in rules, segment.share, segment.revenue_share, descent.status if descent else None,
                came_from, profile,
            )
        )  # fmt: skip
    connection.executemany(f"INSERT INTO star_segments VALUES ({', '.join('?' * len(TABLES['segments']))})", rows)


def _content(connection: duckdb.DuckDBPyConnection) -> str:
    """A sum of the rows' digests does not depend on their order, and needs no sorting."""
    row = connection.execute(
        "SELECT count(*), sum(md5_number_lower("
        "concat_ws(chr(31), segment_id, coalesce(CAST(confidence AS VARCHAR), ''), customer_id))) FROM assignments"
    ).fetchone()
    return sha256(json.dumps([str(part) for part in row or ()]).encode()).hexdigest()
